"""Text -> sentences -> what each segment of them says."""

from __future__ import annotations

from collections.abc import Iterator

from petrg.language.reading.clauses import split_clauses
from petrg.language.reading.lexicon import Lexicon
from petrg.language.reading.said import Statement
from petrg.language.reading.statements import read_clause
from petrg.language.reading.tokens import tokenise

__all__ = ["segments"]

_GAP = 4  # characters before a sentence in which the end of a paragraph is looked for


def segments(plain: str, lexicon: Lexicon) -> Iterator[list[Statement]]:
    """The statements of each segment of a normalised text, in order; positions index it."""
    paragraph = False
    for start, end in _sentences(plain, lexicon):
        opens = True
        paragraph |= "\n\n" in plain[max(0, start - _GAP) : start]
        tokens = tokenise(plain, lexicon, start, end)
        for clauses in split_clauses(tokens):
            telling = [s for s in map(read_clause, clauses) if not s.mute]
            if telling:
                telling[0].opens_sentence, opens = opens, False
                telling[0].opens_paragraph, paragraph = paragraph, False
                if len(tokens) == 1 and tokens[0].entry.concept == "node":
                    telling[0].heading = True  # "Nodes." on its own
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
