"""What each text metric is, for scores.json."""

from __future__ import annotations

from petrg.evaluate.scores import Metric
from petrg.evaluate.text.score import METRICS, corpus_key, metric_key

__all__ = ["text_metrics"]

_BLEU = "n-gram precisions smoothed by +1 / +1, unigrams too, geometric mean, brevity penalty"
_DEFINITIONS = {
    "METEOR": "exact words, then stems; alpha 0.9, beta 3, gamma 0.5; no synonyms (Lavie & Agarwal 2007, as nltk)",
    "ROUGE-1": "F-measure of shared words (Lin 2004, as rouge-score)",
    "ROUGE-2": "F-measure of shared pairs of words (Lin 2004, as rouge-score)",
    "ROUGE-L": "F-measure of the longest common subsequence (Lin 2004, as rouge-score)",
    "CIDEr-D": (
        "n-grams of 1-4 weighted by inverse document frequency among the references, sigma 6 "
        "(Vedantam et al. 2015, as pycocoevalcap)"
    ),
}
_HEADLINES = {"BLEU-4", "METEOR", "ROUGE-L"}


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
