"""Anatomy from an outside label map: organs by their voxels, nodes and soft tissue by what lies around."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petrg.anatomy import BodyPart, Region, Side, body_part
from petrg.errors import MaskError, Problem
from petrg.imaging import Grid, Volume
from petrg.measure.anatomy import Guess, Located
from petrg.measure.atlas import accuracy, extent_mm
from petrg.measure.between import between_organs
from petrg.measure.body import sample_mask
from petrg.measure.landmark_anatomy import LandmarkAnatomy
from petrg.measure.landmarks import Landmarks

__all__ = ["LabelAnatomy", "LabelMapLike"]

INSIDE, AT_EDGE = 0.87, 0.65
"""Probability of an organ's region where a focus lies well inside the organ, or across its edge."""
_REACH_MM = 45.0
_SITUS_MM = 10.0
_WHOLE = {
    Region.BRAIN,
    Region.LUNG_PLEURA,
    Region.HEART,
    Region.LIVER,
    Region.SPLEEN,
    Region.PANCREAS,
    Region.KIDNEYS,
    Region.SPINE,
    Region.PELVIS_LIMB_BONES,
}
"""Regions that a label map holds as a whole: a place far from all their parts is not in them."""
_FAR, _FAR_MM = 0.2, 8.0
_CORE = 0.4
"""The part of a focus nearest its middle that decides the organ; its rim is blur."""


class LabelMapLike(Protocol):
    """Integer labels and their names, as `petrg.imaging.masks.read_label_map` returns them."""

    @property
    def volume(self) -> Volume:
        """Labels on any grid of the same frame of reference."""

    @property
    def names(self) -> Mapping[int, str]:
        """Class name of each label."""


