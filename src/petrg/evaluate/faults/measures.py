"""Sizes, uptake values and CT numbers that cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from petrg.anatomy import Region
from petrg.evaluate.faults.claims import core
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot
from petrg.language.reading import Grounded

__all__ = ["impossible_measures", "small_organs"]

LONGEST_MM = 400.0
"""No lesion and no organ of the trunk is larger than this; largest spleens are near 40 cm (our choice)."""
SHORTEST_MM = 0.5
"""Below the voxel of any CT made for PET, about 1 mm (our choice)."""
HIGHEST_SUV = 100.0
"""Above what any lesion takes up of FDG; excreted tracer can be hotter, so urinary organs are left out (our choice)."""
ORGAN_MM = {Region.LIVER: 60.0, Region.SPLEEN: 30.0, Region.KIDNEYS: 40.0}
"""Less than this is no size of the whole organ of an adult: half the lower limits of their lengths, rounded
(liver 12 cm, spleen 6 cm, kidney 8 cm; our choice)."""

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_LENGTH = r"(?:cm|mm|m|厘米|毫米|公分|米|centimet(?:er|re)s?|millimet(?:er|re)s?|met(?:er|re)s?)(?![a-z0-9²³/^])"
_TIMES = r"\s*(?:\*|x|by)\s*"
_SIZE = re.compile(
    rf"(?<![0-9.\-/a-z])({_NUMBER})(?:\s*{_LENGTH})?(?:{_TIMES}({_NUMBER})(?:\s*{_LENGTH})?)?(?:{_TIMES}({_NUMBER}))?\s*({_LENGTH})"
)
_BARE = re.compile(
    rf"(?<![0-9.*\-/a-z])({_NUMBER})\s*[*x]\s*({_NUMBER})(?![0-9.]*[0-9])(?!\s*(?:{_LENGTH}|[*x]|\^))(?:\s*[*x]\s*{_NUMBER})?"
)
_SUV = r"suv(?:\s*-?_?\s*(?:max|peak|mean|avg|bw|lbm|min))?(?:\s*(?:of|is|was|value|约|为|值|:|=|~|up to|about))*\s*"
_SUV_UNIT = re.compile(rf"{_SUV}{_NUMBER}\s*(?:cm|mm|hu|kbq|mbq|bq|mg|厘米|毫米|ml(?!/)|%)(?![a-z])")
_SUV_VALUE = re.compile(rf"{_SUV}({_NUMBER})(?![0-9])")
_HU_LENGTH = re.compile(rf"(?:ct值|hounsfield units?|(?<![a-z])hu(?![a-z]))[^0-9,。;\n]{{0,8}}-?{_NUMBER}\s*{_LENGTH}")
_LENGTH_HU = re.compile(rf"(?:直径|长径|短径|大小|diameter|measuring|size)[^0-9,。;\n]{{0,12}}{_NUMBER}\s*hu(?![a-z])")
_MM = {
    "cm": 10.0,
    "厘": 10.0,
    "公": 10.0,
    "ce": 10.0,
    "mm": 1.0,
    "毫": 1.0,
    "mi": 1.0,
    "m": 1000.0,
    "米": 1000.0,
    "me": 1000.0,
}
_MATRIX = 100.0  # two numbers of this size without a unit are a matrix
_MOST = 20
_SITE = 60  # characters of a place that are looked at
_BESIDE = 24  # characters between an organ and its size
_AFTER = 12  # characters behind a size that may say it is of a lesion


def impossible_measures(pieces: Pieces, words: Words) -> Iterator[Fault]:
    """Lengths beyond anatomy, sizes without a unit, uptake with one, CT numbers as lengths, uptake above 100.

    A sentence about technique (slices, fields of view, distances) is left out.
    """
    for count, (at, what) in enumerate(_measures(pieces, words), 1):
        yield Fault(FaultKind.UNIT, (at,), what)
        if count == _MOST:
            return


def _measures(pieces: Pieces, words: Words) -> Iterator[tuple[Spot, str]]:
    plain = pieces.plain
    for m in _SUV_UNIT.finditer(plain):
        yield Spot(m.start(), m.end()), "an SUV with the unit of something else"
    for m in _SUV_VALUE.finditer(plain):
        at = Spot(m.start(), m.end())
        if float(m[1]) > HIGHEST_SUV and not words.cues["urinary"].search(pieces.words(pieces.sentence_of(at))):
            yield at, f"an SUV of {m[1]}, above {HIGHEST_SUV:g}"
    for pattern, what in ((_HU_LENGTH, "a CT number with a unit of length"), (_LENGTH_HU, "a length in HU")):
        for m in pattern.finditer(plain):
            yield Spot(m.start(), m.end()), what
    yield from _lengths(pieces, words)
    for m in _BARE.finditer(plain):
        at = Spot(m.start(), m.end())
        if min(float(m[1]), float(m[2])) >= _MATRIX or _unit_follows(plain, at.end) or _technical(pieces, words, at):
            continue
        yield at, "a size without a unit"


def _lengths(pieces: Pieces, words: Words) -> Iterator[tuple[Spot, str]]:
    for m in _SIZE.finditer(pieces.plain):
        lengths = _millimetres(m)
        at = Spot(m.start(), m.end())
        if min(lengths) >= SHORTEST_MM and max(lengths) <= LONGEST_MM:
            continue
        if _technical(pieces, words, at):
            continue
        if _factor(m) == 1000.0:
            yield at, "a size in metres"
        elif max(lengths) > LONGEST_MM:
            yield at, f"a size of {max(lengths) / 10:g} cm, above {LONGEST_MM / 10:g} cm"
        else:
            yield at, f"a size of {min(lengths):g} mm, below {SHORTEST_MM:g} mm"


def small_organs(pieces: Pieces, words: Words, grounded: Iterable[Grounded]) -> Iterator[Fault]:
    """A whole liver, spleen or kidney smaller than any adult's, as when millimetres stand for centimetres.

    Counted is the first length after the organ's name, where a word of extent leads to it ("measuring", "enlarged")
    and none of a lesion, of thickness or of shrinking stands by.
    """
    seen: set[int] = set()
    wholes = {(w.region, name) for w in words.wholes for name in w.names}
    for g in grounded:
        least = ORGAN_MM.get(g.region)
        place = Spot(*g.at[0])
        if least is None or place.start in seen:
            continue
        seen.add(place.start)
        if (g.region.value, core((g.site or "")[:_SITE], words)) not in wholes:
            continue
        if words.cues["located"].search(pieces.plain[max(0, place.start - _AFTER) : place.start]):
            continue  # something lies in the organ
        size = _own_size(pieces, words, place)
        if size is not None and size < least:
            organ = g.region.title("en")
            yield Fault(
                FaultKind.UNIT,
                (Spot(place.start, min(place.end + _BESIDE, len(pieces.plain))),),
                f"{organ}: {size:g} mm",
            )


def _own_size(pieces: Pieces, words: Words, place: Spot) -> float | None:
    """The length said of the organ itself, in mm."""
    rest = pieces.words(Spot(place.start, min(pieces.sentence_of(place).end, place.end + 2 * _BESIDE)))
    found = _SIZE.search(rest)
    if found is None or found.start() > place.end - place.start + _BESIDE:
        return None
    before, around = rest[: found.start()], rest[: found.end() + _AFTER]
    things = (words.kinds[kind] for kind in ("nodule", "mass", "density", "cyst", "stone", "node", "atrophy"))
    if not words.cues["extent"].search(before) or any(
        p.search(before) for p in (*things, words.cues["organ-thickness"])
    ):
        return None
    if any(words.kinds[kind].search(around) for kind in ("nodule", "mass", "cyst", "stone", "node")):
        return None
    return max(_millimetres(found))


def _millimetres(match: re.Match[str]) -> list[float]:
    return [float(n) * _factor(match) for n in match.groups()[:3] if n]


def _factor(match: re.Match[str]) -> float:
    return next(_MM[key] for key in (match[4][:2], match[4][0]) if key in _MM)


def _technical(pieces: Pieces, words: Words, at: Spot) -> bool:
    return words.cues["technique"].search(pieces.words(pieces.clause_of(at))) is not None


def _unit_follows(plain: str, end: int) -> bool:
    """Whether a list of sizes ends in a unit ("1.2 x 0.9 and 2.0 x 1.1 cm")."""
    return (
        re.match(
            rf"(?:\s*(?:,|、|和|及|and|to|-|~|至)\s*{_NUMBER}(?:\s*[*x]\s*{_NUMBER})*)+\s*{_LENGTH}",
            plain[end : end + 80],
        )
        is not None
    )
