"""Axes, colours, numerals and marked text: what a figure may and may not do to a value."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.evaluate.page.colour import contrast, shade
from petrg.evaluate.page.forest import forest, scale
from petrg.evaluate.page.numerals import interval, number, p_value
from petrg.evaluate.page.safe import Mark, mark_text, visible
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import Estimate, Metric, Row

SAY = words("en")


def metric(low: float | None, high: float | None, better: str = "higher") -> Metric:
    return Metric.model_validate(
        {"key": "m", "title": "M", "group": "text", "low": low, "high": high, "better": better, "definition": "d"}
    )


def row(key: str, kind: str, value: float | None, half: float = 0.02, interval: str = "bootstrap by patient") -> Row:
    estimate = Estimate(value=None, note="why")
    if value is not None:
        estimate = Estimate.model_validate(
            {"value": value, "low": value - half, "high": value + half, "interval": interval, "n": 9}
        )
    return Row.model_validate({"key": key, "title": key, "kind": kind, "how": "", "estimates": {"m": estimate}})


ROWS = (row("sys<tem>", "system", 0.3), row("template", "control", 0.5), row("other", "control", None))
TITLES = {r.key: r.title for r in ROWS}


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.0, 100.0), (0.0, 10.0), (-1.0, 1.0), (0.0, None), (None, None)]
)
@given(data=st.data())
def test_an_axis_holds_every_value_and_says_where_it_is_cut(
    low: float | None, high: float | None, data: st.DataObject
) -> None:
    least, most = (-50.0 if low is None else low), (80.0 if high is None else high)
    values = data.draw(st.lists(st.floats(least, most), max_size=8))
    axis = scale(metric(low, high), values)
    slack = 1e-6 * max(1.0, abs(axis.high - axis.low))
    assert all(axis.low - slack <= v <= axis.high + slack for v in values)
    assert axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 13
    assert axis.cut_left == (low is not None and axis.low > low + 1e-9)
    assert axis.cut_right == (high is not None and axis.high < high - 1e-9)
    if low is not None and high is not None:
        assert low - slack <= axis.low
        assert axis.high <= high + slack


def test_a_scale_that_begins_at_nought_is_never_cut_there() -> None:
    assert scale(metric(0.0, 1.0), [0.6, 0.65]).low == 0.0
    assert scale(metric(0.0, 100.0), [20.0, 22.0]).low == 0.0


def panel(rows: tuple[Row, ...] = ROWS, better: str = "higher", high: float = 1.0) -> ET.Element:
    drawn = forest(metric(0.0, high, better), rows, {r.key: r.title for r in rows}, SAY)
    return ET.fromstring(drawn)


def test_a_panel_is_wellformed_and_told_in_words() -> None:
    told = panel().get("aria-label") or ""
    assert "sys<tem> 0.300 (0.280–0.320)" in told
    assert "other not given" in told


def test_a_row_without_a_value_stands_in_the_plot() -> None:
    texts = [t.text for t in panel().iter("text")]
    assert "other" in texts
    assert texts.count("not given") == 1


def test_points_lie_in_the_order_of_their_values() -> None:
    circles = {c.get("class"): float(c.get("cx", "nan")) for c in panel().iter("circle")}
    diamonds = [p.get("d", "") for p in panel().iter("path") if p.get("class") == "point"]
    assert circles["point"] < float(diamonds[0][1:].split()[0])


def test_a_range_of_draws_is_a_bar_and_a_bootstrap_a_line() -> None:
    rows = (row("s", "system", 0.3), row("p", "control", 0.4, interval="range of draws"))
    kinds = [e.get("class") for e in panel(rows).iter()]
    assert kinds.count("draws") == 1
    assert kinds.count("whisker") == 1


def test_the_better_end_is_named() -> None:
    assert "better →" in [t.text for t in panel().iter("text")]
    assert "← better" in [t.text for t in panel(better="lower").iter("text")]
    assert SAY["better_neither"] in [t.text for t in panel(better="neither").iter("text")]


def test_a_cut_axis_says_so_and_a_whole_one_too() -> None:
    cut = [t.text or "" for t in panel(high=10.0).iter("text")]
    assert any(t.startswith("axis 0.0 to 0.6, scale 0 to 10") for t in cut)
    assert sum(p.get("class") == "cut" for p in panel(high=10.0).iter("path")) == 1
    whole = panel((row("s", "system", 0.9),))
    assert SAY["axis_whole"] in [t.text for t in whole.iter("text")]
    assert not [p for p in whole.iter("path") if p.get("class") == "cut"]


def test_every_shade_can_be_read_and_darkens_with_the_share() -> None:
    shades = [shade(k / 100) for k in range(101)]
    assert min(contrast(*s) for s in shades) >= 4.5
    against_white = [contrast(ground, "#ffffff") for ground, _ in shades]
    assert against_white == sorted(against_white)
    assert shade(-0.3) == shade(0.0)
    assert shade(7.0) == shade(1.0)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # WCAG's well-known near miss


def test_numerals() -> None:
    assert number(12.346, 2) == "12.35"
    assert number(-1.5, 1) == "−1.5"
    assert interval(Estimate(value=0.2), 2) == ""
    assert p_value(1 / 1001) == "p < 0.001"
    assert p_value(0.001) == "p = 0.001"


EVIL = '<script>alert("1")</script>&amp;\x00\x1b[31m\u202edro\u2066w\u200f\ud800 שלום'


@given(st.text(), st.lists(st.tuples(st.integers(-3, 40), st.integers(-3, 40)), max_size=6))
def test_marks_never_change_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    marks = [Mark(a, b, "spot", title='"><i>') for a, b in spans]
    shown = str(mark_text(text, marks, 0, len(text)))
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)) == html.unescape(html.escape(visible(text)))
    assert set(re.findall(r"</?(\w+)", shown)) <= {"mark"}
    assert shown.count("<mark") == shown.count("</mark>")


def test_what_cannot_be_seen_is_drawn() -> None:
    shown = visible(EVIL)
    assert len(shown) == len(EVIL)
    assert not set(shown) & set("\x00\x1b\u202e\u2066\u200f\ud800")
    assert "שלום" in shown
    assert visible("a\nb\tc") == "a\nb\tc"
    shown.encode()


def test_a_number_stands_behind_its_last_mark() -> None:
    shown = str(mark_text("abcdef", [Mark(0, 1, "s", "4"), Mark(2, 3, "s", "4"), Mark(2, 3, "s", "9")]))
    assert shown.count("<sup>") == 1
    assert "<sup>4,9</sup>" in shown
