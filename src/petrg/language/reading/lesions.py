"""Statements -> findings: the subject carried forward, one lesion gathered from several clauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading.concepts import BONE_REGIONS, NODE_REGIONS, structure_of
from petrg.language.reading.lexicon import Kind
from petrg.language.reading.said import Place, Said, Statement
from petrg.report import Finding, Span, Structure, Uptake
from petrg.report.labels import STRUCTURE_PRIORITY, UPTAKE_PRIORITY

__all__ = ["LOW_SUV", "Grounded", "gather"]

LOW_SUV = 3.0
"""An uptake called increased with an SUVmax up to this is mild or equivocal: about the liver's own."""

_MANY = 24  # places in a subject before repeats are dropped: text that loops
_RESPECTIVE = 12  # places that a list of numbers may be given for
_DESCRIPTION = 60  # characters of a description quoted whole
_RANK = {structure: rank for rank, structure in enumerate(STRUCTURE_PRIORITY)}
_UPTAKE_RANK = {uptake: rank for rank, uptake in enumerate(UPTAKE_PRIORITY)}
_SIDED = frozenset(region for region in Region if region.sided)
_QUIET = (NODE_REGIONS | BONE_REGIONS | {Region.MUSCLE_SUBCUTIS, Region.LUNG_PLEURA}) - {Region.MEDIASTINUM_HILA}
"""Where nothing physiologic is measured: an SUV named there is of a finding."""
_GROUPS = {group.value: group for group in NodalGroup}


class Grounded(NamedTuple):
    """A finding, the rules that gave its classes, and whether its place was named or follows from a larger one."""

    finding: Finding
    pet_rule: str = ""
    ct_rule: str = ""
    implied: bool = False
    rest: bool = False


@dataclass(slots=True)
class _Lesion:
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

    @property
    def empty(self) -> bool:
        return not self.said and not self.suvs

    def add(self, statement: Statement) -> None:
        self.said += self.explained(statement) if self.said else statement.said
        self.describes |= statement.describes
        if statement.said:
            self.said_end = statement.said[-1].end
        self.end = max(self.end, statement.end)
        self.rest |= statement.rest
        if statement.suvs:
            self.suvs = statement.suvs if not self.suvs else (max(self.suvs + statement.suvs),)
            self.suv_at = statement.suv_at
        self.sizes = self.sizes or statement.sizes

    def explained(self, statement: Statement) -> list[Said]:
        """What a clause says; "physiologic" after an increased uptake explains that uptake."""
        if not statement.physiologic or statement.rest or statement.places:
            return statement.said
        return [
            Said("uptake.explained", s.start, s.end, s.uptake) if s.uptake is Uptake.PHYSIOLOGIC else s
            for s in statement.said
        ]


def gather(segments: Iterable[Sequence[Statement]], text: str) -> list[Grounded]:
    """The findings of all segments, in order."""
    teller = _Teller()
    for segment in segments:
        teller.segment(segment)
    teller.close()
    return [g for lesion in teller.lesions for g in _findings(lesion, text)]


