"""One passage of a network's text as a statement: slots filled from the record, its own numbers held against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from petrg.draft.digits import Measured, numbers_in, own_digits
from petrg.draft.neural_slots import Choice, choose_lesions, lesions_at, mention_of
from petrg.draft.neural_text import Marker, Passage, ReadText
from petrg.draft.neural_words import neural_words
from petrg.language.reading import Grounded
from petrg.language.wording import common_side
from petrg.report import (
    Finding,
    Lesion,
    Modality,
    Number,
    NumberQuantity,
    Record,
    Span,
    Statement,
    StatementKind,
    Structure,
    Uptake,
    fill,
    slot,
)

__all__ = ["Counts", "SentenceWriter"]

_SUVS = {
    "suvmax": NumberQuantity.SUV_MAX,
    "suvmean": NumberQuantity.SUV_MEAN,
    "suvpeak": NumberQuantity.SUV_PEAK,
}
_AXES = (NumberQuantity.LONG_AXIS_CM, NumberQuantity.SHORT_AXIS_CM)
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_JOINING = re.compile(r"[\s×xX*.]*")  # between two numbers it would make one of them
_MASK = "□"
_TRAILING = re.compile(r"[,，;；、]\s*$")


@dataclass(slots=True)
class Counts:
    """What had to be done to a text's numbers."""

    slots: int = 0
    unfilled: int = 0
    removed: int = 0
    unverified: int = 0


@dataclass(slots=True)
class _Text:
    """A text being put together, with the numbers in it; ``comma`` keeps digits apart that would join."""

    comma: str
    parts: list[str] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, numbers: Iterable[Number] = ()) -> None:
        """Append ``text``; ``numbers`` index it."""
        if self.parts and self.parts[-1][-1:].isdigit() and text[:1].isdigit():
            self.add(self.comma)
        for number in numbers:
            self.numbers.append(_moved(number, self.length))
        self.parts.append(text)
        self.length += len(text)


def _moved(number: Number, by: int) -> Number:
    at = Span(start=number.span.start + by, end=number.span.end + by)
    return number.model_copy(update={"span": at})


class SentenceWriter:
    """Writes the statements of one text.

    Parameters
    ----------
    told : ReadText
    record : Record
    slots : bool
        Whether numbers are slots that the record fills, so that any digit of the network's own is taken out; else
        they are the network's own and are held against the record.
    """

    def __init__(self, told: ReadText, record: Record, *, slots: bool) -> None:
        self.told, self.record, self.slots = told, record, slots
        self.words = neural_words(told.language)
        self.choices: Mapping[Marker, Choice] = choose_lesions(told, record)
        self.counts = Counts()

    def write(self, passage: Passage) -> Statement:
        """The statement of one passage."""
        text = _Text(self.words.comma)
        lesions: list[Lesion] = []
        at = passage.start
        for piece in self._pieces(passage):
            between = self._plain(at, piece.start)
            text.add(self.words.comma if at > passage.start and _JOINING.fullmatch(between) else between)
            lesions += self._slot(piece, text) if isinstance(piece, Marker) else self._number(piece, passage, text)
            at = piece.end
        text.add(_TRAILING.sub(self.words.end, self._plain(at, passage.end)))
        linked = self._linked(passage, lesions)
        said, numbers = self._settled("".join(text.parts), text.numbers)
        return Statement(
            text=said,
            kind=_kind(passage.found),
            modality=_modality(passage.found),
            lesion_ids=tuple(lesion.id for lesion in linked),
            numbers=tuple(numbers),
            finding=_finding(passage, linked),
        )

    def _settled(self, text: str, numbers: list[Number]) -> tuple[str, list[Number]]:
        """What is left as the network's own, now that its neighbours have changed: taken out or marked as well."""
        for start, end in reversed(list(own_digits(text, self.told.language))):
            if any(n.span.start < end and start < n.span.end for n in numbers):
                continue
            self.counts.removed += self.slots
            self.counts.unverified += not self.slots
            new = self.words.removed if self.slots else text[start:end] + self.words.unverified
            text, shift = text[:start] + new + text[end:], len(new) - (end - start)
            numbers = [_moved(n, shift) if n.span.start >= end else n for n in numbers]
        return text, numbers

    def _plain(self, start: int, end: int) -> str:
        """The text between two pieces, on one line."""
        return re.sub(r"\s*\n\s*", "" if self.told.language == "zh" else " ", self.told.text[start:end])

    def _pieces(self, passage: Passage) -> list[Marker | Measured]:
        """The slots of a passage, and the numbers in it that are none."""
        slots = passage.markers
        base, said = passage.start, self.told.text[passage.start : passage.end]
        for marker in slots:  # what stands for a slot is no number, and joins with none beside it
            said = said[: marker.start - base] + _MASK * (marker.end - marker.start) + said[marker.end - base :]
        own = [m._replace(start=m.start + base, end=m.end + base) for m in numbers_in(said)]
        return sorted([*slots, *own], key=lambda piece: piece.start)

    def _slot(self, marker: Marker, text: _Text) -> Sequence[Lesion]:
        choice = self.choices[marker]
        self.counts.slots += 1
        if not choice.text:
            self.counts.unfilled += 1
            text.add(self.words.unfilled)
            return ()
        text.add(*fill(choice.text, self.record))
        return choice.lesions

    def _number(self, found: Measured, passage: Passage, text: _Text) -> Sequence[Lesion]:
        said = self.told.text[found.start : found.end]
        if self.slots:
            self.counts.removed += 1
            text.add(self.words.removed)
            return ()
        place = Marker("own", found.start, found.end)
        mention = mention_of(place, passage.found)
        here = lesions_at(mention, self.record.lesions)
        numbers, lesions = self._agreeing(found, said, here, passage)
        text.add(said, numbers)
        if len(numbers) < len(_DIGITS.findall(said)):
            self.counts.unverified += 1
            text.add(self.words.unverified)
        return lesions

    def _agreeing(
        self, found: Measured, said: str, here: Sequence[Lesion], passage: Passage
    ) -> tuple[list[Number], list[Lesion]]:
        """The numbers of ``said`` that the record has for a lesion there, linked to it."""
        digits = list(_DIGITS.finditer(said))
        quantity = _SUVS.get(found.kind)
        if quantity is None:
            return self._agreeing_size(found, digits, here)
        numbers: list[Number] = []
        lesions: list[Lesion] = []
        for match in digits:
            for source in (*(lesion.id for lesion in here), *self._references(passage)):
                number = self._same(match, source, quantity)
                if number is not None:
                    numbers.append(number)
                    lesions += [lesion for lesion in here if lesion.id == source]
                    break
        return numbers, lesions

    def _agreeing_size(
        self, found: Measured, digits: Sequence[re.Match[str]], here: Sequence[Lesion]
    ) -> tuple[list[Number], list[Lesion]]:
        axes = _AXES[1:] if found.kind == "short" else _AXES
        if found.unit not in ("cm", "厘米") or len(digits) > len(axes):
            return [], []
        for lesion in here:
            numbers = [self._same(m, lesion.id, axis) for m, axis in zip(digits, axes, strict=False)]
            agreeing = [number for number in numbers if number is not None]
            if len(agreeing) == len(digits):
                return agreeing, [lesion]
        return [], []

    def _same(self, match: re.Match[str], source: str, quantity: NumberQuantity) -> Number | None:
        """The record's number, if the text prints it rounded to as many decimals as it gives."""
        if source not in ("liver", "blood_pool"):
            lesion = self.record.lesion(source)
            axes = lesion.axes_mm if quantity in _AXES else ()
            if axes is None or (quantity not in _AXES and getattr(lesion, quantity.value) is None):
                return None
        _, (number,) = fill(slot(source, quantity), self.record)
        decimals = len(match.group().partition(".")[2])
        if f"{number.value:.{decimals}f}" != match.group():
            return None
        return number.model_copy(update={"decimals": decimals, "span": Span(start=match.start(), end=match.end())})

    def _references(self, passage: Passage) -> list[str]:
        """The reference regions that the passage names, where no abnormal finding is told in it."""
        if _kind(passage.found) not in (StatementKind.REMARK, StatementKind.NORMAL, StatementKind.MEASUREMENT):
            return []
        said = self.told.text[passage.start : passage.end].lower()
        names = {"blood_pool": self.words.blood_pool, "liver": self.words.liver}
        references = self.record.references
        return [
            source
            for source, words in names.items()
            if getattr(references, source) is not None and any(word in said for word in words)
        ]

    def _linked(self, passage: Passage, chosen: Sequence[Lesion]) -> list[Lesion]:
        """The lesions a statement speaks of: those of its numbers, or all there where it speaks of several."""
        said = self.told.text[passage.start : passage.end].lower()
        ids = {lesion.id for lesion in chosen}
        places = {(g.region, g.side) for g in passage.found if not g.negated}
        if not ids or len(places) > 1 or any(word in said for word in self.words.several):
            ids |= {lesion.id for lesion in lesions_at(passage.found, self.record.lesions)}
        return [lesion for lesion in self.record.lesions if lesion.id in ids]


