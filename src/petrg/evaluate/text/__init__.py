"""Text metrics: tokens of a reference and of a prediction -> BLEU, ROUGE, METEOR, CIDEr-D.

Each metric is a pure function of tokens in its own file; ``profile`` and ``score`` compute the same numbers fast.
"""

from petrg.evaluate.text.score import TextScores, score_pairs, score_text
from petrg.evaluate.text.tokens import Tokenizer, tokenizer

__all__ = ["TextScores", "Tokenizer", "score_pairs", "score_text", "tokenizer"]
