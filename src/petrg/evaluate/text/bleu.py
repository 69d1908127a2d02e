"""BLEU: how many n-grams of the prediction stand in the reference (Papineni et al., ACL 2002)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ORDERS", "bleu", "bleu_of_counts", "brevity_penalty", "corpus_bleu", "ngrams"]

ORDERS = 4
"""BLEU-1 to BLEU-4."""

Floats = NDArray[np.float64]


def ngrams(tokens: Sequence[Hashable], order: int) -> Counter[tuple[Hashable, ...]]:
    """How often each run of ``order`` tokens stands in ``tokens``.

    >>> ngrams("abab", 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))


def bleu(
    reference: Sequence[Hashable],
    prediction: Sequence[Hashable],
    order: int = ORDERS,
) -> float:
    """BLEU of one prediction: brevity penalty x geometric mean of the clipped precisions of 1..``order``-grams.

    Parameters
    ----------
    reference, prediction : sequence of tokens
    order : int
        1 to 4.

    Returns
    -------
    float
        In [0, 1]. An empty prediction scores 0.

    Notes
    -----
    A precision is (matches + 1) / (n-grams + 1): Lin & Och, COLING 2004, but for unigrams too, as the authors of
    AutoPET-RG-Lym have it.

    Examples
    --------
    Unigrams (2 + 1) / (3 + 1), bigrams (1 + 1) / (2 + 1), no brevity penalty: the root of 3/4 x 2/3.

    >>> round(bleu("a b c".split(), "a b d".split(), order=2), 12) == round((3 / 4 * 2 / 3) ** 0.5, 12)
    True
    >>> bleu("a b c d".split(), "a b c d".split())
    1.0
    """
    return corpus_bleu([reference], [prediction], order)


def corpus_bleu(
    references: Sequence[Sequence[Hashable]],
    predictions: Sequence[Sequence[Hashable]],
    order: int = ORDERS,
) -> float:
    """BLEU of a corpus: matches, n-grams and lengths are summed over all cases first (Papineni et al., 2002).

    Parameters
    ----------
    references, predictions : sequences of token sequences, one reference a prediction
    order : int
        1 to 4.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(corpus_bleu(["ab", "cd"], ["ab", "ce"], order=1), 12)  # 3 of 4 characters, and one more of each
    0.8
    """
    matches, totals = np.zeros(order), np.zeros(order)
    for reference, prediction in zip(references, predictions, strict=True):
        for n in range(1, order + 1):
            grams = ngrams(prediction, n)
            matches[n - 1] += (grams & ngrams(reference, n)).total()
            totals[n - 1] += grams.total()
    ours, theirs = (np.asarray(float(sum(map(len, texts)))) for texts in (predictions, references))
    return float(bleu_of_counts(matches, totals, ours, theirs)[order - 1])


def brevity_penalty(prediction: Any, reference: Any) -> Floats:
    """exp(1 - r / c) for a prediction of c tokens that is shorter than its reference of r, else 1; 0 for c = 0.

    >>> brevity_penalty(np.array([3.0, 2.0, 0.0]), np.array([2.0, 4.0, 4.0])).round(4).tolist()
    [1.0, 0.3679, 0.0]
    """
    prediction, reference = np.asarray(prediction, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    ratio = np.divide(reference, prediction, out=np.ones_like(reference), where=prediction > 0)
    return np.where(prediction > 0, np.exp(np.minimum(0.0, 1.0 - ratio)), np.where(reference > 0, 0.0, 1.0))


def bleu_of_counts(matches: Floats, totals: Floats, prediction: Floats, reference: Floats) -> Floats:
    """BLEU-1 to BLEU-k from its sums, for any number of samples at once.

    Parameters
    ----------
    matches, totals : (..., k) float64
        Clipped matches and n-grams of the prediction, orders 1 to k.
    prediction, reference : (...) float64
        Lengths in tokens.

    Returns
    -------
    (..., k) float64
        In [0, 1]; 0 for an empty prediction.

    Examples
    --------
    >>> bleu_of_counts(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array(1.0), np.array(1.0)).tolist()
    [1.0, 1.0]
    """
    logs = np.log((matches + 1.0) / (totals + 1.0))
    means = np.exp(np.cumsum(logs, axis=-1) / np.arange(1, matches.shape[-1] + 1))
    penalty = np.where(np.asarray(prediction) > 0, brevity_penalty(prediction, reference), 0.0)
    return np.asarray(means * penalty[..., None])
