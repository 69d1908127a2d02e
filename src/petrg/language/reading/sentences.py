"""Text -> sentences -> what each says; a sentence met before is not parsed again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from petrg.language.reading.clauses import split_clauses
from petrg.language.reading.lexicon import Lexicon
from petrg.language.reading.plain import normalise
from petrg.language.reading.said import Statement
from petrg.language.reading.statements import read_clause
from petrg.language.reading.tokens import tokenise

__all__ = ["forget", "segments"]

_KEPT = 4096  # sentences remembered: reports repeat themselves
_LONGEST = 300  # characters of a sentence worth remembering


def segments(text: str, lexicon: Lexicon) -> Iterator[list[Statement]]:
    """The statements of each segment of ``text``, in order; positions index ``text``."""
    plain = normalise(text)
    start = 0
    for match in lexicon.stops.finditer(plain):
        if match.lastgroup == "stop":
            yield from _segments(plain, start, match.start(), lexicon)
            start = match.end()
    yield from _segments(plain, start, len(plain), lexicon)


def _segments(plain: str, start: int, end: int, lexicon: Lexicon) -> Iterator[list[Statement]]:
    if start == end:
        return
    sentence = plain[start:end]
    parsed = _remembered(sentence, lexicon) if len(sentence) <= _LONGEST else _parse(sentence, lexicon)
    for segment in parsed:
        yield [statement.moved(start) for statement in segment]


def _parse(sentence: str, lexicon: Lexicon) -> list[list[Statement]]:
    read = [[read_clause(clause) for clause in segment] for segment in split_clauses(tokenise(sentence, lexicon))]
    parsed = [telling for segment in read if (telling := [s for s in segment if not s.mute])]
    if parsed:
        parsed[0][0].opens_sentence = True
    return parsed


_remembered = lru_cache(_KEPT)(_parse)


def forget() -> None:
    """Forget the sentences remembered; for measuring speed."""
    _remembered.cache_clear()
