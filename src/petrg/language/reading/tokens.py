"""Text -> tokens: the words a lexicon knows, numbers with their units, and where they stand."""

from __future__ import annotations

import re
from typing import NamedTuple

from petrg.language.reading.lexicon import Entry, Kind, Lexicon

__all__ = ["Token", "tokenise"]


class Token(NamedTuple):
    """A known word of the text; ``numbers`` are SUVs, or diameters in mm, longest first."""

    kind: Kind
    start: int
    end: int
    entry: Entry
    numbers: tuple[float, ...] = ()


_SIZE = Entry(Kind.SIZE, ("size",))
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DIAMETER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([^\s0-9.*x~-]*)")
_MM = {"mm": 1.0, "毫米": 1.0, "cm": 10.0, "厘米": 10.0, "公分": 10.0}
_GRADE = re.compile(r"[^0-9.。;,，]{0,16}([1-5])(?![0-9.])")
_BEFORE = re.compile(r"(?<![0-9.])([0-9]{1,2}\.[0-9]{1,2})\s\Z")  # "avid at 6.4 SUVmax"
_MAX_SUV = 300.0
_REACH = 16  # characters after a list of numbers in which "respectively" may stand


def tokenise(plain: str, lexicon: Lexicon, start: int = 0, end: int | None = None) -> list[Token]:
    """The words of ``lexicon`` between two places of a normalised text, left to right."""
    tokens: list[Token] = []
    last = len(plain) if end is None else end
    parts = lexicon.pattern.split(plain[start:last])  # what lies between words, and words, in turn
    simple, make, add = lexicon.simple.get, tuple.__new__, tokens.append  # Token(...) in a third of the time
    done, at = 0, start + len(parts[0])
    for word, between in zip(parts[1::2], parts[2::2], strict=True):
        stop = at + len(word)
        if at < done:
            pass
        elif (entry := simple(word)) is not None:
            add(make(Token, (entry.kind, at, stop, entry, ())))
        elif (token := _special(plain, word, at, last, lexicon)) is not None:
            add(token)
            done = token.end
        at = stop + len(between)
    return tokens


def _special(plain: str, word: str, start: int, last: int, lexicon: Lexicon) -> Token | None:
    """A token that is more than its word: a length, an SUV with its numbers, a plural; None for a word to skip."""
    end = start + len(word)
    entry = lexicon.entry(word)
    if entry is None:
        return Token(Kind.SIZE, start, end, _SIZE, _diameters(word)) if word[0].isdigit() else None
    kind = entry.kind
    numbers: tuple[float, ...] = ()
    if kind is Kind.SUV or kind is Kind.OTHER_NUMBER:
        end, numbers = _suvs(plain, start, end, last, lexicon)
    elif kind is Kind.DEAUVILLE:
        if (grade := _GRADE.match(plain, end, last)) is None:
            return None
        end, numbers = grade.end(), (float(grade.group(1)),)
    elif kind is Kind.SKIP:
        return None
    return Token(kind, start, end, entry, numbers)


def _suvs(plain: str, start: int, end: int, last: int, lexicon: Lexicon) -> tuple[int, tuple[float, ...]]:
    """Numbers after an SUV's name: what it became, else the highest, or one a place if given respectively."""
    if (match := lexicon.change.match(plain, end, last)) is not None:  # "risen from 4.0 to 11.8"
        value = float(next(filter(None, match.groups())))
        return match.end(), (value,) if value <= _MAX_SUV else ()
    match = lexicon.numbers.match(plain, end, last)
    if match is None:
        before_name = _BEFORE.search(plain, max(0, start - _REACH), start)
        return end, () if before_name is None else (float(before_name.group(1)),)
    values: list[float] = []
    before = -1
    body = match.group(1)
    for number in _NUMBER.finditer(body):
        value = float(number.group())
        joined = body[before : number.start()].strip() if before >= 0 else ""
        if before >= 0 and joined in ("-", "~", "至", "to"):
            values[-1] = max(values[-1], value)
        else:
            values.append(value)
        before = number.end()
    values = [value for value in values if value <= _MAX_SUV]
    around = plain[end : min(match.end() + _REACH, last)]
    if len(values) > 1 and not any(word in around for word in lexicon.respective):
        values = [max(values)]
    return match.end(1), tuple(values)


def _diameters(text: str) -> tuple[float, ...]:
    """Diameters in mm, longest first; a unit at the end holds for all before it without one.

    >>> _diameters("3.7cm*34mm"), _diameters("1.4*1.0cm")
    ((37.0, 34.0), (14.0, 10.0))
    """
    parts = [(float(n), _MM.get(u)) for n, u in _DIAMETER.findall(text)]
    last = next((u for _, u in reversed(parts) if u is not None), 1.0)
    return tuple(sorted((round(n * (last if u is None else u), 3) for n, u in parts), reverse=True))
