"""The tokens of a sentence -> segments -> clauses: where one statement ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.language.reading.lexicon import Kind
from petrg.language.reading.tokens import Token

__all__ = ["split_clauses"]

_PREDICATES = frozenset({Kind.STRUCTURE, Kind.UPTAKE, Kind.NORMAL, Kind.ABNORMAL, Kind.CHANGE, Kind.TOPIC})
_PLACES = frozenset({Kind.SITE, Kind.AREA})
_JOINTS = frozenset({Kind.LIST, Kind.VERB})
_FINITE = _PREDICATES | {Kind.VERB, Kind.NEGATION, Kind.NEGATED}
_TELLING = _FINITE | _PLACES


def split_clauses(tokens: Sequence[Token]) -> list[list[list[Token]]]:
    """The segments of a sentence, each a list of clauses, each a list of tokens."""
    segments: list[list[list[Token]]] = []
    segment: list[list[Token]] = []
    clause: list[Token] = []
    for token in tokens:
        kind = token.kind
        if kind is not Kind.CLAUSE and kind is not Kind.BUT and kind is not Kind.SEGMENT:
            clause.append(token)
            continue
        if token.entry.value == "heading":
            clause.append(token)
        if clause:
            segment.append(clause)
            clause = []
        if kind is Kind.SEGMENT and segment:
            segments.append(_joined(segment))
            segment = []
    if clause:
        segment.append(clause)
    if segment:
        segments.append(_joined(segment))
    return segments


def _joined(segment: list[list[Token]]) -> list[list[Token]]:
    """Join "no mass, nodule, or effusion" into one clause, and part "X is large and Y is small" into two."""
    clauses: list[list[Token]] = []
    i = 0
    while i < len(segment):
        clause = segment[i]
        if i + 1 < len(segment) and _denies(clause) and (end := _list_end(segment, i + 1)):
            clause = [token for part in segment[i:end] for token in part]
            i = end
        else:
            i += 1
        clauses += _parted(clause) if _has_two_places(clause) else [clause]
    return clauses


def _denies(clause: Sequence[Token]) -> bool:
    return any(token.kind is Kind.NEGATION for token in clause)


def _list_end(segment: Sequence[Sequence[Token]], start: int) -> int:
    """Where a list that began before ``start`` ends: after the clause that opens with "or"; 0 if none does."""
    for i in range(start, len(segment)):
        clause = segment[i]
        if clause[0].kind is Kind.ALTERNATIVE:
            return i + 1
        if any(t.kind in (Kind.VERB, Kind.NEGATION, Kind.NEGATED, Kind.NORMAL, Kind.UPTAKE, Kind.SUV) for t in clause):
            return 0
        if any(t.kind is Kind.ALTERNATIVE for t in clause):
            return i + 1
    return 0


def _has_two_places(clause: Sequence[Token]) -> bool:
    places = 0
    for token in clause:
        if token.kind is Kind.SITE or token.kind is Kind.AREA:
            places += 1
    return places > 1


def _parted(clause: list[Token]) -> list[list[Token]]:
    """Split where a list word or a verb stands between two whole statements, each a place with its predicate."""
    following = _following(clause)
    last = next((t.kind for t in reversed(clause) if t.kind in _TELLING), None)
    parts: list[list[Token]] = []
    begin = 0
    first: Kind | None = None
    before: Kind | None = None
    for i, token in enumerate(clause):
        kind = token.kind
        if kind in _JOINTS and i > begin and (order := _order(first, before)):
            after = _order(following[i + 1], last)
            if after == order or (after and kind is Kind.VERB):
                parts.append(clause[begin:i])
                begin, first, before = i + 1, None, None
                continue
        if kind in _TELLING:
            first, before = first or kind, kind
    return [*parts, clause[begin:]]


def _following(clause: Sequence[Token]) -> list[Kind | None]:
    """For each position the kind of the next token that tells something."""
    row: list[Kind | None] = [None] * (len(clause) + 1)
    for i in range(len(clause) - 1, -1, -1):
        row[i] = clause[i].kind if clause[i].kind in _TELLING else row[i + 1]
    return row


def _order(first: Kind | None, last: Kind | None) -> str:
    """Say "place first" or "place last" where what lies between makes a whole statement, else empty."""
    if first in _PLACES and last in _FINITE and last is not Kind.TOPIC and last is not Kind.VERB:
        return "place first"
    if first in _FINITE and last in _PLACES:
        return "place last"
    return ""
