"""What one voxel value means."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Quantity"]


class Quantity(StrEnum):
    """The physical quantity of a volume; the value is its unit."""

    HU = "HU"
    """CT number, Hounsfield units."""
    ACTIVITY = "Bq/ml"
    """Activity concentration, decay-corrected as its series says."""
    SUV_BW = "g/ml"
    """Standardised uptake value by body weight."""
    LABEL = "1"
    """Integer labels; 0 is background."""
