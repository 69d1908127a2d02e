"""Statements -> lesions: the subject carried forward, one lesion gathered from several clauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from petrg.anatomy import Region
from petrg.language.reading.concepts import BONE_REGIONS, NODE_REGIONS
from petrg.language.reading.lexicon import Kind
from petrg.language.reading.said import Place, Said, Statement
from petrg.report import Uptake

__all__ = ["Lesion", "gather"]

_RAISABLE = frozenset({Uptake.NORMAL, Uptake.HIGH, Uptake.EQUIVOCAL})
_MANY = 24  # places in a subject before repeats are dropped: text that loops


@dataclass(slots=True)
class Lesion:
    """What is said of one subject until it changes."""

    places: list[Place]
    start: int
    end: int
    said: list[Said] = field(default_factory=list)
    suvs: tuple[float, ...] = ()
    sizes: tuple[float, ...] = ()
    suv_at: tuple[int, int] | None = None
    rest: bool = False
    inherited: bool = False
    describes: bool = False
    said_end: int = 0
    again: bool = False
    owners: list[Place] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing was said yet."""
        return not self.said and not self.suvs

    def add(self, statement: Statement) -> None:
        """Take in what one more clause says."""
        if said := statement.said:
            self.hear(statement)
            self.said_end = said[-1].end
            self.said += self.explained(statement) if self.said else said
            if statement.describes:
                self.describes = True
        if statement.gone:
            self.said = [replace(s, denied=True) for s in self.said]
            self.suvs = ()
        if statement.raised is not None and self.said and self.said[-1].uptake in _RAISABLE:
            self.said.append(statement.raised)
        if statement.mild is not None and self.said:
            self.weaken(*statement.mild)
        if statement.end > self.end:
            self.end = statement.end
        if statement.rest:
            self.rest = True
        if statement.suvs:
            self.suv_at = statement.suv_at
            if self.owners:
                self.own(max(statement.suvs))
            else:
                self.suvs = statement.suvs if not self.suvs else (max(self.suvs + statement.suvs),)
        if statement.sizes and not self.sizes:
            self.sizes = statement.sizes

    def weaken(self, start: int, end: int) -> None:
        """Take "mild" on its own as of the uptake said last, or of the one that only a number told."""
        last = self.said[-1]
        if last.uptake is Uptake.HIGH and not (last.denied or last.marked):
            self.said[-1] = replace(last, rule="uptake.mild", end=end, uptake=Uptake.EQUIVOCAL)
        elif self.suvs and not any(s.uptake is not None for s in self.said):
            self.said.append(Said("uptake.mild", start, end, Uptake.EQUIVOCAL))

    def hear(self, statement: Statement) -> None:
        """What a clause says of what was said before: nodes of normal size are none, an uptake is of all again."""
        for s in statement.said:
            if s.uptake is not None:
                self.owners = []
            elif s.rule == "structure.normal-size" and not statement.places:
                self.said = [replace(t, denied=True) if t.concept == "node" else t for t in self.said]

    def own(self, suv: float) -> None:
        """Give a number to the place named as the largest, once the uptake was said of all."""
        regions = {region for place in self.owners for region in place.regions()}
        for place in self.places:
            if not regions.isdisjoint(place.regions()):
                place.suv = suv if place.suv is None else max(suv, place.suv)

    def explained(self, statement: Statement) -> list[Said]:
        """What a clause says; "physiologic" after an increased uptake explains that uptake."""
        if not statement.physiologic or statement.rest or statement.places:
            return statement.said
        if self.said[-1].uptake is Uptake.PHYSIOLOGIC and self.said[-1].regions:
            return [s for s in statement.said if s.uptake is not Uptake.PHYSIOLOGIC]  # "brown fat, physiologic"
        return [
            Said("uptake.explained", s.start, s.end, s.uptake) if s.uptake is Uptake.PHYSIOLOGIC else s
            for s in statement.said
        ]


def gather(segments: Iterable[Sequence[Statement]]) -> list[Lesion]:
    """The lesions of all segments, in order."""
    teller = _Teller()
    for segment in segments:
        teller.segment(segment)
    teller.close()
    return teller.lesions


