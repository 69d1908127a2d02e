"""Findings to words: lexica and hospital styles as TOML, and the wording of findings in a style."""

from petrg.language.lexicon import Lexicon, lexicon
from petrg.language.style import Claim, Style, load_style, style_names

__all__ = ["Claim", "Lexicon", "Style", "lexicon", "load_style", "style_names"]
