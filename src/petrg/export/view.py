"""What each part of the page shows, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from petrg.export.links import Links
from petrg.export.pictures import Place, mips, tiles
from petrg.export.text import patient_rows
from petrg.export.words import label, words
from petrg.imaging import Study
from petrg.language.wording import LOCATED
from petrg.page.figure import Figure
from petrg.report import (
    AssessmentState,
    Fact,
    FindingKind,
    Lesion,
    Reference,
    RegionReport,
    Report,
    Statement,
    StatementKind,
)

__all__ = [
    "cards",
    "facts",
    "foci",
    "matrix",
    "patient",
    "place_words",
    "projections",
    "provenance",
    "references",
    "text",
    "values",
]

_UNSURE = "~"
_MARKS = {AssessmentState.SEARCHED: "✓", AssessmentState.NOT_SEARCHED: "○", AssessmentState.OUT_OF_FIELD: "–"}


def patient(report: Report) -> list[tuple[str, str]]:
    """Title and value of what is known of the patient."""
    return patient_rows(report.patient, report.language)


def text(report: Report, links: Links) -> dict[str, Any]:
    """The sections of the text; each sentence with its anchor, kind and linked text."""

    def sentences(statements: Iterable[Statement]) -> list[dict[str, Any]]:
        return [{"id": links.statement(s), "kind": s.kind.value, "text": links.linked(s)} for s in statements]

    marked = {StatementKind.FINDING, StatementKind.INDETERMINATE}
    rows = [
        {
            "titles": [(f"region-{part.region}", part.region.title(report.language)) for part in parts],
            "found": any(s.kind in marked for s in parts[0].statements),
            "sentences": sentences(parts[0].statements),
        }
        for parts in _alike(report.findings)
    ]
    before = [(key, sentences(getattr(report, key))) for key in ("indication", "technique", "comparison")]
    return {"before": before, "regions": rows, "impression": sentences(report.impression)}


def _alike(findings: Iterable[RegionReport]) -> list[list[RegionReport]]:
    """Regions in order; neighbours of which the same is said, that nothing can be said, stand together."""
    silent = {StatementKind.NOT_ASSESSED, StatementKind.OUT_OF_FIELD}
    rows: list[list[RegionReport]] = []
    for part in findings:
        nothing = all(s.kind in silent and not s.numbers for s in part.statements)
        if rows and nothing and rows[-1][0].text == part.text:
            rows[-1].append(part)
        else:
            rows.append([part])
    return rows


def projections(report: Report, study: Study, links: Links) -> tuple[tuple[str, Figure], ...]:
    """The two projections with every numbered finding that has pictures."""
    return mips(study, [_place(focus, links) for focus in links.shown], report.language)


def cards(report: Report, study: Study, links: Links) -> list[dict[str, Any]]:
    """One card for each finding shown: its pictures, what it is taken for, its numbers, the way back."""
    if study.pet is None:
        return []
    language = report.language
    return [
        {
            "focus": focus,
            "anchor": links.card(focus.id),
            "back": links.back(focus.id),
            "place": place_words(focus, language),
            "pictures": tiles(study, _place(focus, links), language),
            "values": [*values(focus, language), *_slices(focus, study, language)],
        }
        for focus in links.shown
    ]


def _place(focus: Lesion, links: Links) -> Place:
    return Place(focus.id, focus.hottest.mm, f"#{links.evidence(focus.id)}")


def place_words(focus: Lesion, language: str) -> str:
    """Region, nodal group and side of a focus in words."""
    parts = [focus.region.id.title(language)]
    if focus.nodal_group is not None:
        parts.append(focus.nodal_group.title(language))
    elif focus.side is not None:
        parts.append(label("sides", focus.side, language))
    return " · ".join(parts)


def values(focus: Lesion, language: str) -> list[tuple[str, str]]:
    """Title and value of each number of a focus that was measured."""
    axes = None if focus.axes_mm is None else f"{focus.axes_mm[0]:.0f} × {focus.axes_mm[1]:.0f} mm"
    ct = None if focus.ct is None else f"{focus.ct.hu_mean:.0f} ± {focus.ct.hu_sd:.0f} HU"
    rows = {
        "suv_max": _number(focus.suv_max, 2),
        "suv_mean": _number(focus.suv_mean, 2),
        "suv_peak": _number(focus.suv_peak, 2),
        "mtv_ml": _number(focus.mtv_ml, 1, " ml"),
        "tlg_g": _number(focus.tlg_g, 1, " g"),
        "volume_ml": _number(focus.volume_ml, 1, " ml"),
        "axes": axes,
        "hu_mean": ct,
        "centre_mm": ", ".join(f"{v:.0f}" for v in focus.centre_mm) + " mm",
    }
    return [(label("quantities", key, language), value) for key, value in rows.items() if value is not None]


def _slices(focus: Lesion, study: Study, language: str) -> list[tuple[str, str]]:
    """The PET slice of the hottest voxel and the CT slice drawn with it, counted from the head."""
    say = words(language)
    where = focus.hottest
    instance = "" if where.instance_number is None else f" ({say['instance']} {where.instance_number})"
    rows = [(say["slices"]["PT"], f"{where.slice_number}{instance}")]
    if study.ct is not None:
        grid = study.ct.grid
        z = round(float(grid.to_index(where.mm)[0]))
        if 0 <= z < grid.shape[0]:
            rows.append((say["slices"]["CT"], str(grid.shape[0] - z)))
    return rows


def _number(value: float | None, decimals: int, unit: str = "") -> str | None:
    return None if value is None else f"{value:.{decimals}f}{unit}"


def foci(report: Report, links: Links) -> list[dict[str, Any]]:
    """The rows of the table of foci, physiologic ones too."""
    language = report.language
    shown = {focus.id for focus in links.shown}
    return [
        {
            "focus": focus,
            "anchor": links.row(focus.id),
            "picture": links.card(focus.id) if focus.id in shown else None,
            "back": links.back(focus.id),
            "status": label("statuses", focus.status, language),
            "place": place_words(focus, language),
            "rivals": _rivals(focus, language),
            "cells": [
                _number(focus.suv_max, 2),
                _number(focus.suv_mean, 2),
                _number(focus.suv_peak, 2),
                _number(focus.mtv_ml, 1),
                _number(focus.tlg_g, 1),
                None if focus.axes_mm is None else f"{focus.axes_mm[0]:.0f} × {focus.axes_mm[1]:.0f}",
                None if focus.ct is None else f"{focus.ct.hu_mean:.0f}",
                str(focus.hottest.slice_number),
            ],
        }
        for focus in report.record.lesions
    ]


def _rivals(focus: Lesion, language: str) -> str:
    """How sure the region is, and the next best."""
    others = [c for c in focus.region.candidates if c.id is not focus.region.id][:1]
    rivals = "".join(f", {words(language)['rivals']} {c.id.title(language)} {c.probability:.0%}" for c in others)
    return f"{focus.region.probability:.0%}{rivals}"


def references(report: Report) -> list[tuple[str, str, Reference | None]]:
    """Name, title and value of each reference region."""
    names = ("liver", "blood_pool")
    found = report.record.references
    return [(name, label("quantities", name, report.language), getattr(found, name)) for name in names]


def matrix(report: Report) -> list[dict[str, Any]]:
    """For each region, for each kind of finding: a mark and what it means; None where the record is silent."""
    return [
        {
            "region": part.region,
            "title": part.region.title(report.language),
            "cells": [_cell(report, part.region, kind) for kind in FindingKind],
        }
        for part in report.findings
    ]


def _cell(report: Report, region: Any, kind: FindingKind) -> dict[str, str] | None:
    found = report.record.assessment(region, kind)
    if found is None:
        return None
    state = label("states", found.state, report.language)
    kind_word, mark = label("kinds", kind, report.language), _MARKS[found.state]
    detail = [kind_word, state, found.method, found.detection_limit or "", found.reason]
    unsure = found.located is not None and found.located < LOCATED
    if found.state is AssessmentState.SEARCHED and unsure:
        mark = _UNSURE
        detail.insert(2, f"{words(report.language)['located']} {found.located:.0%}")
    return {"state": found.state.value, "mark": mark, "means": " · ".join(d for d in detail if d)}


def facts(rows: Iterable[Fact], language: str) -> list[dict[str, str]]:
    """Title, value and source of each fact; absent values say so."""
    say = words(language)
    return [
        {
            "title": label("facts", fact.key, language),
            "value": say["not_known"] if fact.value is None else _fact_value(fact, language),
            "source": fact.source,
            "source_title": label("fact_values", fact.source, language),
        }
        for fact in rows
    ]


def _fact_value(fact: Fact, language: str) -> str:
    say = words(language)
    if isinstance(fact.value, float):
        return f"{fact.value:.6g} {say['units'].get(fact.unit, fact.unit)}".strip()
    return f"{say['values'].get(fact.value, fact.value)} {fact.unit}".strip()


def provenance(report: Report) -> list[tuple[str, str]]:
    """What the report was made from and by."""
    say = words(report.language)
    record = report.record
    inputs = [
        (
            f"{say['inputs']} {fact.modality}",
            f"{' × '.join(map(str, fact.shape))}, {' × '.join(f'{s:.3g}' for s in fact.spacing_mm)} mm, "
            f"sha256 {fact.sha256[:16]}…, {fact.series_uid or say['not_known']}",
        )
        for fact in record.inputs
    ]
    return [
        (say["detection"], record.detection),
        (say["threshold"], record.threshold.value),
        (say["anatomy"], record.anatomy),
        *inputs,
        *report.provenance.items(),
    ]
