"""The system's scores case by case: the columns of cases.csv, and the worst cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from petrg.evaluate.case_table import CaseTable, Value
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.scores import WorstCase
from petrg.evaluate.statistics.statistic import Family
from petrg.evaluate.systems import Reports

__all__ = ["case_table", "worst_of"]


def case_table(cases: Cases, families: Mapping[str, Family]) -> CaseTable:
    """The columns of every kind of score, in the order of the kinds."""
    columns: dict[str, Sequence[Value]] = {}
    for name, family in families.items():
        columns.update(_columns(name, family))
    return CaseTable(cases.id_column, cases.ids, columns)


def _columns(name: str, family: Family) -> Mapping[str, Sequence[Value]]:
    from petrg.evaluate.text_scores import TextsScored

    if isinstance(family, TextsScored):
        from petrg.evaluate.text.table import columns

        return columns(family.scores)
    if name == "classes":
        from petrg.evaluate.classes.classes import ClassFamily
        from petrg.evaluate.classes.tables import case_columns

        return case_columns(family) if isinstance(family, ClassFamily) else {}
    if name == "faults":
        from petrg.evaluate.faults import FaultFamily

        return {key: v.tolist() for key, v in family.columns.items()} if isinstance(family, FaultFamily) else {}
    own = getattr(family, "case_columns", None)
    return own() if own is not None else {}


def worst_of(cases: Cases, made: Reports, families: Mapping[str, Family]) -> tuple[tuple[WorstCase, ...], str]:
    """The ten worst cases, by labels where there are any, else by text, and the rule that ranks them."""
    if (classes := families.get("classes")) is not None:
        from petrg.evaluate.classes.classes import ClassFamily
        from petrg.evaluate.worst import RULE_LABELS, worst_by_labels

        if isinstance(classes, ClassFamily):
            missing = [key not in classes.prediction.cases for key in cases.ids]
            return worst_by_labels(classes, missing, _faults(cases, families.get("faults"))), RULE_LABELS
    if made.texts is not None:
        from petrg.evaluate.text_scores import TextsScored
        from petrg.evaluate.worst import RULE_TEXT, worst_by_text

        text = families.get("text")
        if isinstance(text, TextsScored):
            rouge = [float(value) for value in text.scores.values["ROUGE-L"]]
            return worst_by_text(cases.ids, rouge, [one is None for one in made.texts]), RULE_TEXT
    return (), ""


def _faults(cases: Cases, family: Family | None) -> dict[str, tuple[str, ...]]:
    """What is wrong with each case's report, in words."""
    from petrg.evaluate.faults import FaultFamily

    if not isinstance(family, FaultFamily):
        return {}
    return {key: tuple(fault.what for fault in one) for key, one in zip(cases.ids, family.faults, strict=True)}
