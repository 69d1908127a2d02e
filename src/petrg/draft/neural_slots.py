"""Which lesion of the record each slot of a network's text is filled from: the one that its sentence names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from petrg.anatomy import Side
from petrg.draft.neural_text import Marker, Passage, ReadText
from petrg.draft.neural_words import NeuralWords, neural_words
from petrg.language.reading import Grounded
from petrg.language.wording import LEAST_MM
from petrg.report import Lesion, LesionStatus, NumberQuantity, Record, Structure, Uptake, slot
from petrg.report.slots import look_up

__all__ = ["Choice", "choose_lesions", "lesions_at", "mention_of"]

_QUANTITIES = {
    "suvmax": (NumberQuantity.SUV_MAX,),
    "suvmean": (NumberQuantity.SUV_MEAN,),
    "suvpeak": (NumberQuantity.SUV_PEAK,),
    "size": (NumberQuantity.LONG_AXIS_CM, NumberQuantity.SHORT_AXIS_CM),
    "long": (NumberQuantity.LONG_AXIS_CM,),
    "short": (NumberQuantity.SHORT_AXIS_CM,),
    "volume": (NumberQuantity.MTV_ML,),
    "tlg": (NumberQuantity.TLG_G,),
    "hu": (NumberQuantity.HU_MEAN,),
}
_UNITS = {"size": "cm", "long": "cm", "short": "cm", "volume": "ml", "tlg": "g", "hu": "HU"}
_AXES = {NumberQuantity.LONG_AXIS_CM: 0, NumberQuantity.SHORT_AXIS_CM: 1}
_ABNORMAL = ({LesionStatus.LESION, LesionStatus.INDETERMINATE},)
_PHYSIOLOGIC = ({LesionStatus.PHYSIOLOGIC}, {LesionStatus.INDETERMINATE})
_SIDES = {Side.LEFT: {Side.LEFT}, Side.RIGHT: {Side.RIGHT}, Side.BILATERAL: {Side.LEFT, Side.RIGHT, Side.BILATERAL}}

Mention = tuple[Grounded, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a slot becomes: text with slots of ours, empty where nothing was measured there, and whose numbers."""

    text: str = ""
    lesions: tuple[Lesion, ...] = ()


@dataclass(slots=True)
class _Open:
    """A lesion that is being told: where, and which of its slots have been written."""

    place: tuple[object, ...]
    lesion: Lesion
    kinds: set[str]


@dataclass(slots=True)
class _Filler:
    """Goes through a text once, from its beginning to its end."""

    told: ReadText
    record: Record
    words: NeuralWords
    open: list[_Open] = field(default_factory=list)
    last: Mention = ()

    def passage(self, passage: Passage) -> Iterator[tuple[Marker, Choice]]:
        """The slots of one passage; those of one mention are of one lesion."""
        for mention, markers in self._groups(passage):
            if not passage.found and (reference := self._references(passage, markers)):
                yield from reference
                continue
            candidates = lesions_at(mention, self.record.lesions)
            said = self.told.text[passage.start : markers[0].start].lower()
            kinds = {marker.kind for marker in markers} - {"count"}
            lesion = self._lesion(mention, kinds, candidates, said) if kinds else None
            for marker in markers:
                if marker.kind == "count":
                    yield marker, _count(candidates)
                else:
                    yield marker, Choice() if lesion is None else self._filled(marker.kind, lesion)

    def _groups(self, passage: Passage) -> Iterator[tuple[Mention, list[Marker]]]:
        """Slots in a row that speak of one thing."""
        row: list[Marker] = []
        mention: Mention = ()
        for marker in passage.markers:
            own = mention_of(marker, passage.found) or self.last
            if row and own != mention:
                yield from _things(mention, row)
                row = []
            row.append(marker)
            mention = self.last = own
        if row:
            yield from _things(mention, row)

    def _lesion(self, mention: Mention, kinds: set[str], candidates: Sequence[Lesion], said: str) -> Lesion | None:
        """The lesion told before where the slots go on with it, else the next one that no sentence has told."""
        if not candidates:
            return None
        place = tuple((g.region, g.side, g.nodal_group, g.site) for g in mention)
        if not _any(self.words.another, said) and (known := self._goes_on(place, kinds, candidates)):
            known.kinds |= kinds
            return known.lesion
        largest, hottest = _any(self.words.largest, said), _any(self.words.hottest, said)
        ranked = sorted(candidates, key=_longest if largest and not hottest else _heat)
        used = {entry.lesion.id for entry in self.open}
        summed_up = (largest or hottest) and all(entry.place != place for entry in self.open)
        lesion = next((c for c in ranked if summed_up or c.id not in used), None)
        if lesion is not None:
            self.open.append(_Open(place, lesion, set(kinds)))
        return lesion

    def _goes_on(self, place: tuple[object, ...], kinds: set[str], candidates: Sequence[Lesion]) -> _Open | None:
        """The lesion told last of this place that lacks these slots; of another wording where only one lies there."""
        ids = {c.id for c in candidates}
        for entry in reversed(self.open):
            same = entry.place == place or len(ids) == 1
            if same and entry.lesion.id in ids:
                return entry if kinds.isdisjoint(entry.kinds) else None
        return None

    def _filled(self, kind: str, lesion: Lesion) -> Choice:
        wanted = _QUANTITIES[kind]
        if any(look_up(self.record, lesion.id, quantity, {})[0] is None for quantity in wanted):
            return Choice()
        axes = [_AXES[quantity] for quantity in wanted if quantity in _AXES]
        if lesion.axes_mm is not None and any(lesion.axes_mm[axis] < LEAST_MM for axis in axes):
            return Choice()
        zh = self.told.language == "zh"
        text = ("×" if zh else " x ").join(slot(lesion.id, quantity) for quantity in wanted)
        unit = _UNITS.get(kind, "")
        return Choice(text + (unit if zh or not unit else f" {unit}"), (lesion,))

    def _references(self, passage: Passage, markers: Sequence[Marker]) -> list[tuple[Marker, Choice]]:
        """Numbers of the reference liver or blood pool, where a sentence with no finding in it names them."""
        said = self.told.text[passage.start : markers[0].start].lower()
        for source, names in (("blood_pool", self.words.blood_pool), ("liver", self.words.liver)):
            if _any(names, said) and all(m.kind in ("suvmax", "suvmean") for m in markers):
                there = getattr(self.record.references, source) is not None
                return [(m, Choice(slot(source, _QUANTITIES[m.kind][0]) if there else "")) for m in markers]
        return []


