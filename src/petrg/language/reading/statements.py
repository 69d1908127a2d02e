"""A clause -> what it says: places, predicates with their negation, numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading.lexicon import Entry, Kind
from petrg.language.reading.tokens import Token
from petrg.report import Uptake

__all__ = ["Place", "Said", "Statement", "read_clause"]

_MIDLINE = frozenset(group.value for group in NodalGroup if group.side is Side.MIDLINE)
LIVER, POOL, TISSUE = "liver", "pool", "tissue"


@dataclass(slots=True)
class Place:
    """A place named in a clause, with its side and where its words stand."""

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


@dataclass(frozen=True, slots=True)
class Said:
    """One predicate: an uptake class or a concept, denied or not, by which rule, where it stands."""

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


@dataclass(slots=True)
class Statement:
    """All that one clause says."""

    start: int
    end: int
    places: list[Place] = field(default_factory=list)
    extra: list[Place] = field(default_factory=list)
    asides: list[Place] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    suvs: tuple[float, ...] = ()
    suv_at: tuple[int, int] | None = None
    sizes: tuple[float, ...] = ()
    rest: bool = False
    explained: bool = False
    aside_first: bool = False
    yardstick: bool = False
    together: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing is said of the places."""
        return not self.said and not self.suvs and not self.sizes


def read_clause(tokens: Sequence[Token]) -> Statement:
    """What the clause of ``tokens`` says."""
    reader = _Reader(Statement(tokens[0].start, tokens[-1].end))
    for token in tokens:
        if (act := _ACTS.get(token.kind)) is not None:
            act(reader, token)
    return reader.close()


