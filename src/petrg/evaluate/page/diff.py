"""Two reports side by side: which sentences answer each other, and which characters of those differ.

Time is bounded by construction, since a machine's report may loop for 100,000 characters: at most ``SENTENCES``
sentences of at most ``LONGEST`` characters a side are aligned, and characters by a longest common subsequence in
bit-parallel form (Hyyrö 2004, "Bit-parallel LCS-length computation revisited"), one step a token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["LONGEST", "SENTENCES", "Comparison", "Pair", "Span", "changed_spans", "compare", "split_sentences"]

SENTENCES = 220
LONGEST = 240
SHOWN = 8000
"""Characters of a text that are compared; the rest is counted."""

_ALIKE = 0.4
_END = re.compile(r"[。！？；!?;\n]+[\s”’」』）)]*|\.(?=\s|$)\s*")
_STOPS = "。！？；!?;. \n\t\r"
_PAUSE = re.compile(r"[，,、：:]\s*")
_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


class Span(NamedTuple):
    """Characters ``start``:``end`` of a text."""

    start: int
    end: int


class Pair(NamedTuple):
    """A row of the comparison: a sentence of either text, or of one alone.

    ``left_changes`` and ``right_changes`` are the characters that differ, by position in the whole text. ``moved``
    marks a sentence without partner here that stands word for word elsewhere in the other text.
    """

    kind: Literal["same", "changed", "left", "right"]
    left: Span | None
    right: Span | None
    left_changes: tuple[Span, ...] = ()
    right_changes: tuple[Span, ...] = ()
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows in order, and how many characters of either text were left out of them."""

    pairs: tuple[Pair, ...]
    left_cut: int = 0
    right_cut: int = 0


def split_sentences(text: str) -> list[Span]:
    """Sentences of zh or en text with their marks and spaces; together they are the text.

    A stop inside a number is no end. A sentence longer than ``LONGEST`` is cut at pauses, or where there is none.

    >>> text = "肝脏未见异常。SUVmax 4.5；Spleen normal. End"
    >>> [text[a:b] for a, b in split_sentences(text)]
    ['肝脏未见异常。', 'SUVmax 4.5；', 'Spleen normal. ', 'End']
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        spans += _shorter(text, start, match.end())
        start = match.end()
    return [*spans, *_shorter(text, start, len(text))]


def _shorter(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST:
        pauses = [m.end() for m in _PAUSE.finditer(text, start, start + LONGEST)]
        cut = pauses[-1] if pauses else start + LONGEST
        yield Span(start, cut)
        start = cut
    if start < end:
        yield Span(start, end)


def compare(left: str, right: str, *, shown: int = SHOWN) -> Comparison:
    """Align the sentences of two texts in order, each with at most one of the other.

    Of all alignments in order, the one whose pairs have the most bigrams in common (sum of Dice coefficients, pairs
    under 0.4 are none); a bigram that many sentences have, as those of "no abnormal uptake", counts less. Only the
    first ``shown`` characters and ``SENTENCES`` sentences of a text take part.

    >>> [p.kind for p in compare("Liver normal. Spleen large.", "Spleen not large. A node.").pairs]
    ['left', 'changed', 'right']
    """
    lefts, left_cut = _shown(left, shown)
    rights, right_cut = _shown(right, shown)
    a = [left[s.start : s.end] for s in lefts]
    b = [right[s.start : s.end] for s in rights]
    pairs = [
        _pair(left, right, lefts[i] if i is not None else None, rights[j] if j is not None else None)
        for i, j in _align(a, b)
    ]
    return Comparison(tuple(_with_moved(pairs, left, right)), left_cut, right_cut)


def _shown(text: str, shown: int) -> tuple[list[Span], int]:
    spans = split_sentences(text[:shown])[:SENTENCES]
    return spans, len(text) - (spans[-1].end if spans else 0)


def _pair(left: str, right: str, a: Span | None, b: Span | None) -> Pair:
    if a is None or b is None:
        return Pair("left" if b is None else "right", a, b)
    first, second = _core(left[a.start : a.end]), _core(right[b.start : b.end])
    if first.split() == second.split():
        return Pair("same", a, b)
    mine, theirs = changed_spans(first, second)
    return Pair("changed", a, b, _moved_by(mine, a.start), _moved_by(theirs, b.start))


def _core(sentence: str) -> str:
    """A sentence without the mark that ends it: a full stop for a semicolon is no difference."""
    return sentence.rstrip(_STOPS) or sentence


def _moved_by(spans: Sequence[Span], by: int) -> tuple[Span, ...]:
    return tuple(Span(s.start + by, s.end + by) for s in spans)


def _with_moved(pairs: Sequence[Pair], left: str, right: str) -> Iterator[Pair]:
    """Mark those left over that the other text has too, each counted once."""
    lone = {
        "left": Counter(_key(left, p.left) for p in pairs if p.kind == "left" and p.left),
        "right": Counter(_key(right, p.right) for p in pairs if p.kind == "right" and p.right),
    }
    both = {"left": lone["left"] & lone["right"], "right": lone["left"] & lone["right"]}
    for pair in pairs:
        if pair.kind in both:
            key = _key(left, pair.left) if pair.left else _key(right, pair.right or Span(0, 0))
            if both[pair.kind][key] > 0:
                both[pair.kind][key] -= 1
                pair = pair._replace(moved=True)
        yield pair


def _key(text: str, span: Span) -> str:
    return " ".join(text[span.start : span.end].split())


def _align(a: Sequence[str], b: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Indices of pairs, in the order of both; None where one stands alone."""
    grams_a, grams_b = [_bigrams(s) for s in a], [_bigrams(s) for s in b]
    had = Counter(gram for grams in (*grams_a, *grams_b) for gram in grams)
    weights = {gram: 1 / max(1, count - 1) for gram, count in had.items()}
    known: dict[tuple[str, str], float] = {}
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            if (like := known.get((a[i], b[j]))) is None:
                like = known[a[i], b[j]] = _dice(grams_a[i], grams_b[j], weights)
            paired = best[i + 1][j + 1] + like if like >= _ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    rows: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        like = known[a[i], b[j]]
        if like >= _ALIKE and best[i][j] == best[i + 1][j + 1] + like:
            rows.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            rows.append((i, None))
            i += 1
        else:
            rows.append((None, j))
            j += 1
    return [*rows, *((k, None) for k in range(i, len(a))), *((None, k) for k in range(j, len(b)))]


