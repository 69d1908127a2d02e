"""Text metrics: tokens of a reference and of a prediction -> BLEU, ROUGE, METEOR, CIDEr-D."""
