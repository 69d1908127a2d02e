"""Sexes that the reports contradict."""

from __future__ import annotations

from collections.abc import Mapping

from petrg.evaluate.cases.meta import Patient
from petrg.evaluate.faults.lexicon import words
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.faults.sexes import other_sex

__all__ = ["contradicted"]


def contradicted(references: Mapping[str, str], patients: Mapping[str, Patient]) -> tuple[str, ...]:
    """Ids of cases whose reference names an organ that a patient of the table's sex lacks.

    Examples
    --------
    >>> contradicted({"a": "前列腺未见异常。", "b": "子宫未见异常。"}, {"a": Patient("F"), "b": Patient("F")})
    ('a',)
    """
    return tuple(
        key
        for key, text in references.items()
        if key in patients
        and patients[key].sex is not None
        and next(other_sex(Pieces(text), words(), patients[key].sex), None) is not None
    )
