"""Text in plain forms, one character for one, so that positions stay."""

from __future__ import annotations

import re

__all__ = ["normalise"]

_FULL_WIDTH = 0xFEE0
_PLAIN = {code: code - _FULL_WIDTH for code in range(0xFF01, 0xFF5F)}
_PLAIN |= {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_PLAIN |= {code: code - _FULL_WIDTH + 32 for code in range(0xFF21, 0xFF3B)}
_PLAIN |= {ord(odd): ord("*") for odd in "×✕╳✖"}
_PLAIN |= {ord(odd): ord("~") for odd in "∼〜"}
_PLAIN |= {ord(odd): ord("-") for odd in "–—−‐‑"}
_PLAIN |= {ord(odd): ord(" ") for odd in "\u3000\xa0\t"}
_PLAIN |= {
    ord("﹒"): ord("."),
    ord("\r"): ord("\n"),
    ord("\u2028"): ord("\n"),
    ord("粘"): ord("黏"),
    ord("’"): ord("'"),
}
_SIGNS = {chr(odd): chr(plain) for odd, plain in _PLAIN.items()}
_ODD = re.compile(f"[{re.escape(''.join(_SIGNS))}]")


def normalise(text: str) -> str:
    """``text`` in half-width, lower-case, plain signs, character for character.

    >>> normalise("SUVmax：３.5，Ｌ × 2")
    'suvmax:3.5,l * 2'
    """
    return _ODD.sub(lambda odd: _SIGNS[odd[0]], text)  # half the time of str.translate: most characters stay
