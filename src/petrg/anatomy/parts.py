"""Names of segmented body parts (TotalSegmentator) and the region each lies in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from petrg.anatomy.region import Region
from petrg.anatomy.side import Side

__all__ = ["BodyPart", "body_part", "body_part_names"]


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A segmented part of the body: its name, its region, its side (None where unpaired)."""

    name: str
    region: Region
    side: Side | None


def body_part(name: str) -> BodyPart | None:
    """The part of a TotalSegmentator class name (version 1 or 2), or None if unknown.

    >>> body_part("kidney_left")
    BodyPart(name='kidney_left', region=<Region.KIDNEYS: 'kidneys'>, side=<Side.LEFT: 'left'>)
    >>> body_part("heart_ventricle_left").name, body_part("spoon")
    ('heart', None)
    """
    table = _tables()
    name = table["aliases"].get(name, name)
    if (row := table["parts"].get(name)) is None:
        return None
    return BodyPart(name, Region(row["region"]), Side(row["side"]) if "side" in row else None)


def body_part_names() -> tuple[str, ...]:
    """Every version 2 class name known here."""
    return tuple(_tables()["parts"])


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("petrg.anatomy").joinpath("parts.toml").read_text(encoding="utf-8"))
