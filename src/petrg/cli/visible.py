"""What a terminal would obey instead of show: made visible."""

from __future__ import annotations

import re

__all__ = ["as_json", "visible"]

_OBEYED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 but tab and line feed: ESC, BEL, backspace, carriage return
    "\x80-\x9f"  # C1: CSI and OSC in one character
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029"
    "\ud800-\udfff"  # halves of characters, which no stream can encode
    "]"
)


def visible(text: str) -> str:
    r"""``text`` with U+FFFD for every control character and every change of direction; tabs and lines stay.

    Titles, labellers, licences and names of models come from files and servers: an escape sequence in them would
    rename a window, hide a line or turn the text after it round.

    >>> visible("a\x1b]0;title\x07b\tc\n")
    'a�]0;title�b\tc\n'
    """
    return _OBEYED.sub("\ufffd", text)


def as_json(text: str) -> str:
    r"""A line of JSON with the same characters as escapes: it reads back as it was.

    >>> as_json('{"a": "\x9b"}') == '{"a": "' + chr(92) + 'u009b"}'
    True
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
