"""The columns of the text metrics in cases.csv."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.evaluate.statistics.statistic import finite
from petrg.evaluate.text.score import TextScores, metric_key

__all__ = ["columns"]


def columns(scores: TextScores) -> dict[str, list[float | int | None]]:
    """Values of every case by column; None where there is none.

    A missing prediction scores 0; its length and brevity penalty do not exist.
    """
    label, there = scores.label, (~scores.missing).tolist()
    made: dict[str, list[float | int | None]] = {
        metric_key(name, label): [finite(value) for value in values] for name, values in scores.values.items()
    }
    made[metric_key("prediction tokens", label)] = _given(scores.counts.prediction.astype(int).tolist(), there)
    made[metric_key("reference tokens", label)] = scores.counts.reference.astype(int).tolist()
    made[metric_key("brevity penalty", label)] = _given(scores.brevity_penalty.tolist(), there)
    return made


def _given(values: Sequence[float | int], there: Sequence[bool]) -> list[float | int | None]:
    return [value if given else None for value, given in zip(values, there, strict=True)]