def _things(mention: Mention, row: Sequence[Marker]) -> Iterator[tuple[Mention, list[Marker]]]:
    """The slots of one mention by the thing they speak of.

    "<size> and <size>, SUVmax <suvmax> and <suvmax>" speaks of two, the first size and the first SUV of the first of
    them, and of its places in their order where there are as many. Else no kind stands twice for one thing.
    """
    runs = [list(run) for _, run in groupby(row, key=attrgetter("kind"))]
    count = len(runs[0])
    if count > 1 and all(len(run) == count for run in runs):
        places = sorted({g.at[0] for g in mention})
        for k in range(count):
            own = tuple(g for g in mention if g.at[0] == places[k]) if len(places) == count else mention
            yield own, [run[k] for run in runs]
        return
    group: list[Marker] = []
    for marker in row:
        if marker.kind in {m.kind for m in group}:
            yield mention, group
            group = []
        group.append(marker)
    yield mention, group


def choose_lesions(told: ReadText, record: Record) -> Mapping[Marker, Choice]:
    """What each slot of a text becomes, in reading order.

    A slot takes the lesion that lies where its sentence says: region, side, nodal group. Of several the words choose
    (the largest, the hottest), else the hottest that no sentence has told yet. Nothing is taken from elsewhere, and no
    lesion is told as two.
    """
    filler = _Filler(told, record, neural_words(told.language))
    return {marker: choice for passage in told.passages for marker, choice in filler.passage(passage)}


def mention_of(marker: Marker, found: Sequence[Grounded]) -> Mention:
    """The findings whose places stand nearest before a slot, in one list of places; else all of its passage."""
    before = sorted((g for g in found if g.at[0][0] < marker.start), key=lambda g: g.at[0][0])
    if not before:
        return tuple(found)
    nearest = before[-1].at[0][0]
    said = [at[0] for g in before for at in g.at[1:] if at[0] < nearest]
    since = max(said, default=-1)  # a list of places is broken by what is said of one
    return tuple(g for g in before if g.at[0][0] > since or g.at[0][0] == nearest)


def lesions_at(mention: Sequence[Grounded], lesions: Sequence[Lesion]) -> list[Lesion]:
    """The foci that lie where a mention says, of the kind it says, in the record's order."""
    found = {lesion.id for g in mention for lesion in _lesions_of(g, lesions)}
    return [lesion for lesion in lesions if lesion.id in found]


def _lesions_of(g: Grounded, lesions: Sequence[Lesion]) -> list[Lesion]:
    here = [lesion for lesion in lesions if _lies(g, lesion)]
    for statuses in _statuses(g):
        if there := [lesion for lesion in here if lesion.status in statuses]:
            return there
    return []


def _statuses(g: Grounded) -> tuple[set[LesionStatus], ...]:
    """The kinds of focus a finding may speak of, the likeliest first."""
    if g.uptake is Uptake.PHYSIOLOGIC:
        return _PHYSIOLOGIC
    if g.negated or (g.uptake in (Uptake.NORMAL, Uptake.REDUCED) and g.suv_max is None):
        return ()
    if g.uptake is None and g.structure in (None, Structure.NORMAL) and g.suv_max is None:
        return ()
    return _ABNORMAL


def _lies(g: Grounded, lesion: Lesion) -> bool:
    if lesion.region.id is not g.region:
        return False
    if g.side is not None and g.side in _SIDES and lesion.side not in _SIDES[g.side]:
        return False
    return g.nodal_group is None or lesion.nodal_group is None or lesion.nodal_group is g.nodal_group


def _count(candidates: Sequence[Lesion]) -> Choice:
    if not candidates:
        return Choice()
    return Choice(slot("+".join(c.id for c in candidates), NumberQuantity.LESIONS), tuple(candidates))


def _any(words: Sequence[str], said: str) -> bool:
    return any(word in said for word in words)


def _heat(lesion: Lesion) -> float:
    return -lesion.suv_max


def _longest(lesion: Lesion) -> tuple[float, float]:
    return (0.0 if lesion.axes_mm is None else -lesion.axes_mm[0], -lesion.suv_max)
