"""A quick walk over the top level of a little-endian header, each element left as raw bytes.

It takes a third of pydicom's time, because sequences are stepped over and only read when asked for. Whatever is out
of the ordinary (big endian, wrong VR, a length beyond the data) ends the walk, and pydicom reads the file instead.
"""

from __future__ import annotations

from struct import Struct

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag

from petrg.imaging.dicom.values import key

__all__ = ["walk"]

_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_TEXT = {vr: vr.decode() for vr in _SHORT | _LONG}
_EXPLICIT, _IMPLICIT, _U32 = Struct("<HH2sH").unpack_from, Struct("<HHI").unpack_from, Struct("<I").unpack_from
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_MAX_DEPTH = 16
_IMPLICIT_SYNTAX, _BIG_SYNTAX = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"


class _Odd(Exception):
    """The data are not laid out as this walk knows."""


def walk(data: bytes) -> tuple[Dataset, int] | None:
    """Read a header from the start of a file that has a preamble.

    Returns
    -------
    header and the byte of its pixel element, or None where pydicom should read it instead
    """
    try:
        meta, at = _elements(data, 132, implicit=False, meta=True)
        found = meta.get(BaseTag(0x00020010))
        syntax = (found.value or b"").rstrip(b"\0 ") if found is not None else b""
        if not syntax or syntax == _BIG_SYNTAX:
            return None
        implicit = syntax == _IMPLICIT_SYNTAX
        elements, at = _elements(data, at, implicit=implicit, meta=False)
    except _Odd:
        return None
    ds = Dataset(elements)  # type: ignore[arg-type]
    charset = elements.get(BaseTag(0x00080005))
    names = (charset.value or b"").decode("latin-1").strip("\0 ").split("\\") if charset is not None else []
    ds.set_original_encoding(implicit, True, [name.strip() for name in names] or "ISO_IR 6")
    ds.file_meta = FileMetaDataset(meta)  # type: ignore[arg-type]
    return ds, at


def _elements(data: bytes, at: int, *, implicit: bool, meta: bool) -> tuple[dict[BaseTag, RawDataElement], int]:
    """Elements from byte ``at`` to the pixels, or to the end of the meta group, and where that is."""
    found: dict[BaseTag, RawDataElement] = {}
    last = len(data) - 12  # a pixel element's own head must fit
    while at <= last:
        if meta and data[at : at + 2] != b"\x02\0":
            return found, at
        tag, vr, start, length = _head(data, at, implicit)
        if tag in _PIXELS:
            return found, at
        if length == _UNDEFINED:
            if vr not in (None, "SQ"):
                raise _Odd
            stop, after = _sequence_end(data, start, implicit, 0)
        else:
            stop = after = start + length
        if after > len(data):
            raise _Odd
        name = key(tag)
        found[name] = RawDataElement(name, vr, stop - start, data[start:stop], start, implicit, True)
        at = after
    raise _Odd


def _head(data: bytes, at: int, implicit: bool) -> tuple[int, str | None, int, int]:
    """Tag, VR, first byte and length of the value of the element at ``at``."""
    if implicit:
        group, element, length = _IMPLICIT(data, at)
        return group << 16 | element, None, at + 8, length
    group, element, vr, length = _EXPLICIT(data, at)
    if vr in _SHORT:
        return group << 16 | element, _TEXT[vr], at + 8, length
    if vr in _LONG:
        return group << 16 | element, _TEXT[vr], at + 12, _U32(data, at + 8)[0]
    raise _Odd


def _sequence_end(data: bytes, at: int, implicit: bool, depth: int) -> tuple[int, int]:
    """Where the value of a sequence of undefined length ends, and where the next element begins."""
    while at + 8 <= len(data):
        group, element, length = _IMPLICIT(data, at)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            return at, at + 8
        if tag != _ITEM:
            raise _Odd
        at = at + 8 + length if length != _UNDEFINED else _item_end(data, at + 8, implicit, depth + 1)
    raise _Odd


def _item_end(data: bytes, at: int, implicit: bool, depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise _Odd
    while at + 12 <= len(data):
        group, element, _ = _IMPLICIT(data, at)
        if group << 16 | element == _ITEM_END:
            return at + 8
        _, vr, start, length = _head(data, at, implicit)
        if length != _UNDEFINED:
            at = start + length
        elif vr in (None, "SQ"):
            at = _sequence_end(data, start, implicit, depth)[1]
        else:
            raise _Odd
    raise _Odd
