"""Organs of the other sex."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from petrg.evaluate.cases.case import Sex
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Organ, Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot

__all__ = ["other_sex"]

_MOST = 100  # mentions looked at; a loop of more tells nothing new
_LOOK_BACK = 14


def other_sex(pieces: Pieces, words: Words, sex: Sex | None) -> Iterator[Fault]:
    """One fault for every organ that a patient of ``sex`` lacks, where it is first named.

    Without a sex, one fault where the text has organs of both. A clause that offers both sexes' organs ("uterus or
    prostate") is a heading, and one about relatives is not about the patient: neither counts. A breast is no sign of a
    sex, nor is what was removed named by a word such as "hysterectomy".
    """
    found: dict[str, tuple[Organ, Spot]] = {}
    for organ, at in _named(pieces, words):
        found.setdefault(organ.name, (organ, at))
    if sex is not None:
        for organ, at in sorted(found.values(), key=lambda row: row[1]):
            if organ.sex != sex:
                title = "woman" if sex == "F" else "man"
                yield Fault(FaultKind.OTHER_SEX, (at,), f"{organ.name} named in the report of a {title}")
        return
    firsts = {
        s: min((row for row in found.values() if row[0].sex == s), key=lambda r: r[1], default=None) for s in "FM"
    }
    of_f, of_m = firsts["F"], firsts["M"]
    if of_f and of_m:
        spans = tuple(sorted((of_f[1], of_m[1])))
        yield Fault(FaultKind.OTHER_SEX, spans, f"{of_f[0].name} and {of_m[0].name} named in one report")


def _named(pieces: Pieces, words: Words) -> Iterator[tuple[Organ, Spot]]:
    """Every organ with its first mention that counts."""
    for organ in words.organs:
        for m in islice(organ.pattern.finditer(pieces.plain), _MOST):
            at = Spot(m.start(), m.end())
            if organ.unless_before.search(pieces.plain[max(0, at.start - _LOOK_BACK) : at.start]):
                continue
            clause = pieces.words(pieces.clause_of(at))
            if words.cues["family"].search(clause) or _offers_both(clause, words):
                continue
            yield organ, at
            break


def _offers_both(clause: str, words: Words) -> bool:
    sexes = {organ.sex for organ in words.organs if organ.pattern.search(clause)}
    return len(sexes) == 2 and words.cues["offers"].search(clause) is not None
