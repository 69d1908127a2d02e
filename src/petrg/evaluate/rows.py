"""Rows of a table of scores: fixed reports with intervals, and reports dealt at random with their range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.kinds import Kind
from petrg.evaluate.scores import Estimate, Row
from petrg.evaluate.statistics.intervals import bootstrap, estimate, range_of, value_of
from petrg.evaluate.statistics.permutation import Pool, deal, exchangeable, others, ways_to_deal
from petrg.evaluate.statistics.statistic import Family, Floats, Ints, Statistic
from petrg.evaluate.systems import Reports

__all__ = ["Dealt", "Draws", "ScoredRow", "dealt_rows", "scored_row"]

UNMOVED = "no permutation changes it"


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How much is drawn, and from which seed."""

    seed: int = 0
    bootstrap: int = 2000
    permutations: int = 1000

    def seed_of(self, what: str) -> int:
        """A seed of its own for each use, so that one number of draws does not change another's result."""
        return int(np.random.SeedSequence([self.seed, *what.encode()]).generate_state(1)[0])


@dataclass(frozen=True, kw_only=True)
class ScoredRow:
    """A row with what its intervals and tests are made of.

    Parameters
    ----------
    row : Row
    families : mapping of a kind's name -> Family
        Of the kinds that its reports have; the system's alone are kept.
    statistics : mapping of metric key -> Statistic
    where : (k,) int, optional
        The cases it rests on, where these are not all.
    """

    row: Row
    families: Mapping[str, Family] = field(default_factory=dict)
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    where: Ints | None = None


def scored_row(reports: Reports, cases: Cases, kinds: Sequence[Kind], draws: Draws) -> ScoredRow:
    """Every score of fixed reports, with its interval over draws of patients."""
    head = _head(reports)
    if not reports.given:
        return ScoredRow(row=head)
    where = None if reports.where is None else np.array(reports.where, dtype=np.intp)
    families, reasons = _families(reports, cases, kinds)
    statistics = {key: s for family in families.values() for key, s in family.statistics().items()}
    patients = cases.patients
    drawn = bootstrap(statistics, patients, draws.bootstrap, draws.seed_of("bootstrap"), where)
    n = len(cases) if where is None else len(where)
    owners = len(set(patients if where is None else [patients[i] for i in where]))
    estimates = {}
    for kind in kinds:
        for metric in kind.metrics:
            key = metric.key
            if key in statistics:
                value = value_of(statistics[key], len(cases), where)
                estimates[key] = estimate(value, drawn[key], n, owners, getattr(statistics[key], "why", ""))
            else:
                estimates[key] = Estimate(value=None, note=reasons.get(kind.name, "not given"))
    row = head.model_copy(update={"estimates": estimates})
    kept = families if reports.key == "system" else {}  # what a family holds grows with the texts
    return ScoredRow(row=row, families=kept, statistics=statistics, where=where)


@dataclass(frozen=True, kw_only=True)
class Dealt:
    """The system's own reports dealt to other patients of the same sex, and other patients' references.

    Parameters
    ----------
    permuted, other : Row
    observed : mapping of metric key -> float
        The system's scores on the cases that could be dealt.
    drawn : mapping of metric key -> (draws,) float64
        Its scores after each permutation.
    dealt : int
        How many cases could be dealt.
    least_p : float
        One over the number of ways to deal them: no p can be below it.
    """

    permuted: Row
    other: Row
    observed: Mapping[str, float] = field(default_factory=dict)
    drawn: Mapping[str, Floats] = field(default_factory=dict)
    dealt: int = 0
    least_p: float = 1.0


