"""The words by which faults are found; they are data, one TOML file a language, all read together.

A text may mix languages, so the words of all files hold for every text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

__all__ = ["Organ", "Qualifier", "Sign", "Whole", "Words", "words"]

_NEVER = "(?!)"


@dataclass(frozen=True, slots=True)
class Organ:
    """An organ that one sex has; ``unless`` before or ``not_after`` behind a word mean something else."""

    name: str
    sex: Literal["F", "M"]
    pattern: re.Pattern[str]
    unless_before: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Sign:
    """What only one modality shows (``MR``, ``US``, contrast medium)."""

    modality: str
    title: str
    pattern: re.Pattern[str]
    unless_before: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Whole:
    """A place and what lies within it: a denial of the whole denies its parts; "" as parts means all of the region."""

    region: str
    names: frozenset[str]
    parts: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What narrows a denial ("no enlarged node"): only what is affirmed with such a word contradicts it."""

    denied: re.Pattern[str]
    affirmed: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Words:
    """All patterns, over plain text (lower case, half width)."""

    organs: tuple[Organ, ...]
    signs: tuple[Sign, ...]
    wholes: tuple[Whole, ...]
    qualifiers: tuple[Qualifier, ...]
    kinds: Mapping[str, re.Pattern[str]]
    cues: Mapping[str, re.Pattern[str]]
    end_marks: re.Pattern[str]
    talk: re.Pattern[str]
    goes_on: re.Pattern[str]
    placeholders: re.Pattern[str]


@cache
def words() -> Words:
    """The words of all languages, compiled once."""
    tables = [
        tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(files("petrg.evaluate.faults").iterdir(), key=lambda p: p.name)
        if path.name.endswith(".toml")
    ]
    cues = {key for t in tables for key in t["cue"]}
    kinds = dict.fromkeys(key for t in tables for key in t["kind"])
    return Words(
        organs=tuple(
            Organ(o["name"], o["sex"], _any([(o["words"], t)]), _before(o)) for t in tables for o in t["organ"]
        ),
        signs=tuple(
            Sign(s["modality"], s["title"], _any([(s["words"], t)]), _before(s)) for t in tables for s in t["sign"]
        ),
        wholes=tuple(
            Whole(w["region"], frozenset(w["names"]), _any([(w["parts"], t)]) if w["parts"] else re.compile(""))
            for t in tables
            for w in t["whole"]
        ),
        qualifiers=tuple(
            Qualifier(_any([(q["denied"], t)]), _any([(q["affirmed"], t)])) for t in tables for q in t["qualifier"]
        ),
        kinds={key: _any((t["kind"].get(key, ()), t) for t in tables) for key in kinds},
        cues={key: _any((t["cue"].get(key, ()), t) for t in tables) for key in cues},
        end_marks=_any((t["form"]["end_marks"], None) for t in tables),
        talk=_any((t["form"]["talk"], None) for t in tables),
        goes_on=re.compile(r"(?:" + _any((t["form"]["goes_on"], t) for t in tables).pattern + r")\s*$"),
        placeholders=_any((t["form"]["placeholders"], None) for t in tables),
    )


def _any(groups: Iterable[tuple[Iterable[str], Mapping[str, Any] | None]]) -> re.Pattern[str]:
    """Any of the words, each a regular expression; between word boundaries where the language has them."""
    parts: list[str] = []
    for group, table in groups:
        if body := "|".join(sorted(group, key=len, reverse=True)):
            bounded = table is not None and table["word_boundary"]
            parts.append(rf"(?<![a-z])(?:{body})(?![a-z])" if bounded else body)
    return re.compile("|".join(parts) or _NEVER)


def _before(entry: Mapping[str, Any]) -> re.Pattern[str]:
    return re.compile(rf"(?:{entry['unless_before']})$" if entry.get("unless_before") else _NEVER)
