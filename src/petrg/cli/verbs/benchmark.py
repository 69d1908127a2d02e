"""Benchmarks as folders, and their leaderboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["BENCHMARK"]

BENCHMARK: Mapping[str, Callable[..., None]] = {}
