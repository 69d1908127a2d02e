"""The words of a digital patient's reference report that hospital styles do not have."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.report.model import Model

__all__ = ["LANGUAGES", "LesionWords", "SideWords", "Words", "words"]

LANGUAGES = ("zh", "en")


class SideWords(Model):
    """What fills ``{side}``."""

    left: str
    right: str
    none: str


class LesionWords(Model):
    """A lesion on both scans, on CT alone, and on PET alone where it is faint; what a hot one is said to be above."""

    high: str
    equivocal: str
    ct: str
    equivocal_focus: str
    above_liver: str


class Words(Model):
    """All of one language."""

    sides: SideWords
    lesion: LesionWords
    looks: Annotated[dict[str, str], Field(description="by the truth's look of a lesion on CT")]
    physiologic: dict[Region, str]
    sites: Annotated[dict[str, str], Field(description="by the truth's site of a lesion")]
    ct: Annotated[dict[str, str], Field(description="by the name of a finding that CT alone shows")]


@cache
def words(language: str) -> Words:
    """The words of ``language``.

    Raises
    ------
    ScoreError
        If there are none.
    """
    if language not in LANGUAGES:
        raise ScoreError(f"no words of language {language!r}", f"one of {', '.join(LANGUAGES)}", "choose one of them")
    text = files("petrg.evaluate.benchmark").joinpath(f"words.{language}.toml").read_text(encoding="utf-8")
    return Words.model_validate(tomllib.loads(text))