def _kind(found: Sequence[Grounded]) -> StatementKind:
    """Why the sentence stands there, by the most marked thing it says."""
    said = {_kind_of(g) for g in found}
    order = (StatementKind.FINDING, StatementKind.INDETERMINATE, StatementKind.PHYSIOLOGIC, StatementKind.NORMAL)
    return next((kind for kind in order if kind in said), StatementKind.REMARK)


def _kind_of(g: Grounded) -> StatementKind:
    if g.negated:
        return StatementKind.NORMAL
    if g.uptake in (Uptake.HIGH, Uptake.REDUCED) or g.structure not in (None, Structure.NORMAL):
        return StatementKind.FINDING
    if g.uptake is Uptake.EQUIVOCAL:
        return StatementKind.INDETERMINATE
    if g.uptake is Uptake.PHYSIOLOGIC:
        return StatementKind.PHYSIOLOGIC
    return StatementKind.REMARK if g.uptake is None and g.structure is None else StatementKind.NORMAL


def _modality(found: Sequence[Grounded]) -> Modality | None:
    pet = any(g.uptake is not None for g in found)
    ct = any(g.structure is not None for g in found)
    return Modality.PET if pet and not ct else Modality.CT if ct and not pet else None


def _finding(passage: Passage, lesions: Sequence[Lesion]) -> Finding | None:
    """The passage's main finding, its numbers those of its lesions."""
    if not passage.found or not passage.regions:
        return None
    marked = [g for g in passage.found if _kind_of(g) is _kind(passage.found)]
    here = {lesion.region.id for lesion in lesions}
    main = next((g for g in marked if g.region in here), None)
    main = main or next((g for g in marked if g.region is passage.regions[0]), marked[0])
    group = main.nodal_group if not lesions or main.nodal_group in {lesion.nodal_group for lesion in lesions} else None
    side = main.side if len(here) < 2 or common_side(lesions) is main.side else None
    return main.finding.model_copy(
        update={
            "suv_max": max((lesion.suv_max for lesion in lesions), default=None),
            "size_mm": (),
            "spans": (),
            "nodal_group": group,
            "side": side,
            "lesion_ids": tuple(lesion.id for lesion in lesions),
        }
    )
