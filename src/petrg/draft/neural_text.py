"""A network's text, read: its slots, its sentences, and the findings and regions that each of them names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

from petrg.anatomy import Region
from petrg.draft.neural_words import neural_words
from petrg.language.reading import Grounded, lexicon, read
from petrg.language.reading.plain import normalise
from petrg.language.reading.sentences import segments
from petrg.language.words import Language, words_of

__all__ = ["MARKERS", "Marker", "Passage", "ReadText", "printable", "read_findings", "read_text"]

MARKERS = {
    "<suvmax>": "30.00",
    "<suvmean>": "30.00",
    "<suvpeak>": "30.00",
    "<size>": "9.00×9.00cm",
    "<long>": "9.00cm",
    "<short>": "9.00cm",
    "<volume>": "9.0ml",
    "<tlg>": "9.0g",
    "<hu>": "30HU",
    "<count>": "9",
}
"""Slots as the network writes them, and what stands for each while the text is read."""

_MARKER = re.compile("|".join(map(re.escape, MARKERS)))
_UNIT = re.compile(r"\s*(?:cm|mm|厘米|毫米|ml|毫升|HU|g)(?![A-Za-z/])", re.IGNORECASE)
_END = re.compile(r"[。！？；!?;]+[”’\"')）]*|\.(?=\s|$)|\n+")
_COMMA = re.compile(r"[，,]\s*")
_NUMBERED = re.compile(r"\s*[(（]?\d+\s*$")
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_WHOLE = len(Region) * 3 // 4
_ITEM = re.compile(r"^[\s(（]*\d*[\s.、．)）]*")
_HEADING = re.compile(r"[:：】\]]\s*$")


@dataclass(frozen=True, slots=True)
class Marker:
    """One slot: its name without brackets, and where what stands for it lies in the text that is read."""

    kind: str
    start: int
    end: int


class Passage(NamedTuple):
    """A piece of the text, a sentence or a whole statement of one, with what it says.

    ``regions`` are those named, in order, the first of which it goes to; empty where it names none. ``rest`` are those
    that a sentence on the whole body or on the rest of it means.
    """

    start: int
    end: int
    found: tuple[Grounded, ...]
    regions: tuple[Region, ...]
    markers: tuple[Marker, ...]
    rest: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadText:
    """The text as it was read, with numbers in the places of the slots.

    Positions of passages and markers index ``text``.
    """

    text: str
    language: Language
    markers: tuple[Marker, ...]
    passages: tuple[Passage, ...]


def read_text(text: str, language: Language) -> ReadText:
    """Read what a network wrote.

    Examples
    --------
    >>> told = read_text("左颈部见肿大淋巴结，大小约<size>，SUVmax约<suvmax>。肝脏未见异常。", "zh")
    >>> [(told.text[p.start:p.end], [r.value for r in p.regions], len(p.markers)) for p in told.passages]
    [('左颈部见肿大淋巴结，大小约9.00×9.00cm，SUVmax约30.00。', ['neck-nodes'], 2), ('肝脏未见异常。', ['liver'], 0)]
    """
    plain, markers = _without_slots(printable(text).replace("{", "(").replace("}", ")"))  # braces are for our slots
    grounded = read_findings(plain, language)
    passages = []
    for start, end in _sentences(plain):
        touching = tuple(g for g in grounded if any(start <= at[0] < end for at in g.at))
        for first, last in _statements(plain, start, end, touching):
            found = tuple(g for g in touching if any(first <= at[0] < last for at in g.at))
            here = tuple(m for m in markers if first <= m.start < last)
            regions = _regions(found, first, last) or _places(plain[first:last], language)
            regions = tuple(dict.fromkeys((*_headed(plain[first:last], language), *regions)))
            rest = regions if len(regions) > _WHOLE and all(g.implied for g in found) else ()
            passages.append(Passage(first, last, found, () if rest else regions, here, rest))
    return ReadText(plain, language, markers, tuple(passages))


def read_findings(text: str, language: Language) -> list[Grounded]:
    """The findings of a text by the regions of the record, in which ribs and sternum are parts of the chest wall."""
    bones = neural_words(language).wall_bones

    def wall(g: Grounded) -> bool:
        site = (g.site or "").lower()
        return g.region is Region.PELVIS_LIMB_BONES and any(bone in site for bone in bones)

    found = read(text, language).grounded
    return [g._replace(region=Region.AXILLA_CHEST_WALL) if wall(g) else g for g in found]


def printable(text: str) -> str:
    r"""``text`` without control characters, which a network may write and no page may hold.

    >>> printable("a\x00b\tc\n")
    'ab c\n'
    """
    return "".join(c if c == "\n" or unicodedata.category(c) not in _UNPRINTABLE else " " * (c == "\t") for c in text)


def _without_slots(text: str) -> tuple[str, tuple[Marker, ...]]:
    """The text with a number for each slot, and where they are; a unit that follows a slot goes into it."""
    out: list[str] = []
    markers: list[Marker] = []
    length = last = 0
    for found in _MARKER.finditer(text):
        before, stands = text[last : found.start()], MARKERS[found.group()]
        start = length + len(before)
        out += [before, stands]
        length, last = start + len(stands), found.end()
        if not stands.isdigit() and stands[-1].isalpha() and (unit := _UNIT.match(text, last)):
            last = unit.end()
        markers.append(Marker(found.group()[1:-1], start, length))
    return "".join([*out, text[last:]]), tuple(markers)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence lies; a heading or a list number goes with what follows it, blanks with nothing."""
    start = 0
    for found in _END.finditer(text):
        said = text[start : found.start()]
        if found.group() == "." and _NUMBERED.fullmatch(said):
            continue
        if _HEADING.search(text[start : found.end()].rstrip()) and found.group().startswith("\n"):
            continue
        yield from _stripped(text, start, found.end())
        start = found.end()
    yield from _stripped(text, start, len(text))


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    said = text[start:end]
    if said.strip():
        yield start + len(said) - len(said.lstrip()), start + len(said.rstrip())


