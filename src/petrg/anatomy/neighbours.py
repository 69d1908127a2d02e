"""Which regions border each other."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from petrg.anatomy.region import Region

__all__ = ["neighbours"]


def neighbours(region: Region) -> frozenset[Region]:
    """The regions that border ``region``.

    >>> sorted(neighbours(Region.BREAST))
    [<Region.AXILLA_CHEST_WALL: 'axilla-chest-wall'>, <Region.MUSCLE_SUBCUTIS: 'muscle-subcutis'>]
    """
    return _borders()[region]


@cache
def _borders() -> Mapping[Region, frozenset[Region]]:
    text = files("petrg.anatomy").joinpath("neighbours.toml").read_text(encoding="utf-8")
    pairs = {(Region(a), Region(b)) for a, others in tomllib.loads(text)["borders"].items() for b in others}
    both = pairs | {(b, a) for a, b in pairs}
    return {region: frozenset(b for a, b in both if a is region) for region in Region}
