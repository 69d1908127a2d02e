"""How much of a text petrg's reader could read."""

from __future__ import annotations

from bisect import bisect_left

from petrg.evaluate.faults.pieces import Pieces
from petrg.language.reading import Reading, read

__all__ = ["HARDLY", "read_share"]

HARDLY = 0.2
"""Below this share of its sentences a report is counted as hardly read (our choice; references are far above)."""


def read_share(text: str, reading: Reading | None = None) -> float | None:
    """Share of the sentences of a text in which a finding was read, 0..1; None of a text without a word.

    A text in a language that the reader does not know, or in words of no report, is near 0.

    >>> read_share("The liver is normal. Il tempo era bello."), read_share("Il fegato è nella norma.")
    (0.5, 0.0)
    """
    pieces = Pieces(text)
    sentences = [s for s in pieces.sentences if any(c.isalpha() for c in pieces.words(s))]
    if not sentences:
        return None
    found = (read(text) if reading is None else reading).grounded
    starts = sorted({start for g in found for start, _ in g.at})
    return sum(_holds(starts, s.start, s.end) for s in sentences) / len(sentences)


def _holds(starts: list[int], first: int, end: int) -> bool:
    """Whether one of the ascending ``starts`` lies within."""
    at = bisect_left(starts, first)
    return at < len(starts) and starts[at] < end
