"""Slots that nobody filled."""

from __future__ import annotations

from collections.abc import Iterator

from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot

__all__ = ["placeholders"]

_MOST = 20  # of one text; a loop of them tells no more


def placeholders(pieces: Pieces, words: Words) -> Iterator[Fault]:
    """Every slot left in the text, such as ``[  ]``, ``___``, ``XX`` or ``{size}``; the same slot counts once."""
    seen: set[str] = set()
    for m in words.placeholders.finditer(pieces.plain):
        if m.group() not in seen:
            seen.add(m.group())
            yield Fault(FaultKind.PLACEHOLDER, (Spot(m.start(), m.end()),), "a placeholder was left in the text")
        if len(seen) == _MOST:
            return
