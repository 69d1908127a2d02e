"""Which files there are: a folder, a tree, a list or a zip, under any names."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from petrg.errors import StudyError
from petrg.imaging.study import PassedOver

__all__ = ["FileSource", "Found", "Source", "scan", "suffix_of"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_NIFTI = (".nii", ".nii.gz")


class Source(Protocol):
    """Bytes that can be read more than once, from any thread."""

    @property
    def suffix(self) -> str:
        """The end of the name from its last dots, lower case, e.g. ``.nii.gz``; else empty."""

    @property
    def size(self) -> int:
        """Number of bytes; raises OSError."""

    def read(self) -> bytes:
        """All bytes; raises OSError."""

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; raises OSError."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file on disk."""

    path: Path = field(repr=False)  # a path may name the patient

    @property
    def suffix(self) -> str:
        """The end of the name from its last dots."""
        return suffix_of(self.path.name)

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size

    def read(self) -> bytes:
        """All bytes."""
        return self.path.read_bytes()

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``."""
        with self.path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, offset)


def suffix_of(name: str) -> str:
    """The end of a file name that says what it is.

    >>> suffix_of("Case_0001.NII.gz"), suffix_of("1.2.840.1")
    ('.nii.gz', '.1')
    """
    lower = name.lower()
    return ".nii.gz" if lower.endswith(".nii.gz") else os.path.splitext(lower)[1]


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan came upon.

    Parameters
    ----------
    candidates : files whose header is worth reading
    nifti : files named .nii or .nii.gz
    passed_over : files left aside, by reason
    """

    candidates: tuple[Source, ...] = ()
    nifti: tuple[Path, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def scan(path: str | Path | Sequence[str | Path]) -> Found:
    """List every file under ``path``; zips are opened in memory and nothing is written.

    Raises
    ------
    StudyError
        If the path does not exist or cannot be opened, or a zip is unsafe or damaged; a zip that lies among other
        files of a folder is passed over then.
    """
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
    candidates: list[Source] = []
    nifti: list[Path] = []
    reasons: Counter[str] = Counter()
    broken: list[StudyError] = []
    for file in _files(paths):
        kind = _kind(file)
        if kind == "zip":
            from petrg.imaging.dicom.archive import open_archive

            try:
                inside, skipped = open_archive(file)
            except StudyError as error:
                if file in paths:
                    raise
                broken.append(error)  # a viewer's or an office file, as a rule
                continue
            candidates += inside
            reasons.update(skipped)
        elif kind == "nifti":
            nifti.append(file)
        elif kind == "candidate":
            candidates.append(FileSource(file))
        else:
            reasons[kind] += 1
    if broken and not candidates and not nifti:
        raise broken[0]
    reasons.update(f"not opened: {error.found}" for error in broken)
    return Found(tuple(candidates), tuple(nifti), tuple(PassedOver(n, why) for why, n in sorted(reasons.items())))


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                os.scandir(path).close()  # refuse a closed folder aloud, where os.walk would be silent
        except OSError as error:
            raise StudyError(
                f"the path cannot be opened ({error.strerror or type(error).__name__})",
                "a readable folder, file or zip",
                "check the path",
            ) from error
        if not stat.S_ISDIR(mode):
            yield path
            continue
        for folder, inner, names in os.walk(path):
            inner.sort()
            yield from (Path(folder, name) for name in sorted(names))


def _kind(file: Path) -> str:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size == 0:
            return "empty file"
        if suffix_of(file.name) in _NIFTI:
            return "nifti"
        with file.open("rb") as handle:
            return "zip" if handle.read(4) in _ZIP else "candidate"
    except OSError:
        return "cannot be opened"
