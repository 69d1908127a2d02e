"""Header values read straight from their bytes: quick, and unable to fail on a corrupt header."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

__all__ = ["BROKEN", "decode", "floats", "integer", "items", "key", "number", "raw", "string", "strings", "text"]

BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom and its decoders raise on a corrupt file."""

_MAX_TEXT = 1024
_NO_BYTES_BUT_UTF8 = ("", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 192")
"""First character sets under which bytes above 127 mean nothing unless they are UTF-8."""
_ESCAPES = re.compile(r"\x1b[$()\-]{1,2}[A-Z]")  # of ISO 2022; pydicom leaves those of ISO 2022 IR 58 in the text
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

key = lru_cache(maxsize=4096)(BaseTag)
"""A tag as pydicom's dictionaries hold it; the same object each time, so that a look-up needs no comparison."""


def raw(ds: Dataset, tag: int) -> object:
    """The value of an element as bytes where it is still unread; None where absent."""
    return getattr(ds._dict.get(key(tag)), "value", None)


def string(ds: Dataset, tag: int) -> str | None:
    """An ASCII value (UI, CS, DA, TM, DS, IS …) without padding; None where absent or empty."""
    value = raw(ds, tag)
    if value is None:
        return None
    found = value[:_MAX_TEXT].decode("latin-1") if isinstance(value, bytes) else _joined(value)
    return found.strip("\0 \t\r\n") or None


def _joined(value: object) -> str:
    many = not isinstance(value, str) and hasattr(value, "__iter__")
    return "\\".join(map(str, value)) if many else str(value)  # type: ignore[call-overload]


def strings(ds: Dataset, tag: int) -> tuple[str, ...]:
    r"""The parts of a value between backslashes, upper case; empty where absent.

    >>> ds = Dataset()
    >>> ds.ImageType = ["ORIGINAL", "PRIMARY"]
    >>> strings(ds, 0x00080008)
    ('ORIGINAL', 'PRIMARY')
    """
    value = string(ds, tag)
    return tuple(part.strip().upper() for part in value.split("\\")) if value else ()


def floats(ds: Dataset, tag: int, count: int) -> tuple[float, ...] | None:
    """Exactly ``count`` finite numbers of a DS or binary float element; else None."""
    value = string(ds, tag)
    if value is None:
        return None
    try:
        numbers = tuple(float(part) for part in value.split("\\"))
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def number(ds: Dataset, tag: int) -> float | None:
    """One finite number of a DS or IS element."""
    found = floats(ds, tag, 1)
    return found[0] if found else None


def integer(ds: Dataset, tag: int) -> int | None:
    """One integer, binary (US, SS, UL, OW) or as digits (IS)."""
    element = ds._dict.get(key(tag))
    value = getattr(element, "value", None)
    if isinstance(element, RawDataElement) and isinstance(value, bytes):
        if element.VR != "IS" and len(value) in (2, 4) and not _is_text(value, element.VR):
            order: Literal["little", "big"] = "little" if element.is_little_endian else "big"
            return int.from_bytes(value, order, signed=element.VR in ("SS", "SL"))
        if element.VR in ("US", "SS", "UL", "SL"):  # no word: whatever text strayed into it is not read as a number
            return None
        value = value.decode("latin-1").strip("\0 ").split("\\")[0]
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return None


def _is_text(value: bytes, vr: str | None) -> bool:
    # implicit VR: a number of images "12" is IS, Rows 12849 is US with the same bytes; the tag would
    # decide, and every tag read here as IS is read through `number`
    return vr in ("DS", "LO", "SH", "CS")


def items(ds: Dataset, tag: int) -> Iterator[Dataset]:
    """Items of a sequence; none where it is absent or unreadable."""
    try:
        element = ds.get(tag)
        value = element.value if element is not None else None
        yield from (item for item in value if isinstance(item, Dataset)) if isinstance(value, Sequence) else ()
    except BROKEN:
        return


def text(ds: Dataset, tag: int) -> str | None:
    """Text in the character set of the header (PN, LO, SH …)."""
    value = raw(ds, tag)
    if not isinstance(value, bytes):
        return string(ds, tag)
    charset = raw(ds, 0x00080005)
    named = charset if isinstance(charset, bytes) else _joined(charset or "").encode("latin-1", "replace")
    return decode(value[:_MAX_TEXT], named)


@lru_cache(maxsize=4096)
def decode(value: bytes, charset: bytes) -> str | None:
    r"""Decode bytes by a Specific Character Set; text that it cannot be is tried as UTF-8, then GB18030.

    That is text of bytes above 127 where no set is declared, an unknown one, ASCII, or UTF-8. Control characters
    become spaces: a terminal would obey them.

    >>> decode("王^小东".encode("gb18030"), b"GB18030")
    '王^小东'
    >>> decode("王^小东".encode("gb18030"), b"")
    '王^小东'
    >>> decode("王^小东".encode("gb18030"), b"ISO_IR 192"), decode("王^小东".encode("gbk"), b"\\ISO 2022 IR 58")
    ('王^小东', '王^小东')
    >>> decode(b"Doe^Jane ", b"ISO_IR 100")
    'Doe^Jane'
    """
    from pydicom.charset import decode_bytes, python_encoding

    names = [part.strip() for part in charset.decode("latin-1").split("\\")]
    known = any(name in python_encoding or name.upper().startswith("ISO") for name in names if name)
    if not value.isascii() and b"\x1b" not in value and (not known or names[0] in _NO_BYTES_BUT_UTF8):
        for guess in ("utf-8", "gb18030"):
            try:
                return _plain(value.decode(guess))
            except UnicodeDecodeError:
                continue
    try:
        return _plain(decode_bytes(value, convert_encodings(names), set(b"\n\r\t\f^=\\")))
    except BROKEN:
        return _plain(value.decode("latin-1"))


def _plain(found: str) -> str | None:
    return _CONTROL.sub(" ", _ESCAPES.sub("", found)).strip() or None
