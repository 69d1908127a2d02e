"""How a text ends: cut off in the middle, or going on after its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot

__all__ = ["cut_off", "empty", "run_on"]

_PAIRS = {"(": ")", "[": "]", "{": "}", "【": "】", "《": "》", "「": "」", "“": "”"}
_ENDS = frozenset(".。!?;…*|\"'") | frozenset(_PAIRS.values())
_GOES_ON = frozenset(",、:-/<~=+&") | frozenset(_PAIRS)
_TAIL = 40  # characters shown as the place of the fault
_GAP = 3  # sentences between the beginning and its return
_LEAST = 6  # letters of a sentence that can be recognised, or of a text after the end


def empty(pieces: Pieces) -> Iterator[Fault]:
    """A text without a letter."""
    if not any(c.isalpha() for c in pieces.plain):
        yield Fault(FaultKind.EMPTY, (), "no word in the text")


def cut_off(pieces: Pieces, words: Words) -> Iterator[Fault]:
    """The last sentence does not end.

    A text most of whose lines end without a stop, as lists do, is cut off only after a comma, an open bracket or a
    word that needs another.
    """
    body = _before_markers(pieces.plain, words).rstrip()
    if not any(c.isalpha() for c in body):
        return
    tail = body[-_TAIL:]
    why = ""
    if _opens(tail):
        why = "the text ends within a bracket"
    elif body[-1] in _GOES_ON or re.search(r"[0-9]\s*[cm]?m?\s*\*$", tail) or words.goes_on.search(tail):
        why = "the text ends where more must follow"
    elif "。" in body and re.search(r"[0-9]\.$", tail):
        why = "the text ends within a number"
    elif body[-1] not in _ENDS and not _is_list(body):
        why = "the last sentence has no end"
    if why:
        yield Fault(FaultKind.CUT_OFF, (Spot(len(body) - len(tail), len(body)),), why)


def run_on(pieces: Pieces, words: Words) -> Iterator[Fault]:
    """Text after the mark of the end, marks of a conversation, or the report's beginning once more."""
    if end := words.end_marks.search(pieces.plain):
        start = end.end()
        rest = words.end_marks.sub("", pieces.plain[start:])
        if sum(c.isalnum() for c in rest) >= _LEAST:
            yield Fault(FaultKind.RUN_ON, (Spot(start, len(pieces.plain.rstrip())),), "text after the mark of the end")
            return
    if talk := words.talk.search(pieces.plain):
        yield Fault(FaultKind.RUN_ON, (Spot(talk.start(), talk.end()),), "marks of a conversation with a model")
        return
    if again := _second_beginning(pieces):
        yield Fault(FaultKind.RUN_ON, again, "the report begins once more")


def _second_beginning(pieces: Pieces) -> tuple[Spot, Spot] | None:
    """The first two different sentences, and where they return after others."""
    rows = [s for s in pieces.sentences if s.end - s.start >= _LEAST]
    if len(rows) < _GAP + 2:
        return None
    first, second = pieces.words(rows[0]), pieces.words(rows[1])
    if first == second:
        return None
    for i in range(_GAP, len(rows) - 1):
        if pieces.words(rows[i]) == first and pieces.words(rows[i + 1]) == second:
            return Spot(rows[0].start, rows[1].end), Spot(rows[i].start, rows[i + 1].end)
    return None


def _before_markers(plain: str, words: Words) -> str:
    """The text without marks of the end that nothing follows."""
    end = len(plain.rstrip())
    for mark in reversed(list(words.end_marks.finditer(plain))):
        if plain[mark.end() : end].strip():
            break
        end = mark.start()
    return plain[:end]


def _opens(tail: str) -> bool:
    """Whether a bracket opened in ``tail`` is not closed again."""
    return any(tail.rfind(a) > tail.rfind(b) for a, b in _PAIRS.items())


def _is_list(body: str) -> bool:
    lines = [line.rstrip() for line in body.split("\n")[:-1] if line.strip()]
    return bool(lines) and 2 * sum(line[-1] not in _ENDS for line in lines) >= len(lines)
