"""Statements -> findings: the subject carried forward, one lesion gathered from several clauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading.concepts import BONE_REGIONS, NODE_REGIONS, structure_of
from petrg.language.reading.lexicon import Kind
from petrg.language.reading.statements import Place, Said, Statement, read_clause
from petrg.language.reading.tokens import Token
from petrg.report import Finding, Span, Structure, Uptake
from petrg.report.labels import STRUCTURE_PRIORITY, UPTAKE_PRIORITY

__all__ = ["Grounded", "LOW_SUV", "gather"]

LOW_SUV = 3.0
"""An uptake called increased with an SUVmax up to this is mild or equivocal: about the liver's own."""

_GROUPS = {group.value: group for group in NodalGroup}


@dataclass(frozen=True, slots=True)
class Grounded:
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

    @property
    def empty(self) -> bool:
        return not self.said and not self.suvs

    def add(self, statement: Statement) -> None:
        self.said += statement.said
        self.end = max(self.end, statement.end)
        self.rest |= statement.rest
        if statement.suvs:
            self.suvs = statement.suvs if not self.suvs else (max(self.suvs + statement.suvs),)
            self.suv_at = statement.suv_at
        self.sizes = self.sizes or statement.sizes


def gather(sentences: Iterable[Sequence[Sequence[Sequence[Token]]]], text: str) -> list[Grounded]:
    """The findings of all sentences, in order."""
    found: list[Grounded] = []
    subject: list[Place] = []
    for sentence in sentences:
        for segment in sentence:
            lesions, subject = _segment(segment, subject)
            for lesion in lesions:
                found += _findings(lesion, text)
    return found


def _segment(segment: Sequence[Sequence[Token]], subject: list[Place]) -> tuple[list[_Lesion], list[Place]]:
    lesions: list[_Lesion] = []
    lesion = _Lesion(list(subject), segment[0][0].start, segment[0][0].start)
    pending: list[Place] = []
    for tokens in segment:
        statement = read_clause(tokens)
        if statement.yardstick:
            continue
        places = _specific(statement.places)
        if statement.aside_first and not places and statement.asides and statement.said:
            aside = _Lesion(statement.asides, statement.start, statement.end)
            aside.add(statement)
            lesions.append(aside)
            continue
        if statement.silent and places:
            if not lesion.empty and _ends_in_place(lesion):
                lesion.places += places
                lesion.end = max(lesion.end, statement.end)
            else:
                pending += places
            continue
        if not places and not pending and _own_regions(statement):
            places = _places_of(statement, tokens)
        if places or pending:
            lesions.append(lesion)
            subject = _specific(pending + places)
            pending = []
            lesion = _Lesion(list(subject), subject[0].start, statement.end)
        lesion.add(statement)
        if statement.extra:
            lesion.places += [p for p in statement.extra if p.entry.kind is Kind.SITE]
            if not subject:
                subject = list(lesion.places)
    lesions.append(lesion)
    if pending and lesion.empty:
        subject = pending
    elif pending and not lesion.empty:
        lesion.places += pending
    return [x for x in lesions if not x.empty and x.places], subject


def _specific(places: list[Place]) -> list[Place]:
    """The places without the larger areas that only head them."""
    specific = [p for p in places if p.entry.kind is Kind.SITE]
    return specific or places


def _ends_in_place(lesion: _Lesion) -> bool:
    return bool(lesion.places) and lesion.places[-1].end > max((s.end for s in lesion.said), default=0)


def _own_regions(statement: Statement) -> bool:
    return any(s.regions for s in statement.said) and all(s.regions or s.concept is None for s in statement.said)


def _places_of(statement: Statement, tokens: Sequence[Token]) -> list[Place]:
    """The place that a word such as "ascites" brings with it."""
    token = next(t for t in tokens if t.kind is Kind.STRUCTURE and t.entry.regions)
    return [Place(token.entry, None, token.start, token.end)]


def _findings(lesion: _Lesion, text: str) -> Iterator[Grounded]:
    seen: set[tuple[Region, Side | None, str | None]] = set()
    each = lesion.suvs if len(lesion.suvs) > 1 and len(lesion.suvs) == len(lesion.places) else ()
    top = max(lesion.suvs, default=None)
    own = [s for s in lesion.said if s.regions]
    shared = [s for s in lesion.said if not s.regions] if own else lesion.said
    for i, place in enumerate(lesion.places):
        suv = each[i] if each else top
        regions = place.regions()
        if not regions:
            regions = _area_regions(place, lesion.said)
        for region in regions:
            side = place.side if region.sided else None
            key = (region, side, place.entry.group)
            if key in seen and not each:
                continue
            seen.add(key)
            mine = [*shared, *(s for s in own if region in s.regions)]
            yield from _of_place(lesion, place, region, side, mine, suv, text)
        yield from _implied(lesion, place)
    covered = {r for p in lesion.places for r in p.regions()}
    for said in own:
        for region in said.regions:
            if region not in covered:
                place = Place(lesion.places[0].entry, None, said.start, said.end)
                yield from _of_place(lesion, place, region, None, [said], None, text)


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
    if not place.entry.implies:
        return
    pet = next((s for s in lesion.said if s.uptake is Uptake.NORMAL or (s.uptake is not None and s.denied)), None)
    ct = next((s for s in lesion.said if s.concept == "" and s.denied), None)
    if any(not s.denied and s.uptake is not Uptake.NORMAL for s in lesion.said):
        return
    for region in place.entry.implies:
        if pet is None and ct is None:
            return
        spans = tuple(Span(start=s.start, end=s.end) for s in dict.fromkeys((pet, ct)) if s is not None)
        finding = Finding(
            region=region,
            uptake=Uptake.NORMAL if pet else None,
            structure=Structure.NORMAL if ct else None,
            spans=(Span(start=place.start, end=place.end), *spans),
        )
        yield Grounded(finding, pet.rule if pet else "", ct.rule if ct else "", implied=True, rest=lesion.rest)


