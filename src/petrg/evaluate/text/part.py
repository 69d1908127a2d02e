"""What the text metrics add to scores.json: what each one is, and their values on one set of cases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from petrg.evaluate.scores import Metric
from petrg.evaluate.text.score import METRICS, TextScores, corpus_key, metric_key
from petrg.report.model import Model

__all__ = ["TextPart", "text_metrics", "text_part"]

_BLEU = "n-gram precisions smoothed by +1 / +1, unigrams too, geometric mean, brevity penalty"
_DEFINITIONS = {
    "METEOR": "exact words, then stems; alpha 0.9, beta 3, gamma 0.5; no synonyms (Lavie & Agarwal 2007, as nltk)",
    "ROUGE-1": "F-measure of shared words (Lin 2004, as rouge-score)",
    "ROUGE-2": "F-measure of shared pairs of words (Lin 2004, as rouge-score)",
    "ROUGE-L": "F-measure of the longest common subsequence (Lin 2004, as rouge-score)",
    "CIDEr-D": "n-grams weighted by rarity among the references, 1-4, sigma 6 (Vedantam et al. 2015, as pycocoevalcap)",
}
_HEADLINES = {"BLEU-4", "METEOR", "ROUGE-L"}


class TextPart(Model):
    """Text metrics of one system: means over cases and BLEU of the corpus, by metric key."""

    tokenizer: str
    cases: int
    missing: Annotated[int, Field(description="cases without a prediction; they score 0")]
    means: Annotated[dict[str, float], Field(description="mean over cases; 0..1, CIDEr-D 0..10")]
    corpus: Annotated[dict[str, float], Field(description="BLEU pooled over all cases, 0..1")]


def text_part(scores: TextScores) -> TextPart:
    """The scores as they stand in scores.json."""
    return TextPart(
        tokenizer=scores.label,
        cases=len(scores),
        missing=int(scores.missing.sum()),
        means={metric_key(name, scores.label): value for name, value in scores.means.items()},
        corpus={metric_key(f"corpus {name}", scores.label): value for name, value in scores.corpus.items()},
    )


def text_metrics(label: str) -> tuple[Metric, ...]:
    """What each text metric is, with the tokenizer in its key.

    >>> [m.key for m in text_metrics("char 1") if m.headline]
    ['BLEU-4[char 1]', 'METEOR[char 1]', 'ROUGE-L[char 1]']
    """
    samples = [
        Metric(
            key=metric_key(name, label),
            title=name,
            group="text",
            low=0.0,
            high=10.0 if name == "CIDEr-D" else 1.0,
            better="higher",
            definition=_DEFINITIONS.get(
                name, f"{_BLEU}; mean over cases (Papineni et al. 2002, the authors' smoothing)"
            ),
            headline=name in _HEADLINES,
        )
        for name in METRICS
    ]
    pooled = [
        Metric(
            key=corpus_key(order, label),
            title=f"BLEU-{order}, corpus",
            group="text",
            low=0.0,
            high=1.0,
            better="higher",
            definition=f"{_BLEU}; counts summed over cases first (Papineni et al. 2002, the authors' smoothing)",
        )
        for order in range(1, 5)
    ]
    return (*samples, *pooled)
