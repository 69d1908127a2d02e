"""The labels of many cases by one labeller; scores of different labellers never meet in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from petrg.anatomy import Region
from petrg.report import Structure, Uptake

__all__ = ["Cell", "LabelSet", "Spot"]


class Spot(NamedTuple):
    """Where a label was read: characters ``start``:``end`` of the case's text."""

    start: int
    end: int


class Cell(NamedTuple):
    """The label of one region of one case.

    ``pet`` and ``ct`` are None where nothing was said, or the region was not assessed: scoring reads that as
    normal (the authors' rule for silence) and counts it. ``fault`` names a value that is no class; it counts as
    wrong. ``rules`` and ``spots`` (PET, CT, SUV) are there where the labeller tells them.
    """

    pet: Uptake | None = None
    ct: Structure | None = None
    suv_max: float | None = None
    description: str = ""
    pet_fault: bool = False
    ct_fault: bool = False
    basis: tuple[str, str, str] = ("", "", "")
    rules: tuple[str, str, str] = ("", "", "")
    spots: tuple[tuple[Spot, ...], tuple[Spot, ...], tuple[Spot, ...]] = ((), (), ())


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """Labels by case id and region.

    Parameters
    ----------
    labeller : str
        Name and version, e.g. ``petrg-reading 3 (3f2a9c1b)``, ``llm NAME prompt 1``; "given" where a folder
        does not say.
    cases : mapping of id -> mapping of Region -> Cell
        A region that a file lacks is absent here: it counts as wrong. All 24 are there otherwise.
    texts : mapping of id -> text
        What was labelled, where known; for showing disagreements.
    languages : mapping of id -> language code
        In which language a text was read, where known.
    """

    labeller: str
    cases: Mapping[str, Mapping[Region, Cell]]
    texts: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)
