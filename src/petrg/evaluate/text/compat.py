"""The one-row CSV that the script released with AutoPET-RG-Lym writes."""

from __future__ import annotations

import numpy as np

from petrg.evaluate.text.score import TextScores

__all__ = ["HEADER", "compat_csv"]

_BLEU = tuple(f"BLEU-{order}" for order in range(1, 5))
_REST = ("METEOR", "ROUGE-1", "ROUGE-2", "ROUGE-L")
HEADER = (*_BLEU, *_REST, "CIDEr", *(f"Overall_{name}" for name in (*_BLEU, *_REST)))
"""Columns as the released script names them."""


def compat_csv(scores: TextScores) -> str:
    """Means over cases, then BLEU pooled over the corpus; all x 100 with two decimals, CIDEr-D too.

    Overall METEOR and ROUGE repeat the means over cases, as the script does. CIDEr-D is 0 where it is not defined, as
    pycocoevalcap has it.

    Parameters
    ----------
    scores : TextScores

    Returns
    -------
    str
        Two lines.
    """
    means, corpus = scores.means, scores.corpus
    values = [*(means[name] for name in (*_BLEU, *_REST)), 0.0 if np.isnan(means["CIDEr-D"]) else means["CIDEr-D"]]
    values += [*(corpus[name] for name in _BLEU), *(means[name] for name in _REST)]
    return ",".join(HEADER) + "\n" + ",".join(f"{100 * value:.2f}" for value in values) + "\n"
