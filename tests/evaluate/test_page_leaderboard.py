"""The leaderboard: controls stay, nothing is left out."""

from __future__ import annotations

from typing import Any

import pytest
from score_pages import Seen, made_up

from petrg.evaluate.page import Leaderboard, render_leaderboard
from petrg.evaluate.page.words import words


def board(**changes: Any) -> Leaderboard:
    scores = made_up()
    system = scores.rows[0]
    rows = (
        scores.rows[1],
        system,
        system.model_copy(update={"key": "b", "title": "Another <system>"}),
        *scores.rows[2:],
    )
    given = {
        "title": "Benchmark & co",
        "facts": (("Cases", "45"),),
        "metrics": scores.metrics,
        "rows": rows,
        "notes": ("N.",),
    }
    return Leaderboard(**{**given, **changes})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_leaderboard_keeps_its_controls(language: str) -> None:
    made = render_leaderboard(board(), language=language)
    seen = Seen(made)
    assert "Another <system>" in seen.text
    assert seen.text.index("Another <system>") < seen.text.rindex(words(language)["controls"])
    assert ("healthy template, verbatim" if language == "en" else "健康模板原文照抄") in seen.text
    assert "no second texts" in seen.text
    assert words(language)["banner_numbers"] in seen.text
    assert all(m.definition in seen.text for m in board().metrics)
    assert made.count(">▽<") == 2 * 6


def test_a_leaderboard_without_systems_says_so() -> None:
    rows = tuple(r for r in board().rows if r.kind != "system")
    assert words("en")["no_systems"] in render_leaderboard(board(rows=rows))
