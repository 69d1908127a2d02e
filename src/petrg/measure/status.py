"""What a focus is taken for: named rules, each saying why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petrg.anatomy import Region, Side
from petrg.measure.anatomy import Guess
from petrg.report.record import LesionStatus, Reference

__all__ = ["CERTAIN", "Seen", "judge"]

CERTAIN = 0.8
"""A region counts as located from this probability on (spec: PET normality, and only certain lesions drive a score)."""
_ALIKE = 1.6
"""Two sides are symmetric where the hotter SUVmax is at most this times the other."""
_STANDS_OUT = 2.5
"""An organ's own uptake is about even: what is hotter than this many times all the rest of it may be a lesion."""
_WHOLE_HEART_ML = 20.0
_BOWEL_LIVERS = 3.0
_GLAND_LIVERS, _GLAND_MM = 3.0, 60.0
_MILD = 1.5
"""Below this many times the liver an SUVpeak is mild (PERCIST calls no less measurable)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules may look at."""

    guess: Guess
    side: Side | None
    suv_max: float
    volume_ml: float
    left_mm: float
    height_z_mm: float
    at_edge: bool = False
    suv_peak: float | None = None

    @property
    def region(self) -> Region:
        """The most probable region."""
        return self.guess.regions[0][0]

    @property
    def heat(self) -> float:
        """SUVpeak, which noise raises less than SUVmax; SUVmax where there is no peak."""
        return self.suv_max if self.suv_peak is None else self.suv_peak

    @property
    def probability(self) -> float:
        """Of that region."""
        return self.guess.regions[0][1]


def judge(seen: Seen, others: Sequence[Seen], *, fdg: bool, liver: Reference | None) -> tuple[LesionStatus, str]:
    """Status of a focus and the rule that gave it.

    Only FDG has physiologic uptake here; of another or an unknown tracer every focus is indeterminate.
    A focus whose region is not located with p >= 0.8 is indeterminate, never a lesion.

    Parameters
    ----------
    seen : Seen
    others : sequence of Seen
        The other foci, for symmetry.
    """
    if not fdg:
        return LesionStatus.INDETERMINATE, "tracer unknown or not FDG: measured only"
    if reason := _physiologic(seen, others, liver):
        return LesionStatus.PHYSIOLOGIC, reason
    if seen.at_edge:
        return LesionStatus.INDETERMINATE, "cut by the edge of the scan"
    if seen.region in (Region.KIDNEYS, Region.HEART):
        return LesionStatus.INDETERMINATE, f"far hotter than the rest of the {seen.region.value}: organ or lesion"
    if liver is not None and seen.heat < _MILD * liver.suv_mean:
        return LesionStatus.INDETERMINATE, f"mild uptake, SUVpeak less than {_MILD} x liver"
    if seen.probability < CERTAIN:
        return (
            LesionStatus.INDETERMINATE,
            f"region not located with certainty ({seen.region.value}, p {seen.probability:.2f})",
        )
    if _paired_neck(seen, others, liver):
        return LesionStatus.INDETERMINATE, "symmetric uptake of the neck: glands, tonsils and nodes look alike"
    if seen.region is Region.GI_TRACT:
        return LesionStatus.INDETERMINATE, "focal uptake in the bowel: physiologic and abnormal look alike"
    if seen.guess.organ == "ureter":
        return LesionStatus.INDETERMINATE, "in the course of the ureter"
    return LesionStatus.LESION, f"focal uptake above the floor of detection in {seen.region.value}"


def _physiologic(seen: Seen, others: Sequence[Seen], liver: Reference | None) -> str | None:
    p, organ = seen.probability, seen.guess.organ
    if seen.region is Region.BRAIN and p >= 0.5 and (seen.volume_ml > 150.0 or p >= CERTAIN):
        return "brain: cortex takes up FDG"
    if organ == "urinary_bladder" and abs(seen.left_mm) < 25.0 and p >= 0.5:
        return "bladder: urine holds FDG"
    if seen.region is Region.KIDNEYS and p >= 0.5 and not _stands_out(seen, _across(seen, others)):
        return "kidney: cortex and urine hold FDG"
    if seen.region is Region.HEART and p >= 0.5 and _myocardium(seen, others):
        return "heart: myocardium takes up FDG"
    if organ in {"tonsil", "parotid", "submandibular"} and _mirrored(seen, others):
        return "symmetric uptake of tonsils or salivary glands"
    if organ == "larynx" and abs(seen.left_mm) < 15.0 and p >= 0.5 and seen.heat < 6.0:
        return "larynx: midline uptake of muscle"
    if organ == "testis" and p >= 0.5 and seen.suv_max < 6.0:
        return "testes take up FDG"
    return _bowel(seen, liver)


def _bowel(seen: Seen, liver: Reference | None) -> str | None:
    """Uptake where bowel is likely: up to 3 x liver if it is the likely region, mild if it may be mesentery."""
    if liver is None:
        return None
    gut = dict(seen.guess.regions).get(Region.GI_TRACT, 0.0)
    around = gut + dict(seen.guess.regions).get(Region.PERITONEUM, 0.0)
    if gut >= 0.5 and seen.suv_max <= _BOWEL_LIVERS * liver.suv_mean:
        return f"bowel: uptake at most {_BOWEL_LIVERS:.0f} x liver"
    if gut >= 0.3 and around >= 0.6 and seen.suv_max < _MILD * liver.suv_mean:
        return f"bowel: mild uptake, less than {_MILD} x liver"
    return None


def _stands_out(seen: Seen, rest: Sequence[Seen]) -> bool:
    """Whether a focus is far hotter than the rest of its organ, or has no rest to compare with."""
    return seen.suv_max > _STANDS_OUT * max((other.suv_max for other in rest), default=0.0)


def _across(seen: Seen, others: Sequence[Seen]) -> list[Seen]:
    """Foci of the other kidney: urine fills both, a tumour one."""
    return [other for other in others if other.region is seen.region and other.left_mm * seen.left_mm < 0]


def _myocardium(seen: Seen, others: Sequence[Seen]) -> bool:
    """A large part of the ventricle, or a smaller one among its like; a single small hot spot is neither."""
    rest = [other for other in others if other.region is Region.HEART]
    return seen.volume_ml > _WHOLE_HEART_ML or (seen.volume_ml > 3.0 and not _stands_out(seen, rest))


def _paired_neck(seen: Seen, others: Sequence[Seen], liver: Reference | None) -> bool:
    """Whether a focus of the neck no hotter than 3 x liver has its like at the mirrored place."""
    neck = seen.region in (Region.NECK_NODES, Region.THYROID_SALIVARY)
    return (
        neck
        and liver is not None
        and seen.suv_max <= _GLAND_LIVERS * liver.suv_mean
        and abs(seen.left_mm) < _GLAND_MM
        and _mirrored(seen, others)
    )


def _mirrored(seen: Seen, others: Sequence[Seen]) -> bool:
    """Whether another focus lies at the mirrored place, about as hot."""
    for other in others:
        opposite = seen.left_mm * other.left_mm < 0 and abs(seen.left_mm + other.left_mm) < 20.0
        ratio = max(seen.suv_max, other.suv_max) / min(seen.suv_max, other.suv_max)
        if opposite and abs(seen.height_z_mm - other.height_z_mm) < 20.0 and ratio <= _ALIKE:
            return True
    return False