class _Teller:
    """Gathers lesions clause by clause; the subject stays until another place is named."""

    def __init__(self) -> None:
        self.lesions: list[Lesion] = []
        self.subject: list[Place] = []
        self.lesion = Lesion([], 0, 0)
        self.pending: list[Place] = []
        self.beside: Lesion | None = None
        self.new = True
        self.muted = ""
        self.headed = False
        self.nodal = False
        self.summary = False
        self.named: list[Place] = []
        self.asides: tuple[Place, ...] = ()

    def segment(self, statements: Sequence[Statement]) -> None:
        """Take in one segment; what only adds to the last lesion (a size, an SUV, its uptake) goes on with it."""
        self.pending = []
        if self.only_lists(statements):
            self.lesion.places += [place for statement in statements for place in statement.places]
            return
        first = self.new = True
        beside = False
        for statement in statements:
            if (statement.heading or self.muted or self.summary) and self.mutes(statement):
                continue
            if (
                statement.yardstick
                or (beside and not statement.places and not statement.said)
                or (
                    statement.suvs
                    and statement.only_of_liver
                    and (beside or self.measured_elsewhere() or any(s.yardstick for s in statements))
                )
            ):
                if statement.refers == "reference":
                    self.lesion.suvs = ()  # "SUVmax 3.3, and serves as the reference"
                beside = True
                continue  # of a yardstick, and so are numbers that follow it
            beside = False
            if first and self.subject and self.carries_on(statement):
                self.start([replace(p, suv=None) if p.suv is not None else p for p in self.subject], statement)
                self.lesion.inherited = True
            first = False
            self.clause(statement)
            self.new = False
            beside = statement.earlier and bool(self.lesion.suvs)
        if self.pending:
            if self.lesion.said or self.lesion.suvs:
                self.lesion.places += self.pending
            else:
                self.subject = self.pending

    def mutes(self, statement: Statement) -> bool:
        """Whether a clause stands under a heading of what is no finding.

        A history or a technique ends at the next heading, reference values at the end of their sentence. Under the
        heading of a summary, up to one of findings, lesions are told again: there a diagnosis is no uptake.
        """
        history = statement.history
        if statement.opens_paragraph or (self.muted == "line" and statement.opens_sentence):
            self.muted = ""
        if history == "findings":
            self.summary, self.muted = False, ""
        elif history == "summary" and statement.heading:
            self.close()
            self.subject, self.pending, self.lesion = [], [], Lesion([], statement.end, statement.end)
            self.summary, self.muted = bool(self.lesions), ""
        elif statement.heading and (history or not self.summary):
            self.summary, self.muted = False, history
        if self.summary:
            statement.said = [s for s in statement.said if s.rule != "uptake.malignant"]
        return bool(self.muted)

    def measured_elsewhere(self) -> bool:
        """Whether the lesion has a number and lies outside the liver."""
        return bool(self.lesion.suvs) and not any(Region.LIVER in p.regions() for p in self.lesion.places)

    def carries_on(self, statement: Statement) -> bool:
        """Whether a segment begins a new lesion of the old subject: not where it names its own in a whole clause."""
        if statement.places:
            return not (statement.said and self.lesion.places)
        return statement.opens_verb or _names_structure(statement)

    def only_lists(self, statements: Sequence[Statement]) -> bool:
        """Whether a later segment only names more places: "increased uptake in A; B; C"."""
        first = statements[0]
        if first.opens_sentence or not self.lesion.said or not _ends_in_place(self.lesion):
            return False
        return all(s.silent and s.places and not s.heading for s in statements)

    def clause(self, statement: Statement) -> None:
        """Take in one clause."""
        places = _specific(statement.places)
        if statement.refers:
            if not places and (meant := self.referred(statement.refers)):
                places = meant
            elif statement.refers == "aside" and statement.silent:
                return
        elif len(places) > 1:
            self.named = places
        if statement.heading:
            self.head(statement)
        elif self.nodal:
            _of_nodes(statement, places or self.pending or self.subject)
        elif not (self.headed or self.lesions or self.lesion.said) and _only_names_a_tumour(statement):
            return  # the title of a report
        if places and not self.new and statement.said and self.opens_with_nodes() and not _positive(statement):
            places = self.lesion.places + places  # "the nodes of the neck, the axillae and the groins are normal"
            self.lesion = Lesion([], statement.start, statement.end)
        if (
            statement.heading and statement.said and not places
        ):  # a heading such as "lymph nodes:" is said of nothing yet
            self.close()
            self.subject, self.pending, self.lesion = [], [], Lesion([], statement.end, statement.end)
            return
        if statement.aside_first and not places and statement.asides and statement.said:
            aside = Lesion(list(statement.asides), statement.start, statement.end)
            aside.add(statement)
            self.lesions.append(aside)
            self.beside = aside
            return
        beside, self.beside = self.beside, None
        if beside is not None and statement.suvs and not (statement.said or places or beside.suvs):
            beside.add(statement)  # "the adjacent muscle contains an avid lesion, SUVmax 8.1"
            return
        if statement.around and self.subject:  # "nodes around it"
            places = [replace(p, beside=True, node=True, suv=None) for p in self.subject]
        if statement.explained and statement.silent and not self.lesion.empty:
            return  # "likely reactive after a vaccination in the arm"
        for place in places:
            if place.entry.bones and not (statement.opens_sentence or statement.heading) and _of_bones(self.subject):
                place.bone = True  # "in the spine, and to a similar degree in the pelvis"
        if places and not statement.said and self.goes_on(statement):
            if self.lesion.suvs and not statement.suvs:
                self.lesion.owners = places  # "in the spine, SUVmax 6.6, and in the pelvis, SUVmax 6.2"
            self.lesion.places += places
            self.lesion.add(statement)
            return
        if places and statement.silent:
            if not (self.new or statement.heading) and self.under_area():
                self.lesion.places, self.subject = places, places  # "chest: 3 mm nodule, lingula"
                return
            if statement.heading:
                self.start(places, statement)
            else:
                self.pending += places
            return
        if not places and not self.pending and statement.brought is not None and not self.is_of(statement.brought):
            places = [statement.brought]
        if places or self.pending:
            before = [] if statement.said or not statement.suvs or self.new else self.lesion.said
            self.start(_specific(self.pending + places), statement)
            self.lesion.said += [s for s in before if not s.regions]  # "lesions in A (5.1), B (7.2)"
        if statement.together and not places:
            self.tell_all(statement)
        if statement.physiologic and statement.explained and not places:
            self.explain()
        if statement.extra:
            if not places and any(s.uptake is not None for s in self.lesion.said):
                self.lesion.owners = [p for p in statement.extra if p.entry.kind is Kind.SITE]
            self.add_places(statement, places)
        self.lesion.add(statement)
        self.asides = statement.asides

    def referred(self, which: str) -> list[Place]:
        """The place meant by "the former", "the latter", or "which" after one that stood beside the subject."""
        if which == "aside":
            return list(self.asides)
        if len(self.named) < 2 or which == "reference":
            return []
        return [replace(self.named[0 if which == "first" else -1], suv=None)]

    def head(self, statement: Statement) -> None:
        """Note a heading; under one of nodes, what is enlarged is a node."""
        self.headed = True
        said = statement.said
        if (said and all(s.concept == "node" for s in said)) or (not said and any(p.node for p in statement.places)):
            self.nodal = True
        elif said or not statement.places or not all(_may_have_nodes(p) for p in statement.places):
            self.nodal = False

    def opens_with_nodes(self) -> bool:
        """Whether the lesion only names nodes, and then a place: "the nodes of the neck"."""
        lesion = self.lesion
        if len(lesion.said) != 1 or lesion.suvs or lesion.sizes or lesion.inherited or not lesion.places:
            return False
        said = lesion.said[0]
        return said.concept == "node" and not said.denied and said.start < lesion.places[0].start

    def under_area(self) -> bool:
        """Whether the lesion is shown, but in no place narrower than that of a heading."""
        shown = any(s.concept and not s.denied for s in self.lesion.said)
        return shown and bool(self.lesion.places) and all(p.entry.kind is not Kind.SITE for p in self.lesion.places)

    def is_of(self, place: Place) -> bool:
        """Whether the lesion lies in the region that a word brings with it."""
        regions = {region for p in self.lesion.places for region in p.regions()}
        return not self.new and not regions.isdisjoint(place.regions())

    def explain(self) -> None:
        """Where nothing was said yet of this lesion's uptake, an explanation is of the lesion before."""
        before = self.lesions[-1] if self.lesions else None
        if before is None or any(s.uptake is not None for s in self.lesion.said):
            return
        last = next((s for s in reversed(before.said) if s.uptake is Uptake.HIGH and not s.denied), None)
        if last is not None:
            before.said.append(Said("uptake.explained", last.start, last.end, Uptake.PHYSIOLOGIC))

    def add_places(self, statement: Statement, places: list[Place]) -> None:
        """Add the places of "the largest in"; where only an earlier subject was carried on, they replace it."""
        extra = [p for p in statement.extra if p.entry.kind is Kind.SITE]
        if self.lesion.inherited and not places and extra:
            self.lesion.places, self.subject = [], extra
        self.lesion.places += extra
        self.subject = self.subject or list(self.lesion.places)

    def goes_on(self, statement: Statement) -> bool:
        """Whether a clause of places alone continues the list that the lesion ended with."""
        if self.lesion.empty or statement.heading or not _ends_in_place(self.lesion):
            return False
        return statement.silent or statement.opens_list

    def tell_all(self, statement: Statement) -> None:
        """What is said of all: of the lesions before too, back to one whose uptake was said."""
        if not any(s.uptake is not None for s in statement.said):
            return
        for lesion in reversed(self.lesions):
            if any(s.uptake is not None for s in lesion.said):
                return
            lesion.said += [s for s in statement.said if s.uptake is not None]
            lesion.suvs, lesion.suv_at = lesion.suvs or statement.suvs, lesion.suv_at or statement.suv_at

    def start(self, places: list[Place], statement: Statement) -> None:
        """Close the lesion and begin one of ``places``."""
        if not self.lesion.empty:
            if not self.lesion.places:  # said before any place was named: of the first one
                self.lesion.places = places[:1]
                self.lesion.said = [s for s in self.lesion.said if s.uptake is not None]
            self.close()
        if len(places) > _MANY:
            places = list({(p.regions(), p.side, p.entry.group): p for p in places}.values())
        self.subject, self.pending = places, []
        self.lesion = Lesion(list(places), statement.start, statement.end)

    def close(self) -> None:
        """Keep the lesion if anything was said of a place."""
        if not self.lesion.empty and self.lesion.places:
            self.lesion.again = self.summary
            self.lesions.append(self.lesion)


