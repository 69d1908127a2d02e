"""The coarse atlas: probabilities of the regions at a place of the standard body."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from petrg.anatomy import NodalGroup, Region

__all__ = ["Place", "Row", "Tissue", "Way", "accuracy", "extent_mm", "probabilities", "rows"]

Tissue = Literal["air", "bone", "soft", "any"]
Way = Literal["ct", "pet", "map"]
"""How regions are located: landmarks with a CT, landmarks on the PET alone, a label map."""

_AGREES, _DIFFERS = 2.0, 0.25
"""How the CT's tissue weighs: a row of the tissue seen, of another one."""
_ELSEWHERE = 0.02
"""Weight of "none of these rows", so that a place far from all of them is no certainty."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point in the standard body: mm to the left, mm above the sole with its error, depth 0 ... 1."""

    left_mm: float
    height_mm: float
    height_error_mm: float
    depth: float
    tissue: Tissue | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One soft box of the atlas."""

    region: Region
    organ: str
    place: tuple[float, float, float]
    spread: tuple[float, float, float]
    weight: float
    tissue: Tissue
    pair: bool = False
    group: str | None = None

    def density(self, at: Place) -> float:
        """Weight of the row at a place; the error of the height widens the box."""
        left = abs(at.left_mm) if self.pair else at.left_mm
        sh = float(np.hypot(self.spread[1], at.height_error_mm))
        d2 = (
            ((left - self.place[0]) / self.spread[0]) ** 2
            + ((at.height_mm - self.place[1]) / sh) ** 2
            + ((at.depth - self.place[2]) / self.spread[2]) ** 2
        )
        tissue = 1.0
        if at.tissue is not None and self.tissue != "any":
            tissue = _AGREES if self.tissue == at.tissue else _DIFFERS
        return float(self.weight * tissue * self.spread[1] / sh * np.exp(-0.5 * d2))

    def nodal_group(self, left_mm: float) -> NodalGroup | None:
        """The group of lymph nodes this row stands for."""
        if self.group is None:
            return None
        return NodalGroup(f"{self.group}-{'left' if left_mm > 0 else 'right'}" if self.pair else self.group)


@cache
def rows() -> tuple[Row, ...]:
    """The rows of ``atlas.toml``."""
    text = files("petrg.measure").joinpath("atlas.toml").read_text(encoding="utf-8")
    return tuple(
        Row(
            Region(r["region"]),
            r["organ"],
            tuple(r["place"]),
            tuple(r["spread"]),
            r["weight"],
            r["tissue"],
            r.get("pair", False),
            r.get("group"),
        )
        for r in tomllib.loads(text)["row"]
    )


def probabilities(at: Place) -> tuple[tuple[tuple[Region, float], ...], Row]:
    """Regions by probability, most probable first, and the row that speaks loudest for the first.

    They sum to less than 1: the rest is "none of these".

    >>> found, row = probabilities(Place(0.0, 1640.0, 12.0, 0.5))
    >>> found[0][0].value, row.organ
    ('brain', 'brain')
    """
    weights = [(row, row.density(at)) for row in rows()]
    total = sum(w for _, w in weights) + _ELSEWHERE
    by_region: dict[Region, float] = dict.fromkeys(Region, 0.0)
    for row, weight in weights:
        by_region[row.region] += weight / total
    ranked = sorted(by_region.items(), key=lambda item: -item[1])
    first = ranked[0][0]
    loudest = max((w, k) for k, (row, w) in enumerate(weights) if row.region is first)[1]
    return tuple(ranked), rows()[loudest]


@cache
def _located() -> dict[str, list[float]]:
    table: dict[str, list[float]] = tomllib.loads(
        files("petrg.measure").joinpath("located.toml").read_text(encoding="utf-8")
    )
    return table


def accuracy(region: Region, way: Way) -> float:
    """Probability that a focus of ``region`` is named as this region's, as measured on digital patients.

    >>> accuracy(Region.LIVER, "ct") > 0.8 > accuracy(Region.ADRENALS, "ct")
    True
    """
    return _located()[region.value][("ct", "pet", "map").index(way)]


@cache
def extent_mm(region: Region) -> tuple[float, float]:
    """Lowest and highest height of the region in the standard body, mm."""
    own = [row for row in rows() if row.region is region]
    return (
        min(row.place[1] - 1.3 * row.spread[1] for row in own),
        max(row.place[1] + 1.3 * row.spread[1] for row in own),
    )
