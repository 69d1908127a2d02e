"""Coarse anatomy from landmarks and a standard body; honest about how little it knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Region
from petrg.errors import Problem
from petrg.imaging import Volume
from petrg.measure.anatomy import Guess, Located
from petrg.measure.atlas import Place, Tissue, Way, accuracy, extent_mm, probabilities
from petrg.measure.landmarks import Landmarks

__all__ = ["LandmarkAnatomy"]

_BONE_HU, _AIR_HU = 180.0, -500.0
_SITUS_MM = 10.0
_BRAIN = 0.95
"""Probability of the brain where a hot mass fills the head."""
_ENOUGH_ANCHORS = 4
"""Fewer landmarks than this leave levels to extrapolation."""


class LandmarkAnatomy:
    """`petrg.measure.anatomy.Anatomy` from landmarks.

    Parameters
    ----------
    landmarks : Landmarks
    ct : Volume or None
        Tells air, bone and soft tissue apart at a focus.
    """

    name = "landmarks-1"

    def __init__(self, landmarks: Landmarks, ct: Volume | None = None) -> None:
        self._marks, self._ct = landmarks, ct

    def locate(self, points_mm: NDArray[np.float64]) -> Guess:
        """The region of one focus by its middle, its hottest voxel deciding the tissue; the brain by its own mask."""
        if self._in_brain(points_mm[0]):
            return Guess(((Region.BRAIN, _BRAIN),), None, "brain")
        if not self._marks.anchors:
            even = 1.0 / len(Region)
            return Guess(((Region.MUSCLE_SUBCUTIS, even), *((r, even) for r in Region if r != "muscle-subcutis")))
        place = self.place(points_mm.mean(0), points_mm[0])
        ranked, row = probabilities(place)
        return Guess(ranked, row.nodal_group(place.left_mm), row.organ)

    def _in_brain(self, mm: NDArray[np.float64]) -> bool:
        if self._marks.brain is None:
            return False
        z, y, x = np.rint(self._marks.grid.to_index(mm)).astype(int)
        return bool(self._marks.brain[z, y, x])

    def place(self, mm: NDArray[np.float64], hottest_mm: NDArray[np.float64]) -> Place:
        """A point of the patient in the standard body."""
        marks = self._marks
        z = marks.slice_of(mm)
        height, error = marks.height(float(mm[2]))
        front, back = marks.front_y[z], marks.back_y[z]
        return Place(
            float((mm[0] - marks.midline_x[z]) * marks.scale**0.5),
            height,
            error,
            float((mm[1] - front) / max(back - front, 1.0)),
            self._tissue(hottest_mm),
        )

    def located(self, region: Region) -> Located:
        """By how much of the region's height the PET covers and how near the landmarks are."""
        if not self._marks.anchors:
            return Located(1.0, 0.0, "no landmark of the body was found", float(self._ct is not None))
        part = self._covered(region, self._marks.field_mm)
        names = ", ".join(a.name for a in self._marks.anchors)
        ct = 0.0
        if self._ct is not None:
            ends = self._ct.grid.to_mm([[0, 0, 0], [self._ct.grid.shape[0] - 1, 0, 0]])[:, 2]
            ct = self._covered(region, (float(ends.min()), float(ends.max())))
        sure = min(1.0, len(self._marks.anchors) / _ENOUGH_ANCHORS)
        way: Way = "pet" if self._ct is None else "ct"
        return Located(part, round(accuracy(region, way) * sure * part, 3), f"landmarks: {names}", ct)

    def _covered(self, region: Region, field_mm: tuple[float, float]) -> float:
        bottom, top = (self._marks.height(z)[0] for z in field_mm)
        low, high = extent_mm(region)
        return round(float(np.clip((min(high, top) - max(low, bottom)) / (high - low), 0.0, 1.0)), 2)

    def problems(self) -> tuple[Problem, ...]:
        """Whether what looks like the liver lies on the left, or what looks like the heart on the right."""
        marks, out = self._marks, []
        for name, mask, wrong in (("liver", marks.liver, "left"), ("heart", marks.heart, "right")):
            if mask is None:
                continue
            mm = marks.coarse_grid.to_mm(np.argwhere(mask))
            rows = marks.grid.to_index(mm)[:, 0].round().astype(int).clip(0, marks.grid.shape[0] - 1)
            known = marks.midline.known[rows]
            if known.mean() < 0.5:
                continue
            off = float((mm[known, 0] - marks.midline_x[rows[known]]).mean())
            if (off if wrong == "left" else -off) > _SITUS_MM:
                out.append(
                    Problem(
                        "orientation-or-situs",
                        f"what looks like the {name} lies {abs(off):.0f} mm {wrong} of the midline; orientation or "
                        "situs: check, nothing was flipped",
                    )
                )
        return tuple(out)

    def _tissue(self, mm: NDArray[np.float64]) -> Tissue | None:
        if self._ct is None:
            return None
        centre = self._ct.grid.to_index(mm)
        reach = 8.0 / np.array(self._ct.grid.spacing_mm)
        low = np.floor(centre - reach).astype(int)
        high = np.ceil(centre + reach).astype(int) + 1
        if (high <= 0).any() or (low >= self._ct.grid.shape).any():
            return None
        box = self._ct.array[tuple(slice(max(a, 0), b) for a, b in zip(low, high, strict=True))]
        if (box > _BONE_HU).mean() > 0.12:
            return "bone"
        return "air" if (box < _AIR_HU).mean() > 0.35 else "soft"
