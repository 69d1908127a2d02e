"""Images into parts: one series, one matrix, one direction, one frame of reference."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from petrg.imaging.dicom.header import Slice, referenced
from petrg.imaging.dicom.values import string, strings

__all__ = ["Part", "parts_of"]

_NEVER_WORDS = re.compile(r"(?:^|[^A-Za-z])(MIP|FUSED|FUSION|REPROJECTION)(?:$|[^A-Za-z])", re.IGNORECASE)
_NEVER_TYPES = {
    "LOCALIZER": "scout (ImageType LOCALIZER)",
    "MIP": "maximum intensity projection",
    "MAX_IP": "maximum intensity projection",
    "MAXIP": "maximum intensity projection",
    "MIN_IP": "minimum intensity projection",
    "PROJECTION IMAGE": "projection",
    "RADIAL": "rotating projection",
    "FUSED": "fused images",
    "FUSION": "fused images",
    "VOLREN": "volume rendering",
}
_NEVER_SERIES = {
    "DYNAMIC": "dynamic series (0054,1000)",
    "GATED": "gated series (0054,1000)",
    "REPROJECTION": "projection (0054,1000)",
}
_ORIGINS = 4  # more distinct in-plane origins than this is drift within one stack, not parts


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one series that may make one grid.

    Parameters
    ----------
    slices : in the order found
    """

    slices: tuple[Slice, ...]

    @property
    def first(self) -> Slice:
        """An image to ask for what all share."""
        return self.slices[0]

    @property
    def modality(self) -> str:
        """``CT`` or ``PT``."""
        return self.first.modality

    @property
    def uid(self) -> str | None:
        """Series Instance UID; None where it is empty."""
        return self.first.series_uid

    @property
    def number(self) -> int | None:
        """Series Number."""
        return self.first.series_number

    @property
    def frame_of_reference(self) -> str | None:
        """Frame of Reference UID; None where it is empty."""
        return self.first.frame_of_reference

    @cached_property
    def never(self) -> str | None:
        """Why these images are never taken; None where they may be."""
        kinds = [_NEVER_TYPES[t] for t in self.first.image_type if t in _NEVER_TYPES]
        kinds += [_NEVER_SERIES[t] for t in self.first.series_type if t in _NEVER_SERIES]
        if kinds:
            return kinds[0]
        if self.first.pixels.samples != 1:
            return "colour images (fused or captured)"
        if len(self.slices) == 1:
            return "one image only"
        if self.first.description and _NEVER_WORDS.search(self.first.description):
            return "projection or fused images by their description"
        return None

    @cached_property
    def span_mm(self) -> tuple[float, float]:
        """Lowest and highest position along the normal, mm; (0, 0) where positions are missing or no numbers."""
        places = [s.position for s in self.slices if s.position is not None]
        if not places or self.first.orientation is None:
            return 0.0, 0.0
        row, column = np.array(self.first.orientation[:3]), np.array(self.first.orientation[3:])
        normal = np.cross(row, column)
        along = np.array(places) @ (normal * np.sign(normal[np.argmax(np.abs(normal))] or 1.0))
        return (float(along.min()), float(along.max())) if np.isfinite(along).all() else (0.0, 0.0)

    @property
    def coverage_mm(self) -> float:
        """Distance of the outermost images, mm."""
        return self.span_mm[1] - self.span_mm[0]

    @property
    def gap_mm(self) -> float:
        """Mean distance of neighbouring images, mm."""
        return self.coverage_mm / max(len(self.slices) - 1, 1)

    @cached_property
    def corrected(self) -> bool | None:
        """Whether attenuation is corrected (0028,0051), else (0054,1101); None where neither says."""
        terms = strings(self.first.dataset, 0x00280051)
        if terms:
            return "ATTN" in terms
        method = string(self.first.dataset, 0x00541101)
        return None if method is None else "NONE" not in method.upper()

    @property
    def original(self) -> bool:
        """Whether ImageType begins with ORIGINAL."""
        return self.first.image_type[:1] == ("ORIGINAL",)

    @property
    def acquired(self) -> str:
        """The earliest acquisition as sortable digits; "~" where unknown, which sorts last."""
        return min((s.acquired for s in self.slices if s.acquired), default="~")

    @property
    def contrast(self) -> bool:
        """Whether a contrast agent is named (0018,0010)."""
        agent = string(self.first.dataset, 0x00180010)
        return agent is not None and agent.upper() not in ("NONE", "NO")

    @cached_property
    def sources(self) -> frozenset[str]:
        """UIDs that the middle image names as its sources."""
        return referenced(self.slices[len(self.slices) // 2].dataset)

    def name(self) -> str:
        """How messages name the part: by number and count, never by its free text."""
        number = f" {self.number}" if self.number is not None else ""
        return f"{'PET' if self.modality == 'PT' else 'CT'} series{number} ({len(self.slices)} images)"


def parts_of(slices: Iterable[Slice]) -> list[Part]:
    """Group images into parts, largest coverage first."""
    groups: defaultdict[tuple[object, ...], list[Slice]] = defaultdict(list)
    for image in slices:
        groups[_key(image)].append(image)
    parts = [part for group in groups.values() for part in _by_origin(group)]
    return sorted(parts, key=lambda p: (-p.coverage_mm, -len(p.slices), p.acquired, p.number or 0, p.uid or ""))


def _key(s: Slice) -> tuple[object, ...]:
    identity: tuple[object, ...] = (s.series_uid,)
    if not s.series_uid:
        identity = (None, s.study_uid, s.series_number, s.description, string(s.dataset, 0x00280051))
    orientation = tuple(round(v, 2) + 0.0 for v in s.orientation) if s.orientation else None
    spacing = tuple(round(v, 3) for v in s.spacing) if s.spacing else None
    never = tuple(t for t in (*s.image_type, *s.series_type) if t in _NEVER_TYPES or t in _NEVER_SERIES)
    grid = (s.pixels.rows, s.pixels.columns, spacing, orientation, s.pixels.samples)
    return (*identity, s.modality, s.frame_of_reference, never, grid)


def _by_origin(group: list[Slice]) -> list[Part]:
    origins: defaultdict[tuple[float, ...] | None, list[Slice]] = defaultdict(list)
    for image in group:
        origins[_origin(image)].append(image)
    if 1 < len(origins) <= _ORIGINS and min(map(len, origins.values())) > 1:
        return [Part(tuple(images)) for images in origins.values()]
    return [Part(tuple(group))]


def _origin(s: Slice) -> tuple[float, ...] | None:
    """Where the first pixel lies within the plane, to 0.1 mm."""
    if s.position is None or s.orientation is None:
        return None
    place = np.array(s.position)
    return tuple(round(float(place @ np.array(axis)), 1) + 0.0 for axis in (s.orientation[:3], s.orientation[3:]))
