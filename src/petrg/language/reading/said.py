"""What a clause says, as values: places, predicates, numbers; positions index the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from petrg.anatomy import Region, Side
from petrg.language.reading.lexicon import Entry
from petrg.report import Uptake

__all__ = ["Place", "Said", "Statement"]


@dataclass(slots=True)
class Place:
    """A place named in a clause, with its side and where its words stand.

    ``beside``, ``node`` and ``bone`` say that "next to" follows it, that lymph nodes are spoken of, and
    that a bone is named with it: each may move the place to another region.
    """

    entry: Entry
    side: Side | None
    start: int
    end: int
    beside: bool = False
    node: bool = False
    bone: bool = False

    def regions(self) -> tuple[Region, ...]:
        """The regions meant, given what is said there."""
        if self.node and self.entry.nodes is not None:
            return (self.entry.nodes,)
        if self.bone and self.entry.bones is not None:
            return (self.entry.bones,)
        if self.beside and self.entry.beside is not None:
            return (self.entry.beside,)
        return self.entry.regions


class Said(NamedTuple):
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


class Statement:
    """All that one clause says.

    ``extra`` are places added to a subject ("the largest in"), ``asides`` neighbours and yardsticks,
    ``brought`` the place of a word such as "ascites".
    """

    suvs: tuple[float, ...] = ()
    suv_at: tuple[int, int] | None = None
    sizes: tuple[float, ...] = ()
    brought: Place | None = None
    rest = False
    explained = False
    physiologic = False
    aside_first = False
    yardstick = False
    together = False
    heading = False
    history = False
    describes = False
    opens_list = False
    opens_verb = False
    opens_sentence = False

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.places: list[Place] = []
        self.extra: list[Place] = []
        self.asides: list[Place] = []
        self.said: list[Said] = []

    @property
    def silent(self) -> bool:
        """Whether nothing is said of the places."""
        return not self.said and not self.suvs and not self.sizes

    @property
    def mute(self) -> bool:
        """Whether the clause has no bearing on anything."""
        return self.silent and not (self.places or self.extra or self.asides or self.yardstick or self.heading)
