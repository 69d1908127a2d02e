"""A fault: something no careful physician would leave in a report, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from petrg.evaluate.labels.label_set import Spot

__all__ = ["Fault", "FaultKind"]


class FaultKind(StrEnum):
    """What is wrong; values stand in result files."""

    CONTRADICTION = "contradiction"
    OTHER_SEX = "other-sex-organ"
    NOT_SCANNED = "modality-not-scanned"
    UNIT = "unit"
    REPETITION = "repetition"
    CUT_OFF = "cut-off"
    RUN_ON = "run-on"
    EMPTY = "empty"
    PLACEHOLDER = "placeholder"
    HIDDEN = "hidden-characters"

    @property
    def words(self) -> str:
        """For people.

        >>> FaultKind.OTHER_SEX.words
        'organ of the other sex'
        """
        return _TITLES[self]


_TITLES = {
    FaultKind.CONTRADICTION: "contradiction",
    FaultKind.OTHER_SEX: "organ of the other sex",
    FaultKind.NOT_SCANNED: "modality that was not scanned",
    FaultKind.UNIT: "impossible size, unit or SUV",
    FaultKind.REPETITION: "repetition",
    FaultKind.CUT_OFF: "cut off",
    FaultKind.RUN_ON: "runs on after its end",
    FaultKind.EMPTY: "empty",
    FaultKind.PLACEHOLDER: "placeholder left",
    FaultKind.HIDDEN: "hidden characters",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one text.

    Parameters
    ----------
    kind : FaultKind
    spans : tuple of Spot
        Characters of the text, in order; both sides of a contradiction, none of an empty text.
    what : str
        A line in words; it names regions and kinds and quotes numbers, never a patient.
    """

    kind: FaultKind
    spans: tuple[Spot, ...]
    what: str