class _Teller:
    """Gathers lesions clause by clause; the subject stays until another place is named."""

    def __init__(self) -> None:
        self.lesions: list[_Lesion] = []
        self.subject: list[Place] = []
        self.lesion = _Lesion([], 0, 0)
        self.pending: list[Place] = []
        self.new = True
        self.muted = False

    def segment(self, statements: Sequence[Statement]) -> None:
        """Take in one segment; what only adds to the last lesion (a size, an SUV, its uptake) goes on with it."""
        self.pending = []
        if self.only_lists(statements):
            self.lesion.places += [place for statement in statements for place in statement.places]
            return
        first = self.new = True
        beside = False
        for statement in statements:
            if statement.heading:
                self.muted = statement.history
            if self.muted:
                continue
            if statement.yardstick or (beside and not statement.places and not statement.said):
                beside = True
                continue  # of a yardstick, and so are numbers that follow it
            beside = False
            if first and self.subject and (statement.places or statement.opens_verb or _names_structure(statement)):
                self.start(self.subject, statement)
                self.lesion.inherited = True
            first = False
            self.clause(statement)
            self.new = False
        if self.pending:
            if self.lesion.said or self.lesion.suvs:
                self.lesion.places += self.pending
            else:
                self.subject = self.pending

    def only_lists(self, statements: Sequence[Statement]) -> bool:
        """Whether a later segment only names more places: "increased uptake in A; B; C"."""
        first = statements[0]
        if first.opens_sentence or not self.lesion.said or not _ends_in_place(self.lesion):
            return False
        return all(s.silent and s.places and not s.heading for s in statements)

    def clause(self, statement: Statement) -> None:
        """Take in one clause."""
        places = _specific(statement.places)
        if (
            statement.heading and statement.said and not places
        ):  # a heading such as "lymph nodes:" is said of nothing yet
            self.close()
            self.subject, self.pending, self.lesion = [], [], _Lesion([], statement.end, statement.end)
            return
        if statement.aside_first and not places and statement.asides and statement.said:
            aside = _Lesion(statement.asides, statement.start, statement.end)
            aside.add(statement)
            self.lesions.append(aside)
            return
        if places and not statement.said and self.goes_on(statement):
            self.lesion.places += places
            self.lesion.add(statement)
            return
        if places and statement.silent:
            if statement.heading:
                self.start(places, statement)
            else:
                self.pending += places
            return
        if not places and not self.pending and statement.brought is not None:
            places = [statement.brought]
        if places or self.pending:
            told = [] if statement.said or not statement.suvs or self.new else self.lesion.said
            self.start(_specific(self.pending + places), statement)
            self.lesion.said += [s for s in told if not s.regions]  # "lesions in A (5.1), B (7.2)"
        if statement.together and not places:
            self.tell_all(statement)
        if statement.physiologic and statement.explained and not places:
            self.explain()
        self.lesion.add(statement)
        if statement.extra:
            self.add_places(statement, places)

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
        if not self.lesion.places and places:  # said before any place was named: of the first one
            self.lesion.places = places[:1]
            self.lesion.said = [s for s in self.lesion.said if s.uptake is not None]
        self.close()
        if len(places) > _MANY:
            places = list({(p.regions(), p.side, p.entry.group): p for p in places}.values())
        self.subject, self.pending = places, []
        self.lesion = _Lesion(list(places), statement.start, statement.end)

    def close(self) -> None:
        """Keep the lesion if anything was said of a place."""
        if not self.lesion.empty and self.lesion.places:
            self.lesions.append(self.lesion)


def _specific(places: list[Place]) -> list[Place]:
    """The places without the larger areas that only head them."""
    for place in places:
        if place.entry.kind is not Kind.SITE:
            return [p for p in places if p.entry.kind is Kind.SITE] or places
    return places


def _ends_in_place(lesion: _Lesion) -> bool:
    return bool(lesion.places) and lesion.places[-1].end > lesion.said_end


def _names_structure(statement: Statement) -> bool:
    return any(s.concept is not None for s in statement.said)


@dataclass(slots=True)
class _Told:
    """What is said of every place of a lesion, sorted once: its uptake, the structures, a bare normal."""

    pet: Said | None
    rule: str
    concepts: list[tuple[Said, Span]]
    normal: Said | None
    pet_spans: tuple[Span, ...]
    suv: float | None

    @classmethod
    def of(cls, lesion: _Lesion, said: Sequence[Said], suv: float | None) -> _Told:
        pet, rule = _uptake(said, suv)
        spans = () if pet is None or pet.end <= pet.start else (Span(start=pet.start, end=pet.end),)
        if suv is not None and lesion.suv_at is not None:
            spans = (*spans, Span(start=lesion.suv_at[0], end=lesion.suv_at[1]))
        concepts = [(s, Span(start=s.start, end=s.end)) for s in said if s.concept]
        normal = next((s for s in said if s.concept == ""), None)
        return cls(pet, rule, concepts, normal, spans, suv)


def _findings(lesion: _Lesion, text: str) -> Iterator[Grounded]:
    said = _without_attributes(lesion.said) if lesion.describes else lesion.said
    shared, own = said, _with_places_of_their_own(said, lesion.places)
    if own:
        shared = [s for s in said if s not in own]
    each = lesion.suvs if 1 < len(lesion.suvs) == len(lesion.places) <= _RESPECTIVE else ()
    told = _Told.of(lesion, shared, max(lesion.suvs, default=None))
    seen: set[tuple[Region, Side | None, str | None]] = set()
    for i, place in enumerate(lesion.places):
        if each:
            told = _Told.of(lesion, shared, each[i])
        for region in place.regions() or _area_regions(place, said):
            side = place.side if region in _SIDED else None
            key = (region, side, place.entry.group)
            if key not in seen or each:
                seen.add(key)
                yield from _of_place(lesion, place, region, side, told, text)
        if place.entry.implies:
            yield from _implied(lesion, place)
    for s in own:
        place = Place(lesion.places[0].entry, None, s.start, s.end)
        for region in s.regions:
            yield from _of_place(lesion, place, region, None, _Told.of(lesion, [s], None), text)


