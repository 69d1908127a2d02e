"""Characters that are not seen, and letters that only look like others: words in them are hidden from every reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot

__all__ = ["hidden_characters"]

_MOST = 20  # places shown of one text
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls but tab, line and page ends
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"  # zero width, marks and overrides of direction
    "\ufe00-\ufe0f\U000e0000-\U000e007f"  # variation selectors, tags
    "]+"
)
_CYRILLIC = "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408\u0430\u0435\u043e"
_CYRILLIC += "\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d"
_GREEK = "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03c1"
"""Letters with the looks of Latin ones; Greek ones that stand for themselves (alpha, beta, gamma, mu) are not here."""
_ALIKE = re.compile(rf"(?:[A-Za-z]+[{_CYRILLIC}{_GREEK}]|[{_CYRILLIC}{_GREEK}]+[A-Za-z])[A-Za-z{_CYRILLIC}{_GREEK}]*")
_RADICALS = re.compile("[\u2e80-\u2fd5]+")
"""Radicals of dictionaries, with the looks of the characters; some programs write them when text is copied from PDF."""


def hidden_characters(pieces: Pieces) -> Iterator[Fault]:
    """At most one fault for characters that are not seen, and one for letters that look like others.

    A word is looked at that mixes Latin letters with Cyrillic or Greek ones of the same looks, and every radical in the
    place of a Chinese character. A reader sees such a word and no search finds it.
    """
    text = pieces.text
    unseen = _spots(_UNSEEN.finditer(text))
    if unseen:
        yield Fault(FaultKind.HIDDEN, unseen, "characters that are not seen stand in the text")
    alike = tuple(sorted((*_spots(_ALIKE.finditer(text)), *_spots(_RADICALS.finditer(text)))))[:_MOST]
    if alike:
        yield Fault(FaultKind.HIDDEN, alike, "letters of another script stand in words, where they look the same")


def _spots(matches: Iterable[re.Match[str]]) -> tuple[Spot, ...]:
    return tuple(Spot(m.start(), m.end()) for m in islice(matches, _MOST))
