"""Labels of the 24 regions from report text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["LABELS"]

LABELS: Mapping[str, Callable[..., None]] = {}
