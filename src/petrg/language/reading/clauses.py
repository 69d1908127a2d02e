"""The tokens of a sentence -> segments -> clauses: where one statement ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from petrg.language.reading.lexicon import Kind
from petrg.language.reading.tokens import Token

__all__ = ["split_clauses"]

_PREDICATES = frozenset({Kind.STRUCTURE, Kind.UPTAKE, Kind.NORMAL, Kind.ABNORMAL, Kind.CHANGE, Kind.TOPIC})
_PLACES = frozenset({Kind.SITE, Kind.AREA})
_MARKS = frozenset({Kind.CLAUSE, Kind.BUT, Kind.SEGMENT})
_NO_LIST = frozenset({Kind.VERB, Kind.NEGATION, Kind.NEGATED, Kind.NORMAL, Kind.UPTAKE, Kind.SUV})
_ADJECTIVES = frozenset({Kind.DEGREE, Kind.SHAPE, Kind.UNEVEN, Kind.ABNORMAL})
_DESCRIBING = _ADJECTIVES | {Kind.STRUCTURE}
_OR = frozenset({Kind.ALTERNATIVE})
_AND_OR = _OR | {Kind.LIST}
_JOINTS = frozenset({Kind.LIST, Kind.VERB})
_FINITE = _PREDICATES | {Kind.VERB, Kind.NEGATION, Kind.NEGATED}
_TELLING = _FINITE | _PLACES


class _Clause(NamedTuple):
    """The tokens of a clause, how many places are among them, and whether it denies."""

    tokens: list[Token]
    places: int
    denies: bool


def split_clauses(tokens: Sequence[Token]) -> list[list[list[Token]]]:
    """The segments of a sentence, each a list of clauses, each a list of tokens."""
    segments: list[list[list[Token]]] = []
    segment: list[_Clause] = []
    clause: list[Token] = []
    places, denies, negation = 0, False, Kind.NEGATION
    for token in tokens:
        kind = token[0]
        if kind not in _MARKS:
            clause.append(token)
            if kind in _PLACES:
                places += 1
            elif kind is negation:
                denies = True
            continue
        if token.entry.value == "heading":
            clause.append(token)
        if clause:
            segment.append(_Clause(clause, places, denies))
            clause, places, denies = [], 0, False
        if token.entry.value == "relative":
            clause = [token]
        if kind is Kind.SEGMENT and segment:
            segments.append(_joined(segment))
            segment = []
    if clause:
        segment.append(_Clause(clause, places, denies))
    if segment:
        segments.append(_joined(segment))
    return segments


def _joined(segment: list[_Clause]) -> list[list[Token]]:
    """Join "no mass, nodule, or effusion" into one clause, and part "X is large and Y is small" into two."""
    clauses: list[list[Token]] = []
    i, n = 0, len(segment)
    while i < n:
        tokens, places, denies = segment[i]
        i += 1
        if i < n:
            if tokens[0][0] in _DESCRIBING and segment[i].places and _only_adjectives(tokens):
                tokens, places, denies = tokens + segment[i].tokens, segment[i].places, segment[i].denies
                i += 1
            if denies and (end := _list_end(segment, i, tokens)):
                tokens = tokens + [token for part in segment[i:end] for token in part.tokens]
                places += sum(part.places for part in segment[i:end])
                i = end
        if places > 1:
            clauses += _parted(tokens)
        else:
            clauses.append(tokens)
    return clauses


def _only_adjectives(clause: Sequence[Token]) -> bool:
    """Whether a clause only describes what the next one names: "multiple enlarged, avid nodes"."""
    return all(t.kind in _ADJECTIVES or t.entry.concept == "enlargement" for t in clause)


def _list_end(segment: Sequence[_Clause], start: int, denial: Sequence[Token]) -> int:
    """Where a list that began before ``start`` ends: after the clause with its "or"; 0 if none does.

    A denial that names nothing yet may end in "and": "resolution of the cervical, axillary and inguinal nodes".
    """
    ends = _OR if any(token.kind in _PREDICATES for token in denial) else _AND_OR
    for i in range(start, len(segment)):
        for at, token in enumerate(segment[i].tokens):
            if token.kind in ends:
                whole = token.kind is Kind.LIST and any(t.kind is Kind.VERB for t in segment[i].tokens[at:])
                return 0 if whole else i + 1  # "no correlate on CT, and it is enlarged"
            if token.kind in _NO_LIST:
                return 0
    return 0


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
