"""SUVs that a text names against those that were measured: whose each is, and which lesions it leaves out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from petrg.anatomy import Region
from petrg.language.reading import Reading
from petrg.report import Lesion, LesionStatus, Record, Uptake

__all__ = [
    "MissedLesion",
    "Named",
    "NumberMatch",
    "RecordMatch",
    "Said",
    "Source",
    "match_record",
    "reference_suvs",
    "said_in_reading",
]

_RAISED = frozenset({Uptake.HIGH, Uptake.EQUIVOCAL})
_DIGITS = re.compile(r"\d+(?:\.(\d+))?")
_SLACK = 1e-6  # SUVs are float32 on the image


class Source(StrEnum):
    """Whose SUV a number is, the best claim first."""

    LESION = "lesion"
    INDETERMINATE = "indeterminate"
    PHYSIOLOGIC = "physiologic"
    REFERENCE = "reference region"
    NOTHING = "nothing"


_SOURCES = {
    LesionStatus.LESION: Source.LESION,
    LesionStatus.INDETERMINATE: Source.INDETERMINATE,
    LesionStatus.PHYSIOLOGIC: Source.PHYSIOLOGIC,
}


@dataclass(frozen=True, slots=True)
class Named:
    """One SUV of a text: its value, the decimals it is printed with, and the regions it is named for."""

    value: float
    decimals: int
    regions: frozenset[Region]

    @property
    def tolerance(self) -> float:
        """Half of the last printed decimal."""
        return 0.5 * 10.0**-self.decimals + _SLACK


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says that a record can confirm: its SUVs, each value once, and the regions it calls avid."""

    numbers: tuple[Named, ...] = ()
    raised: frozenset[Region] = frozenset()

    @property
    def covered(self) -> frozenset[Region]:
        """Regions with raised uptake or an SUV."""
        return self.raised.union(*(n.regions for n in self.numbers))


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """Whose SUV a number is; ``in_region`` where that focus lies in a region that the number is named for."""

    number: Named
    source: Source
    lesion_id: str | None = None
    in_region: bool = False


@dataclass(frozen=True, slots=True)
class MissedLesion:
    """A lesion of the record whose SUVmax the text does not give; ``covered`` where it calls its region avid."""

    lesion_id: str
    region: Region
    covered: bool


@dataclass(frozen=True, slots=True)
class RecordMatch:
    """A text against the record of its study."""

    numbers: tuple[NumberMatch, ...]
    missed: tuple[MissedLesion, ...]
    lesions: int


def said_in_reading(reading: Reading) -> Said:
    """The SUVs of a text as read, with the decimals that the text prints.

    Examples
    --------
    >>> from petrg.language.reading import read
    >>> said = said_in_reading(read("A 12 mm nodule in the left upper lobe, SUVmax 4.10."))
    >>> said.numbers[0].value, said.numbers[0].decimals, sorted(said.raised)
    (4.1, 2, [<Region.LUNG_PLEURA: 'lung-pleura'>])
    """
    printed: dict[float, int] = {}
    for match in _DIGITS.finditer(unicodedata.normalize("NFKC", reading.text)):
        value = float(match.group())
        printed[value] = max(printed.get(value, 0), len(match.group(1) or ""))
    stated = [f for f in reading.findings if not f.negated]
    named = [(f.region, f.suv_max, printed.get(f.suv_max)) for f in stated if f.suv_max is not None]
    return Said(_numbers(named), frozenset(f.region for f in stated if f.uptake in _RAISED))


def match_record(said: Said, record: Record) -> RecordMatch:
    """Look up every SUV of a text among the foci and reference regions of a record.

    A number is that of a focus if their SUVmax agree to half of its last printed decimal; where several do, one in a
    region that the number is named for goes before others, then lesions before indeterminate before physiologic foci.
    Of a reference region both SUVmax and SUVmean count; they have no region of the report here.

    A lesion (of status ``lesion``) is missed if no number named for its region is its SUVmax.
    """
    numbers = tuple(_whose(number, record) for number in said.numbers)
    lesions = [lesion for lesion in record.lesions if lesion.status is LesionStatus.LESION]
    covered = said.covered
    missed = tuple(
        MissedLesion(lesion.id, lesion.region.id, lesion.region.id in covered)
        for lesion in lesions
        if not any(_is_of(number, lesion) and lesion.region.id in number.regions for number in said.numbers)
    )
    return RecordMatch(numbers, missed, len(lesions))


def reference_suvs(record: Record) -> list[float]:
    """SUVmax and SUVmean of the reference regions that the record has."""
    there = [r for r in (record.references.liver, record.references.blood_pool) if r is not None]
    return [suv for reference in there for suv in (reference.suv_max, reference.suv_mean)]


def _numbers(named: Iterable[tuple[Region, float, int | None]]) -> tuple[Named, ...]:
    """Each value once, with all regions it is named for: one number may be said of several places."""
    regions: dict[float, set[Region]] = {}
    decimals: dict[float, int] = {}
    for region, value, digits in named:
        regions.setdefault(value, set()).add(region)
        shortest = len(repr(value).partition(".")[2])  # one at least: 8.0
        decimals[value] = shortest if digits is None else digits
    return tuple(Named(value, decimals[value], frozenset(where)) for value, where in regions.items())


def _is_of(number: Named, lesion: Lesion) -> bool:
    return abs(number.value - lesion.suv_max) <= number.tolerance


def _whose(number: Named, record: Record) -> NumberMatch:
    order = list(Source)
    claims = [
        NumberMatch(number, _SOURCES[lesion.status], lesion.id, lesion.region.id in number.regions)
        for lesion in record.lesions
        if _is_of(number, lesion)
    ]
    if claims:
        return min(claims, key=lambda c: (not c.in_region, order.index(c.source)))
    if any(abs(number.value - suv) <= number.tolerance for suv in reference_suvs(record)):
        return NumberMatch(number, Source.REFERENCE)
    return NumberMatch(number, Source.NOTHING)
