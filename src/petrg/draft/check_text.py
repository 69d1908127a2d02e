"""Whether the sentences of a report say what its record holds: numbers, units, sides, places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from petrg.anatomy import Region, Side
from petrg.draft.check_finding import check_finding
from petrg.draft.check_neural import check_uptake, is_worded_by_network, named_regions
from petrg.draft.digits import own_digits
from petrg.draft.mismatch import Mismatch
from petrg.language.wording import is_located
from petrg.language.words import words_of
from petrg.report import (
    Lesion,
    LesionStatus,
    Modality,
    Number,
    NumberQuantity,
    Report,
    Statement,
    StatementKind,
)
from petrg.report.slots import look_up, unit_of

__all__ = ["check_text"]

_UNIT_WORDS = {
    "cm": {"cm", "厘米"},
    "mm": {"mm", "毫米"},
    "ml": {"ml", "毫升"},
    "g": {"g"},
    "HU": {"hu"},
    "MBq": {"mbq"},
    "min": {"min", "minutes", "分钟"},
    "mmol/l": {"mmol/l"},
    "kg": {"kg"},
    "g/ml": {"g/ml"},
    "1": set[str](),
}
_ALL_UNITS = set().union(*_UNIT_WORDS.values()) | {"mci", "bq", "h", "s", "l", "%", "mg/dl", "bq/ml"}
_UNIT = re.compile(r"^[\s×x*\d.]*([a-z/%]+|毫米|厘米|毫升|分钟)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def check_text(report: Report, facts: Mapping[str, float]) -> Iterator[Mismatch]:
    """Disagreements between the sentences of ``report`` and its record.

    Parameters
    ----------
    report : Report
    facts : mapping of str to float
        Values of the slot source ``acquisition``, read from the study anew.
    """
    for at, region, statement in _statements(report):
        for number in statement.numbers:
            yield from _number(f"{at}.{number.quantity}", statement, number, report, facts)
        yield from _unlinked(at, statement, report)
        yield from _lesions(at, region, statement, report)
    yield from _missing(report)


def _statements(report: Report) -> Iterator[tuple[str, Region | None, Statement]]:
    for part in ("indication", "technique", "comparison", "impression"):
        for i, statement in enumerate(getattr(report, part)):
            yield f"{part}[{i}]", None, statement
    for section in report.findings:
        for i, statement in enumerate(section.statements):
            yield f"findings.{section.region.value}[{i}]", section.region, statement


def _number(
    at: str, statement: Statement, number: Number, report: Report, facts: Mapping[str, float]
) -> Iterator[Mismatch]:
    shown = statement.text[number.span.start : number.span.end]
    try:
        value, where = look_up(report.record, number.source, number.quantity, facts)
    except KeyError:
        yield Mismatch("source", at, f"source {number.source}", "no such lesion")
        return
    if value is None or abs(value - number.value) > 1e-9 * max(abs(value), 1.0):
        yield Mismatch("number", at, f"{number.value:g}", "no value" if value is None else f"{value:g}")
    elif shown != f"{value:.{number.decimals}f}":
        yield Mismatch("text", at, repr(shown), f"{value:.{number.decimals}f}")
    if number.where != where:
        yield Mismatch("place", at, "another voxel", "the voxel of the record")
    yield from _unit(at, statement, number)
    counted, named = set(number.source.split("+")), set(statement.lesion_ids)
    agree = counted <= named if _of_network(at, report) else counted == named
    if number.quantity is NumberQuantity.LESIONS and not agree:
        yield Mismatch("source", at, f"{len(statement.lesion_ids)} lesions", f"a count of {number.source}")


def _unit(at: str, statement: Statement, number: Number) -> Iterator[Mismatch]:
    expected = unit_of(number.quantity)
    if number.unit != expected:
        yield Mismatch("unit", at, number.unit, expected)
    follows = _UNIT.match(statement.text[number.span.end :])
    word = follows.group(1).lower() if follows else ""
    if word in _ALL_UNITS and word not in _UNIT_WORDS[expected]:
        yield Mismatch("unit", at, word, expected)


def _unlinked(at: str, statement: Statement, report: Report) -> Iterator[Mismatch]:
    """Digits that no number stands for; indication and technique quote names that hold digits."""
    if at.startswith(("indication", "technique", "comparison")):
        return
    spans = [(n.span.start, n.span.end) for n in statement.numbers]
    own = list(own_digits(statement.text, report.language)) if _of_network(at, report) else None
    for match in _DIGITS.finditer(statement.text):
        if own is not None and not any(start <= match.start() < end for start, end in own):
            continue
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            yield Mismatch("text", at, f"the number {match.group()}", "no measurement it is linked to")


def _lesions(at: str, region: Region | None, statement: Statement, report: Report) -> Iterator[Mismatch]:
    known = {lesion.id: lesion for lesion in report.record.lesions}
    for name in statement.lesion_ids:
        if name not in known:
            yield Mismatch("source", at, f"lesion {name}", "no such lesion")
        elif region is not None and not _is_of(known[name], region, at, statement, report):
            yield Mismatch("region", at, region.value, known[name].region.id.value)
    lesions = [known[name] for name in statement.lesion_ids if name in known]
    yield from check_finding(at, statement, lesions, unlinked=_of_network(at, report))
    if lesions:
        yield from _sides(at, statement, lesions, report)
    elif region is not None and _of_network(at, report):
        yield from check_uptake(at, region, statement, report)
    elif statement.kind is StatementKind.NORMAL and statement.modality is Modality.PET and region is not None:
        abnormal = [f for f in known.values() if f.region.id is region and f.status is not LesionStatus.PHYSIOLOGIC]
        if abnormal:
            yield Mismatch("claim", at, "normal uptake", f"focus {abnormal[0].id}")


def _of_network(at: str, report: Report) -> bool:
    """Whether a sentence is worded by a network; the other parts of its report are not."""
    return at.startswith("findings.") and is_worded_by_network(report)


def _is_of(lesion: Lesion, region: Region, at: str, statement: Statement, report: Report) -> bool:
    """Whether a statement under ``region`` may speak of ``lesion``: a network's sentence names several regions."""
    if lesion.region.id is region:
        return True
    return _of_network(at, report) and {region, lesion.region.id} <= named_regions(statement.text, report.language)


