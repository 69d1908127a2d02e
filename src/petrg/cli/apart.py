"""Where a verb of scoring may write: not into what it reads, not into a benchmark."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

__all__ = ["expect_apart"]


def expect_apart(out: Path, *inputs: Path | None, writes: Collection[str] = ()) -> None:
    """Refuse an ``out`` that mixes results with input, before any work; parameters as in `petrg.files.expect_apart`.

    Raises
    ------
    OutputError
        If ``out`` is an input folder, would replace an input file, or lies in a benchmark but for its results.
    """
    from petrg import files
    from petrg.evaluate.benchmark.content import expect_outside

    expect_outside(out)
    files.expect_apart(out, *inputs, writes=writes)
