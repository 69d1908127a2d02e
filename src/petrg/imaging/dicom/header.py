"""One file's header: what each of its images is, where it lies, and where its pixels are."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pydicom
from pydicom.dataset import Dataset

from petrg.imaging.dicom.flatten import frames_of
from petrg.imaging.dicom.scan import Source
from petrg.imaging.dicom.values import BROKEN, floats, integer, items, key, number, raw, string, strings, text
from petrg.imaging.dicom.walk import walk

__all__ = [
    "Inflated",
    "Passed",
    "Pixels",
    "Slice",
    "acquired",
    "looks_like_dicom",
    "raw_identity",
    "read_header",
    "referenced",
]

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = (IMPLICIT, "1.2.840.10008.1.2.1", BIG_ENDIAN)
MAX_INFLATED = 1024**3
MAX_HEADER = 256 * 1024**2
"""A header that is longer is none: 20,000 frames need a sixth of it."""
_CHUNK, _GROWTH = 64 * 1024, 16
_DEFLATED = re.compile(rb"\x02\x00\x10\x00UI..1\.2\.840\.10008\.1\.2\.1\.99(?![\d.])", re.DOTALL)

_SINGLE = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.128"}
_MULTI = {
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",  # enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",  # legacy converted enhanced CT
    "1.2.840.10008.5.1.4.1.1.128.1": "PT",  # legacy converted enhanced PET
}
ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
_SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
_DIRECTORY = "1.2.840.10008.1.3.10"
_OTHER = {
    "RTSTRUCT": "RT structure set: contours are read as lesion masks, not as images",
    "SEG": "segmentation: read as lesion masks, not as images",
    "SR": "structured or dose report",
    "PR": "presentation state",
    "REG": "registration",
    "RTDOSE": "RT dose",
    "RTPLAN": "RT plan",
    "OT": "neither CT nor PET (OT)",
}


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that holds no image of a CT or PET: why, and of which series."""

    reason: str
    series_uid: str | None = None
    modality: str | None = None
    description: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Inflated:
    """A deflated data set, inflated again on each read so that none stays in memory."""

    source: Source

    @property
    def suffix(self) -> str:
        """The end of the name."""
        return self.source.suffix

    @property
    def size(self) -> int:
        """Number of bytes, inflated."""
        return len(self.read())

    def read(self) -> bytes:
        """The data set in explicit VR little endian, without a preamble."""
        return _inflate(self.source.read())

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``."""
        return self.read()[offset : offset + length]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How the pixels of a file are stored.

    Parameters
    ----------
    offset : int or None
        Byte of the first pixel in the source; None where they are compressed.
    start : int
        Byte where the value of the pixel element begins, compressed or not.
    complete : bool
        Whether the file holds as many bytes as its header needs.
    padding : words that mean "outside the scan", as unsigned
    """

    transfer_syntax: str
    rows: int
    columns: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    samples: int
    photometric: str
    frames: int
    offset: int | None
    start: int
    complete: bool
    padding: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One image: a file, or one frame of a multi-frame file. Values absent from the header are None."""

    source: Source = field(repr=False)
    frame: int
    pixels: Pixels
    modality: str
    sop_class: str | None
    sop_uid: str | None
    series_uid: str | None
    study_uid: str | None
    frame_of_reference: str | None
    series_number: int | None
    description: str | None = field(repr=False)
    image_type: tuple[str, ...]
    series_type: tuple[str, ...]
    instance_number: int | None
    acquired: str = field(repr=False)
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    has_lookup: bool
    dataset: Dataset = field(repr=False)


def read_header(source: Source) -> list[Slice] | Passed:
    """Read one file's whole header.

    Returns
    -------
    slices, or why the file holds none; never raises on bad content
    """
    try:
        return _read(source)
    except BROKEN:
        return Passed("truncated or corrupt DICOM")


def _read(source: Source) -> list[Slice] | Passed:
    data, size = source.read_at(0, _CHUNK), source.size
    kind = _sniff(data)
    if kind is None:
        return Passed("not DICOM")
    if kind == "deflated":
        if size > MAX_INFLATED:
            return Passed("truncated or corrupt DICOM")
        source = Inflated(source)
        data = source.read()
        size = len(data)
    parsed = _parse(data, kind, whole=len(data) == size)
    while parsed is None and len(data) < MAX_HEADER:  # the header is longer than what was read of it
        data = source.read_at(0, _GROWTH * len(data))
        parsed = _parse(data, kind, whole=len(data) == size)
    if parsed is None:
        return Passed("truncated or corrupt DICOM")
    ds, at = parsed
    if not (string(ds, 0x00080016) or string(ds, 0x00080060)):
        return Passed("not DICOM" if kind == "bare" else "DICOM without a SOP class or modality")
    passed = _passed(ds)
    if passed is not None:
        return passed
    pixels = _pixels(ds, data[at : at + 12], at, size)
    if pixels is None:
        return Passed("truncated or corrupt DICOM", *_series(ds))
    if pixels.frames == 1 and string(ds, 0x00080016) not in _MULTI:
        return [_slice(source, 0, pixels, ds)]
    frames = frames_of(ds, pixels.frames)
    return [_slice(source, i, pixels, frame) for i, frame in enumerate(frames)]


def _parse(data: bytes, kind: str, whole: bool = False) -> tuple[Dataset, int] | None:
    """The header and the byte at which it ends; None where ``data`` is too short for it."""
    quick = walk(data) if kind == "part 10" else None
    if quick is not None:
        return quick
    file = io.BytesIO(data)
    try:
        ds = pydicom.dcmread(file, stop_before_pixels=True, force=kind != "part 10")
    except BROKEN:
        if whole:
            raise
        return None
    if key(0) in ds._dict:  # zeros, which pydicom reads as elements without end
        raise ValueError("no header")
    at = file.tell()
    return (ds, at) if whole or at + 12 <= len(data) else None


def looks_like_dicom(source: Source) -> bool:
    """Whether a file begins like DICOM."""
    try:
        return _sniff(source.read_at(0, 1024)) is not None
    except OSError:
        return False


def _sniff(data: bytes) -> str | None:
    """``part 10``, ``deflated``, ``bare`` (no preamble) or None for what is not DICOM."""
    if data[128:132] == b"DICM":
        return "deflated" if _DEFLATED.search(data[132:1024]) else "part 10"
    group, element = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
    return "bare" if len(data) > 64 and group in (0x0002, 0x0008) and element <= 0x0060 else None


def _inflate(data: bytes) -> bytes:
    meta = 144 + int.from_bytes(data[140:144], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = inflater.decompress(data[meta:], MAX_INFLATED)
    if inflater.unconsumed_tail:
        raise ValueError("a deflated data set above 1 GiB")
    return out


def _series(ds: Dataset) -> tuple[str | None, str | None, str | None, int | None]:
    order = number(ds, 0x00200011)
    return string(ds, 0x0020000E), _modality(ds), text(ds, 0x0008103E), None if order is None else int(order)


def _modality(ds: Dataset) -> str | None:
    """The modality where it is a code; any other text that strayed there is not repeated."""
    code = string(ds, 0x00080060)
    return code if code and re.fullmatch(r"[A-Z]{2,16}", code) else None


def _passed(ds: Dataset) -> Passed | None:
    """Why the object can be neither CT nor PET, by SOP class first; None where it may be."""
    sop_class, modality = string(ds, 0x00080016), _modality(ds)
    if sop_class == _DIRECTORY:
        return Passed("DICOMDIR: files are found by looking, not by its list")
    if sop_class is not None and (sop_class == _SECONDARY or sop_class.startswith(_SECONDARY + ".")):
        return Passed("secondary capture", *_series(ds))
    if sop_class == ENHANCED_PET:
        return Passed("enhanced PET: not read, its SUV rules differ; export it as single images", *_series(ds))
    if sop_class in _MULTI or sop_class in _SINGLE or (sop_class is None and modality in ("CT", "PT")):
        return None
    known = _OTHER.get(modality or "")
    return Passed(known or f"neither CT nor PET ({modality or 'unknown'})", *_series(ds))


def _pixels(ds: Dataset, element: bytes, at: int, size: int) -> Pixels | None:
    """How pixels are stored; ``element`` begins the pixel element, at byte ``at``. None where there is no image."""
    meta = getattr(ds, "file_meta", None)
    syntax = (string(meta, 0x00020010) if meta is not None else None) or ""
    implicit, little = ds.original_encoding
    if not syntax:
        syntax = IMPLICIT if implicit else NATIVE[1] if little else BIG_ENDIAN
    rows, columns, allocated = (integer(ds, tag) or 0 for tag in (0x00280010, 0x00280011, 0x00280100))
    if not (rows and columns and allocated):
        return None
    stored = integer(ds, 0x00280101) or allocated
    high = integer(ds, 0x00280102)
    order: Literal["little", "big"] = "little" if little else "big"
    head = 8 if implicit else 12
    tag = int.from_bytes(element[:2], order), int.from_bytes(element[2:4], order)
    length = int.from_bytes(element[head - 4 : head], order)
    frames = max(int(number(ds, 0x00280008) or 1), 1)
    needed = rows * columns * (allocated // 8) * frames
    native = syntax in NATIVE
    there = size - at - head
    complete = tag == (0x7FE0, 0x0010) and (
        length == 0xFFFFFFFF or length <= there + (length & 1) if not native else needed <= min(length, there)
    )
    if not native and needed > 1000 * max(there, 0):
        complete = False  # no coder shrinks this far: rows or columns are wrong, do not allocate for them
    padding = [v & 0xFFFF for t in (0x00280120, 0x00280121) if (v := integer(ds, t)) is not None]
    return Pixels(
        transfer_syntax=syntax,
        rows=rows,
        columns=columns,
        allocated=allocated,
        stored=stored,
        high_bit=stored - 1 if high is None else high,
        signed=integer(ds, 0x00280103) == 1,
        samples=integer(ds, 0x00280002) or 1,
        photometric=string(ds, 0x00280004) or "MONOCHROME2",
        frames=frames,
        offset=at + head if native else None,
        start=at + head,
        complete=complete,
        padding=tuple(padding),
    )


def _slice(source: Source, frame: int, pixels: Pixels, ds: Dataset) -> Slice:
    series_uid, modality, description, series_number = _series(ds)
    sop_class = string(ds, 0x00080016)
    instance = number(ds, 0x00200013)
    return Slice(
        source=source,
        frame=frame,
        pixels=pixels,
        modality=_MULTI.get(sop_class or "", modality or ("PT" if sop_class and sop_class.endswith(".128") else "CT")),
        sop_class=sop_class,
        sop_uid=string(ds, 0x00080018),
        series_uid=series_uid,
        study_uid=string(ds, 0x0020000D),
        frame_of_reference=string(ds, 0x00200052),
        series_number=series_number,
        description=description,
        image_type=strings(ds, 0x00080008),
        series_type=strings(ds, 0x00541000),
        instance_number=None if instance is None else int(instance),
        acquired=acquired(ds),
        position=floats(ds, 0x00200032, 3),
        orientation=floats(ds, 0x00200037, 6),
        spacing=floats(ds, 0x00280030, 2),
        slope=number(ds, 0x00281053),
        intercept=number(ds, 0x00281052),
        has_lookup=0x00283000 in ds,
        dataset=ds,
    )


def acquired(ds: Dataset) -> str:
    """Date and time of acquisition (else of the series) as sortable digits; empty where unknown."""
    joined = string(ds, 0x0008002A)
    if joined:
        return joined
    for date, time in ((0x00080022, 0x00080032), (0x00080021, 0x00080031)):
        day = string(ds, date)
        if day:
            return day + (string(ds, time) or "")
    return ""


def referenced(ds: Dataset) -> frozenset[str]:
    """SOP and series UIDs an image names as its source or relation (0008,2112), (0008,1140), (0008,1250)."""
    uids: set[str] = set()
    for tag in (0x00082112, 0x00081140, 0x00081250):
        for item in items(ds, tag):
            uids |= {uid for t in (0x00081155, 0x0020000E) if (uid := string(item, t))}
    return frozenset(uids)


def raw_identity(slices: Sequence[Slice]) -> set[tuple[object, ...]]:
    """The distinct (ID, name, birth date, character set) of images, undecoded."""
    return {tuple(_bytes(raw(s.dataset, t)) for t in (0x00100020, 0x00100010, 0x00100030, 0x00080005)) for s in slices}


def _bytes(value: object) -> object:
    return value if isinstance(value, bytes) or value is None else str(value)