def _sides(at: str, statement: Statement, lesions: list[Lesion], report: Report) -> Iterator[Mismatch]:
    said = words_of(report.language).sides_in(statement.text)
    lie = frozenset[Side]().union(*map(_lies, lesions))
    if wrong := said - lie:
        yield Mismatch("side", at, _name(wrong), _name(lie))
    if not _of_network(at, report) and (unsaid := _must_say(at, lesions, report) - said):
        yield Mismatch("side", at, _name(said), _name(unsaid))


def _must_say(at: str, lesions: list[Lesion], report: Report) -> frozenset[Side]:
    """The sides that the text on ``lesions`` has to name; a line of the impression may sum up several."""
    if at.startswith("impression") and len(lesions) > 1:
        return frozenset()
    words = words_of(report.language)
    named = (f for f in lesions if f.status is not LesionStatus.PHYSIOLOGIC and is_located(f))
    sites = (words.site(f.region.id, f.side, f.nodal_group) for f in named)
    return frozenset[Side]().union(*(words.sides_in(site) for site in sites))


def _lies(lesion: Lesion) -> frozenset[Side]:
    """The sides a text on the lesion may name: its own, or near the midline that of its nodal group."""
    group = lesion.nodal_group
    return _sides_of(lesion.side) or _sides_of(group.side if group is not None else None)


def _sides_of(side: Side | None) -> frozenset[Side]:
    if side is Side.BILATERAL:
        return frozenset({Side.LEFT, Side.RIGHT})
    return frozenset({side} if side in (Side.LEFT, Side.RIGHT) else ())


def _name(sides: frozenset[Side] | set[Side]) -> str:
    return " and ".join(sorted(side.value for side in sides)) or "no side"


def _missing(report: Report) -> Iterator[Mismatch]:
    told = {name for section in report.findings for s in section.statements for name in s.lesion_ids}
    for lesion in report.record.lesions:
        if lesion.id not in told:
            yield Mismatch("source", f"findings.{lesion.region.id.value}", "nothing", f"focus {lesion.id}")