def _with_places_of_their_own(said: Sequence[Said], places: Sequence[Place]) -> list[Said]:
    """What is said by a word such as "ascites", where no place of the lesion is meant by it."""
    own = [s for s in said if s.regions]
    if own:
        named = {region for place in places for region in place.regions()}
        own = [s for s in own if named.isdisjoint(s.regions)]
    return own


def _area_regions(place: Place, said: Sequence[Said]) -> tuple[Region, ...]:
    """The parts of an area that a positive finding of nodes or bone in it means."""
    concepts = {s.concept for s in said if s.concept and not s.denied}
    if "node" in concepts:
        return tuple(r for r in place.entry.implies if r in NODE_REGIONS)
    if concepts & {"bone-lesion", "osteoporosis"}:
        return tuple(r for r in place.entry.implies if r in BONE_REGIONS)
    return ()


def _implied(lesion: _Lesion, place: Place) -> Iterator[Grounded]:
    """A larger area called normal makes its parts normal."""
    if any(not s.denied and s.uptake is not Uptake.NORMAL for s in lesion.said):
        return
    pet = next((s for s in lesion.said if s.uptake is not None), None)
    ct = next((s for s in lesion.said if s.concept == ""), None)
    if pet is None and ct is None:
        return
    spans = tuple(Span(start=s.start, end=s.end) for s in (pet, ct) if s is not None)
    for region in place.entry.implies:
        finding = Finding(
            region=region,
            uptake=Uptake.NORMAL if pet else None,
            structure=Structure.NORMAL if ct else None,
            spans=(Span(start=place.start, end=place.end), *spans),
        )
        yield Grounded(finding, pet.rule if pet else "", ct.rule if ct else "", implied=True, rest=lesion.rest)


_Row = tuple[Structure, Said, Span]


def _of_place(
    lesion: _Lesion, place: Place, region: Region, side: Side | None, told: _Told, text: str
) -> Iterator[Grounded]:
    """The findings of one place: what is shown there, else its uptake, then what is denied."""
    here = Span(start=place.start, end=place.end)
    common = {
        "region": region,
        "side": side,
        "site": text[place.start : place.end],
        "nodal_group": _group(place, side) if place.node else None,
    }
    if told.pet is None and told.suv is not None and region in _QUIET:
        told = replace(told, pet=_by_suv(told.suv), rule="uptake.suv")
    shown: list[_Row] = []
    denied: dict[Structure, _Row] = {}
    for s, span in told.concepts:
        structure = structure_of(s.concept or "", region, nodular=s.nodular)
        if s.denied:
            denied.setdefault(structure, (structure, s, span))
        else:
            shown.append((structure, s, span))
    denial = told.pet is not None and told.pet.denied and told.suv is None
    if shown:
        yield from _shown(shown, lesion, told, common, here, text)
    elif denial:
        yield _denial(denied, lesion, told, common, here)
    elif told.pet is not None or told.suv is not None:
        yield _unseen(lesion, told, common, here)
    if told.normal is not None and not shown and (denial or (told.pet is None and told.suv is None)):
        spans = (here, Span(start=told.normal.start, end=told.normal.end))
        finding = Finding(**common, structure=Structure.NORMAL, spans=spans)
        yield Grounded(finding, "", told.normal.rule, rest=lesion.rest)
    for structure, _, span in denied.values():
        finding = Finding(**common, structure=structure, negated=True, spans=(here, span))
        yield Grounded(finding, "", "structure.denied", rest=lesion.rest)


def _shown(
    rows: list[_Row], lesion: _Lesion, told: _Told, common: dict[str, Any], here: Span, text: str
) -> Iterator[Grounded]:
    """What CT shows, the most marked first; the uptake and the numbers are of that one."""
    pet = told.pet
    rows.sort(key=lambda row: _RANK[row[0]])
    structure, s, span = rows[0]
    finding = Finding(
        **common,
        uptake=None if pet is None else Uptake.NORMAL if pet.denied else pet.uptake,
        structure=structure,
        suv_max=told.suv,
        size_mm=lesion.sizes,
        description=_description(text, here, s),
        spans=(here, span, *told.pet_spans),
    )
    yield Grounded(finding, told.rule, s.rule, rest=lesion.rest)
    for structure, s, span in rows[1:]:
        finding = Finding(**common, structure=structure, description=_description(text, here, s), spans=(here, span))
        yield Grounded(finding, "", s.rule, rest=lesion.rest)


