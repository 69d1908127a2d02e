"""Writing so that nothing half-written is ever left: aside first, then rename."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from petrg.errors import OutputError

__all__ = ["expect_apart", "output_directory", "write_file"]


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
        _expect_replaceable(path)
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


def expect_apart(out: Path, *inputs: Path | None, writes: Collection[str] = ()) -> None:
    """Refuse to write into what is read: results would be the next run's input, or take the place of this one's.

    Parameters
    ----------
    out : Path
        The folder to write.
    *inputs : Path or None
        Files and folders that are read; None, and one that is not there, is passed over.
    writes : collection of str
        Names of the files that will be written: no input file may be one of them. A folder within an input folder
        is apart, since folders are not read to their depth.

    Raises
    ------
    OutputError
        If ``out`` is one of the input folders, or would replace one of the input files.
    """
    home = Path(out).resolve()
    for path in inputs:
        if path is None:
            continue
        real = Path(path).resolve()
        if real == home or _is_same(real, home):
            raise OutputError("-o is a folder that is read", "a folder of its own for the results", "choose another -o")
        if real.name in writes and (real.parent == home or _is_same(real.parent, home)):
            raise OutputError(
                f"the {real.name} that is read would be replaced",
                "a folder of its own for the results",
                "choose another -o",
            )


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are one folder, as where capitals do not count."""
    try:
        return one.samefile(other)
    except OSError:
        return False


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
            raise NotADirectoryError(errno.ENOTDIR, "is a file", str(path))
        aside = Path(tempfile.mkdtemp(prefix=".petrg-", dir=path.parent))
    except OSError as error:
        raise _cannot_write(error) from error
    try:
        yield aside
        os.chmod(aside, 0o777 & ~_umask())
        if path.exists():
            moves = [(item, path / item.relative_to(aside)) for item in sorted(aside.rglob("*"))]
            for item, target in moves:  # all or none: what cannot be replaced is seen before anything is
                if item.is_dir() and target.exists() and not target.is_dir():
                    raise NotADirectoryError(errno.ENOTDIR, "is a file", str(target))
                if not item.is_dir():
                    _expect_replaceable(target)
            for item, target in moves:
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


def _expect_replaceable(path: Path) -> None:
    """Refuse to put a file in the place of a folder or a device, such as /dev/stdout."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EEXIST, "is no regular file", str(path))


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
