"""Denied here and affirmed there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from petrg.anatomy import Region, Side
from petrg.evaluate.faults.claims import UPTAKE, Claim, claims
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot
from petrg.language.reading import Grounded

__all__ = ["contradictions"]

_MOST = 100  # of one text
_Key = tuple[Region, str, Side | None, frozenset[str], bool]


def contradictions(pieces: Pieces, words: Words, grounded: Iterable[Grounded]) -> Iterator[Fault]:
    """Pairs of statements of which one denies what the other affirms of the same place, side and level.

    A denial of a whole denies its parts; one that names nothing ("unremarkable") denies disease, not a cyst or another
    benign thing; "no obvious" leaves room for what is slight, "no focal" for what is diffuse, "no enlarged node" for a
    small one. What is of the past, in doubt, said of the rest, or follows a "but" contradicts nothing. Uptake and
    structure are apart. A denial counts once for uptake and once for structure, however much contradicts it.
    """
    denials: dict[str, list[Claim]] = {}
    affirmations: list[Claim] = []
    for claim in _distinct(claims(pieces, words, grounded)):
        if claim.denied:
            denials.setdefault(claim.region.value, []).append(claim)
        else:
            affirmations.append(claim)
    found: dict[_Key, tuple[tuple[Spot, Spot], set[str]]] = {}
    for a in affirmations:
        for d in denials.get(a.region.value, ()):
            if kinds := _clash(d, a, pieces, words):
                spans = (a.at, d.at) if a.at < d.at else (d.at, a.at)
                key = (d.region, d.site, d.side, d.levels, UPTAKE in kinds)
                first, named = found.setdefault(key, (spans, set()))
                found[key] = (min(first, spans), named | kinds)
    faults = [
        Fault(FaultKind.CONTRADICTION, spans, f"{key[0].title('en')}: {', '.join(sorted(kinds))} denied and affirmed")
        for key, (spans, kinds) in found.items()
    ]
    yield from sorted(faults, key=lambda fault: fault.spans)[:_MOST]


def _distinct(rows: Iterable[Claim]) -> Iterator[Claim]:
    """Each claim where it is first made."""
    seen: set[Claim] = set()
    for claim in rows:
        key = claim._replace(place=claim.place._replace(start=0, end=0), at=claim.at._replace(start=0, end=0))
        if key not in seen:
            seen.add(key)
            yield claim


def _clash(d: Claim, a: Claim, pieces: Pieces, words: Words) -> frozenset[str]:
    """What ``d`` denies of what ``a`` affirms."""
    if d.place == a.place or not (_same_side(d, a) and _same_level(d, a) and _covers(d, a, words)):
        return frozenset()
    kinds = a.kinds & d.kinds
    if d.joint:
        kinds = kinds if d.kinds <= a.kinds else frozenset()
    if not a.benign:
        kinds |= a.kinds & d.general
    if a.benign or (a.diffuse and not d.diffuse):
        kinds -= {UPTAKE}
    if a.mild and d.mild:
        return frozenset()
    if kinds and _narrowed(d, a, pieces, words):
        return frozenset()
    return kinds


def _same_side(d: Claim, a: Claim) -> bool:
    one = (Side.LEFT, Side.RIGHT)
    return d.side not in one or a.side is d.side or a.side is Side.BILATERAL


def _same_level(d: Claim, a: Claim) -> bool:
    if d.group is not None and a.group is not None and d.group is not a.group:
        return False
    return not d.levels or d.levels == a.levels


def _covers(d: Claim, a: Claim, words: Words) -> bool:
    """Whether what ``d`` is said of holds what ``a`` is said of."""
    if d.site == a.site:
        return True
    return any(
        whole.region == d.region.value and d.site in whole.names and whole.parts.search(a.site)
        for whole in words.wholes
    )


def _narrowed(d: Claim, a: Claim, pieces: Pieces, words: Words) -> bool:
    """Whether the denial is of a narrower thing ("no enlarged node") than what is affirmed."""
    denied, affirmed = pieces.words(pieces.clause_of(d.at)), pieces.words(pieces.clause_of(a.at))
    return any(q.denied.search(denied) and not q.affirmed.search(affirmed) for q in words.qualifiers)