def _of_place(
    lesion: _Lesion, place: Place, region: Region, side: Side | None, said: Sequence[Said], suv: float | None, text: str
) -> Iterator[Grounded]:
    pet, rule = _uptake([s for s in said if s.uptake is not None], suv, said)
    structures = [(structure_of(s.concept, region, nodular=s.nodular), s) for s in said if s.concept]
    shown = sorted(((c, s) for c, s in structures if not s.denied), key=lambda x: STRUCTURE_PRIORITY.index(x[0]))
    common = {
        "region": region,
        "side": side,
        "site": text[place.start : place.end],
        "nodal_group": _group(place, side),
    }
    here = Span(start=place.start, end=place.end)
    pet_span = () if pet is None or pet.end <= pet.start else (Span(start=pet.start, end=pet.end),)
    suv_span = () if suv is None or lesion.suv_at is None else (Span(start=lesion.suv_at[0], end=lesion.suv_at[1]),)
    first = True
    for cls, s in shown:
        yield Grounded(
            Finding(
                **common,
                uptake=None if not first or pet is None else _shown(pet),
                structure=cls,
                suv_max=suv if first else None,
                size_mm=lesion.sizes if first else (),
                description=_description(text, lesion, place, s),
                spans=(here, Span(start=s.start, end=s.end), *(pet_span + suv_span if first else ())),
            ),
            rule if first else "",
            s.rule,
            rest=lesion.rest,
        )
        first = False
    if first and (pet is not None or suv is not None):
        denied = pet is not None and pet.denied
        normal = next((s for s in said if s.concept == "" and s.denied), None)
        yield Grounded(
            Finding(
                **common,
                uptake=None if pet is None else pet.uptake,
                structure=Structure.NORMAL if normal and not denied else None,
                suv_max=suv,
                size_mm=lesion.sizes,
                negated=denied,
                spans=(here, *pet_span, *suv_span),
            ),
            rule,
            normal.rule if normal and not denied else "",
            rest=lesion.rest,
        )
        if normal and not denied:
            return
    yield from _denials(common, here, said, structures, bool(shown), lesion.rest)


def _denials(
    common: dict[str, object],
    here: Span,
    said: Sequence[Said],
    structures: Sequence[tuple[Structure, Said]],
    shown: bool,
    rest: bool,
) -> Iterator[Grounded]:
    done: set[Structure] = set()
    for cls, s in structures:
        if s.denied and cls not in done:
            done.add(cls)
            finding = Finding(**common, structure=cls, negated=True, spans=(here, Span(start=s.start, end=s.end)))  # type: ignore[arg-type]
            yield Grounded(finding, "", "structure.denied", rest=rest)
    normal = next((s for s in said if s.concept == "" and s.denied), None)
    if normal is not None and not shown:
        spans = (here, Span(start=normal.start, end=normal.end))
        finding = Finding(**common, structure=Structure.NORMAL, spans=spans)  # type: ignore[arg-type]
        yield Grounded(finding, "", normal.rule, rest=rest)


def _shown(pet: Said) -> Uptake | None:
    return Uptake.NORMAL if pet.denied else pet.uptake


def _uptake(pets: Sequence[Said], suv: float | None, said: Sequence[Said]) -> tuple[Said | None, str]:
    """The most marked uptake said of a lesion, and the rule."""
    explained = next((s for s in pets if s.rule == "uptake.explained"), None)
    if explained is not None:
        return explained, explained.rule
    stated = [s for s in pets if s.rule != "uptake.malignant"] or list(pets)
    shown = [s for s in stated if not s.denied]
    best = min(shown, key=lambda s: UPTAKE_PRIORITY.index(s.uptake), default=None)  # type: ignore[arg-type]
    if best is not None and best.uptake is Uptake.HIGH and suv is not None and round(suv, 1) <= LOW_SUV:
        if not best.marked:
            low = Said("uptake.low-suv", best.start, best.end, Uptake.EQUIVOCAL)
            return low, low.rule
    if best is not None:
        return best, best.rule
    if stated:
        return stated[0], stated[0].rule
    if suv is not None and any(s.concept and not s.denied for s in said):
        cls = Uptake.HIGH if suv > LOW_SUV else Uptake.EQUIVOCAL
        return Said("uptake.suv", 0, 0, cls), "uptake.suv"
    return None, ""


def _group(place: Place, side: Side | None) -> NodalGroup | None:
    group = place.entry.group
    if group is None:
        return None
    return _GROUPS.get(group) or (_GROUPS.get(f"{group}-{side.value}") if side is not None else None)


def _description(text: str, lesion: _Lesion, place: Place, said: Said) -> str:
    start = min(place.start, said.start)
    end = max(place.end, said.end)
    if end - start > 60:
        return f"{text[place.start : place.end]} {text[said.start : said.end]}"
    return " ".join(text[start:end].split())
