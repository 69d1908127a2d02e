"""Label sets as arrays of classes, with a column of its own for predictions that are missing or no class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.evaluate.statistics.statistic import AT_ONCE, Floats, Ints
from petrg.report import Structure, Uptake

__all__ = ["CT", "PET", "Codes", "Scale", "codes_of", "pair_counts", "permuted_counts"]


@dataclass(frozen=True)
class Scale:
    """The classes of one modality; a code is the class minus one, and ``missing`` the code behind the last class.

    ``abnormal`` are the classes of the paper's "Abnormal"; ``marked`` those that say something is wrong: class 3 of
    PET, stated physiologic, is not among them.
    """

    modality: Literal["PET", "CT"]
    classes: type[IntEnum]
    marked: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def missing(self) -> int:
        """The code of a prediction that is absent or no class."""
        return self.count

    @property
    def abnormal(self) -> tuple[int, ...]:
        """Codes of all classes but normal, the last."""
        return tuple(range(self.count - 1))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes in words, in order."""
        return tuple(c.name.lower().replace("_", " ") for c in self.classes)


PET = Scale("PET", Uptake, tuple(int(u) - 1 for u in (Uptake.HIGH, Uptake.EQUIVOCAL, Uptake.REDUCED)))
CT = Scale("CT", Structure, tuple(int(s) - 1 for s in Structure if s is not Structure.NORMAL))


@dataclass(frozen=True)
class Codes:
    """The labels of n cases on one scale.

    Parameters
    ----------
    codes : (n, 24) int
        Class minus one, regions in report order; ``scale.missing`` where there is none.
    silent, no_region, no_class : (n, 24) bool
        Where nothing was said (scored as normal), the region is absent from the file, the value is no class.
    no_case : (n,) bool
        Where there is no file.
    """

    codes: Ints
    silent: NDArray[np.bool_]
    no_region: NDArray[np.bool_]
    no_class: NDArray[np.bool_]
    no_case: NDArray[np.bool_]


def codes_of(labels: LabelSet, ids: Sequence[str], scale: Scale, *, reference: bool) -> Codes:
    """The labels of ``ids`` in that order.

    Silence (None) is normal, by the authors' rule. A missing file, a missing region and a value that is no class
    get the code ``scale.missing``; in a reference they are refused.

    Raises
    ------
    ScoreError
        If a reference lacks a case or a region or holds a value that is no class; names the row and the region.

    Examples
    --------
    >>> from petrg.evaluate.labels.label_set import Cell, LabelSet
    >>> one = LabelSet(labeller="given", cases={"a": {Region.LIVER: Cell(pet=Uptake.HIGH)}})
    >>> codes_of(one, ["a"], PET, reference=False).codes[0, 9:12].tolist()
    [5, 0, 5]
    """
    shape = (len(ids), len(Region))
    codes = np.full(shape, scale.missing, dtype=np.intp)
    silent, no_region, no_class = (np.zeros(shape, dtype=bool) for _ in range(3))
    no_case = np.zeros(len(ids), dtype=bool)
    for row, case in enumerate(ids):
        cells = labels.cases.get(case)
        if cells is None:
            no_case[row] = True
            continue
        for column, region in enumerate(Region):
            if (cell := cells.get(region)) is None:
                no_region[row, column] = True
                continue
            value, fault = _of(cell, scale)
            if fault:
                no_class[row, column] = True
                continue
            silent[row, column] = value is None
            codes[row, column] = scale.count - 1 if value is None else int(value) - 1
    found = Codes(codes, silent, no_region, no_class, no_case)
    if reference:
        _expect_whole(found, scale)
    return found


def pair_counts(reference: Ints, prediction: Ints, scale: Scale) -> Floats:
    """Confusion counts of each case.

    Returns
    -------
    (n, k * (k + 1)) float64
        Reference classes in rows, predicted ones and "missing" in columns, flattened.
    """
    return _counts(reference * (scale.count + 1) + prediction, scale)


def permuted_counts(reference: Ints, prediction: Ints, orders: Ints, scale: Scale) -> Floats:
    """Pooled confusion counts (p, k * (k + 1)) where case i has the prediction of case ``orders[p, i]``."""
    rows = np.empty((len(orders), scale.count * (scale.count + 1)))
    base = reference * (scale.count + 1)
    step = max(1, AT_ONCE // max(1, reference.size))
    for start in range(0, len(orders), step):
        pairs = base[None] + prediction[orders[start : start + step]]
        rows[start : start + step] = _counts(pairs.reshape(len(pairs), -1), scale)
    return rows


def _counts(pairs: Ints, scale: Scale) -> Floats:
    size = scale.count * (scale.count + 1)
    offset = np.arange(len(pairs), dtype=np.intp)[:, None] * size
    return np.bincount((pairs + offset).ravel(), minlength=len(pairs) * size).reshape(-1, size).astype(np.float64)


def _of(cell: Cell, scale: Scale) -> tuple[IntEnum | None, bool]:
    return (cell.pet, cell.pet_fault) if scale.modality == "PET" else (cell.ct, cell.ct_fault)


def _expect_whole(found: Codes, scale: Scale) -> None:
    do = "complete the reference or leave the case out"
    if found.no_case.any():
        row = int(found.no_case.argmax())
        raise ScoreError(f"case {row + 1} has no reference labels", "a label file for every case", do)
    for there, what in ((found.no_region, "is missing"), (found.no_class, f"has no {scale.modality} class")):
        if there.any():
            row, column = np.argwhere(there)[0]
            raise ScoreError(
                f"reference of case {row + 1}: region {list(Region)[column].value!r} {what}",
                f"all 24 regions with a class 1 to {scale.count}",
                do,
            )
