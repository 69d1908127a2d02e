"""What may be said of a region beside its foci: healthy claims that were searched, or what was not assessed.

A healthy sentence is the main hazard of a draft. A claim is written only where every kind of finding that it
denies was searched in that region, the region was located with p >= .8, and no lesion or indeterminate focus
lies there or may lie there (a candidate region, or a border that an unexplained focus may lie across). Everything
else is said to be not assessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from petrg.anatomy import Region
from petrg.anatomy.neighbours import neighbours
from petrg.language.style import Claim, Style, StyleSex
from petrg.language.wording import LOCATED, Worded, is_located, rivals
from petrg.language.words import words_of
from petrg.report import (
    Assessment,
    AssessmentState,
    FindingKind,
    Lesion,
    LesionStatus,
    Modality,
    NumberQuantity,
    Record,
    StatementKind,
    slot,
)

__all__ = ["ct_statements", "may_claim", "may_lie_in", "pet_statements"]

_OPEN = 0.05
"""A region that holds a focus listed elsewhere with this probability is not called normal."""

_EXPLAINED = 0.9
"""Candidates that sum to less leave it open that the focus lies across a border of its region."""


def may_claim(claim: Claim, record: Record) -> bool:
    """Whether every kind that ``claim`` denies was searched in its region, located with p >= .8."""
    return all(_searched(record.assessment(claim.region, kind)) for kind in claim.kinds)


def pet_statements(
    region: Region, record: Record, style: Style, sex: StyleSex | None, *, interpreted: bool
) -> tuple[Worded, ...]:
    """What is said of the PET of ``region`` besides its foci; empty where an abnormal focus lies there."""
    phrases, state = style.phrases, record.assessment(region, FindingKind.FOCAL_UPTAKE)
    if _abnormal_here(region, record, interpreted=interpreted):
        return ()
    named = any(lesion.region.id is region for lesion in record.lesions)  # physiologic, or it had ended above
    if state is not None and state.state is AssessmentState.OUT_OF_FIELD:
        text = phrases.pet_rest_out_of_field if named else phrases.pet_out_of_field
        return (Worded(text, StatementKind.OUT_OF_FIELD, Modality.PET),)
    if not interpreted:
        return _not_assessed(phrases.pet_not_interpreted, Modality.PET)
    if named:
        return _not_assessed(phrases.pet_hidden, Modality.PET)
    if state is None or state.state is AssessmentState.NOT_SEARCHED:
        return _not_assessed(phrases.pet_not_assessed, Modality.PET)
    if not _searched(state):
        return _not_assessed(phrases.pet_not_located, Modality.PET)
    if (other := _rival_of(region, record)) is not None:
        return _not_assessed(phrases.pet_rival.format(region=words_of(style.language).title(other)), Modality.PET)
    if state.limit_suv is None or state.limit_mm is None:
        return _not_assessed(phrases.pet_not_assessed, Modality.PET)  # a denial without a limit is no denial
    source = f"search.{region.value}"
    above = phrases.above.format(
        limit=slot(source, NumberQuantity.LIMIT_SUV), size=slot(source, NumberQuantity.LIMIT_MM)
    )
    claims = _claims(region, Modality.PET, style, sex)
    return _normal([c.bounded(above) for c in claims if may_claim(c, record)], Modality.PET)


def ct_statements(
    region: Region, record: Record, style: Style, sex: StyleSex | None, *, interpreted: bool, ct: bool
) -> tuple[Worded, ...]:
    """What is said of the CT of ``region``; ``ct`` is False where there is none or it was set aside."""
    phrases = style.phrases
    if not ct:
        return _not_assessed(phrases.ct_not_assessed, Modality.CT)
    rows = [a for a in record.assessed if a.region is region and a.kind.modality is Modality.CT]
    if rows and all(a.state is AssessmentState.OUT_OF_FIELD for a in rows):
        return (Worded(phrases.ct_out_of_field, StatementKind.OUT_OF_FIELD, Modality.CT),)
    claims = _claims(region, Modality.CT, style, sex)
    allowed = [claim for claim in claims if may_claim(claim, record)]
    if not allowed:
        return _not_assessed(phrases.ct_not_assessed, Modality.CT)
    if _abnormal_here(region, record, interpreted=interpreted) or _rival_of(region, record) is not None:
        return _not_assessed(phrases.ct_at_focus, Modality.CT)
    written = _normal([claim.text for claim in allowed], Modality.CT)
    return written if len(allowed) == len(claims) else written + _not_assessed(phrases.ct_partly, Modality.CT)


def _searched(assessment: Assessment | None) -> bool:
    return (
        assessment is not None
        and assessment.state is AssessmentState.SEARCHED
        and assessment.located is not None
        and assessment.located >= LOCATED
    )


def _abnormal_here(region: Region, record: Record, *, interpreted: bool) -> bool:
    return any(
        lesion.region.id is region and not (interpreted and lesion.status is LesionStatus.PHYSIOLOGIC)
        for lesion in record.lesions
    )


def _rival_of(region: Region, record: Record) -> Region | None:
    """The region under which a focus is listed that may lie in ``region`` instead."""
    return next((focus.region.id for focus in record.lesions if region in may_lie_in(focus)), None)


def may_lie_in(focus: Lesion) -> frozenset[Region]:
    """Regions besides its own: the candidates, and where these do not explain it, all that border its own.

    Physiologic uptake has an organ as its cause; it holds other regions open only where it was not located.
    """
    if focus.status is LesionStatus.PHYSIOLOGIC:
        return frozenset() if is_located(focus) else frozenset(rivals(focus))
    explained = sum(c.probability for c in focus.region.candidates) or focus.region.probability
    across = frozenset[Region]() if explained >= _EXPLAINED else neighbours(focus.region.id)
    return across | set(rivals(focus, _OPEN))


def _claims(region: Region, modality: Modality, style: Style, sex: StyleSex | None) -> list[Claim]:
    return [claim for claim in style.claims_of(region, sex) if claim.modality is modality]


def _normal(texts: Sequence[str], modality: Modality) -> tuple[Worded, ...]:
    return tuple(Worded(text, StatementKind.NORMAL, modality) for text in texts)


def _not_assessed(text: str, modality: Modality) -> tuple[Worded, ...]:
    return (Worded(text, StatementKind.NOT_ASSESSED, modality),)
