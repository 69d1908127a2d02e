"""The words of `neural_words.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from petrg.language.words import Language

__all__ = ["NeuralWords", "neural_words"]


class NeuralWords(BaseModel):
    """What is said round a network's text in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unfilled: str
    removed: str
    unverified: str
    cut: str
    looping: str
    not_described: str
    described_under: str
    also_measured: str
    end: str
    comma: str
    largest: tuple[str, ...]
    hottest: tuple[str, ...]
    liver: tuple[str, ...]
    blood_pool: tuple[str, ...]
    wall_bones: tuple[str, ...]
    another: tuple[str, ...]
    several: tuple[str, ...]

    def sentence(self, text: str) -> str:
        """``text`` with a capital and a full stop.

        >>> neural_words("en").sentence("not described by the network's text")
        "Not described by the network's text."
        """
        return text[:1].upper() + text[1:] + self.end


@cache
def neural_words(language: Language) -> NeuralWords:
    """The words of ``language``."""
    text = files("petrg.draft").joinpath("neural_words.toml").read_text(encoding="utf-8")
    return NeuralWords.model_validate(tomllib.loads(text)[language])
