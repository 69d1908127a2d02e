"""cases.csv of the text metrics: one row a case, one column a metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from petrg.evaluate.cases import Cases
from petrg.evaluate.text.score import TextScores, metric_key

__all__ = ["cases_csv", "columns"]


def columns(scores: TextScores) -> dict[str, list[float | int | None]]:
    """Values of every case by column; None where there is none.

    A missing prediction scores 0; its length and brevity penalty do not exist.
    """
    label, there = scores.label, (~scores.missing).tolist()
    made: dict[str, list[float | int | None]] = {
        metric_key(name, label): [float(value) for value in values] for name, values in scores.values.items()
    }
    made[metric_key("prediction tokens", label)] = _given(scores.counts.prediction.astype(int).tolist(), there)
    made[metric_key("reference tokens", label)] = scores.counts.reference.astype(int).tolist()
    made[metric_key("brevity penalty", label)] = _given(scores.brevity_penalty.tolist(), there)
    return made


def cases_csv(cases: Cases, scores: TextScores) -> str:
    """The table as CSV: the id column named as in the input, then a column a metric; an absent value is an empty cell.

    Numbers are written so that reading them gives the same number again.
    """
    table = columns(scores)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cases.id_column, *table])
    for row, key in enumerate(cases.ids):
        values = [column[row] for column in table.values()]
        writer.writerow([key, *("" if value is None else repr(value) for value in values)])
    return out.getvalue()


def _given(values: Sequence[float | int], there: Sequence[bool]) -> list[float | int | None]:
    return [value if given else None for value, given in zip(values, there, strict=True)]
