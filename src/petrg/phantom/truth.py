"""The truth of a phantom: lesions measured on the noise-free PET, findings, labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.imaging.grid import Grid
from petrg.phantom.lesions import Planned
from petrg.phantom.spec import Spec
from petrg.report.classes import FindingKind, Structure, Uptake
from petrg.report.finding import Finding
from petrg.report.labels import Label
from petrg.report.model import Model

__all__ = ["TrueIncidental", "TrueLesion", "Truth", "inside", "measure_lesion"]

PEAK_RADIUS_MM = 6.2035
"""A sphere of 1 cm3."""


class TrueLesion(Model):
    """A ball of uptake and what the noise-free, blurred, sampled PET shows of it.

    ``suv_max`` and ``suv_mean`` are over the PET voxels whose centre lies in the ball (of a ball that
    holds none, over the voxel nearest its centre); ``suv_peak`` is the highest mean over a 1 cm3 sphere
    with partial voxels centred on one of those voxels, null where it leaves the scan.
    """

    id: str
    region: Region
    site: str
    nodal_group: NodalGroup | None
    side: Side
    centre_mm: Annotated[tuple[float, float, float], Field(description="x, y, z in mm, LPS+")]
    radius_mm: float
    ml: Annotated[float, Field(description="of the ball, 4/3 pi r^3")]
    suv_painted: Annotated[float, Field(description="before blur and sampling")]
    suv_max: float
    suv_mean: float
    suv_peak: float | None
    hottest_mm: tuple[float, float, float]
    uptake: Uptake
    structure: Structure | None
    hu: float | None
    look: str


class TrueIncidental(Model):
    """A finding that CT shows and FDG does not (or shows as reduced uptake)."""

    id: str
    name: Annotated[str, Field(description="its row in incidental.toml")]
    region: Region
    kind: FindingKind
    side: Side
    centre_mm: Annotated[tuple[float, float, float], Field(description="x, y, z in mm, LPS+")]
    size_mm: Annotated[float, Field(description="largest extent")]
    hu: float
    structure: Structure
    uptake: Uptake | None
    look: str


class Truth(Model):
    """Everything that is known of a phantom (schema 1)."""

    schema_version: int = 1
    spec: Spec
    weight_kg: float
    lesions: tuple[TrueLesion, ...]
    ct_only: tuple[TrueIncidental, ...]
    findings: tuple[Finding, ...]
    labels: dict[Region, Label]

    def lesion(self, lesion_id: str) -> TrueLesion:
        """The lesion of that id; KeyError if there is none."""
        for lesion in self.lesions:
            if lesion.id == lesion_id:
                return lesion
        raise KeyError(lesion_id)


def measure_lesion(number: int, planned: Planned, pet: NDArray[np.float32], grid: Grid, liver: float) -> TrueLesion:
    """Read one lesion's numbers from the noise-free PET."""
    index = inside(planned.centre_mm, planned.radius_mm, grid)
    values = pet[tuple(index.T)]
    hottest = index[int(values.argmax())]
    x, y, z = (round(float(v), 3) for v in grid.to_mm(hottest))
    suv_max = float(values.max())
    return TrueLesion(
        id=f"T{number}",
        region=planned.region,
        site=planned.site,
        nodal_group=planned.group,
        side=planned.side,
        centre_mm=planned.centre_mm,
        radius_mm=planned.radius_mm,
        ml=round(4.0 / 3.0 * np.pi * planned.radius_mm**3 / 1000.0, 4),
        suv_painted=planned.suv,
        suv_max=suv_max,
        suv_mean=float(values.mean()),
        suv_peak=_peak(pet, grid, index),
        hottest_mm=(x, y, z),
        uptake=Uptake.HIGH if suv_max >= 1.4 * liver else Uptake.EQUIVOCAL,
        structure=planned.structure,
        hu=planned.hu,
        look=planned.look,
    )


def inside(centre: Sequence[float], radius: float, grid: Grid) -> NDArray[np.intp]:
    """Indices (n, 3) of the voxels whose centre lies in the ball; never empty."""
    middle = grid.to_index(centre)
    reach = np.ceil(radius / np.array(grid.spacing_mm)).astype(int) + 1
    ranges = [
        np.arange(max(round(c) - r, 0), min(round(c) + r + 1, n))
        for c, r, n in zip(middle.tolist(), reach.tolist(), grid.shape, strict=True)
    ]
    index = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3)
    distance = np.linalg.norm(grid.to_mm(index) - np.asarray(centre), axis=1)
    kept = index[distance <= radius]
    return kept if len(kept) else index[[int(distance.argmin())]]


def _peak(pet: NDArray[np.float32], grid: Grid, index: NDArray[np.intp]) -> float | None:
    kernel = _sphere_weights(grid.spacing_mm)
    half = np.array(kernel.shape) // 2
    best: float | None = None
    for z, y, x in index.tolist():
        low = np.array([z, y, x]) - half
        high = low + kernel.shape
        if (low < 0).any() or (high > pet.shape).any():
            return None
        part = pet[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        mean = float((part * kernel).sum())
        best = mean if best is None else max(best, mean)
    return best


@cache
def _sphere_weights(spacing_mm: tuple[float, float, float], fine: int = 25) -> NDArray[np.float64]:
    """Share of each voxel in the 1 cm3 sphere round a voxel's centre, from ``fine``^3 points a voxel; sums to 1."""
    half = [math.ceil((PEAK_RADIUS_MM - s / 2.0) / s) for s in spacing_mm]
    points = [
        ((np.arange((2 * h + 1) * fine) + 0.5) / fine - h - 0.5) * s for h, s in zip(half, spacing_mm, strict=True)
    ]
    z, y, x = np.meshgrid(*points, indexing="ij", sparse=True)
    hit = z**2 + y**2 + x**2 <= PEAK_RADIUS_MM**2
    weights = hit.reshape([v for h in half for v in (2 * h + 1, fine)]).sum((1, 3, 5))
    return np.asarray(weights / weights.sum(), np.float64)