def _denial(
    denied: dict[Structure, _Row], lesion: _Lesion, told: _Told, common: dict[str, Any], here: Span
) -> Grounded:
    """An uptake denied; with a structure denied too it is one finding, taken out of ``denied``."""
    spans = (here, *told.pet_spans)
    uptake = None if told.pet is None else told.pet.uptake
    if not denied:
        return Grounded(Finding(**common, uptake=uptake, negated=True, spans=spans), told.rule, rest=lesion.rest)
    structure, _, span = denied.pop(next(iter(denied)))
    finding = Finding(**common, uptake=uptake, structure=structure, negated=True, spans=(*spans, span))
    return Grounded(finding, told.rule, "structure.denied", rest=lesion.rest)


def _unseen(lesion: _Lesion, told: _Told, common: dict[str, Any], here: Span) -> Grounded:
    """An uptake with nothing shown on CT."""
    pet, normal = told.pet, told.normal
    finding = Finding(
        **common,
        uptake=None if pet is None else Uptake.NORMAL if pet.denied else pet.uptake,
        structure=None if normal is None else Structure.NORMAL,
        suv_max=told.suv,
        size_mm=lesion.sizes,
        spans=(here, *told.pet_spans),
    )
    return Grounded(finding, told.rule, "" if normal is None else normal.rule, rest=lesion.rest)


def _without_attributes(said: list[Said]) -> list[Said]:
    """Drop what only describes a structure named before it: "thickening, of low density"."""
    named = next((i for i, s in enumerate(said) if s.concept and not s.denied and not s.attribute), len(said))
    return [s for i, s in enumerate(said) if i < named or not s.attribute]


def _uptake(said: Sequence[Said], suv: float | None) -> tuple[Said | None, str]:
    """The most marked uptake said of a lesion, and the rule."""
    best: Said | None = None
    rank = 99
    for s in said:
        if s.uptake is None:
            continue
        if s.rule == "uptake.explained":
            return s, s.rule
        if best is None or _uptake_rank(s) < rank:
            best, rank = s, _uptake_rank(s)
    if best is None:
        if suv is not None and any(s.concept and not s.denied for s in said):
            return _by_suv(suv), "uptake.suv"
        return None, ""
    if best.rule == "uptake.uneven" and (plain := next((s for s in said if s.uptake and s.denied), None)) is not None:
        return plain, plain.rule
    if suv is not None and best.uptake is Uptake.HIGH and not (best.denied or best.marked) and round(suv, 1) <= LOW_SUV:
        return Said("uptake.low-suv", best.start, best.end, Uptake.EQUIVOCAL), "uptake.low-suv"
    return best, best.rule


def _by_suv(suv: float) -> Said:
    """The uptake meant by an SUV alone."""
    return Said("uptake.suv", 0, 0, Uptake.HIGH if suv > LOW_SUV else Uptake.EQUIVOCAL)


def _uptake_rank(said: Said) -> int:
    """Most marked first, denials last, a mere diagnosis behind any uptake that was stated."""
    if said.denied:
        return len(_UPTAKE_RANK)
    if said.rule == "uptake.malignant":
        return len(_UPTAKE_RANK) + 1
    if said.rule == "uptake.uneven":
        return _UPTAKE_RANK[Uptake.PHYSIOLOGIC]  # says less than any defect
    return _UPTAKE_RANK[said.uptake] if said.uptake is not None else len(_UPTAKE_RANK)


def _group(place: Place, side: Side | None) -> NodalGroup | None:
    group = place.entry.group
    if group is None:
        return None
    return _GROUPS.get(group) or (_GROUPS.get(f"{group}-{side.value}") if side is not None else None)


def _description(text: str, place: Span, said: Said) -> str:
    start, end = min(place.start, said.start), max(place.end, said.end)
    if end - start > _DESCRIPTION:
        return f"{text[place.start : place.end]} {text[said.start : said.end]}"
    return " ".join(text[start:end].split())
