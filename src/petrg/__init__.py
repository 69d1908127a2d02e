"""petrg drafts PET/CT reports in which every number was measured and says where.

The public names are loaded on first use, so ``import petrg`` costs almost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from petrg.anatomy import NodalGroup, Region, Side
    from petrg.draft.check import check
    from petrg.draft.pipeline import draft
    from petrg.errors import InputError, PetrgError
    from petrg.imaging import Context, Grid, Quantity, Study, Volume, read_context, read_study
    from petrg.language.style import Style
    from petrg.measure.measure import measure
    from petrg.report import Record, Report

__version__ = "0.1.0"

__all__ = [
    "Context",
    "Grid",
    "InputError",
    "NodalGroup",
    "PetrgError",
    "Quantity",
    "Record",
    "Region",
    "Report",
    "Side",
    "Study",
    "Style",
    "Volume",
    "check",
    "draft",
    "measure",
    "read_context",
    "read_study",
]

_HOME = {
    "Context": "petrg.imaging",
    "Grid": "petrg.imaging",
    "InputError": "petrg.errors",
    "NodalGroup": "petrg.anatomy",
    "PetrgError": "petrg.errors",
    "Quantity": "petrg.imaging",
    "Record": "petrg.report",
    "Region": "petrg.anatomy",
    "Report": "petrg.report",
    "Side": "petrg.anatomy",
    "Study": "petrg.imaging",
    "Style": "petrg.language.style",
    "Volume": "petrg.imaging",
    "check": "petrg.draft.check",
    "read_context": "petrg.imaging",
    "read_study": "petrg.imaging",
}


def __getattr__(name: str) -> Any:
    if name in ("draft", "measure"):  # rooms that are also verbs
        return import_module(f"petrg.{name}")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'petrg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
