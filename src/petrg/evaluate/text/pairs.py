"""Text metrics as a family: on any draw of the cases, and with the reports permuted among patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.statistics.statistic import Statistic, Tally, mean_of
from petrg.evaluate.text.bleu import ORDERS
from petrg.evaluate.text.crowd import crowd, lcs_matrix
from petrg.evaluate.text.document_frequency import DocumentFrequency, cider_of
from petrg.evaluate.text.lcs import Masks
from petrg.evaluate.text.profile import Profile, compare, profile
from petrg.evaluate.text.score import (
    ROW,
    TextScores,
    corpus_key,
    corpus_parts,
    corpus_scores,
    counts_of,
    counts_row,
    expect_references,
    metric_key,
    sample_scores,
)
from petrg.evaluate.text.tokens import tokenizer
from petrg.progress import Progress, silent

__all__ = ["TextFamily", "text_family"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


_NO_WEIGHTS = "not defined: every n-gram stands in every reference, so that none has a weight"
_FEW = 8
"""Up to one of so many of all pairs are compared one by one."""


@dataclass(frozen=True, eq=False)
class TextFamily:
    """The text metrics of one system; a :class:`petrg.evaluate.statistics.statistic.Family`.

    CIDEr-D weighs n-grams by all references of the cases, in draws and permutations too: a draw changes which cases
    count, not what is rare.

    Parameters
    ----------
    scores : TextScores
        Of the reports as they are.
    references, predictions : tuple of Profile
        A missing prediction is an empty text.
    frequency : DocumentFrequency
    """

    scores: TextScores
    references: tuple[Profile, ...]
    predictions: tuple[Profile, ...]
    frequency: DocumentFrequency

    def statistics(self) -> Mapping[str, Statistic]:
        """Every metric as the mean over cases, and BLEU of the corpus, by key."""
        label, parts = self.scores.label, self.scores.corpus_parts
        made: dict[str, Statistic] = {
            metric_key(n, label): mean_of(v, why=_NO_WEIGHTS if n == "CIDEr-D" else "")
            for n, v in self.scores.values.items()
        }
        return made | {corpus_key(n, label): Tally(parts, _corpus_bleu(n)) for n in range(1, ORDERS + 1)}

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every metric with the prediction of case ``orders[p, i]`` put to the reference of case i.

        Only the pairs that occur are compared, each once.

        Parameters
        ----------
        orders : (p, n) int

        Returns
        -------
        mapping of metric key -> (p,) float64
        """
        cases = len(self.references)
        codes, where = np.unique(np.asarray(orders) + cases * np.arange(cases), return_inverse=True)
        rows, cider = self.compared(*np.divmod(codes, cases))
        if not self.frequency.tells:
            cider = np.full_like(cider, np.nan)
        where = where.reshape(np.shape(orders))
        label = self.scores.label
        values = {**sample_scores(counts_of(rows)), "CIDEr-D": cider}
        made = {metric_key(name, label): column[where].mean(axis=1) for name, column in values.items()}
        parts = corpus_parts(counts_of(rows))
        pooled = corpus_scores(np.stack([column[where].sum(axis=1) for column in parts.T], axis=-1))
        return made | {corpus_key(n + 1, label): pooled[:, n] for n in range(ORDERS)}

    def compared(self, references: Ints, predictions: Ints) -> tuple[Floats, Floats]:
        """Counts (k, 13) and CIDEr-D (k,) of k pairs, given by the indices of their two texts, references ascending.

        Few pairs are compared one by one, many by an index over all predictions.
        """
        if len(references) * _FEW < len(self.references) * len(self.predictions):
            return self._one_by_one(references, predictions)
        rows, cider = np.empty((len(references), ROW)), np.empty(len(references))
        blocks = _blocks(references, predictions)
        for block in np.unique(blocks):
            inside = np.flatnonzero(blocks == block)
            rows[inside], cider[inside] = self._together(references[inside], predictions[inside])
        return rows, cider

    def _together(self, references: Ints, predictions: Ints) -> tuple[Floats, Floats]:
        used, column = np.unique(predictions, return_inverse=True)
        wanted, begins = np.unique(references, return_index=True)
        texts, theirs = [self.predictions[i] for i in used], [self.references[i] for i in wanted]
        together, lcs = crowd(texts, self.frequency), lcs_matrix(theirs, texts)
        rows, cider = [], []
        for i, chosen in enumerate(np.split(column, begins[1:])):
            counts, values = together.against(theirs[i], lcs[i])
            rows.append(counts[chosen])
            cider.append(values[chosen])
        return np.concatenate(rows), np.concatenate(cider)

    def _one_by_one(self, references: Ints, predictions: Ints) -> tuple[Floats, Floats]:
        rows, cider, last, masks = [], [], -1, None
        for i, j in zip(references.tolist(), predictions.tolist(), strict=True):
            theirs, ours = self.references[i], self.predictions[j]
            if i != last:
                last, masks = i, Masks(theirs.tokens)
            rows.append(counts_row(compare(theirs, ours, masks), ours, theirs))
            cider.append(cider_of(theirs, ours, self.frequency))
        return np.array(rows), np.array(cider)


def _blocks(references: Ints, predictions: Ints) -> Ints:
    """A number for each pair, equal for pairs that hang together, as those of patients of one sex do.

    >>> _blocks(np.array([0, 1, 2]), np.array([1, 0, 2])).tolist(), _blocks(np.array([0, 0]), np.array([0, 1])).tolist()
    ([0, 1, 2], [0, 0])
    """
    labels = np.arange(1 + int(references.max()))
    while True:
        met = np.full(1 + int(predictions.max()), len(labels))
        np.minimum.at(met, predictions, labels[references])
        again = labels.copy()
        np.minimum.at(again, references, met[predictions])
        if np.array_equal(again, labels):
            return labels[references]
        labels = again


def _corpus_bleu(order: int) -> Callable[[Floats], Floats]:
    return lambda sums: corpus_scores(sums)[..., order - 1]


def text_family(cases: Cases, tokenizer_name: str, progress: Progress = silent) -> TextFamily:
    """The text metrics of ``cases``, ready for intervals and tests; all texts' profiles stay in memory.

    Parameters
    ----------
    cases : Cases
    tokenizer_name : {"jieba", "char", "en"}
    progress : Progress, optional

    Raises
    ------
    ScoreError
        If a reference is empty, or there is no such tokenizer.
    MissingExtra
        If the tokenizer needs jieba and it is not installed.
    """
    cut = tokenizer(tokenizer_name)
    expect_references(cases)
    frequency = DocumentFrequency()
    references, predictions = [], []
    for done, case in enumerate(cases.cases, 1):
        references.append(profile(cut(case.reference)))
        same = case.prediction == case.reference
        predictions.append(references[-1] if same else profile(cut(case.prediction or "")))
        frequency.add(references[-1])
        progress("scoring texts", done, len(cases))
    pairs = list(zip(references, predictions, strict=True))
    counts = counts_of(np.array([counts_row(compare(theirs, ours), ours, theirs) for theirs, ours in pairs]))
    cider = np.array([cider_of(theirs, ours, frequency) if frequency.tells else np.nan for theirs, ours in pairs])
    missing = np.array([case.prediction is None for case in cases.cases])
    scores = TextScores(cut.label, {**sample_scores(counts), "CIDEr-D": cider}, counts, missing)
    return TextFamily(scores, tuple(references), tuple(predictions), frequency)
