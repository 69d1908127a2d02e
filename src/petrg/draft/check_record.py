"""Whether the record's numbers are those of the image: read again at the voxel, and measured again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from petrg.draft.deidentify import WITHHELD
from petrg.draft.mismatch import Mismatch, differs, shown
from petrg.imaging import Study, Volume
from petrg.measure.label_anatomy import LabelMapLike
from petrg.measure.masks import GivenMask
from petrg.measure.measure import measure
from petrg.measure.remeasure import remeasure
from petrg.measure.where import where
from petrg.report import Lesion, LesionStatus, Modality, Record, Reference, RegionGuess, Threshold, Where

__all__ = ["check_record"]

_NUMBERS = ("suv_max", "suv_mean", "suv_peak", "peak_4voxel", "mtv_ml", "tlg_g", "volume_ml")
_CT = ("hu_mean", "hu_sd", "hu_min", "hu_max", "voxels")
_REFERENCE = ("suv_mean", "suv_sd", "suv_max", "volume_ml", "voxels", "radius_mm", "length_mm", "slice_number")
_MM = 0.01


def check_record(
    record: Record,
    study: Study,
    masks: Sequence[GivenMask] | None,
    label_map: LabelMapLike | None,
    *,
    identified: bool,
) -> Iterator[Mismatch]:
    """Disagreements between ``record`` and the image.

    Three ways: the hottest voxel of each lesion is read where the record says; its numbers and side are read
    again from that voxel (`petrg.measure.remeasure`); and the study is measured anew for what was found where,
    references and limits.

    Parameters
    ----------
    masks, label_map : optional
        The same as the report was drafted with; lesions from masks cannot be read again without them.
    identified : bool
        False for a de-identified report, whose UIDs are not the study's.

    Raises
    ------
    MaskError
        If lesions came from masks that are not given.
    """
    reread = _read_again(record, study, masks)
    again = measure(study, masks=masks, label_map=label_map, threshold=record.threshold)
    yield from _inputs(record, again)
    same_anatomy = record.anatomy == again.anatomy
    if not same_anatomy and WITHHELD not in record.anatomy:
        yield Mismatch("source", "record.anatomy", record.anatomy, again.anatomy)
    for lesion in record.lesions:
        at = f"record.{lesion.id}"
        yield from _hottest(at, lesion, study, identified=identified)
        if (second := reread.get(lesion.id)) is not None:
            yield from _lesion(at, lesion, second, same_anatomy=False)
        found = _same_focus(lesion, again)
        if found is None:
            yield Mismatch("place", f"{at}.hottest", "a focus at this voxel", "none measured there")
            continue
        yield from _lesion(at, lesion, found, same_anatomy=same_anatomy)
        if lesion.ct is not None and found.ct is not None:
            yield from _place(f"{at}.ct.where", lesion.ct.where, found.ct.where, identified=identified)
    yield from _totals(record)
    if same_anatomy:
        yield from _references(record, again)
        yield from _limits(record, again)


def _inputs(record: Record, again: Record) -> Iterator[Mismatch]:
    found = {fact.modality: fact for fact in again.inputs}
    for stated in record.inputs:
        at, now = f"record.inputs.{stated.modality.name}", found[stated.modality]
        if any(map(differs, stated.spacing_mm, now.spacing_mm)):
            yield Mismatch("number", f"{at}.spacing_mm", str(stated.spacing_mm), str(now.spacing_mm))
        if differs(stated.suv_factor_g_per_bq, now.suv_factor_g_per_bq, absolute=0.0):
            factors = map(shown, (stated.suv_factor_g_per_bq, now.suv_factor_g_per_bq))
            yield Mismatch("number", f"{at}.suv_factor_g_per_bq", *factors)
        if stated.suv_branch != now.suv_branch:
            yield Mismatch("text", f"{at}.suv_branch", str(stated.suv_branch), str(now.suv_branch))
    if _digits(record.detection) != _digits(again.detection):
        yield Mismatch("number", "record.detection", record.detection, again.detection)


def _digits(text: str | None) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text or "")


def _read_again(record: Record, study: Study, masks: Sequence[GivenMask] | None) -> dict[str, Lesion]:
    """Lesions by id with their numbers read again; none where a de-identified record no longer names its masks."""
    if any(lesion.threshold is Threshold.MASK and lesion.mask is None for lesion in record.lesions):
        return {}
    inside = tuple(lesion for lesion in record.lesions if _inside(study.suv(), lesion.hottest.index))
    held = record.model_copy(update={"lesions": inside})
    return {lesion.id: lesion for lesion in remeasure(study, held, masks=masks)}


def _same_focus(lesion: Lesion, again: Record) -> Lesion | None:
    """The focus measured again at the same hottest voxel; of two masks that share it, the one of the same name."""
    there = [x for x in again.lesions if (x.hottest.index, x.threshold) == (lesion.hottest.index, lesion.threshold)]
    there.sort(key=lambda x: (x.mask != lesion.mask, differs(x.volume_ml, lesion.volume_ml)))
    return there[0] if there else None


def _hottest(at: str, lesion: Lesion, study: Study, *, identified: bool) -> Iterator[Mismatch]:
    suv, index = study.suv(), lesion.hottest.index
    if not _inside(suv, index):
        yield Mismatch("place", f"{at}.hottest", "a voxel", "none there, it lies outside the PET")
        return
    value = float(suv.array[index])
    if differs(lesion.suv_max, value, relative=1e-6):
        yield Mismatch("number", f"{at}.suv_max", shown(lesion.suv_max), f"{shown(value)} at its voxel")
    there = where(index, suv.grid, Modality.PET, study.pet_series)
    yield from _place(f"{at}.hottest", lesion.hottest, there, identified=identified)


def _inside(volume: Volume, index: tuple[int, int, int]) -> bool:
    return all(0 <= i < n for i, n in zip(index, volume.grid.shape, strict=True))


def _place(at: str, stated: Where, found: Where, *, identified: bool) -> Iterator[Mismatch]:
    if stated.modality is not found.modality or stated.index != found.index:
        yield Mismatch("place", at, f"voxel {stated.index}", f"voxel {found.index}")
        return
    if np.abs(np.subtract(stated.mm, found.mm)).max() > _MM:
        yield Mismatch("place", f"{at}.mm", str(stated.mm), str(found.mm))
    if stated.slice_number != found.slice_number:
        yield Mismatch("place", f"{at}.slice_number", str(stated.slice_number), str(found.slice_number))
    if identified and (stated.sop_uid, stated.instance_number) != (found.sop_uid, found.instance_number):
        yield Mismatch("place", f"{at}.sop_uid", "one image", "another")


def _lesion(at: str, stated: Lesion, found: Lesion, *, same_anatomy: bool) -> Iterator[Mismatch]:
    yield from _numbers(at, stated, found, _NUMBERS)
    for i, name in enumerate(("longest", "perpendicular")):
        here, there = (None if x.axes_mm is None else x.axes_mm[i] for x in (stated, found))
        if differs(here, there):
            yield Mismatch("number", f"{at}.axes_mm.{name}", shown(here), shown(there))
    if np.abs(np.subtract(stated.centre_mm, found.centre_mm)).max() > _MM:
        yield Mismatch("place", f"{at}.centre_mm", str(stated.centre_mm), str(found.centre_mm))
    if stated.slices != found.slices:
        yield Mismatch("place", f"{at}.slices", str(stated.slices), str(found.slices))
    if stated.side is not found.side:
        yield Mismatch("side", f"{at}.side", str(stated.side), str(found.side))
    if same_anatomy and stated.region.id is not found.region.id:
        yield Mismatch("region", f"{at}.region", stated.region.id.value, found.region.id.value)
    if same_anatomy:
        yield from _guess(f"{at}.region", stated.region, found.region)
    if same_anatomy and stated.status is not found.status:
        yield Mismatch("claim", f"{at}.status", stated.status.value, found.status.value)
    if same_anatomy and stated.nodal_group is not found.nodal_group:
        yield Mismatch("region", f"{at}.nodal_group", str(stated.nodal_group), str(found.nodal_group))
    if (stated.ct is None) is not (found.ct is None):
        yield Mismatch("number", f"{at}.ct", *("no HU" if x.ct is None else "HU" for x in (stated, found)))
    elif stated.ct is not None:
        yield from _numbers(f"{at}.ct", stated.ct, found.ct, _CT)


def _guess(at: str, stated: RegionGuess, found: RegionGuess) -> Iterator[Mismatch]:
    if differs(stated.probability, found.probability):
        yield Mismatch("number", f"{at}.probability", shown(stated.probability), shown(found.probability))
    here, there = ({c.id: c.probability for c in guess.candidates} for guess in (stated, found))
    for region in sorted(here.keys() | there.keys()):
        if differs(here.get(region), there.get(region)):
            values = map(shown, (here.get(region), there.get(region)))
            yield Mismatch("number", f"{at}.candidates.{region.value}", *values)


def _numbers(at: str, stated: Any, found: Any, names: Sequence[str]) -> Iterator[Mismatch]:
    for name in names:
        values = getattr(stated, name), getattr(found, name)
        if differs(*values):
            yield Mismatch("number", f"{at}.{name}", *map(shown, values))


def _totals(record: Record) -> Iterator[Mismatch]:
    """Over foci of status lesion, from the record itself; overlapping masks may hold less than their sum."""
    counted = [lesion for lesion in record.lesions if lesion.status is LesionStatus.LESION]
    totals = record.totals
    if totals.lesions != len(counted):
        yield Mismatch("number", "record.totals.lesions", str(totals.lesions), str(len(counted)))
    hottest = max((lesion.suv_max for lesion in counted), default=None)
    if differs(totals.suv_max, hottest):
        yield Mismatch("number", "record.totals.suv_max", shown(totals.suv_max), shown(hottest))
    for name in ("mtv_ml", "tlg_g"):
        parts = [value for lesion in counted if (value := getattr(lesion, name)) is not None]
        total, stated = (sum(parts) if parts else None), getattr(totals, name)
        overlap = "masks-overlap" in {note.code for note in record.problems}
        if differs(stated, total) and not (overlap and stated is not None and total is not None and stated < total):
            yield Mismatch("number", f"record.totals.{name}", shown(stated), shown(total))


def _references(record: Record, again: Record) -> Iterator[Mismatch]:
    for name in ("liver", "blood_pool"):
        stated: Reference | None = getattr(record.references, name)
        found: Reference | None = getattr(again.references, name)
        at = f"record.references.{name}"
        if stated is None or found is None:
            if stated is not found:
                yield Mismatch("source", at, *("none" if x is None else "one" for x in (stated, found)))
            continue
        yield from _numbers(at, stated, found, _REFERENCE)
        if np.abs(np.subtract(stated.centre_mm, found.centre_mm)).max() > _MM:
            yield Mismatch("place", f"{at}.centre_mm", str(stated.centre_mm), str(found.centre_mm))


def _limits(record: Record, again: Record) -> Iterator[Mismatch]:
    """What was searched, and down to what: a report may claim no more than the measurement."""
    found = {(a.region, a.kind): a for a in again.assessed}
    for stated in record.assessed:
        at, now = f"record.assessed.{stated.region.value}.{stated.kind.value}", found.get((stated.region, stated.kind))
        if now is None or stated.state is not now.state:
            yield Mismatch("claim", at, stated.state.value, "nothing" if now is None else now.state.value)
        elif differs(stated.limit_suv, now.limit_suv):
            yield Mismatch("number", f"{at}.limit_suv", shown(stated.limit_suv), shown(now.limit_suv))
        elif differs(stated.limit_mm, now.limit_mm):
            yield Mismatch("number", f"{at}.limit_mm", shown(stated.limit_mm), shown(now.limit_mm))
        elif differs(stated.located, now.located):
            yield Mismatch("claim", f"{at}.located", shown(stated.located), shown(now.located))
        elif _digits(stated.detection_limit) != _digits(now.detection_limit):
            yield Mismatch("number", f"{at}.detection_limit", str(stated.detection_limit), str(now.detection_limit))
