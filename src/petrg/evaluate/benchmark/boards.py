"""Results sorted into tables; what cannot be compared never stands in one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.benchmark.content import RESULTS
from petrg.evaluate.benchmark.result import RESULT, Result, read_result
from petrg.evaluate.scores import Metric, Row, Scores

__all__ = ["FIXED", "Board", "boards_of", "find_results", "read_boards"]

FIXED = ("template", "normal", "random-reference", "second-reader")
"""Keys of the rows that belong to the benchmark, not to a system."""
_DRAWN = "random-reference"
"""Its score is a mean of draws, so it may differ with the seed."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """The results of one table, best first.

    Parameters
    ----------
    results : sequence of (Result, Scores)
        Of one benchmark hash, one tokenizer, one labeller, with the same definitions and the same controls.
    metric : Metric
        What they are sorted by.
    apart : str
        Why this table is not one with the others; empty where it is the only one.
    """

    results: Sequence[tuple[Result, Scores]]
    metric: Metric
    apart: str = ""

    @property
    def result(self) -> Result:
        """What all results share."""
        return self.results[0][0]

    @property
    def scores(self) -> Scores:
        """Those of the best system: tokenizer, labeller, metrics and fixed rows are those of all."""
        return self.results[0][1]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The columns: headline metrics, that of the order first."""
        others = [m for m in self.scores.metrics if m.headline and m.key != self.metric.key]
        return (self.metric, *others)

    @property
    def fixed(self) -> tuple[Row, ...]:
        """The controls and readers of the benchmark."""
        return tuple(row for row in self.scores.rows if row.key in FIXED)


def find_results(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Folders of results among ``paths``: each itself, or the folders in it or in its ``results``.

    Raises
    ------
    ScoreError
        If one of the paths holds no result.
    """
    found: list[Path] = []
    for number, path in enumerate(paths, 1):
        if os.path.isfile(path / RESULT):
            found.append(path)
            continue
        home = path / RESULTS if os.path.isdir(path / RESULTS) else path
        inner = _results_in(home) if os.path.isdir(home) else []
        if not inner:
            raise ScoreError(
                f"folder {number} holds no {RESULT}", "folders that `petrg benchmark score` wrote", "check the paths"
            )
        found += inner
    return tuple(dict.fromkeys(path.resolve() for path in found))


def _results_in(home: Path) -> list[Path]:
    try:
        return sorted(p for p in home.iterdir() if os.path.isfile(p / RESULT))
    except OSError as error:
        raise ScoreError(
            f"cannot read a folder of results: {error.strerror}", "a readable folder", "check the paths"
        ) from error


def read_boards(paths: Iterable[Path], *, sort: str | None = None) -> tuple[Board, ...]:
    """The tables of the results in the folders ``paths``; see :func:`boards_of`."""
    return boards_of([read_result(path) for path in find_results(paths)], sort=sort)


def boards_of(results: Sequence[tuple[Result, Scores]], *, sort: str | None = None) -> tuple[Board, ...]:
    """One table for each benchmark hash, tokenizer, labeller, set of definitions and controls.

    Parameters
    ----------
    sort : str, optional
        Key of a metric, without the tokenizer if that is clear; default PET-124, the macro-F1 over the classes of
        uptake that say something is wrong, or the first headline metric where there are no classes.

    Raises
    ------
    ScoreError
        If there is no result, none has the metric, or two systems of one table share a name.
    """
    if not results:
        raise ScoreError("no result", "folders that `petrg benchmark score` wrote", "name some")
    groups: dict[tuple[str, ...], list[tuple[Result, Scores]]] = {}
    for result, scores in results:
        groups.setdefault(_same(result, scores), []).append((result, scores))
    boards = []
    for key, group in groups.items():
        names = [result.system for result, _ in group]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ScoreError(
                f"two results of {group[0][0].benchmark} are named {twice!r}", "one name a system", "give --name anew"
            )
        metric = _metric(group[0][1], sort)
        boards.append(Board(results=_sorted(group, metric), metric=metric, apart=_apart(key, list(groups))))
    return tuple(boards)


_ASPECTS = (
    "other cases (benchmark hash)",
    "another tokenizer",
    "another labeller",
    "other definitions",
    "other controls",
)


def _same(result: Result, scores: Scores) -> tuple[str, ...]:
    """What must be equal within a table, in the order of `_ASPECTS`."""
    definitions = "\n".join(f"{m.key} {m.definition}" for m in scores.metrics)
    fixed = [row for row in scores.rows if row.key in FIXED and row.key != _DRAWN]
    controls = "\n".join(f"{row.key} {_values(row)}" for row in fixed)
    return result.hash, scores.tokenizer or "", scores.labeller or "", definitions, controls


def _values(row: Row) -> Mapping[str, str]:
    return {key: "" if e.value is None else f"{e.value:.9g}" for key, e in row.estimates.items()}


def _apart(key: tuple[str, ...], keys: Sequence[tuple[str, ...]]) -> str:
    """What sets this table apart from the others, in words."""
    if len(keys) == 1:
        return ""
    differs = [aspect for at, aspect in enumerate(_ASPECTS) if any(other[at] != key[at] for other in keys)]
    # other definitions and controls follow from the first three
    return ", ".join(
        differs[:1] if differs[0] == _ASPECTS[0] else [a for a in differs if a in _ASPECTS[1:3]] or differs
    )


def _metric(scores: Scores, sort: str | None) -> Metric:
    ordered = [metric for metric in scores.metrics if metric.better != "neither"]
    if sort is None:
        chosen = [m for m in ordered if m.key == "PET-124"] or [m for m in ordered if m.headline] or ordered
    else:
        chosen = [m for m in ordered if sort in (m.key, m.key.split("[")[0])]
    if not chosen:
        raise ScoreError(
            f"no metric {sort!r} to sort by", f"one of {', '.join(m.key for m in ordered)}", "give another --sort"
        )
    return chosen[0]


def _sorted(group: Sequence[tuple[Result, Scores]], metric: Metric) -> tuple[tuple[Result, Scores], ...]:
    """Best first, those without a value last, of equals by name."""
    sign = -1.0 if metric.better == "higher" else 1.0

    def place(one: tuple[Result, Scores]) -> tuple[bool, float, str]:
        estimate = one[1].rows[0].estimates.get(metric.key)
        value = None if estimate is None else estimate.value
        return value is None, 0.0 if value is None else sign * value, one[0].system

    return tuple(sorted(group, key=place))
