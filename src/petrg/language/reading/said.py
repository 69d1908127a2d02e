"""What a clause says, as values: places, predicates, numbers; positions index the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from petrg.anatomy import Region, Side
from petrg.language.reading.lexicon import Entry
from petrg.report import Uptake

__all__ = ["Place", "Said", "Statement"]


_LIVER = (Region.LIVER,)


@dataclass(slots=True)
class Place:
    """A place named in a clause, with its side and where its words stand.

    ``suv`` is a number given for this place alone. ``beside``, ``node`` and ``bone`` say that "next to" follows it,
    that lymph nodes are spoken of, and that a bone is named with it: each may move the place to another region.
    """

    entry: Entry
    side: Side | None
    start: int
    end: int
    beside: bool = False
    node: bool = False
    bone: bool = False
    suv: float | None = None

    def regions(self) -> tuple[Region, ...]:
        """The regions meant, given what is said there."""
        if self.node and self.entry.nodes is not None:
            return (self.entry.nodes,)
        if self.bone and self.entry.bones is not None:
            return (self.entry.bones,)
        if self.beside and self.entry.beside is not None:
            return (self.entry.beside,)
        return self.entry.regions


@dataclass(slots=True)
class Said:
    """One predicate: an uptake class or a concept, denied or not, by which rule, where it stands.

    The concept "" with ``denied`` says that nothing is abnormal on CT. ``attribute`` marks what describes
    a thing named before it; ``regions`` are those a word such as "ascites" brings with it.
    """

    rule: str
    start: int
    end: int
    uptake: Uptake | None = None
    concept: str | None = None
    denied: bool = False
    nodular: bool = False
    marked: bool = False
    attribute: bool = False
    regions: tuple[Region, ...] = ()


@dataclass(slots=True, eq=False)
class Statement:
    """All that one clause says.

    ``extra`` are places added to a subject ("the largest in"), ``asides`` neighbours and yardsticks,
    ``brought`` the place of a word such as "ascites". ``mild`` is where a clause that says no more said so, ``raised``
    an increase of what the clause does not name, ``gone`` that all said before is no more, ``refers`` which place of
    before is meant: "first" or "last" of several, an "aside"; "reference" that it was a yardstick.
    """

    start: int
    end: int
    places: list[Place] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    extra: tuple[Place, ...] = ()
    asides: tuple[Place, ...] = ()
    suvs: tuple[float, ...] = ()
    suv_at: tuple[int, int] | None = None
    sizes: tuple[float, ...] = ()
    brought: Place | None = None
    rest: bool = False
    explained: bool = False
    physiologic: bool = False
    aside_first: bool = False
    yardstick: bool = False
    around: bool = False
    earlier: bool = False
    together: bool = False
    heading: bool = False
    history: str = ""
    describes: bool = False
    opens_list: bool = False
    opens_verb: bool = False
    opens_sentence: bool = False
    opens_paragraph: bool = False
    mild: tuple[int, int] | None = None
    raised: Said | None = None
    gone: bool = False
    refers: str = ""

    @property
    def silent(self) -> bool:
        """Whether nothing is said of the places."""
        return not self.said and not self.suvs and not self.sizes

    @property
    def only_of_liver(self) -> bool:
        """Whether nothing but a number is given, of the liver: a yardstick beside another number."""
        return bool(self.suvs and self.places) and not self.said and all(p.regions() == _LIVER for p in self.places)

    @property
    def mute(self) -> bool:
        """Whether the clause has no bearing on anything."""
        if self.said or self.places or self.suvs or self.sizes:
            return False
        return not (
            self.extra
            or self.asides
            or self.yardstick
            or self.heading
            or self.earlier
            or self.mild
            or self.raised
            or self.gone
        )
