"""The words of a page that are not the report's own: titles, labels, legends, in zh and en."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["label", "words"]


@cache
def words(language: str) -> Mapping[str, Any]:
    """The words of ``language``, "zh" or "en"; both hold the same keys."""
    table = tomllib.loads(files("petrg.export").joinpath(f"words.{language}.toml").read_text(encoding="utf-8"))
    return table


def label(group: str, key: str, language: str) -> str:
    """The label of ``key`` in a table of `words`, or the key itself in plain letters where there is none.

    >>> label("facts", "dose_mbq", "en"), label("facts", "bed_count", "en")
    ('Injected dose', 'bed count')
    """
    return str(words(language)[group].get(key, key.replace("_", " ").replace("-", " ")))
