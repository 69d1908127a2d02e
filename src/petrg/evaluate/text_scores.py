"""Text metrics of one row of a table: pair by pair in passing, and every pairing only where reports are dealt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.statistics.statistic import Floats, Ints, Statistic
from petrg.evaluate.text.document_frequency import DocumentFrequency
from petrg.evaluate.text.pairs import TextFamily, text_family
from petrg.evaluate.text.score import TextScores, score_text
from petrg.evaluate.text.tokens import TokenizerName

__all__ = ["TextsScored"]


@dataclass(frozen=True)
class TextsScored:
    """A family that holds a few numbers a case; what pairings need is made when asked for and not kept."""

    cases: Cases
    tokenizer: TokenizerName

    @cached_property
    def scores(self) -> TextScores:
        """Every metric of every case."""
        return score_text(self.cases, self.tokenizer)

    def statistics(self) -> Mapping[str, Statistic]:
        """Every metric as the mean over cases, and BLEU of the corpus, by key."""
        return TextFamily(self.scores, (), (), DocumentFrequency()).statistics()

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every metric with the prediction of case ``orders[p, i]`` put to the reference of case i, each (p,)."""
        return text_family(self.cases, self.tokenizer).permuted(orders)
