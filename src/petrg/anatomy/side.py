"""Sides of the patient, never of the screen."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Side"]


class Side(StrEnum):
    """The patient's own side. In LPS coordinates left is +x.

    >>> Side.LEFT.other
    <Side.RIGHT: 'right'>
    """

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"
    BILATERAL = "bilateral"

    @property
    def other(self) -> Side:
        """The mirrored side; midline and bilateral are their own."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self, self)
