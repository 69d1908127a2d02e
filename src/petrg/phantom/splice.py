"""Many DICOM files from one: encode a header once, then put each slice's values in its place.

A header is built with marks, fixed-length texts that stand for what changes from slice to slice. Encoding
is pydicom's, so the file is as valid as its dataset; what replaces a mark has the mark's length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

__all__ = ["INDEX_MARK", "MARKS", "Template", "decimal", "encode", "image_index", "uid", "whole"]

_UID_FLOOR = 10**38
_IMPLEMENTATION = "1.2.826.0.1.3680043.8.498.1"


def uid(*parts: object) -> str:
    """A UID of fixed length (44) from a hash of ``parts`` under the UUID root 2.25.

    >>> uid(7, "ct") == uid(7, "ct"), len(uid(7, "ct")), uid(7, "ct") == uid(8, "ct")
    (True, 44, False)
    """
    digest = int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest(), "big")
    return f"2.25.{_UID_FLOOR + digest % (2**128 - _UID_FLOOR)}"


MARKS: Mapping[str, str] = {
    "sop": uid("mark"),
    "number": "001900000011",
    "index": "T\x000\x13US\x02\x00\xcd\xab",  # the whole element (0054,1330): US holds bytes, not text
    "z": "9000000000000033",
    "location": "9000000000000044",
    "slope": "9000000000000055",
    "time": "235959.918273",
    "reference": "9000000000000066",
}
"""Marks by name; the length of each is what its value's VR allows."""


INDEX_MARK = 0xABCD
"""Value of ImageIndex that the mark "index" stands for."""


def image_index(value: int) -> str:
    """The element ImageIndex, one character a byte."""
    return MARKS["index"][:8] + value.to_bytes(2, "little").decode("latin-1")


def decimal(value: float) -> str:
    """``value`` as a DS of exactly 16 characters, padded with spaces.

    >>> decimal(1 / 3), len(decimal(-123.5))
    ('0.33333333333333', 16)
    """
    for digits in range(16, 5, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text.rjust(16)
    raise AssertionError("a float of 6 digits always fits 16 characters")


def whole(value: int) -> str:
    """``value`` as an IS of exactly 12 characters."""
    return f"{value:12d}"


def encode(dataset: Dataset) -> bytes:
    """The dataset as a DICOM file, explicit VR little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    meta.ImplementationVersionName = "PETRG_PHANTOM"
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Template:
    """An encoded file cut at its marks; the pixel data, last in the file, is cut off."""

    pieces: tuple[bytes, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset) -> Template:
        """Encode ``dataset``, whose marks are those of `MARKS` and whose pixel data has its real length."""
        raw = encode(dataset)
        head = raw[: len(raw) - len(dataset.PixelData)]
        found = []
        for name, mark in MARKS.items():
            start = head.find(mark.encode("latin-1"))
            while start >= 0:
                found.append((start, name))
                start = head.find(mark.encode("latin-1"), start + 1)
        pieces, names, last = [], [], 0
        for start, name in sorted(found):
            pieces.append(head[last:start])
            names.append(name)
            last = start + len(MARKS[name])
        return cls((*pieces, head[last:]), tuple(names))

    def fill(self, values: Mapping[str, str], pixels: bytes) -> bytes:
        """The file of one slice.

        Raises
        ------
        ValueError
            If a value has not its mark's length.
        """
        parts = []
        for piece, name in zip(self.pieces, self.names, strict=False):
            value = values[name]
            if len(value) != len(MARKS[name]):
                raise ValueError(f"{name} is {len(value)} characters long, its mark {len(MARKS[name])}")
            parts += [piece, value.encode("latin-1")]
        return b"".join([*parts, self.pieces[-1], pixels])