def _specific(places: list[Place]) -> list[Place]:
    """The places without the larger areas that only head them."""
    for place in places:
        if place.entry.kind is not Kind.SITE:
            return [p for p in places if p.entry.kind is Kind.SITE] or places
    return places


def _ends_in_place(lesion: Lesion) -> bool:
    return bool(lesion.places) and lesion.places[-1].end > lesion.said_end


def _may_have_nodes(place: Place) -> bool:
    entry = place.entry
    return entry.kind is not Kind.SITE or entry.nodes is not None or not NODE_REGIONS.isdisjoint(entry.regions)


def _of_nodes(statement: Statement, places: Sequence[Place]) -> None:
    """Under a heading of nodes: what is enlarged is a node."""
    for said in statement.said:
        if said.concept == "enlargement" and all(map(_may_have_nodes, places)):
            said.concept, said.rule = "node", "structure.node"
            for place in places:
                place.node = True


def _positive(statement: Statement) -> bool:
    return any(not s.denied and s.uptake is not Uptake.NORMAL for s in statement.said) or bool(statement.suvs)


def _only_names_a_tumour(statement: Statement) -> bool:
    return bool(statement.said) and all(s.rule == "uptake.malignant" for s in statement.said)


def _of_bones(places: Sequence[Place]) -> bool:
    return bool(places) and all(p.entry.regions and BONE_REGIONS.issuperset(p.regions()) for p in places)


def _names_structure(statement: Statement) -> bool:
    return any(s.concept is not None for s in statement.said)
