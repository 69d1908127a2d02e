"""The chosen images of one modality into a volume and the facts of its series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from petrg.errors import GeometryError, Problem, SuvError
from petrg.imaging.dicom.geometry import Lattice, lattice
from petrg.imaging.dicom.header import Slice
from petrg.imaging.dicom.pixels import fill, fingerprint
from petrg.imaging.dicom.series import Part
from petrg.imaging.dicom.suv_header import suv_header
from petrg.imaging.dicom.values import number, string, strings
from petrg.imaging.quantity import Quantity
from petrg.imaging.sanity import expect_activity
from petrg.imaging.study import Series
from petrg.imaging.suv import Given, SuvScale, activity_scale, suv_scale
from petrg.imaging.volume import Volume
from petrg.progress import Progress

__all__ = ["Loaded", "load_ct", "load_pet"]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A volume, the facts of its series, what a reader should know; for PET how SUV was had."""

    volume: Volume
    series: Series
    problems: tuple[Problem, ...]
    scale: SuvScale | None = None


def load_ct(parts: Sequence[Part], progress: Progress) -> Loaded:
    """Read a CT in HU.

    Raises
    ------
    GeometryError, PixelError
    """
    slices, grid, problems = _arranged(parts, "CT")
    array = fill(slices, [1.0] * len(slices), hounsfield=True, what="CT", advance=_advance(progress, "CT", len(slices)))
    kind = string(slices[0].dataset, 0x00281054)
    if kind is not None and kind.upper() != "HU":
        problems.append(Problem("ct-rescale-type", "the CT's rescale type is not HU; its numbers may not be HU"))
    return Loaded(Volume(array, grid.grid, Quantity.HU), _facts(slices, grid), tuple(problems))


def load_pet(parts: Sequence[Part], quantity: Quantity, given: Given, progress: Progress) -> Loaded:
    """Read a PET in SUVbw or, on request, in Bq/ml.

    Raises
    ------
    GeometryError, PixelError, SuvError
    """
    slices, grid, problems = _arranged(parts, "PET")
    factors, scale, more = _scales(parts, slices, quantity, given)
    array = fill(slices, factors, hounsfield=False, what="PET", advance=_advance(progress, "PET", len(slices)))
    volume = Volume(array, grid.grid, quantity)
    expect_activity(volume)
    series = _facts(slices, grid)
    if scale is not None:
        series = replace(
            series,
            suv=scale.provenance,
            nuclide=scale.nuclide,
            dose_bq=scale.dose_bq,
            half_life_s=scale.half_life_s,
            uptake_s=scale.uptake_s,
            weight_kg=scale.weight_kg,
            height_m=scale.height_m,
            user_entered=scale.user_entered,
        )
    return Loaded(volume, series, (*problems, *more), scale)


def _scales(
    parts: Sequence[Part], slices: Sequence[Slice], quantity: Quantity, given: Given
) -> tuple[list[float], SuvScale | None, list[Problem]]:
    """One factor a slice; each bed part by its own header."""
    of_part = {id(s): i for i, part in enumerate(parts) for s in part.slices}
    factors = np.zeros(len(slices))
    first: SuvScale | None = None
    problems: list[Problem] = []
    for i in range(len(parts)):
        where = [k for k, s in enumerate(slices) if of_part[id(s)] == i]
        headers = [suv_header(slices[k].dataset) for k in where]
        try:
            scale = suv_scale(headers, given)
        except SuvError as error:
            if quantity is not Quantity.ACTIVITY:
                raise
            problems.append(Problem("suv-unavailable", f"read as activity: {error}"))
            scale = None
        factors[where] = (
            activity_scale(headers) if quantity is Quantity.ACTIVITY or scale is None else scale.suv_per_image
        )
        if scale is not None:
            problems += [p for p in scale.problems if p not in problems]
            first = first or scale
            if first.provenance.factor_g_per_bq != scale.provenance.factor_g_per_bq:  # no one factor holds for all
                first = replace(first, provenance=replace(first.provenance, factor_g_per_bq=None))
    if len(parts) > 1:
        problems.append(Problem("bed-parts-joined", f"{len(parts)} bed parts joined, each with its own SUV factor"))
    return list(map(float, factors)), first, problems


def _arranged(parts: Sequence[Part], what: str) -> tuple[list[Slice], Lattice, list[Problem]]:
    """Images without doubles, in order of z, with their grid."""
    slices, dropped = _without_doubles([s for part in parts for s in part.slices], what)
    problems = []
    if dropped:
        text = f"{dropped} {what} image{'s' * (dropped > 1)} given twice (same SOP UID, same pixels), dropped"
        problems.append(Problem("doubles-dropped", text))
    empty = sum(not s.sop_uid for s in slices)
    if empty or not slices[0].series_uid or not slices[0].study_uid:
        text = f"{what} with empty UIDs: its images were grouped by their geometry and cannot be cited"
        problems.append(Problem("empty-uids", text))
    p = slices[0].pixels
    found = lattice(
        [s.position for s in slices], [s.orientation for s in slices], slices[0].spacing, p.rows, p.columns, what
    )
    if found.uneven_mm > 0.5:
        text = f"{what} slices lie up to {found.uneven_mm:.2f} mm from an even grid"
        problems.append(Problem("uneven-gaps", text))
    return [slices[i] for i in found.order], found, problems


def _without_doubles(slices: Sequence[Slice], what: str) -> tuple[list[Slice], int]:
    by_uid: defaultdict[tuple[str, int], list[Slice]] = defaultdict(list)
    for s in slices:
        if s.sop_uid:
            by_uid[s.sop_uid, s.frame].append(s)
    again = {key: group for key, group in by_uid.items() if len(group) > 1}
    dropped: set[int] = set()
    for group in again.values():
        try:
            prints = {(s.position, fingerprint(s)) for s in group}
        except (OSError, ValueError, RuntimeError):
            prints = set()
        if len(prints) != 1:
            raise GeometryError(
                f"{what} with two different images under one SOP UID",
                "one image for each UID",
                "export the series again",
            )
        dropped |= {id(s) for s in group[1:]}
    return [s for s in slices if id(s) not in dropped], len(dropped)


def _facts(slices: Sequence[Slice], grid: Lattice) -> Series:
    first = slices[0]
    ds = first.dataset
    duration = number(ds, 0x00181242)
    return Series(
        uid=first.series_uid,
        modality=first.modality,
        study_uid=first.study_uid,
        frame_of_reference_uid=first.frame_of_reference,
        number=first.series_number,
        description=first.description,
        sop_uids=tuple(s.sop_uid or "" for s in slices),
        instance_numbers=tuple(s.instance_number for s in slices),
        positions_mm=tuple((float(x), float(y), float(z)) for x, y, z in grid.positions_mm),
        manufacturer=string(ds, 0x00080070),
        model=string(ds, 0x00081090),
        reconstruction=string(ds, 0x00541103),
        kernel=string(ds, 0x00181210),
        kvp=number(ds, 0x00180060),
        patient_position=string(ds, 0x00185100),
        units=string(ds, 0x00541001),
        corrections=strings(ds, 0x00280051),
        decay_correction=string(ds, 0x00541102),
        frame_duration_s=None if duration is None else duration / 1000,
    )


def _advance(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(f"reading {what}", done, total)
