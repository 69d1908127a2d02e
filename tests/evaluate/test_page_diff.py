"""Two reports side by side: what is matched, what is marked, and that time stays bounded."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.evaluate.page.diff import LONGEST, SENTENCES, Span, changed_spans, compare, split_sentences

TEXTS = st.text(alphabet="肝脾肺大小。，；. 12.5SUVmax\n异常未见", max_size=300)
WORDS = st.text(alphabet="肝脾大 ab1.2，", max_size=40)


def part(text: str, span: Span | None) -> str:
    return "" if span is None else text[span.start : span.end]


def without(text: str, spans: tuple[Span, ...] | list[Span]) -> str:
    for span in reversed(spans):
        text = text[: span.start] + text[span.end :]
    return text


def rows(left: str, right: str) -> list[tuple[str, str, str]]:
    return [(p.kind, part(left, p.left).strip(), part(right, p.right).strip()) for p in compare(left, right).pairs]


@given(TEXTS)
def test_sentences_are_the_text(text: str) -> None:
    spans = split_sentences(text)
    assert "".join(part(text, s) for s in spans) == text
    assert all(0 < s.end - s.start <= LONGEST for s in spans)


def test_a_number_is_not_cut_and_a_long_sentence_is() -> None:
    assert [part(t, s) for t in ["SUVmax 4.5. Next"] for s in split_sentences(t)] == ["SUVmax 4.5. ", "Next"]
    endless = "阴影，" * 400
    cut = split_sentences(endless)
    assert "".join(part(endless, s) for s in cut) == endless
    assert max(s.end - s.start for s in cut) <= LONGEST


@given(TEXTS, TEXTS)
def test_every_sentence_stands_once_and_in_order(left: str, right: str) -> None:
    pairs = compare(left, right).pairs
    assert "".join(part(left, p.left) for p in pairs) == left
    assert "".join(part(right, p.right) for p in pairs) == right
    for pair in pairs:
        assert (pair.left is None, pair.right is None) == (pair.kind == "right", pair.kind == "left")


@given(TEXTS, TEXTS)
def test_what_is_not_marked_is_the_same(left: str, right: str) -> None:
    for pair in compare(left, right).pairs:
        if pair.kind == "changed" and pair.left and pair.right:
            mine = without(left, pair.left_changes)[pair.left.start :]
            theirs = without(right, pair.right_changes)[pair.right.start :]
            kept = pair.left.end - pair.left.start - sum(s.end - s.start for s in pair.left_changes)
            stripped = mine[:kept].rstrip("。！？；!?;. \n\t\r")
            assert theirs.startswith(stripped)


def longest_common(a: list[str], b: list[str]) -> int:
    """The textbook table, as a reference for the bit-parallel form."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_the_common_part_is_as_long_as_the_textbook_says(a: list[str], b: list[str]) -> None:
    from petrg.evaluate.page.diff import _common

    pairs = _common(a, b)
    assert len(pairs) == longest_common(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))


@given(WORDS, WORDS)
def test_both_sides_without_their_changes_are_equal(left: str, right: str) -> None:
    mine, theirs = changed_spans(left, right)
    assert without(left, mine) == without(right, theirs)


def test_a_changed_number_is_marked_whole() -> None:
    left, right = "右颈淋巴结，SUVmax 12.5，短径 8 mm", "左颈淋巴结，SUVmax 12.6，短径 8 mm"
    mine, theirs = changed_spans(left, right)
    assert [part(left, s) for s in mine] == ["右", "12.5"]
    assert [part(right, s) for s in theirs] == ["左", "12.6"]


def test_a_negation_that_fell_out_is_marked() -> None:
    left, right = "No enlarged node in the axilla.", "Enlarged node in the axilla."
    ((kind, *_),) = rows(left, right)
    assert kind == "changed"
    assert part(left, compare(left, right).pairs[0].left_changes[0]).startswith("No")


def test_sentences_are_matched_by_what_they_are_about() -> None:
    left = "肝脏形态大小正常，未见异常放射性浓聚。脾脏形态大小正常，未见异常放射性浓聚。双肾未见异常放射性浓聚。"
    right = "脾脏增大，未见异常放射性浓聚。双肾结石，未见异常放射性浓聚。"
    told = rows(left, right)
    assert [kind for kind, *_ in told] == ["left", "changed", "changed"]
    assert told[1][1].startswith("脾脏")
    assert told[1][2].startswith("脾脏")


def test_the_mark_at_the_end_is_no_difference() -> None:
    assert [kind for kind, *_ in rows("肝脏正常；脾脏正常。", "肝脏正常。脾脏正常")] == ["same", "same"]


def test_a_sentence_in_another_place_is_called_moved_once() -> None:
    left, right = "甲状腺正常。肝脏囊肿。脾脏增大。", "脾脏增大。甲状腺正常。肝脏囊肿。脾脏增大。脾脏增大。"
    pairs = compare(left, right).pairs
    assert sum(p.moved for p in pairs if p.kind == "left") == sum(p.moved for p in pairs if p.kind == "right")
    swapped = compare("A big node. The liver is fine.", "The liver is fine. A big node.").pairs
    assert sum(p.moved for p in swapped) == 2


def test_nothing_and_something() -> None:
    assert compare("", "").pairs == ()
    assert [p.kind for p in compare("", "肝脏正常。").pairs] == ["right"]
    assert [p.kind for p in compare("肝脏正常。", "肝脏正常。").pairs] == ["same"]


def numbered(turn: int, count: int) -> str:
    return "".join(f"第{i}句未见异常{i % turn}。" for i in range(count))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("肝脏未见异常。" * 15_000, "脾脏正常。" * 20_000),
        ("a" * 100_000, "ab" * 50_000),
        ("肝。" * 50_000, "肝脏；" * 33_000),
        ("abc def, " * 11_000, "abc dxf, " * 11_000),
        (numbered(13, 9_999), numbered(11, 11_111)),
    ],
    ids=["loops", "letters", "short", "english", "all different"],
)
def test_time_is_bounded_on_reports_that_do_not_end(left: str, right: str) -> None:
    start = time.perf_counter()
    told = compare(left, right)
    assert time.perf_counter() - start < 5.0
    assert len(told.pairs) <= 2 * SENTENCES
    assert told.left_cut > 80_000
    assert told.right_cut > 80_000
