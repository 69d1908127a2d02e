"""ROUGE: how much of the reference the prediction covers, as F-measure (Lin, "ROUGE", ACL workshop 2004)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.evaluate.text.bleu import ngrams
from petrg.evaluate.text.lcs import lcs_length

__all__ = ["f_measure", "rouge_l", "rouge_n"]


def rouge_n(reference: Sequence[Hashable], prediction: Sequence[Hashable], n: int) -> float:
    """ROUGE-n: F-measure of shared n-grams, as google-research's rouge-score computes it.

    Parameters
    ----------
    reference, prediction : sequence of tokens
    n : int
        Tokens in an n-gram.

    Returns
    -------
    float
        In [0, 1]; 0 where either has no n-gram.

    Examples
    --------
    Two of three bigrams in the prediction, two of two in the reference: 2 · 2 / (3 + 2).

    >>> rouge_n("a b c".split(), "a b c d".split(), 2)
    0.8
    """
    ours, theirs = ngrams(prediction, n), ngrams(reference, n)
    return float(f_measure((ours & theirs).total(), ours.total(), theirs.total()))


def rouge_l(reference: Sequence[Hashable], prediction: Sequence[Hashable]) -> float:
    """ROUGE-L: F-measure of the longest common subsequence, as google-research's rouge-score computes it.

    Parameters
    ----------
    reference, prediction : sequence of tokens

    Returns
    -------
    float
        In [0, 1]; 0 where either is empty.

    Examples
    --------
    "a c" is common: 2 · 2 / (2 + 3).

    >>> rouge_l("a b c".split(), "a c".split())
    0.8
    """
    return float(f_measure(lcs_length(reference, prediction), len(prediction), len(reference)))


def f_measure(common: Any, prediction: Any, reference: Any) -> NDArray[np.float64]:
    """Harmonic mean of common / prediction and common / reference, for any number of samples at once.

    >>> f_measure([1, 0], [2, 0], [2, 1]).tolist()
    [0.5, 0.0]
    """
    twice = 2.0 * np.asarray(common, dtype=np.float64)
    length = np.asarray(prediction, dtype=np.float64) + np.asarray(reference, dtype=np.float64)
    return np.divide(twice, length, out=np.zeros_like(length), where=length > 0)
