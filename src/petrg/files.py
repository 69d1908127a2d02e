"""Writing so that nothing half-written is ever left: aside first, then rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from petrg.errors import OutputError

__all__ = ["output_directory", "write_file"]


def write_file(path: Path, data: str | bytes) -> None:
    """Write ``data`` to ``path`` at once or not at all.

    Raises
    ------
    OutputError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    raw = data.encode() if isinstance(data, str) else data
    aside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=".petrg-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o666 & ~_umask())
        os.replace(aside, path)
    except OSError as error:
        raise _cannot_write(error) from error
    finally:
        if aside and os.path.exists(aside):
            os.unlink(aside)


@contextmanager
def output_directory(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``; on success its files move into ``path``.

    Files already in ``path`` under other names stay; files of the same name are replaced.
    On any exception, Ctrl-C included, the folder is removed and ``path`` is as before.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(20, "is a file", str(path))
        aside = Path(tempfile.mkdtemp(prefix=".petrg-", dir=path.parent))
    except OSError as error:
        raise _cannot_write(error) from error
    try:
        yield aside
        os.chmod(aside, 0o777 & ~_umask())
        if path.exists():
            for item in sorted(aside.rglob("*")):
                target = path / item.relative_to(aside)
                if item.is_dir():
                    target.mkdir(exist_ok=True)
                else:
                    os.replace(item, target)
        else:
            os.replace(aside, path)
    except OSError as error:
        raise _cannot_write(error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _cannot_write(error: OSError) -> OutputError:
    # the path is the user's and may be a patient's name, so it is not repeated
    return OutputError(
        f"cannot write the output: {error.strerror or type(error).__name__}",
        "a writable folder with free space",
        "choose another -o or free some space",
    )
