"""The words of score pages that are not the scores' own: titles, legends, class names, in zh and en."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["words"]


@cache
def words(language: str) -> Mapping[str, Any]:
    """The words of ``language``, "zh" or "en"; both hold the same keys.

    >>> words("en")["uptake"]["1"], words("zh")["structure"]["8"]
    ('high abnormal uptake', '正常')
    """
    return tomllib.loads(files("petrg.evaluate.page").joinpath(f"words.{language}.toml").read_text(encoding="utf-8"))
