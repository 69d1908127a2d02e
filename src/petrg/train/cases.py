"""One study to learn from: its words, and where its images are had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Region
from petrg.errors import ModelError
from petrg.imaging import Study
from petrg.report import Structure, Uptake

__all__ = ["REGIONS", "Classes", "Raw", "Source", "Split", "Targets", "TrainCase", "expect_apart", "of_split"]

Split = Literal["train", "validation", "test"]
REGIONS = tuple(Region)
Classes = Mapping[Region, tuple[Uptake, Structure]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What is known of a study's voxels, on a grid of its own.

    Parameters
    ----------
    regions : (z, y, x) uint8 or None
        1 + the number of the region in `REGIONS`, 0 where none.
    lesions : (z, y, x) of an integer type or None
        Number of the lesion, 0 where none; None where no mask tells whether there are any.
    lesion_regions : tuple of int
        The region's number of each lesion, in order; -1 where it is not known.
    """

    regions: NDArray[np.uint8] | None = None
    lesions: NDArray[np.integer[Any]] | None = None
    lesion_regions: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """Images as they are read: a study in mm for ``petrg-1``, arrays as stored for the released recipe."""

    study: Study | None = None
    stored: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    targets: Targets | None = None


class Source(Protocol):
    """Where images come from."""

    def read(self, *, stored: bool) -> Raw:
        """The images; ``stored`` asks for arrays as a NIfTI file has them."""

    def digest(self) -> str:
        """Hash of the content; a changed byte changes it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainCase:
    """A study of a training set.

    Parameters
    ----------
    answer : str
        What is taught: the report, its numbers as slots where the recipe has slots.
    template : str or None
        The healthy report of its hospital and sex.
    source : Source or None
        None where images are not used.
    classes : mapping, optional
        Uptake and structure of the regions, where the truth tells them.
    """

    id: str
    patient: str
    split: Split
    answer: str
    language: str
    sex: str | None = None
    hospital: str | None = None
    template: str | None = None
    source: Source | None = field(default=None, repr=False)
    classes: Classes | None = field(default=None, repr=False)


def of_split(cases: Iterable[TrainCase], split: Split) -> list[TrainCase]:
    """The cases of one split, in their order."""
    return [case for case in cases if case.split == split]


def expect_apart(cases: Sequence[TrainCase]) -> None:
    """Refuse a patient in two splits, or an id twice.

    Raises
    ------
    ModelError
        Naming rows, never a patient.
    """
    seen: dict[str, tuple[int, Split]] = {}
    ids: dict[str, int] = {}
    for row, case in enumerate(cases, 1):
        before, split = seen.setdefault(case.patient, (row, case.split))
        if split != case.split:
            raise ModelError(
                f"row {row} of the manifest is in {case.split}, the same patient's row {before} in {split}",
                "each patient in one split",
                "move all studies of a patient to one split",
            )
        if ids.setdefault(case.id, row) != row:
            raise ModelError(
                f"row {row} of the manifest has the id of row {ids[case.id]}", "each id once", "correct it"
            )
