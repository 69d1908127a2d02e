"""Lesions -> findings, one a place and what is shown there, each with the characters it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading.concepts import BONE_REGIONS, NODE_REGIONS, NODELESS, structure_of
from petrg.language.reading.lesions import Lesion
from petrg.language.reading.said import Place, Said
from petrg.language.reading.uptakes import uptake_by_suv, uptake_of
from petrg.report import Finding, Span, Structure, Uptake
from petrg.report.labels import STRUCTURE_PRIORITY

__all__ = ["At", "Grounded", "findings_of"]

_RESPECTIVE = 12  # places that a list of numbers may be given for
_DESCRIPTION = 60  # characters of a description quoted whole
_RANK = {structure: rank for rank, structure in enumerate(STRUCTURE_PRIORITY)}
_SIDED = frozenset(region for region in Region if region.sided)
_QUIET = (NODE_REGIONS | BONE_REGIONS | {Region.MUSCLE_SUBCUTIS, Region.LUNG_PLEURA}) - {Region.MEDIASTINUM_HILA}
"""Where nothing physiologic is measured: an SUV named there is of a finding."""
_GROUPS = {group.value: group for group in NodalGroup}

At = tuple[int, int]
"""Characters from the first up to the second."""


class Grounded(NamedTuple):
    """What a finding says, by which rules, whether its place was named or follows from a larger one (``implied``).

    It holds plain values, since few of its findings are ever asked for; ``finding`` makes one of them.
    """

    region: Region
    at: tuple[At, ...]
    uptake: Uptake | None = None
    structure: Structure | None = None
    pet_rule: str = ""
    ct_rule: str = ""
    negated: bool = False
    suv_max: float | None = None
    size_mm: tuple[float, ...] = ()
    description: str = ""
    site: str | None = None
    side: Side | None = None
    nodal_group: NodalGroup | None = None
    implied: bool = False
    rest: bool = False

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where it was read, its place first."""
        return tuple(Span(start=start, end=end) for start, end in self.at)

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return Finding(
            region=self.region,
            uptake=self.uptake,
            structure=self.structure,
            site=self.site,
            side=self.side,
            nodal_group=self.nodal_group,
            suv_max=self.suv_max,
            size_mm=self.size_mm,
            description=self.description,
            negated=self.negated,
            spans=self.spans,
        )


def findings_of(lesions: Iterable[Lesion], text: str) -> list[Grounded]:
    """The findings of all lesions, in order."""
    out: list[Grounded] = []
    again: list[Grounded] = []
    for lesion in lesions:
        _add_findings(again if lesion.again else out, lesion, text)
    return [*out, *_new_in_summary(out, again)] if again else out


def _new_in_summary(told: Sequence[Grounded], again: Sequence[Grounded]) -> list[Grounded]:
    """Findings of a summary that are no mere repetition: of another region, or with an uptake or a number stated."""
    shown = {g.region for g in told if not g.negated and (g.structure or Structure.NORMAL) is not Structure.NORMAL}
    avid = {g.region for g in told if not g.negated and (g.uptake or Uptake.NORMAL) is not Uptake.NORMAL}
    return [
        g
        for g in again
        if g.region not in shown | avid
        or g.suv_max is not None
        or (g.uptake and not g.negated and not (g.pet_rule == "uptake.bare" and g.region in avid))
    ]


@dataclass(slots=True)
class _Told:
    """What is said of every place of a lesion, sorted once: its uptake, the structures, a bare normal."""

    pet: Said | None
    rule: str
    concepts: list[Said]
    normal: Said | None
    at: tuple[At, ...]
    suv: float | None
    sizes: tuple[float, ...]
    rest: bool


def _told(lesion: Lesion, said: Sequence[Said], suv: float | None) -> _Told:
    pet, rule = uptake_of(said, suv)
    at: tuple[At, ...] = () if pet is None or pet.end <= pet.start else ((pet.start, pet.end),)
    if suv is not None and lesion.suv_at is not None:
        at = (*at, lesion.suv_at)
    concepts: list[Said] = []
    normal: Said | None = None
    for s in said:
        if s.concept:
            concepts.append(s)
        elif s.concept == "" and normal is None:
            normal = s
    if lesion.sizes and not concepts and (tumour := next((s for s in said if s.rule == "uptake.malignant"), None)):
        concepts = [Said("structure.lesion", tumour.start, tumour.end, None, "lesion")]  # "an adrenal metastasis, 2 cm"
    return _Told(pet, rule, concepts, normal, at, suv, lesion.sizes, lesion.rest)


def _add_findings(out: list[Grounded], lesion: Lesion, text: str) -> None:
    said = _without_attributes(lesion.said) if lesion.describes else lesion.said
    shared, own = said, _with_places_of_their_own(said, lesion.places)
    if own:
        shared = [s for s in said if s not in own]
    each = lesion.suvs if 1 < len(lesion.suvs) == len(lesion.places) <= _RESPECTIVE else ()
    common = max(lesion.suvs) if lesion.suvs else None
    told = _told(lesion, shared, common)
    seen: set[tuple[Region, Side | None, str | None]] = set()
    for i, place in enumerate(lesion.places):
        suv = each[i] if each else place.suv if place.suv is not None else common
        if suv != told.suv:
            told = _told(lesion, shared, suv)
        for region in place.regions() or _area_regions(place, said):
            side = place.side if region in _SIDED else None
            key = (region, side, place.entry.group)
            if key not in seen or each or place.suv is not None:
                seen.add(key)
                _add_place(out, place, region, side, told, text)
        if place.entry.implies:
            out += _implied(lesion, place)
    for s in own:
        place = Place(lesion.places[0].entry, None, s.start, s.end)
        for region in s.regions:
            _add_place(out, place, region, None, _told(lesion, [s], None), text)


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