def dealt_rows(system: Reports, reference: Reports, cases: Cases, kinds: Sequence[Kind], draws: Draws) -> Dealt:
    """The two controls that need other patients of the same sex.

    Cases that have none (their sex is not known, or nobody else is of it with as many cases) are left out of both
    rows and of the test, the system's own score in it included.

    Parameters
    ----------
    reference : Reports
        The references as if they were a system's reports.
    """
    permuted = Row(key="permuted", title="own reports, other patients", kind="control", how=_PERMUTED, given=False)
    other = Row(key="random-reference", title="another patient's reference", kind="control", how=_OTHER, given=False)
    pools = exchangeable(cases)
    if not pools or draws.permutations < 1:
        why = {"reason": _why(cases, draws)}
        return Dealt(permuted=permuted.model_copy(update=why), other=other.model_copy(update=why))
    where = np.unique(np.concatenate([pool.cases.ravel() for pool in pools]))
    if len(where) < len(cases):
        cases, system, reference = (_part_of(cases, where), _part(system, where), _part(reference, where))
        pools = exchangeable(cases)
    observed, drawn, own = _drawn(system, cases, kinds, pools, draws)
    orders = others(pools, len(cases), draws.permutations, draws.seed_of("another"))
    families, reasons = _families(reference, cases, kinds)
    apart = {key: values for family in families.values() for key, values in family.permuted(orders).items()}
    return Dealt(
        permuted=_ranges(permuted, kinds, drawn, own, len(cases)),
        other=_ranges(other, kinds, apart, reasons, len(cases)),
        observed=observed,
        drawn=drawn,
        dealt=len(cases),
        least_p=1.0 / ways_to_deal(pools, len(cases)),
    )


_PERMUTED = "the system's reports permuted among patients of the same sex; mean and central 95 % of the draws"
_OTHER = "the reference report of a random other patient of the same sex; mean and central 95 % of the draws"


def _drawn(
    system: Reports, cases: Cases, kinds: Sequence[Kind], pools: Sequence[Pool], draws: Draws
) -> tuple[dict[str, float], dict[str, Floats], dict[str, str]]:
    """The system's scores as they are and after each permutation, by metric key."""
    identity = np.arange(len(cases), dtype=np.intp)[None]
    orders = deal(pools, len(cases), draws.permutations, draws.seed_of("permuted"))
    families, reasons = _families(system, cases, kinds)
    observed: dict[str, float] = {}
    drawn: dict[str, Floats] = {}
    for family in families.values():
        for key, values in family.permuted(np.concatenate([identity, orders])).items():
            observed[key], drawn[key] = float(values[0]), values[1:]
    return observed, drawn, reasons


def _ranges(row: Row, kinds: Sequence[Kind], drawn: Mapping[str, Floats], reasons: Mapping[str, str], n: int) -> Row:
    estimates = {}
    for kind in kinds:
        for metric in kind.metrics:
            values = drawn.get(metric.key)
            estimates[metric.key] = (
                Estimate(value=None, note=reasons.get(kind.name, UNMOVED)) if values is None else range_of(values, n)
            )
    return row.model_copy(update={"given": True, "estimates": estimates})


def _families(reports: Reports, cases: Cases, kinds: Sequence[Kind]) -> tuple[dict[str, Family], dict[str, str]]:
    """By kind of score: the family, or why there is none."""
    families: dict[str, Family] = {}
    reasons: dict[str, str] = {}
    for kind in kinds:
        made = kind.family(cases, reports)
        if isinstance(made, str):
            reasons[kind.name] = made
        else:
            families[kind.name] = made
    return families, reasons


def _head(reports: Reports) -> Row:
    return Row(
        key=reports.key,
        title=reports.title,
        kind=reports.kind,
        how=reports.how,
        given=reports.given,
        reason=reports.reason,
    )


def _why(cases: Cases, draws: Draws) -> str:
    if draws.permutations < 1:
        return "no permutation was asked for"
    if all(case.sex is None for case in cases.cases):
        return "no sexes: give --meta"
    return "no two patients of the same known sex with as many cases"


def _part_of(cases: Cases, where: Ints) -> Cases:
    return replace(cases, cases=tuple(cases.cases[i] for i in where))


def _part(reports: Reports, where: Ints) -> Reports:
    return reports if reports.texts is None else replace(reports, texts=tuple(reports.texts[i] for i in where))
