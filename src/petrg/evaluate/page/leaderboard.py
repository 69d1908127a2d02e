"""A leaderboard: systems in rows over controls that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petrg.evaluate.page import view
from petrg.evaluate.page.sheet import render_sheet
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import Metric, Row

__all__ = ["Leaderboard", "render_leaderboard"]


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """The scores of several systems on one benchmark, by one tokenizer and one labeller.

    Parameters
    ----------
    title : str
        Name of the benchmark.
    facts : tuple of (name, value)
        What defines it: cases, version or hash, licence, tokenizer, labeller, seed.
    metrics : tuple of Metric
        The columns.
    rows : tuple of Row
        Systems in the order to be shown, controls and readers; keys are unique.
    notes : tuple of str
        Sentences under the table.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def render_leaderboard(board: Leaderboard, *, language: str = "en") -> str:
    """The page of ``board``: systems, then readers, then controls as fixed rows; nothing is left out.

    A system's score that is not better than that of the best control is marked ▽.
    """
    say = words(language)
    groups: list[tuple[str, Sequence[Row]]] = [
        (title, [row for row in board.rows if row.kind == kind])
        for kind, title in (("system", say["systems"]), ("reader", say["readers"]), ("control", say["controls"]))
    ]
    values = {
        "board": board,
        "groups": [(title, rows) for title, rows in groups if rows or title == say["systems"]],
        "names": view.titles(board.rows, language),
        "metric_titles": view.metric_titles(board.metrics, language),
        "cells": {row.key: view.row_cells(row, board.metrics, board.rows, (), language) for row in board.rows},
    }
    title = f"{say['leaderboard']}{say['colon']}{board.title}"
    return render_sheet("leaderboard.html.j2", title=title, language=language, values=values, banner="banner_numbers")
