"""The places of a clause: which are its subject, which only stand beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading.said import Place, Statement
from petrg.language.reading.tokens import Token

__all__ = ["LIVER", "POOL", "TISSUE", "PlaceReader"]

LIVER, POOL, TISSUE = "liver", "pool", "tissue"
"""What an uptake is compared with."""

_REPEATED = 2  # characters between a yardstick and its name again in brackets
_MIDLINE = frozenset(group.value for group in NodalGroup if group.side is Side.MIDLINE)


_BONES = frozenset({Region.SPINE, Region.PELVIS_LIMB_BONES})


def _said_closer(last: Place, place: Place) -> bool:
    """Whether a place only narrows the one before: "sigmoid mesenteric nodes", "marrow uptake in the spine"."""
    before, regions = last.entry.regions, place.entry.regions
    if len(before) > 1:
        return len(regions) == 1 and regions[0] in before
    return place.start - last.end == 1 and before != regions and place.entry.words[0].isascii()


@dataclass(slots=True, eq=False)
class PlaceReader(ABC):
    """One pass over a clause, as far as places go.

    ``mode`` is "subject", or "extra" after "the largest in", or "aside" after "adjacent to"; ``listed`` and
    ``with_at`` say where the last list word and the last "with" stood, ``captured`` that an aside has its place.
    """

    out: Statement
    mode: str = "subject"
    side: Side | None = None
    side_end: int = -1
    last: Place | None = None
    listed: int = -1
    with_at: int = -1
    captured: bool = False
    than: bool = False
    than_liver: bool = False
    described: bool = False
    accompanied: bool = False
    spine: bool = False
    pet_topic: bool = False
    joined: tuple[Place, int] | None = None
    tumour: Token | None = None
    comparison: Token | None = None
    yardstick: Token | None = None
    yardstick_end: int = -9

    @abstractmethod
    def resolve_comparison(self, yardstick: str, token: Token) -> None:
        """Say what a comparison with ``yardstick`` means for the uptake."""

    @abstractmethod
    def structure(self, token: Token) -> None:
        """Take in a word for what CT shows."""

    def site(self, token: Token) -> None:
        """Take in a place: as subject, as one more of a subject, or as what stands beside it."""
        _, start, end, entry, _ = token
        last, out = self.last, self.out
        if last is not None and entry.part and start == last.end:
            last.end = end
            if not last.entry.regions or (last.entry.implies and Region.MUSCLE_SUBCUTIS in entry.regions):
                last.entry = entry  # "marrow of the whole body", "muscles of the neck"
            return
        if self.comparison is not None:
            self.resolve_comparison(LIVER if Region.LIVER in entry.regions else TISSUE, token)
            out.asides += (self.place(token),)
            return
        place = self.place(token)
        if out.asides and start - out.asides[-1].end <= _REPEATED and out.asides[-1].entry is entry:
            out.asides[-1].end = end  # "above the liver (liver 3.0)"
            return
        if self.mode == "aside":
            self.captured = True
            self.than_liver = self.than and Region.LIVER in entry.regions
            out.asides += (place,)
            return
        extra = self.mode == "extra"
        target = out.extra if extra else out.places
        if last is not None and self.listed < last.end and target and target[-1] is last and _said_closer(last, place):
            del out.places[-1:]  # "sigmoid mesenteric", "marrow uptake in the spine"
            last = self.last = None
        if last is not None and target and target[-1] is last:
            if self.same(last, place):
                self.joined = (last, last.end)
                last.end, last.side = end, last.side or place.side
                if entry.regions and entry.group and not last.entry.group:
                    last.entry = entry
                return
            if last.end == start and last.entry.implies:
                del out.places[-1:]
        if extra:
            out.extra += (place,)
        else:
            out.places.append(place)
        self.last = place
        if entry.regions and _BONES.issuperset(entry.regions):
            self.spine = True
        if entry.concept is not None:
            self.structure(token)  # a place named by its nodes shows them

    def place(self, token: Token) -> Place:
        """The place of a token, with the side that holds for it."""
        _, start, end, entry, _ = token
        side = entry.side or self.side
        if side is not None and entry.side is None and entry.group in _MIDLINE and start - self.side_end > 1:
            side = None  # a side carried along a list stops at what has none
        return Place(entry, side, start, end)

    def same(self, last: Place, place: Place) -> bool:
        """Whether two places follow each other as parts of one: "left lung, upper lobe"."""
        if self.listed >= last.end or last.entry.regions != place.entry.regions:
            return False
        return last.side is None or place.side is None or last.side is place.side

    def side_(self, token: Token) -> None:
        """Remember a side for the places that follow, or give it to the one just named."""
        self.side = token.entry.side
        self.side_end = token.end
        if self.last is not None and self.last.side is None and token.start == self.last.end:
            self.last.side = self.side

    def beside(self, token: Token) -> None:
        """Take "Next to" after a place moves it; "at the level of" makes it no subject."""
        if self.last is None or token.start != self.last.end:
            self.out.around |= self.last is None and token.entry.value != "level"
            return
        if token.entry.value == "level" and self.joined is not None and self.joined[0] is self.last:
            self.last.end = self.joined[1]  # "retroperitoneal, at the level of the renal vein": one place
        elif token.entry.value == "level":
            self.out.places = [p for p in self.out.places if p is not self.last]
            self.out.extra = tuple(p for p in self.out.extra if p is not self.last)
            self.out.asides += (self.last,)
        else:
            self.last.beside, self.last.end = True, token.end

    def reference(self, token: Token) -> None:
        """A yardstick such as the blood pool: what is compared with it, or a clause about it alone."""
        self.yardstick, self.yardstick_end = token, token.end
        if token.entry.value == "clause":
            self.only_yardsticks()
            return
        if self.last is not None and self.last.end == token.start and self.last in self.out.places:
            self.out.places.remove(self.last)
        if self.comparison is not None:
            self.resolve_comparison(token.entry.value or POOL, token)
        elif not (self.out.places or self.out.said or self.out.suvs or self.pet_topic or self.mode == "aside"):
            self.out.yardstick = True

    def only_yardsticks(self) -> None:
        """Take "for reference": the clause says nothing of its places."""
        if not self.out.places:
            self.out.refers = "reference"
        self.out.asides += tuple(self.out.places)
        self.out.places, self.out.said, self.out.suvs, self.out.yardstick = [], [], (), True

    def list_(self, token: Token) -> None:
        """Note where a list word stands."""
        self.listed = token.start
        if token.entry.value == "with":
            self.with_at = token.start

    def location(self, token: Token) -> None:
        """What follows is added to the subject."""
        self.mode = "extra"

    def aside(self, token: Token) -> None:
        """What follows stands beside the subject."""
        if token.entry.value == "invades" and self.tumour is not None and not self.out.places:
            return  # "lymphoma invading the spleen": the spleen is the subject
        if beside := self.beside_with():  # "touches X" or "with X in touch"
            self.out.asides += tuple(beside)
        elif self.mode != "extra":
            self.out.aside_first |= not self.out.places and not self.out.said and token.entry.value != "than"
            self.mode, self.captured, self.than = "aside", False, token.entry.value == "than"

    def beside_with(self) -> list[Place]:
        """Take the places after "with" out of the subject."""
        beside = [place for place in self.out.places if place.start > self.with_at >= 0]
        del self.out.places[len(self.out.places) - len(beside) :]
        return beside

    def within(self, token: Token) -> None:
        """Take "In" ends an aside that has its place."""
        if self.mode == "aside" and self.captured:
            self.mode = "subject"

    def verb(self, token: Token) -> None:
        """A verb ends an aside; "appearing as" begins a description."""
        self.described = token.entry.value == "as"
        self.accompanied |= token.entry.value == "with"
        if self.mode == "aside":
            self.mode = "subject"
