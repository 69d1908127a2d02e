"""What a modality shows that was not scanned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from petrg.errors import ScoreError
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.lexicon import Words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.labels.label_set import Spot

__all__ = ["not_scanned", "scanned"]

_NAMES = ("PT", "CT", "CT-plain", "MR", "US")

_MOST = 100  # mentions looked at; a loop of more tells nothing new
_LOOK_BACK = 4


def scanned(names: str) -> tuple[str, ...]:
    """What was scanned, from names with commas between; ``CT-plain`` is a CT too.

    Raises
    ------
    ScoreError
        If one is no name that is known here, or there is none.

    Examples
    --------
    >>> scanned("PT, MR"), scanned("pt,ct-plain")
    (('PT', 'MR'), ('PT', 'CT-plain', 'CT'))
    """
    known = {name.casefold(): name for name in _NAMES}
    told = [known.get(name.strip().casefold()) for name in names.split(",")]
    found = [name for name in told if name is not None]
    if len(found) < len(told):
        raise ScoreError("a modality that is not known", f"some of {', '.join(_NAMES)}", "correct --modalities")
    return tuple(dict.fromkeys([*found, *(["CT"] if "CT-plain" in found else [])]))


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
