"""A text in sentences, and in units that can be counted in any language."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from petrg.evaluate.labels.label_set import Spot
from petrg.language.reading.plain import normalise

__all__ = ["Pieces", "units"]

_REACH = 300  # characters of a sentence before and after what is looked at
_STOP = re.compile(r"[。!?;\n]+|\.(?=\s|$)")
_UNIT = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+(?:\.[0-9]+)?|[^\s\w]|[^\W\d_a-z]")
_CLAUSE = re.compile(r"[。!?;,\n]+|\.(?=\s|$)")


def units(text: str) -> list[str]:
    """Latin words, numbers, punctuation marks, and single characters of other scripts; case and width are ignored.

    Counts of these need no dictionary and mean the same for every labeller and tokenizer.

    >>> units("肝右叶SUVmax：3.5。")
    ['肝', '右', '叶', 'suvmax', ':', '3.5', '。']
    """
    return _UNIT.findall(normalise(text))


@dataclass(frozen=True)
class Pieces:
    """A text, its plain form (character for character, see ``normalise``), its sentences and clauses."""

    text: str

    @cached_property
    def plain(self) -> str:
        """Lower case, half width."""
        return normalise(self.text)

    @cached_property
    def sentences(self) -> tuple[Spot, ...]:
        """Sentences without their stops and outer blanks; empty ones are left out."""
        return _split(self.plain, _STOP)

    @cached_property
    def clauses(self) -> tuple[Spot, ...]:
        """What lies between commas and stops."""
        return _split(self.plain, _CLAUSE)

    def sentence_of(self, at: Spot) -> Spot:
        """From the start of the sentence of the first character to the end of that of the last.

        Of sentences without end only what is near, so that the time stays linear.
        """
        return _around(self.sentences, at)

    def clause_of(self, at: Spot) -> Spot:
        """From the start of the clause of the first character to the end of that of the last."""
        return _around(self.clauses, at)

    def words(self, at: Spot) -> str:
        """The plain text of a span, of a long one its beginning."""
        return self.plain[at.start : min(at.end, at.start + 2 * _REACH)]


def _split(plain: str, stop: re.Pattern[str]) -> tuple[Spot, ...]:
    found: list[Spot] = []
    start = 0
    for end, following in [*((m.start(), m.end()) for m in stop.finditer(plain)), (len(plain), len(plain))]:
        piece = plain[start:end]
        if stripped := piece.strip():
            lead = len(piece) - len(piece.lstrip())
            found.append(Spot(start + lead, start + lead + len(stripped)))
        start = following
    return tuple(found)


def _around(pieces: Sequence[Spot], at: Spot) -> Spot:
    first = bisect_right(pieces, at.start, key=lambda piece: piece.start) - 1
    last = bisect_right(pieces, max(at.end - 1, at.start), key=lambda piece: piece.start) - 1
    start = pieces[first].start if first >= 0 else at.start
    end = pieces[last].end if last >= 0 else at.end
    return Spot(min(max(start, at.start - _REACH), at.start), max(min(end, at.end + _REACH), at.end))
