"""CIDEr-D: agreement in the n-grams that are rare among the references (Vedantam et al., CVPR 2015)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from petrg.evaluate.text.bleu import ngrams

__all__ = ["ORDERS", "SCALE", "SIGMA", "cider_d", "length_penalty"]

ORDERS = 4
SIGMA = 6.0
SCALE = 10.0


def cider_d(references: Sequence[Sequence[Hashable]], predictions: Sequence[Sequence[Hashable]]) -> list[float]:
    """CIDEr-D of every case of a corpus, as pycocoevalcap computes it with one reference a case.

    For n = 1..4 the n-grams of a text are weighted by count · log(N / number of references that hold it); the score is
    10 x the mean over n of sum(min(p, r) · r) / (|p| |r|), times exp(-d² / 72) where d is the difference in bigrams.

    Parameters
    ----------
    references, predictions : sequences of token sequences, one reference a prediction

    Returns
    -------
    list of float
        In [0, 10]. Where every n-gram stands in every reference, as with one case or with equal references, every
        weight is log(1) = 0 and every case scores 0, a perfect one too: that number says nothing, and
        :func:`petrg.evaluate.text.score.score_pairs` gives none.

    Examples
    --------
    Two cases that share no word: every weight is log 2; the first is met wholly, the second in two of its
    four words and one of its three bigrams: 10 · (2/4 + 1/3 + 0 + 0) / 4.

    >>> cider_d(["abcd", "efgh"], ["abcd", "efxy"])
    [10.0, 2.083333333333333]
    """
    seen: Counter[tuple[Hashable, ...]] = Counter()
    for reference in references:
        for order in range(1, ORDERS + 1):
            seen.update(set(ngrams(reference, order)))
    cases = len(references)
    return [_one(r, p, seen, cases) for r, p in zip(references, predictions, strict=True)]


def _one(
    reference: Sequence[Hashable],
    prediction: Sequence[Hashable],
    seen: Counter[tuple[Hashable, ...]],
    cases: int,
) -> float:
    total = 0.0
    for order in range(1, ORDERS + 1):
        vectors = [
            {gram: count * (math.log(cases) - math.log(max(1, seen[gram]))) for gram, count in counts.items()}
            for counts in (ngrams(prediction, order), ngrams(reference, order))
        ]
        ours, theirs = vectors
        dot = sum(min(weight, theirs[gram]) * theirs[gram] for gram, weight in ours.items() if gram in theirs)
        norm = math.prod(math.sqrt(sum(w * w for w in vector.values())) for vector in vectors)
        total += dot / norm if norm > 0 else 0.0
    bigrams = [max(0, len(tokens) - 1) for tokens in (prediction, reference)]
    return SCALE * total / ORDERS * float(length_penalty(*bigrams))


def length_penalty(prediction: float, reference: float) -> float:
    """Gaussian of the difference in bigrams, sigma 6.

    >>> length_penalty(10, 10), round(length_penalty(10, 16), 4)
    (1.0, 0.6065)
    """
    return float(np.exp(-((prediction - reference) ** 2) / (2 * SIGMA**2)))
