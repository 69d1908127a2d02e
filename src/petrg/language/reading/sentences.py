"""Text -> sentences -> what each segment of them says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from petrg.language.reading.clauses import split_clauses
from petrg.language.reading.lexicon import Lexicon
from petrg.language.reading.said import Statement
from petrg.language.reading.statements import read_clause
from petrg.language.reading.tokens import tokenise

__all__ = ["segments"]

_HEADING = re.compile(r"\s*[a-z][a-z &/,()-]{1,38}\n(?=\s*\S)")
_PARAGRAPH = re.compile(r"[^:]\n\s*\n")
_GAP = 4  # characters before a sentence in which the end of a paragraph is looked for


def segments(plain: str, lexicon: Lexicon) -> Iterator[list[Statement]]:
    """The statements of each segment of a normalised text, in order; positions index it."""
    paragraph = titled = False
    parted = _PARAGRAPH.search(plain) is not None
    for start, end in _sentences(plain, lexicon):
        opens = True
        if parted and _PARAGRAPH.search(plain, max(0, start - _GAP), start + 1):
            paragraph = not titled
        titled = False
        line = _HEADING.match(plain, start) if lexicon.inflected else None
        if line is not None and line.end() <= end + 1 and (telling := _heading(plain, lexicon, line, paragraph)):
            yield telling
            start, paragraph = line.end(), False
            titled = start >= end or not plain[start:end].strip()
            if titled:
                continue
        tokens = tokenise(plain, lexicon, start, end)
        for clauses in split_clauses(tokens):
            telling = [s for s in map(read_clause, clauses) if not s.mute]
            if telling:
                telling[0].opens_sentence, opens = opens, False
                telling[0].opens_paragraph, paragraph = paragraph, False
                if len(tokens) == 1 and tokens[0].entry.concept == "node":
                    telling[0].heading = True  # "Nodes." on its own
                yield telling


def _heading(plain: str, lexicon: Lexicon, line: re.Match[str], paragraph: bool) -> list[Statement]:
    """The statements of a heading on a line of its own, without a colon; none if the line says something."""
    clauses = split_clauses(tokenise(plain, lexicon, line.start(), line.end()))
    telling = [s for segment in clauses for s in map(read_clause, segment) if not s.mute]
    if any(s.suvs or s.sizes or any(said.concept != "node" for said in s.said) for s in telling):
        return []
    telling = telling or [Statement(line.start(), line.end())]
    for statement in telling:
        statement.heading = True
    telling[0].opens_sentence, telling[0].opens_paragraph = True, paragraph
    return telling


def _sentences(plain: str, lexicon: Lexicon) -> Iterator[tuple[int, int]]:
    start = 0
    for match in lexicon.stops.finditer(plain):
        if match.lastgroup == "stop":
            if match.start() > start:
                yield start, match.start()
            start = match.end()
    if len(plain) > start:
        yield start, len(plain)
