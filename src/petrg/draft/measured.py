"""The measured writer: words what the record holds, in a style; no network, no guess."""

from __future__ import annotations

from collections.abc import Mapping

from petrg.anatomy import Region
from petrg.draft.normal import ct_statements, pet_statements
from petrg.language.style import Style, StyleSex
from petrg.language.wording import Worded, impression, region_foci
from petrg.report import (
    Modality,
    NumberQuantity,
    Record,
    RegionReport,
    Statement,
    StatementKind,
    fill,
    slot,
)

__all__ = ["WRITER", "write_findings", "write_impression", "write_statement"]

WRITER = "measured-1"
"""Name and version of this writer, as reports carry it."""


def write_findings(
    record: Record, style: Style, sex: StyleSex | None, *, interpreted: bool, ct: bool
) -> tuple[RegionReport, ...]:
    """All 24 regions in order; each says its foci, what was searched and found empty, and what was not assessed.

    Parameters
    ----------
    record : Record
    style : Style
    sex : "F", "M" or None
        Without a sex only sentences that fit both are written.
    interpreted : bool
        Whether the tracer is known to be FDG; else numbers only.
    ct : bool
        Whether the CT takes part.
    """
    return tuple(_region(region, record, style, sex, interpreted=interpreted, ct=ct) for region in Region)


def write_impression(record: Record, style: Style, *, interpreted: bool) -> tuple[Statement, ...]:
    """The lesions by region with the hottest SUVmax; empty where there are none."""
    return tuple(
        write_statement(worded, record, style) for worded in impression(record.lesions, style, interpreted=interpreted)
    )


def write_statement(
    worded: Worded, record: Record, style: Style | None, facts: Mapping[str, float] | None = None
) -> Statement:
    """Fill the slots of a sentence; with a style, also its capital and full stop."""
    text, numbers = fill(style.sentence(worded.text) if style is not None else worded.text, record, facts)
    return Statement(
        text=text,
        kind=worded.kind,
        modality=worded.modality,
        lesion_ids=worded.lesion_ids,
        numbers=numbers,
        finding=worded.finding,
    )


def _region(
    region: Region, record: Record, style: Style, sex: StyleSex | None, *, interpreted: bool, ct: bool
) -> RegionReport:
    here = [lesion for lesion in record.lesions if lesion.region.id is region]
    pet = pet_statements(region, record, style, sex, interpreted=interpreted)
    other = ct_statements(region, record, style, sex, interpreted=interpreted, ct=ct)
    if not here and {w.kind for w in pet + other} == {StatementKind.OUT_OF_FIELD}:
        pet, other = (Worded(style.phrases.out_of_field, StatementKind.OUT_OF_FIELD),), ()
    foci = region_foci(here, style, interpreted=interpreted)
    worded = (*foci, *pet, *_reference(region, record, style), *other)
    return RegionReport(region=region, statements=tuple(write_statement(w, record, style) for w in worded))


def _reference(region: Region, record: Record, style: Style) -> tuple[Worded, ...]:
    liver, blood_pool = style.phrases.liver, style.phrases.blood_pool
    if region is Region.LIVER and record.references.liver is not None and liver is not None:
        text, source = liver, "liver"
    elif region is Region.MEDIASTINUM_HILA and record.references.blood_pool is not None and blood_pool is not None:
        text, source = blood_pool, "blood_pool"
    else:
        return ()
    said = text.format(suv_mean=slot(source, NumberQuantity.SUV_MEAN))
    return (Worded(said, StatementKind.MEASUREMENT, Modality.PET),)
