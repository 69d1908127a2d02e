"""METEOR without synonyms: aligned words, and into how many pieces the alignment falls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.evaluate.text.porter import stem as porter_stem

__all__ = ["ALPHA", "BETA", "GAMMA", "align", "count_chunks", "meteor", "meteor_of_counts"]

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5


def meteor(
    reference: Sequence[str], prediction: Sequence[str], stem: Callable[[str], str] | None = porter_stem
) -> float:
    """METEOR of exact words, then of stems (Lavie & Agarwal, WMT 2007; alpha 0.9, beta 3, gamma 0.5).

    (1 - gamma · (chunks / matches)^beta) · P R / (alpha P + (1 - alpha) R), aligned as nltk does: from the last word of
    the prediction on, each takes the last free equal word of the reference; words are compared in lower case.
    There is no stage of synonyms: WordNet has no Chinese words. So it equals nltk's with an empty WordNet.

    Parameters
    ----------
    reference, prediction : sequence of str
    stem : callable or None
        Word in lower case -> stem; None leaves the second stage out.

    Returns
    -------
    float
        In [0, 1), below 1 even for equal texts; 0 where nothing matches.

    Examples
    --------
    Three words in one piece, P = 1, R = 3/4: (1 - 1/2 (1/3)^3) · (3/4) / (0.9 + 0.075).

    >>> round(meteor("a b c d".split(), "a b c".split()), 12) == round((1 - 0.5 / 27) * 0.75 / 0.975, 12)
    True
    >>> meteor(["nodes"], ["node"]), meteor(["nodes"], ["node"], stem=None)
    (0.5, 0.0)
    """
    pairs = align([w.lower() for w in reference], [w.lower() for w in prediction], stem)
    return float(meteor_of_counts(len(pairs), count_chunks(pairs), len(prediction), len(reference)))


def align(
    reference: Sequence[str], prediction: Sequence[str], stem: Callable[[str], str] | None
) -> list[tuple[int, int]]:
    """Pairs of places (prediction, reference), in order of the prediction.

    >>> align(["a", "b", "a"], ["a", "c", "b"], None)
    [(0, 2), (2, 1)]
    """
    ours, theirs = list(enumerate(prediction)), list(enumerate(reference))
    pairs, ours, theirs = _matched(ours, theirs)
    if stem is not None and ours and theirs:
        ours, theirs = [(i, stem(w)) for i, w in ours], [(i, stem(w)) for i, w in theirs]
        pairs += _matched(ours, theirs)[0]
    return sorted(pairs)


def count_chunks(pairs: Sequence[tuple[int, int]]) -> int:
    """Pieces in which both texts run on side by side.

    >>> count_chunks([(0, 4), (1, 5), (2, 0)])
    2
    """
    return sum(1 for i, p in enumerate(pairs) if i == 0 or (p[0] - 1, p[1] - 1) != pairs[i - 1])


def meteor_of_counts(matches: Any, chunks: Any, prediction: Any, reference: Any) -> NDArray[np.float64]:
    """METEOR from matches, chunks and lengths, for any number of samples at once.

    >>> meteor_of_counts([4, 0], [1, 0], [4, 3], [4, 3]).tolist()
    [0.9921875, 0.0]
    """
    m, c, p, r = (np.asarray(x, dtype=np.float64) for x in (matches, chunks, prediction, reference))
    # P R / (alpha P + (1 - alpha) R) with P = m / p and R = m / r
    mean = np.divide(m, ALPHA * r + (1 - ALPHA) * p, out=np.zeros_like(m), where=m > 0)
    pieces = np.divide(c, m, out=np.zeros_like(m), where=m > 0)
    return np.asarray((1 - GAMMA * pieces**BETA) * mean)


_Words = list[tuple[int, str]]


def _matched(ours: _Words, theirs: _Words) -> tuple[list[tuple[int, int]], _Words, _Words]:
    """Equal words paired from the end on: pairs of places, and what is left of either text."""
    free: dict[str, list[int]] = defaultdict(list)
    for place, word in theirs:
        free[word].append(place)
    pairs = [(place, free[word].pop()) for place, word in reversed(ours) if free.get(word)]
    used_ours, used_theirs = {a for a, _ in pairs}, {b for _, b in pairs}
    return pairs, [w for w in ours if w[0] not in used_ours], [w for w in theirs if w[0] not in used_theirs]
