"""Zip archives, read in memory; names and sizes are judged before a byte is inflated."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import IO

from petrg.errors import StudyError
from petrg.imaging.dicom.scan import Source, suffix_of

__all__ = ["MAX_BYTES", "MAX_FILES", "MAX_RATIO", "ZipSource", "open_archive"]

MAX_BYTES = 8 * 1024**3
"""All files of an archive, archives inside it included, inflated."""
MAX_NESTED_BYTES = 1024**3
"""An archive inside an archive is held in memory."""
MAX_MEMBER_BYTES = 2 * 1024**3
MAX_FILES = 200_000
MAX_RATIO = 200
"""Inflated to stored size, above `RATIO_FROM`; images of noise reach 10, empty ones 1000."""
RATIO_FROM = 256 * 1024**2
MAX_DEPTH = 3
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class ZipSource:
    """A member of an open archive."""

    archive: zipfile.ZipFile = field(repr=False)
    info: zipfile.ZipInfo = field(repr=False)

    @property
    def suffix(self) -> str:
        """The end of the name from its last dots."""
        return suffix_of(self.info.filename)

    @property
    def size(self) -> int:
        """Number of bytes, as declared; `read` holds the archive to it."""
        return self.info.file_size

    def read(self) -> bytes:
        """All bytes, never more than the archive declared."""
        data = self._inflate(self.info.file_size + 1)
        if len(data) != self.info.file_size:
            raise OSError("zip member is not as long as declared")
        return data

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; only a read from the start is not checked by its CRC."""
        return self.read()[offset : offset + length] if offset else self._inflate(length)

    def _inflate(self, length: int) -> bytes:
        try:
            with self.archive.open(self.info) as member:
                return member.read(length)
        except _BROKEN as error:
            raise OSError(f"damaged zip member ({type(error).__name__})") from error


@dataclass(slots=True)
class _Budget:
    declared: int = 0
    stored: int = 0
    files: int = 0

    def add(self, info: zipfile.ZipInfo) -> None:
        self.declared += info.file_size
        self.stored += max(info.compress_size, 1)
        self.files += 1
        if self.declared > MAX_BYTES or info.file_size > MAX_MEMBER_BYTES:
            raise StudyError(
                f"a zip that inflates to more than {MAX_BYTES // 1024**3} GiB, or a file in it to more than 2 GiB",
                "an archive of one study",
                "unpack it yourself and give the folder",
            )
        if self.files > MAX_FILES:
            raise StudyError(
                f"a zip with more than {MAX_FILES} files", "an archive of one study", "unpack it and give the folder"
            )
        if self.declared > RATIO_FROM and self.declared > MAX_RATIO * self.stored:
            raise StudyError(
                f"a zip that inflates more than {MAX_RATIO} times",
                "an archive of images",
                "unpack it yourself and give the folder",
            )


def open_archive(path: Path) -> tuple[list[Source], Counter[str]]:
    """List the members of a zip, and those of zips inside it.

    Returns
    -------
    sources, reasons : members worth reading, and how many were passed over for which reason

    Raises
    ------
    StudyError
        If the archive is damaged or encrypted, holds a name that leaves its folder, or would inflate
        beyond `MAX_BYTES`, `MAX_FILES` or `MAX_RATIO`.
    """
    sources: list[Source] = []
    reasons: Counter[str] = Counter()
    _list(path, _Budget(), sources, reasons, depth=1)
    return sources, reasons


def _list(file: Path | IO[bytes], budget: _Budget, sources: list[Source], reasons: Counter[str], depth: int) -> None:
    try:
        archive = zipfile.ZipFile(file)
    except (*_BROKEN, OSError) as error:
        raise _damaged() from error
    members = [info for info in archive.infolist() if not info.is_dir()]
    for info in members:
        _judge(info)
        budget.add(info)
    for info in members:
        member = ZipSource(archive, info)
        if info.file_size == 0:
            reasons["empty file"] += 1
        elif member.suffix in (".nii", ".nii.gz"):
            reasons["NIfTI inside a zip; unpack it to read it"] += 1
        elif member.suffix == ".zip":
            if depth >= MAX_DEPTH or info.file_size > MAX_NESTED_BYTES:
                raise StudyError(
                    "zips nested too deep or too large", f"at most {MAX_DEPTH} levels", "unpack it and give the folder"
                )
            try:
                inner = member.read()
            except OSError as error:
                raise _damaged() from error
            _list(io.BytesIO(inner), budget, sources, reasons, depth + 1)
        else:
            sources.append(member)


def _judge(info: zipfile.ZipInfo) -> None:
    name = PureWindowsPath(info.orig_filename.split("\0")[0])  # knows both kinds of slash and drive letters
    if name.drive or name.root or ".." in name.parts:
        raise StudyError(
            "a zip with a name that leaves its folder ('../' or an absolute path)",
            "names inside the archive",
            "do not trust this file; export the study again",
        )
    if info.flag_bits & 0x1:
        raise StudyError("an encrypted zip", "an archive without a password", "unpack it and give the folder")


def _damaged() -> StudyError:
    return StudyError("a damaged zip", "a complete archive", "copy or export it again")
