"""One verb a file; each imports what it needs when it runs, so that help stays light."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from petrg.cli.verbs.benchmark import BENCHMARK
from petrg.cli.verbs.labels import LABELS
from petrg.cli.verbs.score import SCORE

__all__ = ["GROUPS"]

GROUPS: tuple[tuple[str, str, Mapping[str, Callable[..., None]]], ...] = (
    ("score", "Scores of reports and labels, each beside its controls.", SCORE),
    ("labels", "Labels of the 24 regions read from report text.", LABELS),
    ("benchmark", "Benchmarks as folders, and leaderboards of them.", BENCHMARK),
)
