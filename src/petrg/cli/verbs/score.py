"""Scores of reports and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["SCORE"]

SCORE: Mapping[str, Callable[..., None]] = {}
