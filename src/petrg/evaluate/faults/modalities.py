"""What a modality shows that was not scanned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.label_set import Spot

__all__ = ["not_scanned"]

_MOST = 100  # mentions looked at; a loop of more tells nothing new
_LOOK_BACK = 4


def not_scanned(pieces: Pieces, words: Words, modalities: Collection[str]) -> Iterator[Fault]:
    """One fault a modality, where the text first describes what only that modality shows.

    ``modalities`` are DICOM's names of what was scanned (``PT``, ``CT``, ``MR``, ``US``); contrast enhancement is
    looked for only where they say how the CT was made: ``CT-plain`` was made without contrast medium. A sentence that
    compares with another examination or recommends one is no fault.
    """
    told: set[str] = set()
    for sign in words.signs:
        if (
            sign.modality in told
            or sign.modality in modalities
            or (sign.modality == "contrast" and "CT-plain" not in modalities)
        ):
            continue
        for m in islice(sign.pattern.finditer(pieces.plain), _MOST):
            at = Spot(m.start(), m.end())
            if sign.unless_before.search(pieces.plain[max(0, at.start - _LOOK_BACK) : at.start]):
                continue
            if words.cues["exam"].search(pieces.words(pieces.sentence_of(at))):
                continue
            told.add(sign.modality)
            yield Fault(FaultKind.NOT_SCANNED, (at,), f"{sign.title} described, which this study does not have")
            break
