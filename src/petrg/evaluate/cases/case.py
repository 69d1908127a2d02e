"""Pairs of reference and prediction, and what is known of their patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from petrg.errors import ScoreError

__all__ = ["Case", "Cases", "Sex"]

Sex = Literal["F", "M"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One study: the reference report and what a system wrote of it.

    ``prediction`` is None where the system gave none: it scores 0 and is counted. ``patient`` groups the
    studies of one patient for intervals; it is the case's own id where nothing else is known.
    """

    id: str
    reference: str
    prediction: str | None
    sex: Sex | None = None
    hospital: str | None = None
    patient: str = ""


@dataclass(frozen=True, kw_only=True)
class Cases:
    """All cases in the order of the file; ids are unique, ``id_column`` is how the file calls them."""

    cases: tuple[Case, ...]
    id_column: str = "id"
    sources: dict[str, str] = field(default_factory=dict)
    """Role ("reports", "meta", "template") -> sha256 of the bytes read."""
    left_out: int | None = None
    """Rows of the table of patients that are none of these cases: a case dropped from the reports is among them. None
    where there is no such table."""

    def __post_init__(self) -> None:
        if not self.cases:
            raise ScoreError("no case", "at least one pair of reports", "check the file and its columns")
        seen: set[str] = set()
        for row, case in enumerate(self.cases, 1):
            if case.id in seen:
                raise ScoreError(
                    f"case {row} has the id of an earlier one", "each id once", "give every case its own id"
                )
            seen.add(case.id)

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids in file order."""
        return tuple(case.id for case in self.cases)

    @property
    def patients(self) -> tuple[str, ...]:
        """Whose each case is, in file order; the case's own id where it does not say."""
        return tuple(case.patient or case.id for case in self.cases)

    @property
    def references(self) -> tuple[str, ...]:
        """Reference reports in file order."""
        return tuple(case.reference for case in self.cases)

    @property
    def predictions(self) -> tuple[str | None, ...]:
        """Predicted reports in file order; None where missing."""
        return tuple(case.prediction for case in self.cases)

    def with_predictions(self, predictions: Sequence[str | None]) -> Cases:
        """The same cases with another system's reports, in the same order."""
        cases = tuple(replace(c, prediction=p) for c, p in zip(self.cases, predictions, strict=True))
        return replace(self, cases=cases)
