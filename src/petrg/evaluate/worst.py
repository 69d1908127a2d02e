"""The cases that a reader should look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.classes.codes import CT, PET
from petrg.evaluate.scores import WorstCase
from petrg.evaluate.statistics.statistic import Ints

__all__ = ["RULE_LABELS", "RULE_TEXT", "worst_by_labels", "worst_by_text"]

RULE_LABELS = (
    "most labels that differ where either report is abnormal (PET 1, 2, 4; CT 1-7); cases without a report first; "
    "of equals the one further up in the file"
)
RULE_TEXT = "lowest ROUGE-L; cases without a report first; of equals the one further up in the file"


def worst_by_labels(
    family: ClassFamily, missing: Sequence[bool], faults: Mapping[str, tuple[str, ...]], count: int = 10
) -> tuple[WorstCase, ...]:
    """The ``count`` worst cases by :data:`RULE_LABELS`; a case without such a label is never among them.

    Parameters
    ----------
    missing : sequence of bool
        Whether the case has no report, in the order of the family's ids.
    faults : mapping of id -> what is wrong with its text, in words
    """
    n = len(family.ids)
    lost, invented, other = (np.zeros(n, dtype=np.intp) for _ in range(3))
    for scale in (PET, CT):
        reference, prediction = (codes[scale.modality].codes for codes in (family.references, family.predictions))
        there, said = (np.isin(codes, scale.marked) for codes in (reference, prediction))
        lost += (there & ~said).sum(axis=1)
        invented += (said & ~there).sum(axis=1)
        other += (there & said & (reference != prediction)).sum(axis=1)
    wrong: Ints = lost + invented + other
    order = sorted((i for i in range(n) if wrong[i] or missing[i]), key=lambda i: (not missing[i], -wrong[i], i))
    return tuple(
        WorstCase(
            id=family.ids[i],
            why="no report"
            if missing[i]
            else f"{wrong[i]} labels differ: {lost[i]} abnormal not reported, {invented[i]} abnormal not in the "
            f"reference, {other[i]} of another class",
            score=float(wrong[i]),
            faults=faults.get(family.ids[i], ()),
        )
        for i in order[:count]
    )


def worst_by_text(
    ids: Sequence[str], rouge: Sequence[float], missing: Sequence[bool], count: int = 10
) -> tuple[WorstCase, ...]:
    """The ``count`` worst cases by :data:`RULE_TEXT`; a perfect one is never among them."""
    order = sorted((i for i in range(len(ids)) if rouge[i] < 1.0), key=lambda i: (not missing[i], rouge[i], i))
    return tuple(
        WorstCase(id=ids[i], why="no report" if missing[i] else f"ROUGE-L {rouge[i]:.3f}", score=float(rouge[i]))
        for i in order[:count]
    )
