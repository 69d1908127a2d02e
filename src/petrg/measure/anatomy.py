"""The seam between measuring and knowing where in the body a point is.

Whatever answers these questions can stand behind `measure`: an outside label map
(`petrg.measure.label_anatomy`), coarse landmarks read from the images (`petrg.measure.landmark_anatomy`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import NodalGroup, Region
from petrg.errors import Problem
from petrg.report.record import RegionCandidate, RegionGuess

__all__ = ["Anatomy", "Doubtful", "Guess", "Located", "to_region_guess"]


@dataclass(frozen=True, slots=True)
class Guess:
    """Where a focus may be.

    Parameters
    ----------
    regions : tuple of (Region, float)
        Regions and their probabilities, most probable first; they sum to at most 1.
    nodal_group : NodalGroup or None
        The group, if the focus is a lymph node of the most probable region.
    organ : str or None
        The organ below the region that rules of physiologic uptake ask for, e.g. ``"urinary_bladder"``.
    """

    regions: tuple[tuple[Region, float], ...]
    nodal_group: NodalGroup | None = None
    organ: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Whether a region is in the field and found there.

    Parameters
    ----------
    in_field, in_ct_field : float
        The part of the region that the PET and the CT cover, 0 ... 1; 0 where there is no CT.
    probability : float
        Probability that a focus of the region would be named as this region's.
    why : str
        What it rests on, in words.
    """

    in_field: float
    probability: float
    why: str = ""
    in_ct_field: float = 0.0


class Anatomy(Protocol):
    """What measuring asks of anatomy; every place is in mm of the patient, LPS+."""

    @property
    def name(self) -> str:
        """How regions are located, as the record says it."""

    def locate(self, points_mm: NDArray[np.float64]) -> Guess:
        """The region of one focus.

        Parameters
        ----------
        points_mm : (n, 3) float64
            The hottest voxel first, then others of the focus.
        """

    def located(self, region: Region) -> Located:
        """Whether ``region`` is in the field and found there."""

    def problems(self) -> tuple[Problem, ...]:
        """What the reader should know, e.g. organs on the wrong side."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An anatomy of a body that may lie otherwise than the header says: nothing is located with certainty.

    Every probability is halved, so that no focus counts as located and no region is called normal.
    """

    base: Anatomy

    @property
    def name(self) -> str:
        """The name of the anatomy in doubt, and that it is."""
        return f"{self.base.name}, orientation in doubt"

    def locate(self, points_mm: NDArray[np.float64]) -> Guess:
        """The guess of the anatomy in doubt at half its probabilities."""
        guess = self.base.locate(points_mm)
        return replace(guess, regions=tuple((region, p / 2) for region, p in guess.regions), nodal_group=None)

    def located(self, region: Region) -> Located:
        """The same field, located with half the probability."""
        found = self.base.located(region)
        return replace(found, probability=found.probability / 2, why=f"{found.why}; orientation in doubt")

    def problems(self) -> tuple[Problem, ...]:
        """Those of the anatomy in doubt."""
        return self.base.problems()


def to_region_guess(guess: Guess, keep: int = 3) -> RegionGuess:
    """The guess as the record holds it: the first ``keep`` candidates."""
    rows = [RegionCandidate(id=r, probability=round(p, 3)) for r, p in guess.regions[:keep]]
    return RegionGuess(id=rows[0].id, probability=rows[0].probability, candidates=tuple(rows))
