"""Checkpoints that are whole or are not there: written aside, synced, renamed, then marked complete."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from petrg.errors import ModelError, OutputError
from petrg.model.tensors import writing

__all__ = [
    "MARK",
    "complete",
    "discard",
    "latest",
    "load_tensors",
    "name_of",
    "read_json",
    "rotate",
    "save_tensors",
    "write",
]

MARK = "complete.json"
_NAME = "checkpoint-{step:08d}"
_IS = re.compile(r"checkpoint-(\d{8,})$")
_ASIDE = ".aside-"


def name_of(step: int) -> str:
    """The folder's name.

    >>> name_of(12)
    'checkpoint-00000012'
    """
    return _NAME.format(step=step)


def write(folder: Path, step: int, fill: Callable[[Path], None]) -> Path:
    """Write the checkpoint of ``step`` into ``folder``; ``fill`` writes its files into the place it is given.

    Raises
    ------
    OutputError
        If it cannot be written; what was begun is ignored by `latest`.
    """
    done, aside = folder / name_of(step), folder / f"{_ASIDE}{name_of(step)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        with writing():
            fill(aside)
        mark = {p.relative_to(aside).as_posix(): _facts(p) for p in sorted(aside.rglob("*")) if p.is_file()}
        for path in (*sorted(aside.rglob("*")), aside):
            _sync(path)
        discard(done)
        os.rename(aside, done)
        _sync(folder)
        _mark(done, mark)
    except OSError as error:
        raise OutputError(
            f"a checkpoint cannot be written: {error.strerror or type(error).__name__}",
            "a writable folder with free space",
            "free some space and --resume",
        ) from error
    return done


def _mark(done: Path, mark: Mapping[str, Any]) -> None:
    aside = done / f".{MARK}"
    aside.write_text(json.dumps({"files": mark}, indent=1) + "\n", encoding="utf-8")
    _sync(aside)
    os.replace(aside, done / MARK)
    _sync(done)


def _facts(path: Path) -> list[Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return [path.stat().st_size, digest.hexdigest()]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def complete(checkpoint: Path) -> bool:
    """Whether a checkpoint is marked complete and every file of it is as it was written."""
    try:
        files = json.loads((checkpoint / MARK).read_text(encoding="utf-8"))["files"]
        return all(_facts(checkpoint / name) == facts for name, facts in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _marked(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    found = [(int(m[1]), p) for p in folder.iterdir() if (m := _IS.match(p.name)) and (p / MARK).is_file()]
    return sorted(found)


def latest(folder: Path) -> Path | None:
    """The last complete checkpoint of ``folder``; unmarked and damaged ones are passed over."""
    return next((path for _, path in reversed(_marked(folder)) if complete(path)), None)


def rotate(folder: Path, last: int, keep: int | None) -> None:
    """Remove all but the ``last`` ones and that of step ``keep``, and what other writers began."""
    marked = _marked(folder)
    for step, path in marked[: max(len(marked) - last, 0)]:
        if step != keep:
            discard(path)
    for path in folder.iterdir():
        if path.name.startswith(_ASIDE):
            shutil.rmtree(path, ignore_errors=True)


def discard(checkpoint: Path) -> None:
    """Remove a checkpoint, its mark first: half removed it is no checkpoint."""
    (checkpoint / MARK).unlink(missing_ok=True)
    if checkpoint.is_dir():
        shutil.rmtree(checkpoint)


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Named tensors as safetensors."""
    save_file({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """What `save_tensors` wrote."""
    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise _unreadable() from error


def read_json(path: Path) -> Any:
    """A JSON file of a checkpoint."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable() from error


def _unreadable() -> ModelError:
    return ModelError("a checkpoint cannot be read", "one of this petrg's", "start anew, or take an earlier one")
