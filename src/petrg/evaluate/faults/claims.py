"""What a text denies and affirms, as claims that can be set against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from petrg.anatomy import NodalGroup, Region, Side
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot
from petrg.language.reading import Grounded
from petrg.report import Structure, Uptake

__all__ = ["UPTAKE", "Claim", "claims", "core"]

UPTAKE = "uptake"
_FOCAL = frozenset({"nodule", "mass", "consolidation", "ground-glass", "destruction", "sclerosis", "density"})
"""What "no abnormal density" denies."""
_SIZES = frozenset({"enlargement", "atrophy"})
_ALL = _FOCAL | _SIZES | {"node", "thickening", "effusion", "dilatation", "fracture", "pneumothorax", "stone"}
"""What "unremarkable" denies."""
_LEVEL = re.compile(
    r"(?<![a-z0-9])(?:[ctls][0-9]{1,2}(?![a-z0-9])|[iv]{2,4}(?![a-z])|[iv](?=区)|[ⅰ-ⅻⅠ-Ⅻ]+"
    r"|[0-9]{1,2}[lr]?(?=区|后肋|前肋|肋|段|组|th|椎))|第[0-9一二三四五六七八九十]+|[颈胸腰骶][0-9]{1,2}"
)
_SITE = 60  # characters of a place that are looked at; a list of places may be endless
_NEXT = 3  # characters that must follow a level, such as its unit
_NEAR = 24  # characters before and after a place in which a side or a level belongs to it


class Claim(NamedTuple):
    """One thing said of one place.

    ``kinds`` are told by name ("nodule"), ``general`` only as anything abnormal. ``joint`` says that a denial is of
    its kinds together ("no avid nodule"), so that one of them alone is not denied.
    """

    region: Region
    site: str
    side: Side | None
    group: NodalGroup | None
    levels: frozenset[str]
    denied: bool
    kinds: frozenset[str]
    general: frozenset[str]
    joint: bool
    diffuse: bool
    mild: bool
    benign: bool
    place: Spot
    at: Spot


def claims(pieces: Pieces, words: Words, grounded: Iterable[Grounded]) -> Iterator[Claim]:
    """The claims of a text; left out is what is uncertain, of the past, implied, or said of the rest."""
    told: set[tuple[object, ...]] = set()
    for g in grounded:
        if g.implied:
            continue
        place = Spot(*g.at[0])
        at = Spot(min(a for a, _ in g.at), max(b for _, b in g.at))
        site = _site(g, pieces, words, place)
        key = (g.region, g.structure, g.uptake, site, g.side, g.negated, pieces.words(pieces.sentence_of(at)))
        if key in told:
            continue  # in a loop the same sentence says the same
        told.add(key)
        clause = pieces.words(pieces.clause_of(at))
        if words.cues["prior"].search(clause) or words.cues["hedge"].search(clause):
            continue
        phrase = pieces.words(at)
        if denied := _denies(g):
            if g.rest or words.cues["affirms"].search(phrase) or _excepts(pieces, words, at, clause):
                continue
            kinds, general = _denied(g, pieces, words, phrase)
        else:
            kinds, general = _affirmed(g, pieces, words, phrase), frozenset[str]()
        if not kinds and not general:
            continue
        yield Claim(
            region=g.region,
            site=site,
            side=g.side or _side(pieces, words, place),
            group=g.nodal_group,
            levels=_levels(pieces, place),
            denied=denied,
            kinds=kinds,
            general=general,
            joint=denied and _joint(g, pieces, words),
            diffuse=words.cues["diffuse"].search(clause) is not None,
            mild=words.cues["hedged-denial" if denied else "mild"].search(clause) is not None,
            benign=words.cues["benign"].search(clause) is not None,
            place=place,
            at=at,
        )


def _denies(g: Grounded) -> bool:
    """A denial, or a bare normal; a lesion without uptake is neither."""
    if g.negated:
        return True
    normal = g.uptake in (None, Uptake.NORMAL) and g.structure in (None, Structure.NORMAL)
    return normal and g.suv_max is None and not g.size_mm


def _excepts(pieces: Pieces, words: Words, at: Spot, clause: str) -> bool:
    """Whether the denial leaves something out ("otherwise", a "but" that follows), or is not said in one sentence."""
    if words.cues["except"].search(clause) or pieces.sentence_of(at) != pieces.sentence_of(at._replace(end=at.start)):
        return True
    sentence = pieces.sentence_of(at)
    if words.cues["save"].search(pieces.words(sentence._replace(end=at.end))):
        return True
    return words.cues["but"].search(pieces.words(sentence._replace(start=at.end))) is not None


def _denied(g: Grounded, pieces: Pieces, words: Words, phrase: str) -> tuple[frozenset[str], frozenset[str]]:
    kinds: set[str] = set()
    general: frozenset[str] = frozenset()
    if g.negated:
        if g.uptake in (Uptake.HIGH, Uptake.EQUIVOCAL):
            kinds.add(UPTAKE)
        if g.structure is not None:
            named = _kinds(pieces.words(Spot(*g.at[-1])), words)
            kinds |= named
            if not named:
                general = _FOCAL
        return frozenset(kinds), general
    ct_only = words.cues["ct-only"].search(phrase) and not words.cues["uptake-topic"].search(phrase)
    if g.uptake is Uptake.NORMAL and not ct_only:
        kinds.add(UPTAKE)
    if g.structure is Structure.NORMAL:
        named = _kinds(pieces.words(Spot(*g.at[-1])), words)  # "not enlarged" is of the size only
        kinds |= named
        general = general if named else _topics(words, phrase)
    return frozenset(kinds), general


def _topics(words: Words, phrase: str) -> frozenset[str]:
    """What a bare normal is said of: density, size, or everything where it names nothing."""
    cues = words.cues
    density, size = cues["density-topic"].search(phrase), cues["size-topic"].search(phrase)
    if density or size:
        return (_FOCAL if density else frozenset[str]()) | (_SIZES if size else frozenset[str]())
    if cues["shape-topic"].search(phrase) or cues["uptake-topic"].search(phrase):
        return frozenset()
    return _ALL


def _affirmed(g: Grounded, pieces: Pieces, words: Words, phrase: str) -> frozenset[str]:
    kinds: set[str] = set()
    if g.uptake is Uptake.HIGH:
        kinds.add(UPTAKE)
    if g.structure not in (None, Structure.NORMAL):
        kinds |= _kinds(pieces.words(Spot(*g.at[1])) if len(g.at) > 1 else phrase, words)
        if "node" in kinds and UPTAKE not in kinds and not words.kinds["enlargement"].search(phrase):
            kinds.discard("node")
    return frozenset(kinds)


def _kinds(text: str, words: Words) -> frozenset[str]:
    return frozenset(kind for kind, pattern in words.kinds.items() if pattern.search(text))


def _joint(g: Grounded, pieces: Pieces, words: Words) -> bool:
    """Whether uptake and structure are denied as one thing: their words touch, with no "or" between."""
    if not g.negated or g.uptake is None or g.structure is None or len(g.at) < 3:
        return False
    (_, end), (start, _) = sorted(g.at[1:3])
    between = pieces.plain[end:start] if start >= end else ""
    return words.cues["joined"].search(between) is None and len(between) <= _NEAR


def _levels(pieces: Pieces, place: Spot) -> frozenset[str]:
    """Vertebrae, ribs, nodal levels and segments said beside the place."""
    clause = pieces.clause_of(place)
    start, end = max(clause.start, place.start - _NEAR), min(clause.end, place.end + _NEAR)
    before = max(0, start - 1)  # a letter there makes it another word
    near = pieces.plain[before : end + _NEXT]
    found = {m.group() for m in _LEVEL.finditer(near, start - before) if m.start() < end - before}
    return frozenset(found)


def _side(pieces: Pieces, words: Words, place: Spot) -> Side | None:
    """The side said beside the place, for regions that have none of their own."""
    clause = pieces.clause_of(place)
    near = pieces.plain[max(clause.start, place.start - _NEAR) : min(clause.end, place.end + _NEAR)]
    cues = words.cues
    left, right = cues["left"].search(near) is not None, cues["right"].search(near) is not None
    if cues["both"].search(near) or (left and right):
        return Side.BILATERAL
    return Side.LEFT if left else Side.RIGHT if right else None


def _site(g: Grounded, pieces: Pieces, words: Words, place: Spot) -> str:
    """The place in few words; that of a word such as "pleural effusion" goes before the subject's."""
    if len(g.at) > 1 and g.structure is not None:
        said = pieces.words(Spot(*g.at[-1]))[:_SITE]
        brought = core(said, words)
        if brought != said and any(w.region == g.region.value and brought in w.names for w in words.wholes):
            return brought
    return core((g.site or pieces.words(place))[:_SITE], words)


def core(site: str, words: Words) -> str:
    """A place without the finding that its words may bring ("ureter dilated"), list marks and empty endings."""
    plain = re.sub(r"[、,]", "", " ".join(site.lower().split()))
    bare = plain
    for pattern in words.kinds.values():
        bare = pattern.sub("", bare)
    return words.cues["ending"].sub("", bare).strip() or plain
