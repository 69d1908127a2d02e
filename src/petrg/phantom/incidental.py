"""Findings that CT alone shows: cysts, calcifications, effusions, lung opacities, thick walls, bone islands."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from petrg.anatomy import Region, Side
from petrg.errors import InputError
from petrg.phantom.chest import effusion
from petrg.phantom.frame import Frame, Tissue
from petrg.phantom.lesions import Planned, side_of
from petrg.phantom.physiologic import in_field
from petrg.phantom.scene import Item
from petrg.phantom.shapes import Point
from petrg.phantom.spec import COVERAGES, Spec, stream
from petrg.report.classes import FindingKind, Structure, Uptake

__all__ = ["Incidental", "PlannedIncidental", "incidental_names", "plan_incidental"]


class Incidental(BaseModel):
    """A kind of finding of the table ``incidental.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: Region
    kind: FindingKind
    structure: Structure
    uptake: Uptake | None = None
    text: str
    shape: Literal["ball", "ellipsoid", "tube", "effusion"]
    at: tuple[float, float, float] | None = None
    line: tuple[tuple[float, float, float], ...] = ()
    semi: tuple[float, float, float] | None = None
    radius: tuple[float, float] = (0.0, 0.0)
    sided: bool = False
    sex: Literal["F", "M"] | None = None
    hu: float
    suv: float | None = None

    @property
    def anchor(self) -> Point:
        """Where it lies: its centre, or the middle of its line."""
        if self.at is not None:
            return self.at
        x, y, z = np.mean(self.line, axis=0).tolist()
        return x, y, z


@dataclass(frozen=True, slots=True)
class PlannedIncidental:
    """A finding before it is painted; centre in patient LPS mm, ``reach_mm`` its largest extent from there."""

    name: str
    row: Incidental
    side: Side
    centre_mm: Point
    reach_mm: float
    size_mm: float
    items: tuple[Item, ...]


@cache
def _table() -> dict[str, Incidental]:
    text = files("petrg.phantom").joinpath("incidental.toml").read_text(encoding="utf-8")
    return {name: Incidental.model_validate(row) for name, row in tomllib.loads(text).items()}


def incidental_names() -> tuple[str, ...]:
    """Names that ``make(ct_only=...)`` takes."""
    return tuple(_table())


def plan_incidental(
    spec: Spec, frame: Frame, asked: int | Sequence[str] | None, lesions: Sequence[Planned]
) -> tuple[PlannedIncidental, ...]:
    """The findings of this patient: by name, by number, or 0 to 3 by the seed; clear of every lesion.

    A finding given by name is refused where the patient or the field has no place for it.

    Raises
    ------
    InputError
        If a name is unknown or has no place here.
    """
    usable = [name for name, row in _table().items() if _fits(spec, row)]
    if asked is not None and not isinstance(asked, int):
        _check(asked, usable)
        return tuple(_place(spec, frame, name, ()) or _no_place(name) for name in asked)
    rng = stream(spec.seed, "incidental")
    count = int(rng.integers(0, 4)) if asked is None else asked
    out: list[PlannedIncidental] = []
    for i in rng.permutation(len(usable)).tolist():
        if len(out) >= count:
            break
        taken = [(p.centre_mm, p.radius_mm) for p in lesions] + [(p.centre_mm, p.reach_mm) for p in out]
        if (placed := _place(spec, frame, usable[i], taken)) is not None:
            out.append(placed)
    return tuple(out)


def _check(asked: Sequence[str], usable: Sequence[str]) -> None:
    for name in asked:
        if name not in usable:
            raise InputError(
                f"CT-only finding {name!r}", f"one that fits this patient and field: {', '.join(usable)}", "choose one"
            )


def _no_place(name: str) -> PlannedIncidental:
    raise InputError(f"no room for {name!r}", "a place clear of lesions", "give another seed")


def _fits(spec: Spec, row: Incidental) -> bool:
    low, high = COVERAGES[spec.coverage]
    margin = 60.0 if row.shape == "effusion" else 25.0
    return in_field(spec, row.region) and row.sex in (None, spec.sex) and low + margin < row.anchor[2] < high - margin


def _place(spec: Spec, frame: Frame, name: str, taken: Sequence[tuple[Point, float]]) -> PlannedIncidental | None:
    row, rng = _table()[name], stream(spec.seed, f"incidental {name}")
    sign = -1.0 if row.sided and rng.random() < 0.5 else 1.0
    low, high = row.radius
    radius = float(np.exp(rng.uniform(np.log(low), np.log(high)))) if high else 0.0
    x, y, z = row.anchor
    centre = frame.at((sign * x, y, z))
    reach = max(radius, *(row.semi or (0.0,)), *(math.dist(p, row.anchor) for p in row.line), 0.0)
    reach = 55.0 if row.shape == "effusion" else reach
    if any(math.dist(centre, other) < reach + r + 6.0 for other, r in taken):
        return None
    side = side_of(centre[0])
    items = _items(spec, frame, row, sign, radius)
    return PlannedIncidental(
        name=name, row=row, side=side, centre_mm=centre, reach_mm=reach, size_mm=round(2.0 * reach, 1), items=items
    )


def _items(spec: Spec, frame: Frame, row: Incidental, sign: float, radius: float) -> tuple[Item, ...]:
    of = Tissue(row.hu, row.suv)
    x, y, z = row.anchor
    match row.shape:
        case "ball":
            return (frame.ball((sign * x, y, z), radius / frame.scale, of),)
        case "ellipsoid":
            return (frame.ellipsoid((sign * x, y, z), row.semi or (1.0, 1.0, 1.0), of),)
        case "tube":
            return tuple(frame.line([(sign * p[0], p[1], p[2]) for p in row.line], radius / frame.scale, of))
        case "effusion":
            return (effusion(spec, frame, 1 if sign > 0 else -1, of),)
