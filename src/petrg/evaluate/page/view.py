"""What the templates print of a `Scores`, worked out beforehand: names, cells, marks against the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from petrg.anatomy import Region
from petrg.evaluate.page.colour import shade
from petrg.evaluate.page.numerals import interval, number, p_value, places
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import ClassRow, Confusion, Count, Estimate, Metric, PermutationTest, RegionRow, Row, Scores

__all__ = [
    "Cell",
    "HeatCell",
    "Share",
    "absent_from",
    "class_name",
    "classes",
    "confusion_rows",
    "counts",
    "facts",
    "headline",
    "heat_rows",
    "metric_titles",
    "row_cells",
    "titles",
]

_ALARMS = {
    *("missing", "copied", "sex-unknown", "prediction-missing", "region-missing", "prediction-extra"),
    *("pet-invalid", "ct-invalid"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A score as printed: value, interval, what is said of it, and whether it stays below the best control."""

    value: str
    interval: str = ""
    tests: tuple[str, ...] = ()
    note: str = ""
    below: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """A count, its colours by the share of its row, and the share in per cent."""

    count: int
    ground: str
    ink: str
    percent: int


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A cell of the heat map; ``value`` is None where the score does not exist."""

    value: str | None
    support: int | None
    ground: str = ""
    ink: str = ""


def titles(rows: Sequence[Row], language: str) -> dict[str, str]:
    """Names of rows by key: the row's own, or the page's where it has one in a language other than English."""
    known: Mapping[str, str] = words(language)["row_titles"] if language != "en" else {}
    return {row.key: row.title if row.key == "system" else known.get(row.key, row.title) for row in rows}


def absent_from(row: Row, metrics: Sequence[Metric]) -> str | None:
    """Why a row has none of ``metrics``, where that is one reason for all; None where it has one or reasons differ."""
    if not row.given:
        return row.reason
    found = [row.estimates.get(m.key, Estimate(value=None)) for m in metrics]
    notes = {e.note if e.value is None else None for e in found}
    return notes.pop() if len(notes) == 1 else None


def metric_titles(metrics: Sequence[Metric], language: str) -> dict[str, str]:
    """Names of metrics by key: the metric's own, or the page's in a language other than English."""
    known: Mapping[str, str] = words(language)["metric_titles"] if language != "en" else {}
    return {m.key: known.get(m.key.partition("[")[0], m.title) for m in metrics}


def counts(scores: Scores, language: str) -> list[tuple[Count, str, bool]]:
    """Counts with their names, and whether one should give pause."""
    known: Mapping[str, str] = words(language)["count_titles"] if language != "en" else {}
    return [(c, known.get(c.key, c.title), c.value > 0 and c.key in _ALARMS) for c in scores.counts]


def headline(scores: Scores) -> tuple[Metric, ...]:
    """Metrics of the summary and the forest plot, those marked so; all where none is."""
    return tuple(m for m in scores.metrics if m.headline) or scores.metrics


def facts(scores: Scores, language: str) -> list[tuple[str, str]]:
    """What was scored with what, as pairs of name and value."""
    say = words(language)
    return [
        (say["system"], scores.system),
        (say["cases"], str(scores.cases)),
        (say["patients"], str(scores.patients)),
        (say["tokenizer"], scores.tokenizer or say["none"]),
        (say["labeller"], scores.labeller or say["none"]),
        (say["seed"], str(scores.seed)),
        (say["draws"], f"{scores.bootstrap_draws:,}"),
        (say["permutations"], f"{scores.permutations:,}"),
        (say["version"], scores.petrg),
    ]


def row_cells(
    row: Row, metrics: Sequence[Metric], rows: Sequence[Row], tests: Sequence[PermutationTest], language: str
) -> dict[str, Cell]:
    """The cells of one row by metric key."""
    return {metric.key: _cell(row, metric, rows, tests, language) for metric in metrics}


def _cell(row: Row, metric: Metric, rows: Sequence[Row], tests: Sequence[PermutationTest], language: str) -> Cell:
    say = words(language)
    estimate = row.estimates.get(metric.key)
    if estimate is None or estimate.value is None:
        reason = estimate.note if estimate is not None else ""
        return Cell(say["not_given"], note=reason)
    digits = places(metric)
    return Cell(
        number(estimate.value, digits),
        interval(estimate, digits),
        tuple(_said(t) for t in tests if t.metric == metric.key and t.against == row.key and t.p is not None),
        estimate.note,
        row.kind == "system" and _below(estimate, metric, rows),
    )


def _said(test: PermutationTest) -> str:
    p = p_value(test.p_holm if test.p_holm is not None else test.p or 0.0)
    return f"{p} ≈" if test.distinguishable is False else p


def _below(estimate: Estimate, metric: Metric, rows: Sequence[Row]) -> bool:
    """Whether some control is at least as good; nothing is better than the end of a scale."""
    end = {"higher": metric.high, "lower": metric.low, "neither": estimate.value}[metric.better]
    if estimate.value is None or estimate.value == end:
        return False
    sign = 1 if metric.better == "higher" else -1
    controls = [e.value for r in rows if r.kind == "control" and (e := r.estimates.get(metric.key)) is not None]
    return any(sign * v >= sign * estimate.value for v in controls if v is not None)


def class_name(modality: str, value: int, language: str) -> str:
    """Name of a class on the page."""
    return str(words(language)["uptake" if modality == "PET" else "structure"].get(str(value), value))


def confusion_rows(confusion: Confusion, language: str) -> list[tuple[str, list[Share], int]]:
    """Rows of a confusion matrix: name, cells (the last is missing or invalid), total."""
    out = []
    for k, counts in enumerate(confusion.counts):
        total = sum(counts)
        cells = []
        for count in counts:
            part = count / total if total else 0.0
            ground, ink = shade(part) if count else ("transparent", "inherit")
            cells.append(Share(count, ground, ink, round(100 * part)))
        out.append((class_name(confusion.modality, k + 1, language), cells, total))
    return out


def heat_rows(regions: Sequence[RegionRow], language: str) -> list[tuple[str, list[HeatCell]]]:
    """Rows of the heat map in report order: title, then F1 and kappa of PET, F1 and kappa of CT."""
    by_key = {row.region: row for row in regions}
    order = [*(r.value for r in Region if r.value in by_key), *(k for k in by_key if k not in set(Region))]
    return [(_region_title(key, language), _heat_cells(by_key[key])) for key in order]


def _heat_cells(row: RegionRow) -> list[HeatCell]:
    return [
        _heat(row.pet_abnormal_f1, row.pet_abnormal),
        _heat(row.pet_kappa, None),
        _heat(row.ct_abnormal_f1, row.ct_abnormal),
        _heat(row.ct_kappa, None),
    ]


def _heat(value: float | None, support: int | None) -> HeatCell:
    return HeatCell(None, support) if value is None else HeatCell(number(value, 2), support, *shade(value))


def _region_title(key: str, language: str) -> str:
    return Region(key).title(language) if key in set(Region) else key


def classes(rows: Sequence[ClassRow], language: str) -> list[tuple[ClassRow, str]]:
    """Class rows with their names on the page."""
    return [(row, class_name(row.modality, row.value, language)) for row in rows]
