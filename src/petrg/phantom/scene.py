"""A scene: solids with a CT number, an SUV and a name, painted in order on any grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petrg.imaging.grid import Grid
from petrg.phantom.shapes import Solid, Voxel

__all__ = ["AIR_HU", "Axes", "Canvas", "Item", "axes_of", "paint", "paint_item"]

AIR_HU = -1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One solid and what it holds; None leaves that modality as it was painted before.

    ``label`` is a class name of TotalSegmentator's task "total"; ``""`` clears the label below.
    """

    solid: Solid
    hu: float | None = None
    suv: float | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Voxel centres along x, y, z of an axis-aligned grid, mm, ascending, and the voxel's size."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    z: NDArray[np.float32]
    voxel: Voxel


@dataclass(slots=True, eq=False)
class Canvas:
    """What is painted on: any of the three may be absent."""

    ct: NDArray[np.float32] | None = None
    pet: NDArray[np.float32] | None = None
    labels: NDArray[np.uint8] | None = None

    def cut(self, part: slice) -> Canvas:
        """The same images, some slices of them."""
        return Canvas(
            None if self.ct is None else self.ct[part],
            None if self.pet is None else self.pet[part],
            None if self.labels is None else self.labels[part],
        )


def axes_of(grid: Grid) -> Axes:
    """The axes of an axis-aligned grid with ascending coordinates."""
    nz, ny, nx = grid.shape
    dz, dy, dx = grid.spacing_mm
    x, y, z = (
        (start + step * np.arange(n)).astype(np.float32)
        for start, step, n in zip(grid.origin_mm, (dx, dy, dz), (nx, ny, nz), strict=True)
    )
    return Axes(x, y, z, Voxel(dx, dy, dz, float(np.cbrt(dx * dy * dz))))


def paint(items: Sequence[Item], axes: Axes, canvas: Canvas, codes: Mapping[str, int], slab: int = 8) -> None:
    """Paint ``items`` in order; slabs of ``slab`` slices keep the work in cache and run on two threads."""
    nz = len(axes.z)
    boxes = np.array([item.solid.bounds for item in items])

    def one(start: int) -> None:
        stop = min(start + slab, nz)
        part = Axes(axes.x, axes.y, axes.z[start:stop], axes.voxel)
        view = canvas.cut(slice(start, stop))
        for number, cut in _cuts(boxes, part):
            _paint(items[number], part, view, codes, cut)

    starts = range(0, nz, slab)
    if nz * len(axes.y) * len(axes.x) < 1_000_000:
        for start in starts:
            one(start)
        return
    with ThreadPoolExecutor(2) as pool:
        _exhaust(pool.map(one, starts))


def _exhaust(results: Iterable[None]) -> None:
    for _ in results:
        pass


Cut = tuple[slice, slice, slice]


def _cuts(boxes: NDArray[np.float64], axes: Axes) -> Iterator[tuple[int, Cut]]:
    """Number and (z, y, x) slices of every item that touches these voxels; the ramp reaches half a voxel out."""
    reach = 0.6 * max(axes.voxel)
    ends = []
    for axis, values in enumerate((axes.x, axes.y, axes.z)):
        ends.append(values.searchsorted(boxes[:, 0, axis] - reach).tolist())
        ends.append(values.searchsorted(boxes[:, 1, axis] + reach).tolist())
    for number, (x0, x1, y0, y1, z0, z1) in enumerate(zip(*ends, strict=True)):
        if x1 > x0 and y1 > y0 and z1 > z0:
            yield number, (slice(z0, z1), slice(y0, y1), slice(x0, x1))


def paint_item(item: Item, axes: Axes, canvas: Canvas, codes: Mapping[str, int]) -> None:
    """Paint one item over what is there."""
    for _, cut in _cuts(np.array([item.solid.bounds]), axes):
        _paint(item, axes, canvas, codes, cut)


def _paint(item: Item, axes: Axes, canvas: Canvas, codes: Mapping[str, int], cut: Cut) -> None:
    filled = item.solid.coverage(axes.x[cut[2]], axes.y[cut[1]], axes.z[cut[0]], axes.voxel)
    for image, value in ((canvas.ct, item.hu), (canvas.pet, item.suv)):
        if image is not None and value is not None:
            part = image[cut]
            change = np.float32(value) - part
            change *= filled
            part += change
    if canvas.labels is not None and item.label is not None:
        canvas.labels[cut][filled >= 0.5] = codes[item.label] if item.label else 0
