"""Which lesions a patient has and where: regions by a written cycle, the rest from the seed."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.phantom.frame import Frame, Tissue
from petrg.phantom.physiologic import in_field
from petrg.phantom.scene import Item
from petrg.phantom.shapes import Ball, Point
from petrg.phantom.spec import COVERAGES, Spec, stream
from petrg.report.classes import Structure

__all__ = ["MIDLINE_MM", "Kind", "Planned", "Site", "lesion_count", "plan", "region_cycle", "side_of", "sites"]

MIDLINE_MM = 10.0
"""Nearer than this to the midsagittal plane is midline."""
FREE_SHARE = 0.2
"""Share of lesion-free patients where the seed decides."""
Kind = Literal["node", "mass", "lung", "bone"]

_STRIDES = (7, 5, 11, 13, 17, 19, 23, 1)  # coprime with 24: every stride visits all regions
_STRUCTURE = {
    "node": Structure.ENLARGED_NODES,
    "mass": Structure.FOCAL_LESION,
    "lung": Structure.FOCAL_LESION,
    "bone": Structure.BONE_LESION,
}


class Site(BaseModel):
    """A place where a lesion may lie, in the body frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: tuple[float, float, float]
    sided: bool = False
    sex: Literal["F", "M"] | None = None
    kind: Kind
    group: str | None = None
    radius: tuple[float, float]
    least: Annotated[float, Field(description="least SUV of a lesion that stands out here")]
    site: str


class Planned(BaseModel):
    """A lesion before it is painted; centre in patient LPS mm."""

    model_config = ConfigDict(frozen=True)

    region: Region
    site: str
    kind: Kind
    side: Side
    group: NodalGroup | None
    centre_mm: Point
    radius_mm: float
    suv: float
    hu: float | None
    look: str

    @property
    def structure(self) -> Structure | None:
        """Its CT class; None where CT shows nothing."""
        return None if self.hu is None else _STRUCTURE[self.kind]

    def item(self) -> Item:
        """The ball to paint."""
        tissue = Tissue(self.hu, self.suv)
        return Item(Ball(self.centre_mm, self.radius_mm), tissue.hu, tissue.suv)


@cache
def sites() -> dict[Region, tuple[Site, ...]]:
    """The sites of every region, from ``sites.toml``."""
    table = tomllib.loads(files("petrg.phantom").joinpath("sites.toml").read_text(encoding="utf-8"))
    return {Region(name): tuple(Site.model_validate(row) for row in rows) for name, rows in table.items()}


def lesion_count(seed: int, asked: int | None) -> int:
    """How many lesions: as asked, or by the seed 0 in a fifth of the patients and else 1 to 6."""
    if asked is not None:
        return asked
    rng = stream(seed, "lesion count")
    return 0 if rng.random() < FREE_SHARE else int(rng.integers(1, 7))


def region_cycle(seed: int, count: int, allowed: tuple[Region, ...] = tuple(Region)) -> tuple[Region, ...]:
    """The regions of a patient's lesions.

    Seed ``s`` starts at region ``5 s`` of the 24 and steps on by a stride that is coprime with 24 and
    changes every 24 seeds. So 24 seeds in a row, from a multiple of 24, give every region the same share
    for any fixed count. Regions that are out of the field are stepped over.

    >>> from collections import Counter
    >>> set(Counter(r for s in range(24) for r in region_cycle(s, 4)).values())
    {4}
    """
    regions, stride = tuple(Region), _STRIDES[(seed // 24) % len(_STRIDES)]
    order = [regions[(5 * seed + i * stride) % 24] for i in range(24)]
    order = [region for region in order if region in allowed]
    return tuple(order[i % len(order)] for i in range(count)) if order else ()


def plan(spec: Spec, frame: Frame, count: int) -> tuple[Planned, ...]:
    """Lesions of this patient, none nearer to another than 8 mm, all inside the field.

    Where a region has no room left its lesion goes to the next region that has; where none has, there is
    one lesion less.
    """
    usable = {region: _usable(spec, rows) if in_field(spec, region) else () for region, rows in sites().items()}
    allowed = tuple(region for region in Region if usable[region])
    out: list[Planned] = []
    for number, region in enumerate(region_cycle(spec.seed, count, allowed)):
        rng = stream(spec.seed, f"lesion {number}")
        first = allowed.index(region)
        for other in allowed[first:] + allowed[:first]:
            if (placed := _place(spec, frame, other, usable[other], rng, out)) is not None:
                out.append(placed)
                break
    return tuple(out)


def _place(
    spec: Spec, frame: Frame, region: Region, rows: tuple[Site, ...], rng: np.random.Generator, out: list[Planned]
) -> Planned | None:
    for _ in range(40):
        candidate = _draw(spec, frame, region, rows, rng)
        if all(_apart(candidate, other) for other in out):
            return candidate
    return None


def _usable(spec: Spec, rows: tuple[Site, ...]) -> tuple[Site, ...]:
    low, high = COVERAGES[spec.coverage]
    return tuple(s for s in rows if s.sex in (None, spec.sex) and low + 34 < s.at[2] < high - 34)


def _apart(a: Planned, b: Planned) -> bool:
    return math.dist(a.centre_mm, b.centre_mm) > a.radius_mm + b.radius_mm + 8.0


def _draw(spec: Spec, frame: Frame, region: Region, rows: tuple[Site, ...], rng: np.random.Generator) -> Planned:
    site = rows[int(rng.integers(len(rows)))]
    sign = -1.0 if site.sided and rng.random() < 0.5 else 1.0
    jitter = rng.uniform(-3.0, 3.0, 3) * (0.5, 0.5, 1.0)
    x, y, z = frame.at((sign * site.at[0], site.at[1], site.at[2]))
    centre = (round(x + jitter[0], 2), round(y + jitter[1], 2), round(z + jitter[2], 2))
    low, high = np.log(site.radius[0]), np.log(site.radius[1])
    radius = round(float(np.exp(rng.uniform(low, high))), 2)
    suv = round(float(np.exp(rng.uniform(np.log(site.least), np.log(20.0)))), 2)
    side = side_of(centre[0])
    hu, look = _look(site.kind, rng)
    return Planned(
        region=region,
        site=site.site,
        kind=site.kind,
        side=side,
        group=_group(site, side),
        centre_mm=centre,
        radius_mm=radius,
        suv=suv,
        hu=hu,
        look=look,
    )


def side_of(x: float) -> Side:
    """The side of a point by its x in patient mm; the midsagittal plane is x = 0."""
    if abs(x) < MIDLINE_MM:
        return Side.MIDLINE
    return Side.LEFT if x > 0 else Side.RIGHT


def _group(site: Site, side: Side) -> NodalGroup | None:
    if site.group is None:
        return None
    return NodalGroup(f"{site.group}-{side}" if site.sided else site.group)


def _look(kind: Kind, rng: np.random.Generator) -> tuple[float | None, str]:
    draw = rng.random()
    match kind:
        case "node":
            return 45.0, "enlarged node of soft-tissue density"
        case "lung":
            return (40.0, "solid nodule") if draw < 0.8 else (-500.0, "part-solid nodule")
        case "bone":
            if draw < 0.2:
                return None, "no change on CT"
            return (45.0, "lytic lesion") if draw < 0.65 else (800.0, "blastic lesion")
        case "mass":
            return (None, "no change on CT") if draw < 0.15 else (28.0, "hypodense mass")
