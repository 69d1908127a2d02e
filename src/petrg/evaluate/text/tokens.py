"""Tokenizers: a text -> its tokens, with the name and version that every score carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_args

from petrg.errors import ScoreError

__all__ = ["Tokenizer", "TokenizerName", "english", "tokenizer", "usual_tokenizer"]

TokenizerName = Literal["jieba", "char", "en"]


@dataclass(frozen=True)
class Tokenizer:
    r"""A rule that cuts texts; two texts are scored by the same one.

    ``label`` stands in the columns of every score.

    >>> t = tokenizer("char")
    >>> t.label, t("肝 SUV\n")
    ('char 1', ['肝', 'S', 'U', 'V'])
    """

    name: TokenizerName
    version: str
    cut: Callable[[str], list[str]] = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """Name and version, e.g. ``jieba 0.42.1``."""
        return f"{self.name} {self.version}"

    def __call__(self, text: str) -> list[str]:
        """Tokens of ``text``, none of them white space."""
        return self.cut(text)


@cache
def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of that name; its data is read once.

    Parameters
    ----------
    name : {"jieba", "char", "en"}
        ``jieba``: words as jieba 0.42.1's ``lcut`` cuts them with its own dictionary, whatever an application added to
        jieba's. ``char``: single characters. ``en``: see :func:`english`. White space is never a token.

    Raises
    ------
    MissingExtra
        If jieba is asked for and not installed.
    ScoreError
        If there is no such tokenizer.
    """
    if name == "jieba":
        from petrg.evaluate.text.dictionary import jieba_version, load
        from petrg.evaluate.text.words import Words

        return Tokenizer("jieba", jieba_version(), Words(load()).cut)
    if name == "char":
        return Tokenizer("char", "1", _characters)
    if name == "en":
        return Tokenizer("en", "mteval-13a", english)
    known = ", ".join(get_args(TokenizerName))
    raise ScoreError("a tokenizer that petrg does not have", f"one of {known}", "choose one of them")


def usual_tokenizer(texts: Sequence[str]) -> TokenizerName:
    """Jieba for Chinese texts, else en: Chinese where a fifth of the letters are Han, since Latin words stand in too.

    A look at letters, not the reader's :func:`petrg.language.reading.detect`, whose lexica take half a second to load.

    >>> usual_tokenizer(["肝脏FDG摄取SUVmax 4.5，未见异常。"]), usual_tokenizer(["The liver is normal."])
    ('jieba', 'en')
    """
    letters = [letter for one in texts[:50] for letter in one[:200] if letter.isalpha()]
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return "jieba" if 5 * han >= max(1, len(letters)) else "en"


def _characters(text: str) -> list[str]:
    return [character for character in text if not character.isspace()]


_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_MARKS = re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])")
_AFTER_NO_DIGIT = re.compile(r"([^0-9])([\.,])")
_BEFORE_NO_DIGIT = re.compile(r"([\.,])([^0-9])")
_DASH = re.compile(r"([0-9])(-)")


def english(text: str) -> list[str]:
    """Words in lower case as mteval-v13a cuts them (WMT's script; sacrebleu's default, ``-tok 13a -lc``).

    Marks are tokens, a point or comma between digits stays, so numbers stay whole.

    >>> english("SUVmax 4.5, no nodes.")
    ['suvmax', '4.5', ',', 'no', 'nodes', '.']
    """
    text = text.lower().rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, mark in _ENTITIES:
        text = text.replace(entity, mark)
    text = _MARKS.sub(r" \1 ", f" {text} ")
    text = _AFTER_NO_DIGIT.sub(r"\1 \2 ", text)
    text = _BEFORE_NO_DIGIT.sub(r" \1 \2", text)
    return _DASH.sub(r"\1 \2 ", text).split()
