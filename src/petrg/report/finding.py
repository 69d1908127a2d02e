"""A finding: what is said of one place, independent of language."""

from __future__ import annotations

from petrg.anatomy import NodalGroup, Region, Side
from petrg.report.classes import Structure, Uptake
from petrg.report.model import Model

__all__ = ["Finding", "Span"]


class Span(Model):
    """Characters ``start`` up to ``end`` of a text."""

    start: int
    end: int


class Finding(Model):
    """What is said of one place; anything not said is None, never normal.

    ``size_mm`` are the diameters as stated, longest first. ``negated`` turns the finding into a denial.
    """

    region: Region
    uptake: Uptake | None = None
    structure: Structure | None = None
    site: str | None = None
    side: Side | None = None
    nodal_group: NodalGroup | None = None
    suv_max: float | None = None
    size_mm: tuple[float, ...] = ()
    description: str = ""
    negated: bool = False
    lesion_ids: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
