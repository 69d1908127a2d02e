"""Study -> Record: find, delineate, measure, place and judge every focus of the PET."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import petrg
from petrg.anatomy import NodalGroup, Side
from petrg.errors import Problem
from petrg.imaging import Study, Volume
from petrg.imaging.sanity import balance_problems
from petrg.measure.anatomy import Anatomy, Doubtful, Guess, to_region_guess
from petrg.measure.assess import assess
from petrg.measure.body import body_mask
from petrg.measure.ct_read import read_ct
from petrg.measure.detect import detect
from petrg.measure.find_anatomy import find_anatomy
from petrg.measure.found import Found, find_all
from petrg.measure.inputs import input_facts
from petrg.measure.label_anatomy import LabelMapLike
from petrg.measure.lesions import Numbers, numbers_of, side_of
from petrg.measure.masks import GivenMask
from petrg.measure.midline import Midline, find_midline
from petrg.measure.status import Seen, judge
from petrg.measure.where import unravel, where
from petrg.progress import Progress, silent
from petrg.report.classes import Modality
from petrg.report.record import Lesion, LesionStatus, Note, Record, References, Threshold, Totals

__all__ = ["LIVER_RANGE", "measure", "totals_of"]

LIVER_RANGE = (1.3, 3.0)
"""Liver SUVmean outside it: check dose, weight, times or units (EANM 10.1007/s00259-022-05977-5)."""
_STEPS = 6
_DOUBTS = frozenset({"orientation", "orientation-or-situs", "ct-pet-apart"})
_EDGE_SLICES = 2
_ORDER = (LesionStatus.LESION, LesionStatus.INDETERMINATE, LesionStatus.PHYSIOLOGIC)


def measure(
    study: Study,
    *,
    masks: Sequence[GivenMask] | None = None,
    label_map: LabelMapLike | None = None,
    threshold: Threshold = Threshold.FIXED_4,
    progress: Progress = silent,
) -> Record:
    """Measure every focus of the PET and say what was searched.

    Parameters
    ----------
    study : Study
        With a PET in SUVbw; SUV is read on its native grid, HU on the native CT.
    masks : sequence of masks on the PET grid, optional
        Each is one lesion, measured over the whole mask. Foci outside them are still found and listed,
        but never counted as lesions.
    label_map : LabelMap, optional
        Organs from outside; without it regions come from coarse landmarks.
    threshold : Threshold
        The rule that delineates foci without a mask.
    progress : Progress

    Raises
    ------
    StudyError
        If there is no PET.
    UnitError
        If the PET was read as activity.
    MaskError
        If a mask or the label map does not fit the PET.
    """
    suv = study.suv()
    progress("measuring: body", 0, _STEPS)
    body = body_mask(suv, study.ct)
    midline = find_midline(body, suv)
    progress("measuring: anatomy", 1, _STEPS)
    known = find_anatomy(study, suv, body, midline, label_map)
    anatomy, references = _trusted(known.anatomy, study), known.references
    progress("measuring: foci", 2, _STEPS)
    detection = detect(suv, body, references.liver, liver_mask=known.liver, brain=known.brain)
    found, problems = find_all(suv, detection, masks or (), threshold)
    progress("measuring: numbers", 3, _STEPS)
    lesions, found = _lesions(study, suv, found, anatomy, midline, references)
    problems += [*_no_plane(lesions, midline), *_mask_notes(masks or ())]
    progress("measuring: record", 5, _STEPS)
    record = Record(
        study_id=study.id,
        petrg_version=petrg.__version__,
        tracer=study.context.tracer,
        inputs=input_facts(study),
        threshold=threshold,
        detection=detection.rule,
        anatomy=anatomy.name,
        lesions=lesions,
        references=references,
        totals=totals_of(lesions, found, suv),
        assessed=assess(anatomy, detection, lesions, ct=study.ct is not None),
        problems=tuple(
            Note(code=p.code, text=p.text) for p in (*problems, *anatomy.problems(), *_sanity(study, suv, references))
        ),
    )
    progress("measuring: record", _STEPS, _STEPS)
    return record


def _trusted(anatomy: Anatomy, study: Study) -> Anatomy:
    """The anatomy, or a doubtful one where the body seems turned, mirrored, or the CT beside the PET."""
    doubts = {p.code for p in (*study.problems, *anatomy.problems())} & _DOUBTS
    return Doubtful(anatomy) if doubts else anatomy


def _lesions(
    study: Study, suv: Volume, found: Sequence[Found], anatomy: Anatomy, midline: Midline, references: References
) -> tuple[tuple[Lesion, ...], list[Found]]:
    """Lesions first, then what is indeterminate, then what is physiologic, each by descending SUVmax."""
    measured = [numbers_of(suv, f.seed, f.voxels, f.threshold) for f in found]
    seen = [_seen(suv, f, n, anatomy, midline) for f, n in zip(found, measured, strict=True)]
    fdg, masked = study.context.is_fdg, any(f.mask is not None for f in found)
    judged = []
    for k, (f, s) in enumerate(zip(found, seen, strict=True)):
        status, reason = judge(s, [*seen[:k], *seen[k + 1 :]], fdg=fdg, liver=references.liver)
        if f.mask is not None:
            status, reason = LesionStatus.LESION, "given mask"
        elif masked and status is LesionStatus.LESION:
            status, reason = LesionStatus.INDETERMINATE, "outside the given lesion masks"
        judged.append((status, reason))
    order = sorted(range(len(found)), key=lambda k: _ORDER.index(judged[k][0]))  # stable: by SUVmax within
    lesions = (
        _lesion(f"L{at + 1}", study, suv, found[k], measured[k], seen[k], *judged[k]) for at, k in enumerate(order)
    )
    return tuple(lesions), [found[k] for k in order]


def _seen(suv: Volume, f: Found, n: Numbers, anatomy: Anatomy, midline: Midline) -> Seen:
    hottest = suv.grid.to_mm(unravel(f.seed, suv.grid))
    index = np.stack(np.unravel_index(f.voxels, suv.grid.shape), 1)
    guess: Guess = anatomy.locate(np.concatenate([hottest[None], suv.grid.to_mm(index)]))
    z = int(np.clip(round(float(suv.grid.to_index(n.centre_mm)[0])), 0, suv.grid.shape[0] - 1))
    return Seen(
        guess=guess,
        side=side_of(n.centre_mm, suv.grid, midline),
        suv_max=n.suv_max,
        volume_ml=f.extent.size * suv.grid.voxel_ml,
        left_mm=float(n.centre_mm[0] - midline.x_mm[z]),
        height_z_mm=n.centre_mm[2],
        suv_peak=n.suv_peak,
        at_edge=not _EDGE_SLICES <= unravel(f.seed, suv.grid)[0] < suv.grid.shape[0] - _EDGE_SLICES,
    )


def _nodal_group(s: Seen) -> NodalGroup | None:
    """The group, unless it has a side and the focus has none known."""
    group = s.guess.nodal_group
    sided = group is not None and group.side in (Side.LEFT, Side.RIGHT)
    return None if sided and s.side is None else group


def _no_plane(lesions: Sequence[Lesion], midline: Midline) -> list[Problem]:
    if not midline.known.any():
        return [Problem("no-midline", "no midsagittal plane in the field: sides not stated")]
    without = sum(x.side is None for x in lesions)
    if not without:
        return []
    return [Problem("no-midline", f"no midsagittal plane at the level of {without} foci: their sides not stated")]


def _mask_notes(masks: Sequence[GivenMask]) -> list[Problem]:
    notes = dict.fromkeys(note for m in masks if (note := getattr(m, "note", None)))
    return [Problem("mask-placed", note) for note in notes]


def _lesion(
    name: str, study: Study, suv: Volume, f: Found, n: Numbers, s: Seen, status: LesionStatus, reason: str
) -> Lesion:
    return Lesion(
        id=name,
        status=status,
        reason=reason,
        region=to_region_guess(s.guess),
        nodal_group=_nodal_group(s),
        side=s.side,
        centre_mm=n.centre_mm,
        hottest=where(unravel(f.seed, suv.grid), suv.grid, Modality.PET, study.pet_series),
        slices=n.slices,
        suv_max=n.suv_max,
        suv_mean=n.suv_mean,
        suv_peak=n.suv_peak,
        peak_4voxel=n.peak_4voxel,
        threshold=f.threshold,
        mtv_ml=n.mtv_ml,
        tlg_g=n.tlg_g,
        volume_ml=n.volume_ml,
        axes_mm=n.axes_mm,
        ct=None if study.ct is None else read_ct(study.ct, study.ct_series, f.voxels, suv.grid),
        mask=f.mask,
    )


def totals_of(lesions: Sequence[Lesion], found: Sequence[Found], suv: Volume) -> Totals:
    """Over foci of status lesion; a voxel of two overlapping masks counts once.

    Lesions below the rule of delineation add nothing to MTV; where no lesion reaches it MTV is None.
    """
    counted = [(x, f) for x, f in zip(lesions, found, strict=True) if x.status is LesionStatus.LESION]
    held = [f.voxels for _, f in counted if f.voxels.size]
    voxels = np.unique(np.concatenate(held)) if held else None
    mtv = None if voxels is None else float(voxels.size * suv.grid.voxel_ml)
    tlg = None
    if voxels is not None:
        tlg = float(suv.array.ravel()[voxels].sum(dtype=np.float64) * suv.grid.voxel_ml)
    return Totals(
        lesions=len(counted), mtv_ml=mtv, tlg_g=tlg, suv_max=max((x.suv_max for x, _ in counted), default=None)
    )


def _sanity(study: Study, suv: Volume, references: References) -> list[Problem]:
    out = []
    liver = references.liver
    if liver is not None and not LIVER_RANGE[0] <= liver.suv_mean <= LIVER_RANGE[1] and study.context.is_fdg:
        out.append(
            Problem(
                "liver-range",
                f"liver SUVmean {liver.suv_mean:.2f}, usual is {LIVER_RANGE[0]} to {LIVER_RANGE[1]}: "
                "check dose, weight, times or units",
            )
        )
    weight = None if study.pet_series is None else study.pet_series.weight_kg
    if weight and not any(p.code == "activity-balance" for p in study.problems):
        out += balance_problems(suv, weight)
    return out
