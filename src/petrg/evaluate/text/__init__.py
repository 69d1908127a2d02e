"""Text metrics: tokens of a reference and of a prediction -> BLEU, ROUGE, METEOR, CIDEr-D.

Each metric is a pure function of tokens in its own file; ``profile`` and ``score`` compute the same numbers fast.
"""

from petrg.evaluate.text.compat import compat_csv
from petrg.evaluate.text.pairs import TextFamily, text_family
from petrg.evaluate.text.part import text_metrics
from petrg.evaluate.text.score import TextScores, score_pairs, score_text
from petrg.evaluate.text.table import columns
from petrg.evaluate.text.tokens import Tokenizer, tokenizer

__all__ = [
    "TextFamily",
    "TextScores",
    "Tokenizer",
    "columns",
    "compat_csv",
    "score_pairs",
    "score_text",
    "text_family",
    "text_metrics",
    "tokenizer",
]
