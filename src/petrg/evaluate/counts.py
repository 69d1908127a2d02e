"""What is counted aloud beside the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.rows import Dealt, ScoredRow
from petrg.evaluate.scores import Count
from petrg.evaluate.statistics.statistic import Family
from petrg.evaluate.systems import Reports

__all__ = ["counts_of"]


def counts_of(
    cases: Cases, made: Reports, families: Mapping[str, Family], dealt: Dealt, scored: Sequence[ScoredRow]
) -> tuple[Count, ...]:
    """Missing reports, unknown sexes, cases a control does not cover, and what each kind of score counts."""
    n = len(cases)
    rows = []
    if made.texts is not None:
        missing = sum(text is None for text in made.texts)
        same = sum(text == case.reference for text, case in zip(made.texts, cases.cases, strict=True))
        rows.append(Count(key="missing", title="cases without a prediction; they score 0", value=missing, of=n))
        rows.append(Count(key="copied", title="predictions equal to their reference", value=same, of=n))
    unknown = sum(case.sex is None for case in cases.cases)
    rows.append(Count(key="sex-unknown", title="cases of unknown sex", value=unknown, of=n))
    if cases.left_out is not None:
        title = "cases of the table of patients without a report to score"
        rows.append(Count(key="meta-left-out", title=title, value=cases.left_out, of=n + cases.left_out))
    if dealt.permuted.given:
        title = "cases whose reports were dealt among patients of the same sex"
        rows.append(Count(key="dealt", title=title, value=dealt.dealt, of=n))
    for one in scored[1:]:
        if one.where is not None:
            title = f"cases that “{one.row.title}” covers"
            rows.append(Count(key=f"{one.row.key}-covers", title=title, value=len(one.where), of=n))
    return (*rows, *_of_families(families))


def _of_families(families: Mapping[str, Family]) -> tuple[Count, ...]:
    from petrg.evaluate.classes.classes import ClassFamily
    from petrg.evaluate.classes.tables import class_counts

    rows: list[Count] = []
    for family in families.values():
        if isinstance(family, ClassFamily):
            rows += class_counts(family)
        elif (own := getattr(family, "counts", None)) is not None and callable(own):
            rows += own()
    return tuple(rows)