@dataclass(slots=True)
class _Reader:
    """The state of one pass over a clause."""

    out: Statement
    mode: str = "subject"  # subject, extra, aside
    side: Side | None = None
    side_end: int = -1
    denied: bool = False
    topics: list[Token] = field(default_factory=list)
    uptake_noun: Token | None = None
    pet_topic: bool = False
    ct_topic: Token | None = None
    change: Token | None = None
    abnormal: Token | None = None
    normal: Token | None = None
    uneven: Token | None = None
    degree: str = ""
    degree_at: int = -1
    nodular: bool = False
    physiologic: bool = False
    prior: bool = False
    compared: int = -9
    described: bool = False  # "appearing as": what follows describes what was named
    nodes: bool = False
    spine: bool = False
    comparison: Token | None = None
    captured: bool = False
    last: Place | None = None
    listed: int = -1
    with_at: int = -1

    # -- places
    def site(self, token: Token) -> None:
        entry, last = token.entry, self.last
        if last is not None and entry.part and token.start == last.end:
            last.end = token.end
            return
        if self.comparison is not None:
            self.resolve_comparison(LIVER if Region.LIVER in entry.regions else TISSUE, token)
            self.out.asides.append(self.place(token))
            return
        place = self.place(token)
        if self.mode == "aside":
            self.captured = True
            self.out.asides.append(place)
            return
        target = self.out.extra if self.mode == "extra" else self.out.places
        if last is not None and target and target[-1] is last and self.same(last, place):
            last.end, last.side = place.end, last.side or place.side
            if len(entry.regions) and entry.group and not last.entry.group:
                last.entry = entry
            return
        if last is not None and last.end == token.start and last.entry.implies and target and target[-1] is last:
            target.pop()
        target.append(place)
        self.last = place
        self.spine |= Region.SPINE in entry.regions

    def place(self, token: Token) -> Place:
        entry, side = token.entry, self.side
        if entry.group in _MIDLINE and token.start - self.side_end > 1:
            side = None  # a side carried along a list stops at what has none
        return Place(entry, entry.side or side, token.start, token.end)

    def same(self, last: Place, place: Place) -> bool:
        """Whether two places follow each other as parts of one: "left lung, upper lobe"."""
        sides = last.side is None or place.side is None or last.side is place.side
        return self.listed < last.end and sides and last.entry.regions == place.entry.regions

    def side_(self, token: Token) -> None:
        self.side = token.entry.side
        self.side_end = token.end
        if self.last is not None and self.last.side is None and token.start == self.last.end:
            self.last.side = self.side

    def beside(self, token: Token) -> None:
        if self.last is None or token.start != self.last.end:
            return
        if token.entry.value == "level":
            for places in (self.out.places, self.out.extra):
                if self.last in places:
                    places.remove(self.last)
            self.out.asides.append(self.last)
        else:
            self.last.beside, self.last.end = True, token.end

    def reference(self, token: Token) -> None:
        if self.last is not None and self.last.end == token.start and self.last in self.out.places:
            self.out.places.remove(self.last)
        if self.comparison is not None:
            self.resolve_comparison(POOL if token.entry.value != LIVER else LIVER, token)
        elif not (self.out.places or self.out.said or self.pet_topic or self.mode == "aside"):
            self.out.yardstick = True

    def list_(self, token: Token) -> None:
        self.listed = token.start
        if token.entry.value == "with":
            self.with_at = token.start

    def location(self, token: Token) -> None:
        self.mode = "extra"

    def aside(self, token: Token) -> None:
        if self.mode != "extra":
            self.out.aside_first |= not self.out.places and not self.out.said
            self.mode, self.captured = "aside", False

    def within(self, token: Token) -> None:
        if self.mode == "aside" and self.captured:
            self.mode = "subject"

    def verb(self, token: Token) -> None:
        self.described = token.entry.value == "as"
        if self.mode == "aside":
            self.mode = "subject"

    # -- comparisons
    def compare(self, token: Token) -> None:
        of_uptake = self.pet_topic or any(s.uptake is not None for s in self.out.said)
        if of_uptake or (self.ct_topic is None and token.entry.value not in ("above", "below")):
            self.comparison = token
        else:
            self.aside(token)

    def likeness(self, token: Token) -> None:
        yardsticks = [p for p in self.out.places if p.start > self.with_at >= 0]
        for place in yardsticks:
            self.out.places.remove(place)
            self.out.asides.append(place)
        self.comparison = token
        if yardsticks:
            self.resolve_comparison(LIVER if Region.LIVER in yardsticks[0].entry.regions else TISSUE, token)

    def resolve_comparison(self, yardstick: str, token: Token) -> None:
        comparison, self.comparison = self.comparison, None
        assert comparison is not None
        if not self.pet_topic and (self.ct_topic is not None or yardstick == TISSUE):
            return  # a length above another, a density like another
        sense = comparison.entry.value
        if sense == "touch":
            return
        if sense == "up-mild":
            sense, self.degree = "up", "mild"
        elif sense == "above":
            sense = "up"
        if self.denied:
            uptake = Uptake.NORMAL
        elif sense == "up":
            low = yardstick == POOL or self.degree == "mild"
            uptake = Uptake.EQUIVOCAL if low else Uptake.HIGH
        elif sense == "same":
            uptake = Uptake.NORMAL if yardstick == TISSUE else Uptake.EQUIVOCAL
        else:
            uptake = Uptake.NORMAL
        self.pet(uptake, comparison, "uptake.comparison", end=token.end)

    # -- predicates
    def pet(self, uptake: Uptake, token: Token, rule: str, *, end: int = 0, denied: bool = False) -> None:
        marked = self.degree == "marked" and not denied
        start = min(token.start, self.degree_at) if 0 <= self.degree_at else token.start
        self.out.said.append(Said(rule, start, end or token.end, uptake, None, denied, marked=marked))
        self.uptake_noun = self.change = self.uneven = None
        self.topics = [t for t in self.topics if not t.entry.value.startswith("pet")]
        self.clear()

    def ct(
        self, concept: str, token: Token, rule: str, *, attribute: bool = False, regions: tuple[Region, ...] = ()
    ) -> None:
        said = Said(
            rule,
            token.start,
            token.end,
            None,
            concept,
            self.denied,
            self.nodular,
            attribute=attribute or self.described,
            regions=regions,
        )
        self.out.said.append(said)
        self.nodular = False
        self.ct_topic = None
        self.topics = [t for t in self.topics if t.entry.value.startswith("pet")]
        self.clear()

    def clear(self) -> None:
        self.degree, self.degree_at, self.side = "", -1, None
        if self.mode == "aside":
            self.mode = "subject"

    def rise(self, token: Token, rule: str = "uptake.high") -> None:
        if self.denied:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.physiologic:
            self.pet(Uptake.PHYSIOLOGIC, token, "uptake.physiologic")
        elif self.degree == "mild":
            self.pet(Uptake.EQUIVOCAL, token, "uptake.mild")
        else:
            self.pet(Uptake.HIGH, token, rule)

    def fall(self, token: Token) -> None:
        if self.denied:
            self.pet(Uptake.REDUCED, token, "uptake.denied", denied=True)
        else:
            self.pet(Uptake.REDUCED, token, "uptake.reduced")

    def topic(self, token: Token) -> None:
        value = token.entry.value
        if value.startswith("pet"):
            self.pet_topic = True
            if self.denied and (self.abnormal or value == "pet-uptake"):
                self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
            elif self.normal is not None:
                self.pet(Uptake.NORMAL, token, "uptake.normal")
            elif self.change is not None:
                self.turn(self.change, token)
            elif self.abnormal is not None:
                self.rise(token, "uptake.abnormal")
            else:
                self.topics.append(token)
                if value == "pet-uptake":
                    self.uptake_noun = token
            return
        if self.change is not None:
            change, self.change = self.change, None
            self.turn_ct(change, token)
        elif self.normal is not None or (self.denied and self.abnormal):
            self.structure_normal(token)
        else:
            self.topics.append(token)
            self.ct_topic = token

    def turn(self, change: Token, topic: Token) -> None:
        self.change = None
        if change.entry.value == "up-mild":
            self.degree = "mild"
        if change.entry.value.startswith("up"):
            self.rise(topic)
        else:
            self.fall(topic)

    def turn_ct(self, change: Token, topic: Token) -> None:
        up, size = change.entry.value.startswith("up"), topic.entry.value == "size"
        concept = ("enlargement" if up else "atrophy") if size else ("high-density" if up else "low-density")
        last = topic if topic.end > change.end else change
        self.ct(concept, last, "structure." + concept, attribute=not size)

    def change_(self, token: Token) -> None:
        topics = list(self.topics)
        if not topics:
            if self.pet_topic and self.ct_topic is None and any(s.uptake is not None for s in self.out.said):
                self.turn(token, token)
            else:
                self.change = token
            return
        degree = self.degree
        for topic in topics if self.listed > topics[0].end else topics[-1:]:
            self.degree = degree
            if topic.entry.value.startswith("pet"):
                self.turn(token, token)
            else:
                self.turn_ct(token, topic)

    def uptake(self, token: Token) -> None:
        cls = token.entry.uptake
        self.pet_topic = True
        if cls is Uptake.PHYSIOLOGIC:
            self.physiologic = True
            self.uptake_noun = self.change = None
            if not self.denied:
                self.pet(Uptake.PHYSIOLOGIC, token, "uptake.explained" if self.out.explained else "uptake.physiologic")
        elif cls is Uptake.REDUCED:
            self.fall(token)
        elif cls is Uptake.HIGH:
            if token.entry.value == "marked" and not self.degree:
                self.degree = "marked"
            self.rise(token)
        elif self.denied and cls is Uptake.EQUIVOCAL:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        else:
            assert cls is not None
            self.pet(cls, token, "uptake.stated")

    def deauville(self, token: Token) -> None:
        grade = int(token.numbers[0])
        cls = Uptake.NORMAL if grade <= 2 else Uptake.EQUIVOCAL if grade == 3 else Uptake.HIGH
        self.pet(cls, token, f"uptake.deauville-{grade}")

    def structure(self, token: Token) -> None:
        entry = token.entry
        assert entry.concept is not None
        self.change = None
        if entry.concept == "node":
            self.nodes = True
        elif entry.concept == "enlargement" and self.denied:
            self.deny_nodes()
        self.ct(entry.concept, token, "structure." + entry.concept, regions=entry.regions)

    def deny_nodes(self) -> None:
        """"Nodes are not enlarged": the node was a subject, not a finding."""
        self.out.said = [
            Said(s.rule, s.start, s.end, None, s.concept, True) if s.concept == "node" else s for s in self.out.said
        ]

    def structure_normal(self, token: Token) -> None:
        self.out.said.append(Said("structure.normal", token.start, token.end, None, "", True))
        self.topics = [t for t in self.topics if t.entry.value.startswith("pet")]
        self.ct_topic = None

    def abnormal_(self, token: Token) -> None:
        if self.denied:
            self.normal_(token)
            self.abnormal = token
        elif self.topics:
            topics, self.topics = self.topics, []
            for topic in topics:
                if topic.entry.value.startswith("pet"):
                    self.rise(token, "uptake.abnormal")
                else:
                    self.ct("other", token, "structure.abnormal")
        else:
            self.abnormal = token

    def normal_(self, token: Token) -> None:
        value = token.entry.value
        if token.entry.kind is Kind.NORMAL:
            if self.denied and value != "always":
                return
            if value == "ct":
                self.structure_normal(token)
                return
            if value == "pet":
                self.pet(Uptake.NORMAL, token, "uptake.normal")
                return
        said = self.out.said
        if said and said[-1].uptake is Uptake.HIGH and not said[-1].denied:
            said[-1] = Said("uptake.normal", said[-1].start, token.end, Uptake.NORMAL)
        elif not self.topics:
            self.normal = token
            return
        topics, self.topics = self.topics, []
        for topic in topics:
            if topic.entry.value.startswith("pet"):
                self.pet(Uptake.NORMAL, token, "uptake.normal")
            else:
                self.structure_normal(token)
        self.normal = None

    def uneven_(self, token: Token) -> None:
        self.uneven = token

    def degree_(self, token: Token) -> None:
        said = self.out.said
        if token.entry.value == "mild" and said and self.is_after_uptake(said[-1], token):
            said[-1] = Said("uptake.mild", said[-1].start, token.end, Uptake.EQUIVOCAL)
            return
        if not self.degree or token.entry.value == "mild":
            self.degree, self.degree_at = token.entry.value, token.start

    def is_after_uptake(self, said: Said, token: Token) -> bool:
        return said.uptake is Uptake.HIGH and not said.denied and token.entry.value == "mild" and token.start - said.end < 3

    def negation(self, token: Token) -> None:
        self.denied = True
        self.change = self.abnormal = None
        if self.mode == "aside":
            self.mode = "subject"

    def negated(self, token: Token) -> None:
        """"Uptake not evident", "ascites negative": denies what the clause said so far."""
        if self.uptake_noun is not None:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.topics:
            self.normal_(token)
        self.out.said = [
            Said("negated", s.start, token.end, s.uptake, s.concept, True, regions=s.regions)
            if s.uptake is not Uptake.PHYSIOLOGIC
            else s
            for s in self.out.said
        ]

    def shape(self, token: Token) -> None:
        self.nodular = True

    def explanation(self, token: Token) -> None:
        self.out.explained = True

    def malignant(self, token: Token) -> None:
        if self.out.explained and not self.denied:
            self.out.said.append(Said("uptake.malignant", token.start, token.end, Uptake.HIGH))

    def prior_(self, token: Token) -> None:
        if token.entry.value == "next":
            self.compared = token.end
        else:
            self.prior = True

    def together(self, token: Token) -> None:
        self.out.together = True

    def rest(self, token: Token) -> None:
        self.out.rest = True

    # -- numbers
    def suv(self, token: Token) -> None:
        beside_yardstick = bool(self.out.asides) and token.start - self.out.asides[-1].end <= 3
        prior = self.prior or 0 <= token.start - self.compared <= 3
        if token.numbers and not prior and not self.out.yardstick and not beside_yardstick:
            self.out.suvs += token.numbers
            self.out.suv_at = (token.start, token.end)

    def size(self, token: Token) -> None:
        if not self.prior and not self.out.sizes:
            self.out.sizes = token.numbers

    def close(self) -> Statement:
        """Settle what waited for a word that did not come."""
        out = self.out
        if self.nodes:
            for place in (*out.places, *out.extra):
                place.node = True
        if self.spine:
            for place in out.places:
                place.bone = True
        if self.comparison is not None:
            self.resolve_comparison(TISSUE, self.comparison)
        if self.normal is not None and not any(
            s.start >= self.normal.start and (s.denied or s.uptake is Uptake.NORMAL) for s in out.said
        ):
            self.deny_nodes()
            out.said.append(Said("normal.bare", self.normal.start, self.normal.end, Uptake.NORMAL))
            out.said.append(Said("normal.bare", self.normal.start, self.normal.end, None, "", True))
        elif self.uptake_noun is not None and not any(s.uptake is not None for s in out.said):
            self.rise(self.uptake_noun, "uptake.bare")
        if self.uneven is not None and not self.denied and not any(s.uptake is not None for s in out.said):
            if self.pet_topic:
                self.pet(Uptake.EQUIVOCAL, self.uneven, "uptake.uneven")
            elif self.ct_topic is not None:
                self.ct("other", self.uneven, "structure.uneven")
        return out


