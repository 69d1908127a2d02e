"""agreement.html: how far two labellers agree, and every label that differs with the words either was read from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from markupsafe import Markup

from petrg.anatomy import Region
from petrg.evaluate.labels.agreement import Agreement, Disagreement, Part
from petrg.evaluate.labels.evidence import CaseEvidence
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.evaluate.page.colour import shade
from petrg.evaluate.page.numerals import interval, number
from petrg.evaluate.page.safe import Mark, language_of, mark_text, visible
from petrg.evaluate.page.sheet import render_sheet
from petrg.evaluate.page.view import class_name
from petrg.evaluate.scores import Confusion, Estimate

__all__ = ["Side", "render_agreement"]

_CASES = 200
_SHOWN = 8000
_AROUND = 28
"""Characters shown before and behind what was read."""
_WORDS = 160
_PARTS: tuple[Part, ...] = ("PET", "CT", "SUV")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One labeller's labels, and what is known of where they were read."""

    labels: LabelSet
    evidence: Mapping[str, CaseEvidence] = field(default_factory=dict)


def render_agreement(agreement: Agreement, a: Side, b: Side, *, texts: Mapping[str, str | None] | None = None) -> str:
    """The page of ``agreement``: one HTML document that fetches nothing and runs no script, in English.

    Parameters
    ----------
    a, b : Side
        What was compared.
    texts : mapping of id -> text, optional
        The reports. Where one is the text that a side read (by its sha256), that side's words are shown in it; else
        the evidence's own quotes are, if there are any.
    """
    shown = [list(rows) for _, rows in groupby(agreement.disagreements, key=lambda d: d.id)]
    known = {key: text for key, text in (texts or {}).items() if text}
    cases = [_case(rows, (a, b), known.get(rows[0].id)) for rows in shown[:_CASES]]
    values = {
        "agreement": agreement,
        "counts": _counts(agreement),
        "figures": {name: _figure(getattr(agreement, name)) for name in _FIGURES},
        "confusions": [_confusion(one) for one in agreement.confusions],
        "regions": _regions(agreement),
        "classes": [
            (row, class_name(row.modality, row.value, "en"), number(row.specific, 2), number(row.kappa, 2))
            for row in agreement.classes
        ],
        "notes": list(_notes(agreement, a, b, known, len(shown))),
        "cases": cases,
    }
    return render_sheet("agreement.html.j2", title="Agreement of two labellers", language="en", values=values)


_FIGURES = ("pet_kappa", "pet_equal", "ct_kappa", "ct_equal", "suv_equal")


def _counts(agreement: Agreement) -> list[tuple[str, int, bool]]:
    """Title, count, and whether it is something to see to."""
    rows = [
        ("Cases of both", agreement.cases, False),
        ("Cases of A only", len(agreement.only_a), True),
        ("Cases of B only", len(agreement.only_b), True),
        ("Read from another text", agreement.other_text, True),
        ("Same text not known", agreement.text_unknown, True),
    ]
    for modality, count in agreement.unlabelled.items():
        rows.append((f"{modality} labels that one lacks", count, True))
    for modality, count in agreement.unlabelled_by_both.items():
        rows.append((f"{modality} labels that both lack", count, True))
    return rows


def _figure(value: Estimate) -> dict[str, Any]:
    return {"value": number(value.value, 3), "interval": interval(value, 3), "note": value.note, "n": value.n}


def _confusion(confusion: Confusion) -> tuple[str, list[str], list[tuple[str, list[tuple[int, str, str]], int]]]:
    names = [class_name(confusion.modality, k + 1, "en") for k in range(len(confusion.names) - 1)] + ["no label"]
    rows = []
    for name, counts in zip(names, confusion.counts, strict=True):
        total = sum(counts)
        cells = [(n, *(shade(n / total) if n else ("transparent", "inherit"))) for n in counts]
        rows.append((name, cells, total))
    return confusion.modality, names, rows


def _regions(agreement: Agreement) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    rows = []
    for row in agreement.regions:
        values = (row.pet_kappa, row.pet_equal, row.ct_kappa, row.ct_equal, row.suv_equal)
        cells = [("", "", "") if value is None else (number(value, 2), *shade(value)) for value in values]
        rows.append((Region(row.region).title("en"), cells, row.suv_named))
    return rows


def _notes(agreement: Agreement, a: Side, b: Side, known: Mapping[str, str], cases: int) -> Iterable[str]:
    """What the list holds, and what it cannot show."""
    total = len(agreement.disagreements)
    yield f"{total:,} labels differ, in {cases:,} of {agreement.cases:,} cases."
    if cases > _CASES:
        yield f"The first {_CASES} cases are shown; agreement.json holds all."
    for name, side in (("A", a), ("B", b)):
        if not any(any(cell.spots) for cells in side.labels.cases.values() for cell in cells.values()):
            yield f"{name} does not tell where its labels were read: no evidence beside its label files."
        other = sum(not _is_text(text, side.evidence[key]) for key, text in known.items() if key in side.evidence)
        if other:
            yield f"{other:,} of the texts given are not the ones that {name} read: its words are not shown in them."
    if not known:
        yield "No texts given (--texts): only the words that the evidence quotes are shown."


