"""Which lesion of the record each slot of a network's text is filled from: the one that its sentence names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from petrg.anatomy import Region, Side
from petrg.draft.neural_text import Marker, Passage, ReadText
from petrg.draft.neural_words import NeuralWords, neural_words
from petrg.language.reading import Grounded
from petrg.report import Lesion, LesionStatus, NumberQuantity, Record, Structure, Uptake, slot
from petrg.report.slots import look_up

__all__ = ["Choice", "choose_lesions", "lesions_at", "mention_of"]

_QUANTITY = {
    "suvmax": NumberQuantity.SUV_MAX,
    "suvmean": NumberQuantity.SUV_MEAN,
    "suvpeak": NumberQuantity.SUV_PEAK,
    "long": NumberQuantity.LONG_AXIS_CM,
    "volume": NumberQuantity.MTV_ML,
}
_MARKED, _DOUBTFUL, _PHYSIOLOGIC = LesionStatus.LESION, LesionStatus.INDETERMINATE, LesionStatus.PHYSIOLOGIC
_SIDES = {Side.LEFT: {Side.LEFT}, Side.RIGHT: {Side.RIGHT}, Side.BILATERAL: {Side.LEFT, Side.RIGHT, Side.BILATERAL}}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a slot becomes: text with slots of ours, empty where nothing was measured there, and whose numbers."""

    text: str = ""
    lesions: tuple[Lesion, ...] = ()


@dataclass(slots=True)
class _Filler:
    """Goes through a text once, from its beginning to its end."""

    told: ReadText
    record: Record
    words: NeuralWords
    used: list[str] = field(default_factory=list)
    open: dict[tuple[Grounded, ...], tuple[Lesion | None, set[str]]] = field(default_factory=dict)
    last: tuple[Grounded, ...] = ()

    def choose(self, marker: Marker, passage: Passage) -> Choice:
        """What ``marker``, a slot of ``passage``, becomes."""
        mention = mention_of(marker, passage.found) or self.last
        if not passage.found and (reference := self._reference(marker, passage)):
            return reference
        self.last = mention
        candidates = lesions_at(mention, self.record.lesions)
        said = self.told.text[passage.start : marker.start].lower()
        if marker.kind == "count":
            return self._count(candidates)
        lesion = self._lesion(mention, marker.kind, candidates, said)
        return Choice() if lesion is None else self._filled(marker.kind, lesion)

    def _lesion(
        self, mention: tuple[Grounded, ...], kind: str, candidates: Sequence[Lesion], said: str
    ) -> Lesion | None:
        """The same one for all slots of a mention; the next one where a kind of slot comes again."""
        lesion, kinds = self.open.get(mention, (None, set()))
        if mention in self.open and kind not in kinds:
            kinds.add(kind)
            return lesion
        largest = any(word in said for word in self.words.largest)
        hottest = any(word in said for word in self.words.hottest)
        ranked = sorted(candidates, key=_longest if largest and not hottest else _heat)
        fresh = [c for c in ranked if c.id not in self.used]
        again = ranked if (largest or hottest) and mention not in self.open else []
        lesion = next(iter(again or fresh), None)
        self.open[mention] = (lesion, {kind})
        if lesion is not None:
            self.used.append(lesion.id)
        return lesion

    def _filled(self, kind: str, lesion: Lesion) -> Choice:
        wanted = (NumberQuantity.LONG_AXIS_CM, NumberQuantity.SHORT_AXIS_CM) if kind == "size" else (_QUANTITY[kind],)
        if any(look_up(self.record, lesion.id, quantity, {})[0] is None for quantity in wanted):
            return Choice()
        unit = {"size": " cm", "long": " cm", "volume": " ml"}.get(kind, "")
        if self.told.language == "zh":
            unit = unit.strip()
        cross = "×" if self.told.language == "zh" else " x "
        return Choice(cross.join(slot(lesion.id, quantity) for quantity in wanted) + unit, (lesion,))

    def _count(self, candidates: Sequence[Lesion]) -> Choice:
        if not candidates:
            return Choice()
        return Choice(slot("+".join(c.id for c in candidates), NumberQuantity.LESIONS), tuple(candidates))

    def _reference(self, marker: Marker, passage: Passage) -> Choice | None:
        """A number of the reference liver or blood pool, where a sentence with no finding in it names them."""
        said = self.told.text[passage.start : marker.start].lower()
        for source, names in (("blood_pool", self.words.blood_pool), ("liver", self.words.liver)):
            reference = getattr(self.record.references, source)
            if any(name in said for name in names) and marker.kind in ("suvmax", "suvmean"):
                return Choice() if reference is None else Choice(slot(source, _QUANTITY[marker.kind]))
        return None


def choose_lesions(told: ReadText, record: Record) -> Mapping[Marker, Choice]:
    """What each slot of a text becomes, in reading order.

    A slot takes the lesion that lies where its sentence says: region, side, nodal group. Of several the words choose
    (the largest, the hottest), else the hottest that no sentence has told yet. Nothing is taken from elsewhere.
    """
    filler = _Filler(told, record, neural_words(told.language))
    return {marker: filler.choose(marker, passage) for passage in told.passages for marker in passage.markers}


def mention_of(marker: Marker, found: Sequence[Grounded]) -> tuple[Grounded, ...]:
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
    found = {lesion.id: lesion for g in mention for lesion in _lesions_of(g, lesions)}
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
        return {_PHYSIOLOGIC}, {_DOUBTFUL}
    if g.negated or (g.uptake in (Uptake.NORMAL, Uptake.REDUCED) and g.suv_max is None):
        return ()
    if g.uptake is None and g.structure in (None, Structure.NORMAL) and g.suv_max is None:
        return ()
    return {_MARKED, _DOUBTFUL}, {_PHYSIOLOGIC}


def _lies(g: Grounded, lesion: Lesion) -> bool:
    if lesion.region.id is not _region(g):
        return False
    if g.side is not None and g.side in _SIDES and lesion.side not in _SIDES[g.side]:
        return False
    return g.nodal_group is None or lesion.nodal_group is None or lesion.nodal_group is g.nodal_group


def _region(g: Grounded) -> Region:
    return g.region


def _heat(lesion: Lesion) -> float:
    return -lesion.suv_max


def _longest(lesion: Lesion) -> tuple[float, float]:
    return (0.0 if lesion.axes_mm is None else -lesion.axes_mm[0], -lesion.suv_max)