_ACTS = {
    Kind.SITE: _Reader.site,
    Kind.AREA: _Reader.site,
    Kind.REFERENCE: _Reader.reference,
    Kind.SIDE: _Reader.side_,
    Kind.BESIDE: _Reader.beside,
    Kind.TOPIC: _Reader.topic,
    Kind.CHANGE: _Reader.change_,
    Kind.UPTAKE: _Reader.uptake,
    Kind.STRUCTURE: _Reader.structure,
    Kind.SHAPE: _Reader.shape,
    Kind.ABNORMAL: _Reader.abnormal_,
    Kind.NORMAL: _Reader.normal_,
    Kind.UNEVEN: _Reader.uneven_,
    Kind.DEGREE: _Reader.degree_,
    Kind.NEGATION: _Reader.negation,
    Kind.NEGATED: _Reader.negated,
    Kind.VERB: _Reader.verb,
    Kind.WITHIN: _Reader.within,
    Kind.LIST: _Reader.list_,
    Kind.ALTERNATIVE: _Reader.list_,
    Kind.ASIDE: _Reader.aside,
    Kind.COMPARISON: _Reader.compare,
    Kind.LIKENESS: _Reader.likeness,
    Kind.LOCATION: _Reader.location,
    Kind.EXPLANATION: _Reader.explanation,
    Kind.MALIGNANT: _Reader.malignant,
    Kind.PRIOR: _Reader.prior_,
    Kind.REST: _Reader.rest,
    Kind.TOGETHER: _Reader.together,
    Kind.SUV: _Reader.suv,
    Kind.DEAUVILLE: _Reader.deauville,
    Kind.SIZE: _Reader.size,
}
