"""Text -> sentences -> what each segment of them says."""

from __future__ import annotations

from collections.abc import Iterator

from petrg.language.reading.clauses import split_clauses
from petrg.language.reading.lexicon import Lexicon
from petrg.language.reading.said import Statement
from petrg.language.reading.statements import read_clause
from petrg.language.reading.tokens import tokenise

__all__ = ["segments"]


def segments(plain: str, lexicon: Lexicon) -> Iterator[list[Statement]]:
    """The statements of each segment of a normalised text, in order; positions index it."""
    for start, end in _sentences(plain, lexicon):
        opens = True
        for clauses in split_clauses(tokenise(plain, lexicon, start, end)):
            telling = [s for s in map(read_clause, clauses) if not s.mute]
            if telling:
                telling[0].opens_sentence, opens = opens, False
                yield telling


def _sentences(plain: str, lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    start = 0
    for match in lexicon.stops.finditer(plain):
        if match.lastgroup == "stop":
            if match.start() > start:
                yield start, match.start()
            start = match.end()
    if len(plain) > start:
        yield start, len(plain)