def _case(rows: Sequence[Disagreement], sides: tuple[Side, Side], text: str | None) -> dict[str, Any]:
    key = rows[0].id
    read = [text if text is not None and _is_text(text, side.evidence.get(key)) else None for side in sides]
    out: list[dict[str, Any]] = []
    marks: tuple[list[Mark], list[Mark]] = ([], [])
    for count, row in enumerate(rows, 1):
        region, part = Region(row.region), _PARTS.index(row.part)
        views = []
        for which, (side, value) in enumerate(zip(sides, (row.a, row.b), strict=True)):
            cell = side.labels.cases[key].get(region, Cell())
            views.append(_side(row.part, value, cell, side.evidence.get(key), region, read[which]))
            marks[which].extend(Mark(s.start, s.end, "spot", str(count)) for s in cell.spots[part])
        title = region.title("en")
        out.append({"number": count, "region": title, "part": row.part, "a": views[0], "b": views[1]})
    whole = [
        (name, mark_text(text, side, 0, _SHOWN))
        for name, side, mine in zip("AB", marks, read, strict=True)
        if text is not None and mine
    ]
    said = [f"{n} {part}" for part in _PARTS if (n := sum(row.part == part for row in rows))]
    return {
        "id": key,
        "why": ", ".join(said),
        "rows": out,
        "text": whole,
        "cut": 0 if text is None else max(0, len(text) - _SHOWN),
        "language": language_of(text or ""),
    }


def _is_text(text: str, evidence: CaseEvidence | None) -> bool:
    """Whether the evidence's positions are of this text."""
    return evidence is not None and evidence.text_sha256 == hashlib.sha256(text.encode()).hexdigest()


def _side(
    part: Part, value: float | None, cell: Cell, evidence: CaseEvidence | None, region: Region, text: str | None
) -> dict[str, Any]:
    index = _PARTS.index(part)
    passage = _in_text(text, cell.spots[index]) if text else Markup("")
    quote = _quoted(evidence, region, part)
    how = " · ".join(word for word in (cell.basis[index], cell.rules[index]) if word)
    return {
        "says": _says(part, value),
        "how": "nothing said" if cell.basis[index] == "silent" else how,
        "passage": passage,
        "quote": quote,
        "language": language_of(f"{passage}{quote}"),
        "description": cell.description[:_WORDS] if part == "CT" and not passage and not quote else "",
    }


def _says(part: Part, value: float | None) -> str:
    if value is None:
        return "names none" if part == "SUV" else "no label"
    return f"SUVmax {value:g}" if part == "SUV" else f"{int(value)} {class_name(part, int(value), 'en')}"


def _quoted(evidence: CaseEvidence | None, region: Region, part: Part) -> Markup:
    found = None if evidence is None else evidence.regions.get(region)
    if found is None:
        return Markup("")
    quotes = {"PET": found.pet, "CT": found.ct, "SUV": found.suv}[part].quotes
    return Markup(" … ").join(visible(quote) for quote in quotes)


def _in_text(text: str, spots: Sequence[Spot]) -> Markup:
    """What was read, marked, each with a few characters around it."""
    marks = [Mark(spot.start, spot.end, "spot") for spot in spots]
    parts: list[tuple[int, int]] = []
    for start, end in sorted(_around(text, spot) for spot in spots):
        if parts and start <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
        else:
            parts.append((start, end))
    if not parts:
        return Markup("")
    shown = Markup(" … ").join(mark_text(text, marks, start, end) for start, end in parts)
    return Markup("{}{}{}").format("… " if parts[0][0] else "", shown, " …" if parts[-1][1] < len(text) else "")


def _around(text: str, spot: Spot) -> tuple[int, int]:
    """The spot with a few characters on either side; no word and no number is cut.

    >>> text = "SUVmax 30.5, liver" + " normal" * 9
    >>> low, high = _around(text, Spot(37, 39))
    >>> text[low:high]
    '30.5, liver normal normal normal normal normal normal normal'
    """
    low, high = max(0, spot.start - _AROUND), min(len(text), spot.end + _AROUND)
    while low > 0 and _inside(text[low - 1], text[low]):
        low -= 1
    while high < len(text) and _inside(text[high - 1], text[high]):
        high += 1
    return low, high


def _inside(one: str, next_one: str) -> bool:
    return all(letter.isascii() and (letter.isalnum() or letter in ".-") for letter in (one, next_one))