class LabelAnatomy:
    """`petrg.measure.anatomy.Anatomy` from a label map.

    Parameters
    ----------
    label_map : LabelMapLike
        In TotalSegmentator's class names; others are ignored.
    grid : Grid
        Of the PET.
    marks : Landmarks
        For sides and for what the label map does not hold.
    ct : Volume or None
        Tells tissues apart there.

    Raises
    ------
    MaskError
        If no known part lies in the PET's field.
    """

    def __init__(self, label_map: LabelMapLike, grid: Grid, marks: Landmarks, ct: Volume | None = None) -> None:
        self._volume, self._grid, self._marks = label_map.volume, grid, marks
        self._coarse = LandmarkAnatomy(marks, ct)
        self._parts: dict[int, BodyPart] = {
            code: part for code, name in label_map.names.items() if (part := body_part(name)) is not None
        }
        self._boxes = ndimage.find_objects(np.asarray(self._volume.array, np.int32))
        self._codes = [c for c in self._parts if c <= len(self._boxes) and self._boxes[c - 1] is not None]
        self.name = f"label map, {len(self._codes)} parts"
        if not any((np.asarray(self._pet_index(c)) >= 0).all() for c in self._codes):
            raise MaskError(
                f"a label map with {len(self._codes)} known parts, none of them in the PET's field",
                "a label map of this study",
                "check its affine and that its names come with it",
            )

    def _pet_index(self, code: int) -> NDArray[np.int64]:
        """Middle of a part's box as PET index, -1 where outside."""
        middle = [(s.start + s.stop - 1) / 2 for s in self._boxes[code - 1]]
        index = np.rint(self._grid.to_index(self._volume.grid.to_mm(middle))).astype(np.int64)
        return np.where((index >= 0) & (index < self._grid.shape), index, -1)

    def part(self, name: str) -> NDArray[np.bool_] | None:
        """One part on the PET grid; None where the map does not hold it there."""
        codes = [c for c in self._codes if self._parts[c].name == name]
        if not codes:
            return None
        mask = sample_mask(np.isin(self._volume.array, codes), self._volume.grid, self._grid)
        return mask if mask.any() else None

    def descending_aorta(self) -> NDArray[np.bool_] | None:
        """The thoracic aorta where it lies beside the spine: behind its own middle, above the liver's middle."""
        aorta = self.part("aorta")
        if aorta is None:
            return None
        mm = self._grid.to_mm(np.argwhere(aorta))
        low = self._middle_of("liver")
        floor = -np.inf if low is None else low[2]
        keep = np.zeros_like(aorta)
        index = np.argwhere(aorta)
        for z in np.unique(index[:, 0]).tolist():
            rows = index[:, 0] == z
            y = mm[rows, 1]
            own = rows.copy()
            if np.ptp(y) > 45.0:  # arch or both limbs: the hind one descends
                own[rows] = y > y.max() - 30.0
            own &= mm[:, 2] > floor
            keep[tuple(index[own].T)] = True
        return keep if keep.any() else None

    def _middle_of(self, name: str) -> NDArray[np.float64] | None:
        codes = [c for c in self._codes if self._parts[c].name == name]
        if not codes:
            return None
        ends = [[(s.start + s.stop - 1) / 2 for s in self._boxes[c - 1]] for c in codes]
        return np.asarray(self._volume.grid.to_mm(np.mean(ends, 0)), np.float64)

    def locate(self, points_mm: NDArray[np.float64]) -> Guess:
        """The organ most of the focus lies in; between organs, rules on what lies around."""
        away = np.linalg.norm(points_mm - points_mm.mean(0), axis=1)
        codes = self._labels_at(points_mm[np.argsort(away)[: max(1, round(_CORE * len(points_mm)))]])
        regions: dict[Region, float] = {}
        for code, share in codes.items():
            region = self._region(code, points_mm[0])
            regions[region] = regions.get(region, 0.0) + share
        if not regions or sum(regions.values()) < 0.5:
            return self._between(points_mm)
        known = sum(regions.values())
        first, share = max(regions.items(), key=lambda item: item[1])
        top = AT_EDGE + (INSIDE - AT_EDGE) * float(np.clip((share - 0.5) / 0.4, 0.0, 1.0))
        rest = {r: (1 - top) * s / known for r, s in regions.items() if r is not first}
        ranked = sorted(rest.items(), key=lambda item: -item[1])
        organ = max((c for c in codes if self._region(c, points_mm[0]) is first), key=lambda c: codes[c])
        return Guess(((first, top), *ranked), None, self._parts[organ].name)

    def _labels_at(self, points_mm: NDArray[np.float64]) -> dict[int, float]:
        index = np.rint(self._volume.grid.to_index(points_mm)).astype(np.int64)
        valid = ((index >= 0) & (index < self._volume.grid.shape)).all(1)
        codes = np.asarray(self._volume.array[tuple(index[valid].T)], np.int64)
        values, count = np.unique(codes, return_counts=True)
        share = dict(zip(values.tolist(), (count / len(points_mm)).tolist(), strict=True))
        return {c: s for c, s in share.items() if c in self._parts}

    def _region(self, code: int, mm: NDArray[np.float64]) -> Region:
        part = self._parts[code]
        if part.name == "aorta":
            liver = self._middle_of("liver")
            if liver is not None and mm[2] < liver[2]:
                return Region.RETROPERITONEUM
        return part.region

    def _between(self, points_mm: NDArray[np.float64]) -> Guess:
        """The landmarks' guess, corrected by what lies around: rules on neighbours, organs that are too far."""
        middle = points_mm.mean(0)
        near = self._near(middle)
        left = float(middle[0] - self._marks.midline_x[self._marks.slice_of(middle)])
        rule = between_organs(near, left)
        if not self._marks.anchors:
            return rule
        coarse = self._coarse.locate(points_mm)
        odds = {r: p * (_FAR if self._too_far(r, near) else 1.0) for r, p in coarse.regions}
        told, probability = rule.regions[0]
        odds[told] = max(odds[told], 0.02) * probability / (1.0 - probability)
        total = sum(odds.values()) + 0.02
        ranked = sorted(((r, w / total) for r, w in odds.items()), key=lambda item: -item[1])
        first = ranked[0][0]
        source = next((g for g in (rule, coarse) if g.regions[0][0] is first), None)
        if source is None:
            return Guess(tuple(ranked))
        return Guess(tuple(ranked), source.nodal_group, source.organ)

    def _near(self, middle: NDArray[np.float64]) -> dict[str, float]:
        """Distance in mm to every part within reach."""
        centre = self._volume.grid.to_index(middle)
        reach = _REACH_MM / np.array(self._volume.grid.spacing_mm)
        low = np.floor(centre - reach).astype(int).clip(0)
        high = np.minimum(np.ceil(centre + reach).astype(int) + 1, self._volume.grid.shape)
        if not (high > low).all():
            return {}
        box = np.asarray(self._volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], np.int64)
        codes = box[box > 0]
        away = np.linalg.norm(self._volume.grid.to_mm(np.argwhere(box > 0) + low) - middle, axis=1)
        near: dict[str, float] = {}
        for code in np.unique(codes).tolist():
            if code in self._parts:
                name, distance = self._parts[code].name, float(away[codes == code].min())
                if distance <= min(_REACH_MM, near.get(name, np.inf)):
                    near[name] = distance
        return near

    def _too_far(self, region: Region, near: Mapping[str, float]) -> bool:
        """Whether the map holds the whole of ``region`` and none of it near."""
        if region not in _WHOLE or not any(self._parts[c].region is region for c in self._codes):
            return False
        names = {self._parts[c].name for c in self._codes if self._parts[c].region is region}
        return min((d for name, d in near.items() if name in names), default=_REACH_MM) > _FAR_MM

    def located(self, region: Region) -> Located:
        """In the field as far as its parts, or what they stand for, are."""
        own = [c for c in self._codes if self._parts[c].region is region]
        if own:
            low = min(self._z_ends(c)[0] for c in own)
            high = max(self._z_ends(c)[1] for c in own)
            bottom, top = self._marks.field_mm
            part = float(np.clip((min(high, top) - max(low, bottom)) / max(high - low, 1.0), 0.0, 1.0))
            return Located(round(part, 2), round(accuracy(region, "map") * part, 3), "label map", 1.0)
        return self._by_neighbours(region)

    def _by_neighbours(self, region: Region) -> Located:
        """Regions without parts of their own (nodes, soft tissue): by the height that known parts give."""
        bottom, top = (self._height(z) for z in self._marks.field_mm)
        if bottom is None or top is None:
            return Located(1.0, 0.0, "no part of the label map tells", 1.0)
        low, high = extent_mm(region)
        part = float(np.clip((min(high, top) - max(low, bottom)) / (high - low), 0.0, 1.0))
        sure = min(1.0, len(self._marks.anchors) / 4)
        p = round(accuracy(region, "map") * sure * part, 3)
        return Located(round(part, 2), p, "between parts of the label map", round(part, 2))

    def _height(self, z_mm: float) -> float | None:
        value, _ = self._marks.height(z_mm)
        return None if np.isnan(value) else value

    def _z_ends(self, code: int) -> tuple[float, float]:
        box = self._boxes[code - 1][0]
        ends = self._volume.grid.to_mm([[box.start, 0, 0], [box.stop - 1, 0, 0]])[:, 2]
        return float(ends.min()), float(ends.max())

    def problems(self) -> tuple[Problem, ...]:
        """Liver on the left or heart on the right of the midline; nothing is flipped."""
        out = []
        for name, expected in (("liver", Side.RIGHT), ("heart", Side.LEFT)):
            mask = self.part(name)
            if mask is None:
                continue
            index = np.argwhere(mask)
            index = index[self._marks.midline.known[index[:, 0]]]
            if index.size == 0:
                continue
            off = float((self._grid.to_mm(index)[:, 0] - self._marks.midline_x[index[:, 0]]).mean())
            if (off > _SITUS_MM) if expected is Side.RIGHT else (off < -_SITUS_MM):
                out.append(
                    Problem(
                        "orientation-or-situs",
                        f"the {name} lies {abs(off):.0f} mm {expected.other} of the midline; orientation or situs: "
                        "check, nothing was flipped",
                    )
                )
        return tuple(out)
