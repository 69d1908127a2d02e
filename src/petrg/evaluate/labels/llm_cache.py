"""Answers kept on this machine by model, prompt and text, so that a report is paid for once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from petrg.anatomy import Region
from petrg.errors import OutputError, ReportError
from petrg.evaluate.labels.evidence import CaseEvidence, cell_of, evidence_of
from petrg.evaluate.labels.label_set import Cell
from petrg.files import write_file
from petrg.report.model import Model

__all__ = ["cache_folder", "cache_key", "keep", "kept", "prepare"]


class _Kept(Model):
    """Labels, rules and character positions; neither the report nor a quote of it, the description apart."""

    schema_version: Literal[1] = 1
    evidence: CaseEvidence
    descriptions: Annotated[dict[Region, str], Field(description="the labels' own words on CT")]


def cache_folder() -> Path:
    """``petrg/llm`` in XDG_CACHE_HOME, else in ``~/.cache``.

    Raises
    ------
    OutputError
        If there is neither.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(home) if home.startswith("/") else Path.home() / ".cache") / "petrg" / "llm"
    except RuntimeError:
        raise _no_cache("there is no home folder") from None


def prepare(folder: Path) -> None:
    """Make the folder, for the user alone, before anything is paid for.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _no_cache(f"cannot make the cache folder: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _no_cache("cannot write the cache folder")


def _no_cache(found: str) -> OutputError:
    return OutputError(found, "a folder for answers", "set XDG_CACHE_HOME, or give --no-cache")


def cache_key(model: str, prompt: str, language: str, text: str) -> str:
    """SHA-256 over all that decides an answer: model, version of the prompt, its language, the text."""
    return hashlib.sha256(json.dumps([model, prompt, language, text]).encode()).hexdigest()


def keep(folder: Path, key: str, cells: dict[Region, Cell], language: str) -> None:
    """Keep an answer in a folder that :func:`prepare` made.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    held = _Kept(
        evidence=evidence_of(cells, None, language),
        descriptions={region: cell.description for region, cell in cells.items()},
    )
    write_file(_path(folder, key), held.to_json())


def kept(folder: Path, key: str, length: int) -> dict[Region, Cell] | None:
    """The answer kept under ``key`` for a text of ``length`` characters; None where there is none that can be used."""
    path = _path(folder, key)
    try:
        held = _Kept.read(path) if path.is_file() else None
        if held is None or set(held.evidence.regions) != set(Region):
            return None
        regions = held.evidence.regions
        cells = {region: cell_of(regions[region], held.descriptions.get(region, "")) for region in Region}
    except (ReportError, ValueError):
        return None
    ends = [spot.end for cell in cells.values() for spots in cell.spots for spot in spots]
    return cells if max(ends, default=0) <= length else None


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.json"