def _implied(lesion: Lesion, place: Place) -> Iterator[Grounded]:
    """A larger area called normal makes its parts normal."""
    pet = ct = None
    for s in lesion.said:
        if not s.denied and s.uptake is not Uptake.NORMAL:
            return
        if s.uptake is not None:
            pet = pet or s
        elif s.concept == "":
            ct = ct or s
    if pet is None and ct is None:
        return
    at = ((place.start, place.end), *((s.start, s.end) for s in (pet, ct) if s is not None))
    uptake, structure = Uptake.NORMAL if pet else None, Structure.NORMAL if ct else None
    rules = (pet.rule if pet else "", ct.rule if ct else "")
    for region in place.entry.implies:
        yield Grounded(region, at, uptake, structure, *rules, implied=True, rest=lesion.rest)


class _Site(NamedTuple):
    """The place of a finding, as far as it goes into the finding."""

    region: Region
    at: At
    name: str
    side: Side | None
    group: NodalGroup | None


_Row = tuple[int, Structure, Said]


def _add_place(out: list[Grounded], place: Place, region: Region, side: Side | None, told: _Told, text: str) -> None:
    """The findings of one place: what is shown there, else its uptake, then what is denied."""
    start, end = place.start, place.end
    site = _Site(region, (start, end), text[start:end], side, _group(place, side) if place.node else None)
    if told.pet is None and told.suv is not None and region in _QUIET:
        told = replace(told, pet=uptake_by_suv(told.suv), rule="uptake.suv")
    shown: list[_Row] = []
    denied: dict[Structure, Said] = {}
    for s in told.concepts:
        if s.concept == "node" and region in NODELESS:
            continue  # a list of places, of which some have nodes
        structure = structure_of(s.concept or "", region, nodular=s.nodular)
        if s.denied:
            denied.setdefault(structure, s)
        else:
            shown.append((_RANK[structure], structure, s))
    denial = told.pet is not None and told.pet.denied and told.suv is None
    if shown:
        out += _shown(shown, site, told, text)
    elif denial:
        out.append(_denial(denied, site, told))
    elif told.pet is not None or told.suv is not None:
        out.append(_unseen(site, told))
    if told.normal is not None and not shown and (denial or (told.pet is None and told.suv is None)):
        out.append(_structure(site, Structure.NORMAL, told.normal, told, told.normal.rule))
    for structure, s in denied.items():
        out.append(_structure(site, structure, s, told, "structure.denied", negated=True))


def _structure(
    site: _Site, structure: Structure, s: Said, told: _Told, rule: str, description: str = "", *, negated: bool = False
) -> Grounded:
    """A structure without an uptake."""
    region, at, name, side, group = site
    where = (at, (s.start, s.end))
    return Grounded(
        region, where, None, structure, "", rule, negated, None, (), description, name, side, group, False, told.rest
    )


def _shown(rows: list[_Row], site: _Site, told: _Told, text: str) -> list[Grounded]:
    """What CT shows, the most marked first; the uptake and the numbers are of that one."""
    if len(rows) > 1:
        rows.sort(key=lambda row: row[0])
    _, structure, s = rows[0]
    at = (site.at, (s.start, s.end), *told.at)
    first = Grounded(
        *(site.region, at, _plain(told.pet), structure, told.rule, s.rule, False, told.suv, told.sizes),
        *(_description(text, site.at, s), site.name, site.side, site.group, False, told.rest),
    )
    more = (_structure(site, c, s, told, s.rule, _description(text, site.at, s)) for _, c, s in rows[1:])
    return [first, *more] if len(rows) > 1 else [first]


def _plain(pet: Said | None) -> Uptake | None:
    """The uptake of what is shown: one denied is normal."""
    return None if pet is None else Uptake.NORMAL if pet.denied else pet.uptake


def _denial(denied: dict[Structure, Said], site: _Site, told: _Told) -> Grounded:
    """An uptake denied; with a structure denied too it is one finding, taken out of ``denied``."""
    uptake = None if told.pet is None else told.pet.uptake
    structure, rule, at = None, "", (site.at, *told.at)
    if denied:
        structure = next(iter(denied))
        s = denied.pop(structure)
        rule, at = "structure.denied", (*at, (s.start, s.end))
    return Grounded(
        *(site.region, at, uptake, structure, told.rule, rule, True, None, ()),
        *("", site.name, site.side, site.group, False, told.rest),
    )


def _unseen(site: _Site, told: _Told) -> Grounded:
    """An uptake with nothing shown on CT."""
    normal = told.normal
    structure, rule = (None, "") if normal is None else (Structure.NORMAL, normal.rule)
    return Grounded(
        *(site.region, (site.at, *told.at), _plain(told.pet), structure, told.rule, rule, False, told.suv, told.sizes),
        *("", site.name, site.side, site.group, False, told.rest),
    )


def _without_attributes(said: list[Said]) -> list[Said]:
    """Drop what only describes a structure named before it: "thickening, of low density"."""
    named = next((i for i, s in enumerate(said) if s.concept and not s.denied and not s.attribute), len(said))
    return [s for i, s in enumerate(said) if i < named or not s.attribute]


def _group(place: Place, side: Side | None) -> NodalGroup | None:
    group = place.entry.group
    if group is None:
        return None
    return _GROUPS.get(group) or (_GROUPS.get(f"{group}-{side.value}") if side is not None else None)


def _description(text: str, place: At, said: Said) -> str:
    start, end = min(place[0], said.start), max(place[1], said.end)
    if end - start > _DESCRIPTION:
        return f"{text[place[0] : place[1]]} {text[said.start : said.end]}"
    return " ".join(text[start:end].split())
