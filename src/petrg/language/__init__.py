"""Findings to words and back: ``words`` to write with, ``lexica`` to read with, hospital styles, wording, reading."""

from petrg.language.style import Claim, Style, load_style, style_names
from petrg.language.words import Words, words_of

__all__ = ["Claim", "Style", "Words", "load_style", "style_names", "words_of"]