def _statements(text: str, start: int, end: int, found: Sequence[Grounded]) -> list[tuple[int, int]]:
    """A sentence cut at the commas between whole statements on different regions; mostly the sentence itself."""
    cuts = [start]
    commas = [start + m.end() for m in _COMMA.finditer(text[start:end])]
    for comma, after in pairwise([*commas, end]):
        before = [g for g in found if any(cuts[-1] <= at[0] < comma for at in g.at)]
        next_ones = [g for g in found if comma <= g.at[0][0] < after]
        whole = before and all(at[0] < comma for g in before for at in g.at)
        own = next_ones and all(comma <= at[0] for g in next_ones for at in g.at)
        if whole and own and {g.region for g in before}.isdisjoint(g.region for g in next_ones):
            cuts.append(comma)
    return list(pairwise([*cuts, end]))


def _regions(found: Sequence[Grounded], start: int, end: int) -> tuple[Region, ...]:
    """The regions a passage names, those whose place stands in it first; "the rest" names none."""
    named = [g for g in found if not g.rest]
    here = [g for g in named if start <= g.at[0][0] < end]
    return tuple(dict.fromkeys(g.region for g in (*here, *named)))


def _headed(said: str, language: Language) -> tuple[Region, ...]:
    """The region whose title a sentence begins with, as structured reports have it."""
    words, begins = words_of(language), _ITEM.sub("", said).lower()
    return tuple(region for region in Region if begins.startswith(words.title(region).lower()))[:1]


def _places(said: str, language: Language) -> tuple[Region, ...]:
    """The regions whose names stand in a sentence of which the reader makes no finding; first a reference region."""
    words, lowered = neural_words(language), said.lower()
    for region, names in ((Region.MEDIASTINUM_HILA, words.blood_pool), (Region.LIVER, words.liver)):
        if "suv" in lowered and any(name in lowered for name in names):
            return (region,)
    statements = chain.from_iterable(segments(normalise(said), lexicon(language)))
    return tuple(dict.fromkeys(region for s in statements for place in s.places for region in place.regions()))
