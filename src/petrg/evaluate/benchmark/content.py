"""The files that decide a score, and their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from petrg.errors import OutputError, ScoreError
from petrg.evaluate.benchmark.description import DESCRIPTION, Description

__all__ = ["IMAGES", "RESULTS", "content_hash", "digests", "expect_outside", "expect_whole"]

IMAGES = "images"
"""Scans of digital patients: verified where they are shown, no part of the hash."""
RESULTS = "results"
"""Where results may be kept beside the benchmark; no part of it."""
_OURS = frozenset({IMAGES, "labels", "systems"})


def digests(directory: Path, *, images: bool = True) -> dict[str, str]:
    """SHA-256 of each file by its path in the folder, in order of the paths; no description, no results.

    Raises
    ------
    ScoreError
        If a file cannot be read.
    """
    return {name: _digest(directory / name) for name in _names(directory, images=images)}


def content_hash(files: Mapping[str, str]) -> str:
    """The hash of a benchmark: SHA-256 over its files in order of their paths, images apart.

    Over lines as ``sha256sum`` prints them, so that ``sha256sum FILES | sha256sum`` gives the same.

    >>> content_hash({"b": "1" * 64, "a": "0" * 64}) == content_hash({"a": "0" * 64, "b": "1" * 64})
    True
    """
    whole = hashlib.sha256()
    for name in sorted(files):
        if not _is_image(name):
            whole.update(f"{files[name]}  {name}\n".encode())
    return whole.hexdigest()


def expect_whole(directory: Path, description: Description, *, images: bool = False) -> None:
    """Refuse a folder whose files are not, byte for byte, those that were made.

    Parameters
    ----------
    images : bool
        Read the images as well, which takes a while.

    Raises
    ------
    ScoreError
        If files were added, whose names are not said since they may be a patient's; at the first file that was changed
        or is missing.
    """
    recorded = {name: value for name, value in description.files.items() if images or not _is_image(name)}
    found = digests(directory, images=images)
    if stray := [name for name in found if name not in recorded]:
        raise ScoreError(
            f"{len(stray)} {'file is' if len(stray) == 1 else 'files are'} no part of the benchmark, the first "
            f"{_place(stray[0])}",
            "the benchmark as it was made",
            "take what was added away, or make it anew as another one",
        )
    for name in sorted(recorded):
        if name not in found:
            raise _broken(name, "is missing")
        if found[name] != recorded[name]:
            raise _broken(name, f"was changed: sha256 {found[name][:12]}…, recorded {recorded[name][:12]}…")
    if content_hash(description.files) != description.hash:
        raise _broken(DESCRIPTION, "holds a hash that is not that of its files")


def _place(stray: str) -> str:
    """Where a file lies, in words of ours: its own name, and that of a folder that was added, may be a patient's."""
    top, _, rest = stray.partition("/")
    if not rest:
        return "in the folder itself"
    return f"below {top}" if top in _OURS else "in a folder that was added"


def expect_outside(out: Path) -> None:
    """Refuse to write into a benchmark, but for its ``results``: an added file would break it.

    Raises
    ------
    OutputError
        If ``out`` is, or lies in, a folder that holds a benchmark's description.
    """
    real = Path(out).resolve()
    for home in (real, *real.parents):
        if (home / DESCRIPTION).is_file() and real.relative_to(home).parts[:1] != (RESULTS,):
            raise OutputError(
                "-o lies in a benchmark, which holds the files it was made of and no other",
                f"a folder elsewhere, or below its {RESULTS}",
                "choose another -o",
            )


def _broken(name: str, fault: str) -> ScoreError:
    return ScoreError(f"{name} {fault}", "the benchmark as it was made", "get it anew, or make it anew as another one")


def _names(directory: Path, *, images: bool) -> Iterator[str]:
    try:
        paths = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    except OSError as error:
        raise ScoreError(f"cannot read the benchmark: {error.strerror}", "a folder", "check the path") from error
    for name in paths:
        parts = name.split("/")
        if name == DESCRIPTION or parts[0] == RESULTS or any(part.startswith(".") for part in parts):
            continue
        if images or not _is_image(name):
            yield name


def _is_image(name: str) -> bool:
    return name.startswith(f"{IMAGES}/")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScoreError(f"cannot read {path.name}: {error.strerror}", "a readable file", "check it") from error
