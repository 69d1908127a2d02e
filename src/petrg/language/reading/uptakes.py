"""The uptake meant by all that is said of one lesion."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.language.reading.said import Said
from petrg.report import Uptake
from petrg.report.labels import UPTAKE_PRIORITY

__all__ = ["LOW_SUV", "uptake_by_suv", "uptake_of"]

LOW_SUV = 3.0
"""An uptake called increased with an SUVmax up to this is mild or equivocal: about the liver's own."""

_RANK = {uptake: rank for rank, uptake in enumerate(UPTAKE_PRIORITY)}


def uptake_of(said: Sequence[Said], suv: float | None) -> tuple[Said | None, str]:
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
            return uptake_by_suv(suv), "uptake.suv"
        return None, ""
    if best.rule == "uptake.uneven" and (plain := next((s for s in said if s.uptake and s.denied), None)) is not None:
        return plain, plain.rule
    if suv is not None and best.uptake is Uptake.REDUCED and not best.denied and suv > LOW_SUV:
        return Said("uptake.suv", best.start, best.end, Uptake.HIGH), "uptake.suv"  # lower than before, yet high
    if suv is not None and best.uptake is Uptake.HIGH and not (best.denied or best.marked) and round(suv, 1) <= LOW_SUV:
        if any(s.rule == "uptake.comparison" and s.uptake is Uptake.HIGH for s in said):
            return best, best.rule  # "markedly above the liver", whatever the number
        return Said("uptake.low-suv", best.start, best.end, Uptake.EQUIVOCAL), "uptake.low-suv"
    return best, best.rule


def uptake_by_suv(suv: float) -> Said:
    """The uptake meant by an SUV alone."""
    return Said("uptake.suv", 0, 0, Uptake.HIGH if suv > LOW_SUV else Uptake.EQUIVOCAL)


def _uptake_rank(said: Said) -> int:
    """Most marked first, denials last, a mere diagnosis behind any uptake that was stated."""
    if said.denied:
        return len(_RANK)
    if said.rule == "uptake.malignant":
        return len(_RANK) + 1
    if said.rule == "uptake.uneven":
        return _RANK[Uptake.PHYSIOLOGIC]  # says less than any defect
    return _RANK[said.uptake] if said.uptake is not None else len(_RANK)
