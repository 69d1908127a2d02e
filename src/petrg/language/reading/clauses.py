"""Tokens -> sentences -> segments -> clauses: where one statement ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from petrg.language.reading.lexicon import Kind
from petrg.language.reading.tokens import Token

__all__ = ["split_clauses"]

_PREDICATES = frozenset({Kind.STRUCTURE, Kind.UPTAKE, Kind.NORMAL, Kind.ABNORMAL, Kind.CHANGE, Kind.TOPIC})
_PLACES = frozenset({Kind.SITE, Kind.AREA})
_JOINTS = frozenset({Kind.LIST, Kind.VERB})
_FINITE = _PREDICATES | {Kind.VERB, Kind.NEGATION, Kind.NEGATED}


def split_clauses(tokens: Sequence[Token]) -> Iterator[list[list[list[Token]]]]:
    """Sentences, each a list of segments, each a list of clauses, each a list of tokens."""
    sentence: list[list[list[Token]]] = []
    segment: list[list[Token]] = []
    clause: list[Token] = []
    for token in tokens:
        kind = token.kind
        if kind is Kind.CLAUSE or kind is Kind.BUT:
            if clause:
                if token.entry.value == "heading":
                    clause.append(token)
                segment.append(clause)
                clause = []
        elif kind is Kind.SEGMENT or kind is Kind.SENTENCE:
            if clause:
                segment.append(clause)
                clause = []
            if segment:
                sentence.append(_joined(segment))
                segment = []
            if kind is Kind.SENTENCE and sentence:
                yield sentence
                sentence = []
        else:
            clause.append(token)
    if clause:
        segment.append(clause)
    if segment:
        sentence.append(_joined(segment))
    if sentence:
        yield sentence


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
        clauses += _parted(clause)
    return clauses


def _denies(clause: Sequence[Token]) -> bool:
    for token in clause:
        if token.kind is Kind.NEGATION:
            return True
    return False


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


def _parted(clause: list[Token]) -> list[list[Token]]:
    """Split where a list word or a verb stands between two whole statements, each a place with its predicate."""
    for i, token in enumerate(clause):
        if not 0 < i < len(clause) - 1 or token.kind not in _JOINTS or not (order := _order(clause[:i])):
            continue
        after = _order(clause[i + 1 :])
        if after == order or (after and token.kind is Kind.VERB):
            return [clause[:i], *_parted(clause[i + 1 :])]
    return [clause]


def _order(tokens: Sequence[Token]) -> str:
    """"place first" or "place last" where ``tokens`` make a whole statement, else empty."""
    kinds = [t.kind for t in tokens if t.kind in _FINITE or t.kind in _PLACES]
    if not kinds:
        return ""
    if kinds[0] in _PLACES and kinds[-1] in _FINITE and kinds[-1] not in (Kind.TOPIC, Kind.VERB):
        return "place first"
    if kinds[0] in _FINITE and kinds[-1] in _PLACES:
        return "place last"
    return ""