def _bigrams(sentence: str) -> frozenset[str]:
    word = "".join(sentence.lower().split())
    return frozenset(word[k : k + 2] for k in range(len(word) - 1)) or frozenset([word])


def _dice(a: frozenset[str], b: frozenset[str], weights: Mapping[str, float]) -> float:
    common, both = (sum(sorted(weights[gram] for gram in grams)) for grams in (a & b, a | b))
    return 2 * common / (both + common)


def changed_spans(left: str, right: str) -> tuple[list[Span], list[Span]]:
    """The characters of either sentence that are not in their longest common part.

    Words and numbers count as wholes, Chinese by character; a single character in common between two changes is taken
    for chance and marked with them.

    >>> changed_spans("SUVmax 4.5 of liver", "SUVmax 4.7 of liver")
    ([Span(start=7, end=10)], [Span(start=7, end=10)])
    """
    a, b = _TOKEN.findall(left), _TOKEN.findall(right)
    return tuple(_spans(t, same) for t, same in zip((a, b), _calm(a, b, _common(a, b)), strict=True))  # type: ignore[return-value]


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence."""
    where: dict[Hashable, int] = {}
    for i, token in enumerate(a):
        where[token] = where.get(token, 0) | 1 << i
    full = (1 << len(a)) - 1
    rows = [full]  # bit i of row j is 0 where a[: i + 1] has one more in common with b[:j] than a[:i]
    for token in b:
        row = rows[-1]
        hit = row & where.get(token, 0)
        rows.append(((row + hit) | (row - hit)) & full)
    pairs = []
    i, j = len(a) - 1, len(b)
    while i >= 0 and j > 0:
        if rows[j] >> i & 1:
            i -= 1
        elif not rows[j - 1] >> i & 1:
            j -= 1
        else:
            pairs.append((i, j - 1))
            i, j = i - 1, j - 1
    return pairs[::-1]


def _calm(
    a: Sequence[str], b: Sequence[str], common: Sequence[tuple[int, int]]
) -> tuple[frozenset[int], frozenset[int]]:
    """Common tokens of either side, without runs too short to mean anything between two changes."""
    runs: list[list[tuple[int, int]]] = []
    for i, j in common:
        if runs and runs[-1][-1] == (i - 1, j - 1):
            runs[-1].append((i, j))
        else:
            runs.append([(i, j)])
    kept = []
    for run in runs:
        touches_end = run[0] == (0, 0) or run[-1] == (len(a) - 1, len(b) - 1)
        if touches_end or sum(len(a[i].strip()) for i, _ in run) > 1:
            kept += run
    return frozenset(i for i, _ in kept), frozenset(j for _, j in kept)


def _spans(tokens: Sequence[str], same: frozenset[int]) -> list[Span]:
    spans: list[Span] = []
    at = 0
    for k, token in enumerate(tokens):
        end = at + len(token)
        if k not in same:
            if spans and spans[-1].end == at:
                spans[-1] = Span(spans[-1].start, end)
            else:
                spans.append(Span(at, end))
        at = end
    return spans
