"""Repetition: a rate that can be compared, and loops that nobody writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.pieces import Pieces, units
from petrg.evaluate.labels.label_set import Spot

__all__ = ["repeated_sentences", "repetitions", "seq_rep"]

_GRAM = 12  # characters that identify a place in a loop
_CYCLES = 3
_LOOP = 30  # characters; shorter runs ("1.1.1.1") are lists
_LEAST = 6  # characters of a sentence worth comparing; "normal" is not
_SHARE = 0.2  # of the text in sentences that stood before: no reference of AutoPET-RG-Lym comes near


def seq_rep(text: str, n: int = 4) -> float | None:
    """Share of n-grams that stood before in the text, 0..1; None where the text has fewer than n units.

    ``1 - |unique n-grams| / |n-grams|``: seq-rep-n of Welleck et al., Neural Text Generation with Unlikelihood
    Training, ICLR 2020, on :func:`petrg.evaluate.faults.pieces.units`.

    >>> seq_rep("a b c d e"), seq_rep("a b a b a b a b"), seq_rep("a")
    (0.0, 0.6, None)
    """
    row = units(text)
    grams = len(row) - n + 1
    if grams < 1:
        return None
    return 1.0 - len(set(zip(*(row[i:] for i in range(n)), strict=False))) / grams


def repeated_sentences(pieces: Pieces) -> float | None:
    """Share of characters in sentences that stood before, 0..1; None of an empty text.

    >>> repeated_sentences(Pieces("肝脏未见异常。脾脏未见异常。肝脏未见异常。"))
    0.3333333333333333
    """
    whole = sum(s.end - s.start for s in pieces.sentences)
    return sum(s.end - s.start for s in _again(pieces)) / whole if whole else None


def repetitions(pieces: Pieces) -> Iterator[Fault]:
    """At most one fault: a loop, else a sentence said twice running, else many sentences said again.

    A loop is a block of letters or digits that follows itself at least three times over 30 characters or more; a
    sentence counts from six characters on (our choice).
    """
    if loop := _loop(pieces.plain):
        yield Fault(FaultKind.REPETITION, (loop,), "the same words follow each other three times or more")
        return
    rows = pieces.sentences
    for before, after in pairwise(rows):
        if after.end - after.start >= _LEAST and pieces.words(before) == pieces.words(after):
            yield Fault(FaultKind.REPETITION, (before, after), "a sentence is said twice running")
            return
    share = repeated_sentences(pieces)
    if share is not None and share >= _SHARE:
        first = next(_again(pieces))
        yield Fault(FaultKind.REPETITION, (first,), f"{share:.0%} of the text are sentences that stood before")


def _again(pieces: Pieces) -> Iterator[Spot]:
    seen: set[str] = set()
    for sentence in pieces.sentences:
        words = "".join(pieces.words(sentence).split())
        if len(words) < _LEAST:
            continue
        if words in seen:
            yield sentence
        seen.add(words)


def _loop(plain: str) -> Spot | None:
    """The first stretch of constant period, in linear time: a run of grams each last seen the same distance before."""
    last: dict[str, int] = {}
    period = run = 0
    for i in range(len(plain) - _GRAM + 1):
        gram = plain[i : i + _GRAM]
        distance = i - last.get(gram, i)
        last[gram] = i
        run = run + 1 if distance and distance == period else 1 if distance else 0
        period = distance
        if run:
            start, end = i - run + 1 - period, i + _GRAM
            whole = end - start >= max(_CYCLES * period, _LOOP)
            if whole and any(c.isalnum() for c in plain[start : start + period]):
                return Spot(start, _run_end(plain, end, period))
    return None


def _run_end(plain: str, end: int, period: int) -> int:
    while end < len(plain) and plain[end] == plain[end - period]:
        end += 1
    return end
