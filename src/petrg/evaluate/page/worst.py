"""A case side by side: sentences against sentences, and every label that differs with the words it was read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from markupsafe import Markup

from petrg.anatomy import Region
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.evaluate.page.diff import Comparison, Pair, Span, compare
from petrg.evaluate.page.safe import Mark, language_of, mark_text, visible
from petrg.evaluate.page.view import class_name
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import WorstCase

__all__ = ["CaseView", "Disagreement", "Line", "Part", "Reading", "disagreements", "view_case"]

_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What one side's label says, how it was found, and the words it was read from.

    ``calm`` where it says normal or nothing.
    """

    says: str
    calm: bool = False
    basis: str = ""
    quote: str = ""
    spots: tuple[Spot, ...] = ()


class Part(NamedTuple):
    """A label that differs (PET, CT or SUVmax), as either side has it."""

    name: str
    reference: Reading
    prediction: Reading


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A region whose labels differ; ``number`` leads from the text to the list."""

    number: int
    region: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the two texts as markup; an empty side has nothing that answers."""

    kind: str
    left: Markup
    right: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """All that the page prints of a case."""

    id: str
    why: str
    faults: tuple[str, ...]
    lines: tuple[Line, ...]
    differ: tuple[Disagreement, ...]
    labelled: bool
    missing: bool
    texts: bool
    left_language: str
    right_language: str
    left_cut: int
    right_cut: int


def view_case(
    worst: WorstCase, cases: Cases, reference: LabelSet | None, prediction: LabelSet | None, language: str
) -> CaseView:
    """The view of a case; a case that is not among ``cases`` has no text."""
    case = next((c for c in cases.cases if c.id == worst.id), None)
    left = _text(case.reference if case else "", reference, worst.id)
    given = case.prediction if case else None
    right = _text(given or "", prediction, worst.id)
    missing = given is None and (prediction is None or worst.id not in prediction.cases)
    differ = () if missing else tuple(disagreements(worst.id, reference, prediction, language))
    comparison = compare(left, right)
    known = [_spots_hold(labels, worst.id, text) for labels, text in ((reference, left), (prediction, right))]
    marks = (
        _spot_marks(differ, 1) if known[0] else [],
        _spot_marks(differ, 2) if known[1] else [],
    )
    return CaseView(
        id=visible(worst.id),
        why=visible(worst.why),
        faults=tuple(visible(f) for f in worst.faults),
        lines=tuple(_lines(comparison, left, right, marks)),
        differ=differ,
        labelled=reference is not None and prediction is not None,
        missing=missing,
        texts=bool(left or right),
        left_language=language_of(left),
        right_language=language_of(right),
        left_cut=comparison.left_cut,
        right_cut=comparison.right_cut,
    )


def _text(text: str, labels: LabelSet | None, case: str) -> str:
    """The text, or where labels alone are scored the one they were read from."""
    return text or (labels.texts.get(case, "") if labels is not None else "")


def _spots_hold(labels: LabelSet | None, case: str, text: str) -> bool:
    """Whether spots are positions in this very text."""
    return labels is not None and labels.texts.get(case, text) == text


def _spot_marks(differ: Sequence[Disagreement], side: Literal[1, 2]) -> list[Mark]:
    return [
        Mark(spot.start, spot.end, "spot", str(d.number), f"{d.region}, {part.name}: {part[side].says}")
        for d in differ
        for part in d.parts
        for spot in part[side].spots
    ]


def _lines(comparison: Comparison, left: str, right: str, spots: tuple[list[Mark], list[Mark]]) -> list[Line]:
    return [
        Line(
            kind="moved" if pair.moved else pair.kind,
            left=_side(left, pair.left, pair.left_changes, pair, spots[0]),
            right=_side(right, pair.right, pair.right_changes, pair, spots[1]),
        )
        for pair in comparison.pairs
    ]


def _side(text: str, span: Span | None, changes: Sequence[Span], pair: Pair, spots: Sequence[Mark]) -> Markup:
    if span is None:
        return Markup()
    end = span.start + len(text[span.start : span.end].rstrip())
    marks = [Mark(c.start, min(c.end, end), "changed") for c in changes if c.start < end]
    if pair.kind in ("left", "right"):
        marks = [Mark(span.start, end, "moved" if pair.moved else "only")]
    return mark_text(text, [*marks, *spots], span.start, end)


def disagreements(
    case: str, reference: LabelSet | None, prediction: LabelSet | None, language: str
) -> list[Disagreement]:
    """Regions of ``case`` whose labels differ, in report order, numbered from 1.

    Silence is normal, by the authors' rule, so "not said" and "normal" agree. A region without a label or with a value
    that is no class agrees with nothing. SUVmax differs where one side names none, or by more than 0.05.
    """
    if reference is None or prediction is None:
        return []
    say = words(language)
    out: list[Disagreement] = []
    for region in Region:
        mine = reference.cases.get(case, {}).get(region)
        theirs = prediction.cases.get(case, {}).get(region)
        parts = tuple(
            Part(
                say["parts"][key],
                _reading(mine, k, reference.texts.get(case, ""), language, say),
                _reading(theirs, k, prediction.texts.get(case, ""), language, say),
            )
            for k, key in enumerate(("pet", "ct", "suv"))
            if not _agree(mine, theirs, k)
        )
        if parts:
            out.append(Disagreement(len(out) + 1, region.title(language), parts))
    return out


def _agree(mine: Cell | None, theirs: Cell | None, part: int) -> bool:
    if mine is None or theirs is None:
        return mine is theirs or part == 2
    if part == 2:
        a, b = mine.suv_max, theirs.suv_max
        return a == b if a is None or b is None else abs(a - b) <= 0.05
    if part == 0:
        return not (mine.pet_fault or theirs.pet_fault) and int(mine.pet or 5) == int(theirs.pet or 5)
    return not (mine.ct_fault or theirs.ct_fault) and int(mine.ct or 8) == int(theirs.ct or 8)


def _reading(cell: Cell | None, part: int, text: str, language: str, say: Mapping[str, Any]) -> Reading:
    if cell is None:
        return Reading(say["no_label"])
    spots = tuple(s for s in cell.spots[part] if 0 <= s.start < s.end)
    basis = cell.basis[part]
    return Reading(
        _says(cell, part, language, say),
        _calm(cell, part),
        say["bases"].get(basis, basis) if basis != "silent" else "",
        _quote(text, spots) or (cell.description if part == 1 else ""),
        spots,
    )


def _says(cell: Cell, part: int, language: str, say: Mapping[str, Any]) -> str:
    if part == 2:
        return f"{cell.suv_max:g}" if cell.suv_max is not None else str(say["nothing_said"])
    fault, value, normal = (cell.pet_fault, cell.pet, 5) if part == 0 else (cell.ct_fault, cell.ct, 8)
    if fault:
        return str(say["invalid"])
    name = class_name("CT" if part else "PET", int(value or normal), language)
    silent = value is None or cell.basis[part] == "silent"
    return f"{name}, {say['nothing_said']}" if silent else name


def _calm(cell: Cell, part: int) -> bool:
    if part == 2:
        return cell.suv_max is None
    fault, value, normal = (cell.pet_fault, cell.pet, 5) if part == 0 else (cell.ct_fault, cell.ct, 8)
    return not fault and int(value or normal) == normal


def _quote(text: str, spots: Sequence[Spot]) -> str:
    parts = [visible(" ".join(text[s.start : s.end].split())) for s in spots if s.end <= len(text)]
    return " … ".join(p if len(p) <= _QUOTE else p[: _QUOTE - 1] + "…" for p in dict.fromkeys(parts))
