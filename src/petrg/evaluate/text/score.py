"""All text metrics of many pairs in one pass: profiles, overlaps, then the formulas on whole columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.text.bleu import ORDERS, bleu_of_counts, brevity_penalty
from petrg.evaluate.text.document_frequency import DocumentFrequency, Waiting
from petrg.evaluate.text.meteor import meteor_of_counts
from petrg.evaluate.text.profile import Overlap, Profile, compare, profile
from petrg.evaluate.text.rouge import f_measure
from petrg.evaluate.text.tokens import Tokenizer, tokenizer
from petrg.progress import Progress, silent

__all__ = [
    "METRICS",
    "ROW",
    "Counts",
    "TextScores",
    "corpus_key",
    "corpus_parts",
    "corpus_scores",
    "counts_of",
    "counts_row",
    "expect_references",
    "metric_key",
    "sample_scores",
    "score_pairs",
    "score_text",
]

Floats = NDArray[np.float64]

METRICS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-1", "ROUGE-2", "ROUGE-L", "CIDEr-D")
"""Names in the order of files; all in [0, 1] but CIDEr-D in [0, 10]."""


def metric_key(name: str, label: str) -> str:
    """Name of a column or a row of scores.

    >>> metric_key("BLEU-4", "jieba 0.42.1")
    'BLEU-4[jieba 0.42.1]'
    """
    return f"{name}[{label}]"


def corpus_key(order: int, label: str) -> str:
    """Name of BLEU pooled over all cases.

    >>> corpus_key(4, "char 1")
    'corpus BLEU-4[char 1]'
    """
    return metric_key(f"corpus BLEU-{order}", label)


@dataclass(frozen=True, eq=False)
class Counts:
    """What the formulas need of each pair; all arrays share their leading axes.

    Parameters
    ----------
    matches, totals : (..., 4) float64
        Clipped matches, and n-grams of the prediction.
    lcs, aligned, chunks, prediction, reference : (...) float64
        The last two are lengths in tokens.
    """

    matches: Floats
    totals: Floats
    lcs: Floats
    aligned: Floats
    chunks: Floats
    prediction: Floats
    reference: Floats


def sample_scores(counts: Counts) -> dict[str, Floats]:
    """Every metric but CIDEr-D, pair by pair, in [0, 1]."""
    c = counts
    bleu = bleu_of_counts(c.matches, c.totals, c.prediction, c.reference)
    scores = {f"BLEU-{n + 1}": bleu[..., n] for n in range(ORDERS)}
    scores["METEOR"] = meteor_of_counts(c.aligned, c.chunks, c.prediction, c.reference)
    for n in (1, 2):
        grams = np.maximum(0.0, c.reference - (n - 1))
        scores[f"ROUGE-{n}"] = f_measure(c.matches[..., n - 1], c.totals[..., n - 1], grams)
    scores["ROUGE-L"] = f_measure(c.lcs, c.prediction, c.reference)
    return scores


def corpus_parts(counts: Counts) -> Floats:
    """(..., 10): matches, n-grams and lengths of each pair, whose sums give :func:`corpus_scores`."""
    c = counts
    return np.concatenate([c.matches, c.totals, c.prediction[..., None], c.reference[..., None]], axis=-1)


def corpus_scores(sums: Floats) -> Floats:
    """BLEU-1 to BLEU-4 of a corpus from the sums of its matches (4), n-grams (4) and lengths (2).

    Parameters
    ----------
    sums : (..., 10) float64

    Returns
    -------
    (..., 4) float64
        In [0, 1], with the authors' smoothing.
    """
    return bleu_of_counts(sums[..., :4], sums[..., 4:8], sums[..., 8], sums[..., 9])


@dataclass(frozen=True, eq=False)
class TextScores:
    """Text metrics of n pairs.

    Parameters
    ----------
    label : str
        Tokenizer and version.
    values : mapping of metric name -> (n,) float64
        In the order of ``METRICS``; 0 where the prediction is missing. CIDEr-D is NaN where it is not defined:
        where every n-gram stands in every reference, no agreement of any text has a weight.
    counts : Counts
    missing : (n,) bool
        Pairs without a prediction.
    """

    label: str
    values: Mapping[str, Floats]
    counts: Counts
    missing: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.missing)

    @property
    def means(self) -> dict[str, float]:
        """Mean of each metric over all pairs; NaN where it is not defined."""
        return {name: float(values.mean()) for name, values in self.values.items()}

    @property
    def corpus_parts(self) -> Floats:
        """(n, 10): what each pair adds to :func:`corpus_scores`."""
        return corpus_parts(self.counts)

    @property
    def corpus(self) -> dict[str, float]:
        """BLEU-1 to BLEU-4 pooled over all pairs."""
        pooled = corpus_scores(self.corpus_parts.sum(axis=0))
        return {f"BLEU-{n + 1}": float(pooled[n]) for n in range(ORDERS)}

    @property
    def brevity_penalty(self) -> Floats:
        """(n,) in [0, 1]; 0 for a prediction without a token."""
        return brevity_penalty(self.counts.prediction, self.counts.reference)


def score_text(cases: Cases, tokenizer_name: str, progress: Progress = silent) -> TextScores:
    """Text metrics of ``cases``.

    Parameters
    ----------
    cases : Cases
    tokenizer_name : {"jieba", "char", "en"}
    progress : Progress, optional

    Raises
    ------
    ScoreError
        If a reference holds no token, or there is no such tokenizer.
    MissingExtra
        If the tokenizer needs jieba and it is not installed.
    """
    cut = tokenizer(tokenizer_name)
    expect_references(cases)
    return score_pairs(cases.references, cases.predictions, cut, progress)


def expect_references(cases: Cases) -> None:
    """Refuse a case without a reference.

    Raises
    ------
    ScoreError
        It names the number of the case.
    """
    for row, case in enumerate(cases.cases, 1):
        if not case.reference.strip():
            raise ScoreError(
                f"case {row} has no reference", "a reference report in every case", "fill it or drop the case"
            )


def score_pairs(
    references: Iterable[str], predictions: Iterable[str | None], cut: Tokenizer, progress: Progress = silent
) -> TextScores:
    """Text metrics of pairs of texts, read one pair at a time.

    Memory holds one pair, eleven numbers a pair, and 16 bytes for each distinct n-gram of the references; see
    :mod:`petrg.evaluate.text.document_frequency`.

    Parameters
    ----------
    references : iterable of str
    predictions : iterable of str or None
        As many; None is missing and scores 0, as an empty one does.
    cut : Tokenizer
    progress : Progress, optional

    Returns
    -------
    TextScores
    """
    rows: list[Floats] = []
    missing: list[bool] = []
    frequency = DocumentFrequency()
    with Waiting() as waiting:
        for reference, prediction in zip(references, predictions, strict=True):
            theirs, ours = profile(cut(reference)), profile(cut(prediction or ""))
            rows.append(counts_row(compare(theirs, ours), ours, theirs))
            missing.append(prediction is None)
            frequency.add(theirs)
            waiting.put(theirs, ours)
            progress("scoring texts", len(rows), 0)
        cider = np.fromiter(waiting.scores(frequency), dtype=np.float64, count=len(rows))
    if not frequency.tells:
        cider[:] = np.nan
    counts = counts_of(np.array(rows).reshape(len(rows), ROW))
    return TextScores(cut.label, {**sample_scores(counts), "CIDEr-D": cider}, counts, np.array(missing, dtype=bool))


ROW = 2 * ORDERS + 5
"""Numbers that a pair leaves, before CIDEr-D."""


def counts_row(overlap: Overlap, prediction: Profile, reference: Profile) -> Floats:
    """What :func:`counts_of` takes apart again, as one row of numbers."""
    lengths = (len(prediction.tokens), len(reference.tokens))
    parts = (*overlap.matches, *prediction.totals, overlap.lcs, overlap.aligned, overlap.chunks, *lengths)
    return np.array(parts, dtype=np.float64)


def counts_of(rows: Floats) -> Counts:
    """(..., 13) numbers as :class:`Counts`."""
    return Counts(rows[..., :4], rows[..., 4:8], *(rows[..., column] for column in range(8, ROW)))
