"""The tests of a system against its controls and against another system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from petrg.evaluate.rows import Dealt, Draws, ScoredRow
from petrg.evaluate.scores import Metric, PermutationTest
from petrg.evaluate.statistics.permutation import Swaps, holm, p_value, paired_p
from petrg.evaluate.statistics.statistic import Ints, Tally, finite

__all__ = ["paired_tests", "permutation_tests"]

ALPHA = 0.05


def permutation_tests(dealt: Dealt, metrics: Sequence[Metric]) -> tuple[PermutationTest, ...]:
    """Whether the system's reports score better at their own patients than at others of the same sex; one-sided.

    A metric that no permutation changes, and one that is not better in either direction, has no test.
    """
    tests = []
    for metric in metrics:
        if metric.key not in dealt.drawn or metric.better == "neither":
            continue
        observed, drawn = dealt.observed[metric.key], dealt.drawn[metric.key]
        defined = drawn[np.isfinite(drawn)]
        known = bool(np.isfinite(observed)) and len(defined) > 0
        tests.append(
            PermutationTest(
                metric=metric.key,
                against=dealt.permuted.key,
                method="reports permuted among patients",
                difference=finite(observed - float(defined.mean())) if known else None,
                p=p_value(observed, drawn, higher_is_better=metric.better == "higher") if known else None,
                draws=len(drawn),
                alpha=ALPHA,
                note="" if known else "undefined on these cases",
            )
        )
    return _corrected(tests, metrics, max(dealt.least_p, _least(tests)))


def paired_tests(
    system: ScoredRow, other: ScoredRow, patients: Sequence[str], metrics: Sequence[Metric], draws: Draws
) -> tuple[PermutationTest, ...]:
    """Whether two rows differ on the cases that both rest on; two-sided.

    A score that is no function of sums over cases (a median) has no test, and says so.
    """
    if not other.row.given or draws.permutations < 1:
        return ()
    where = _common(system.where, other.where)
    owners = list(patients) if where is None else [patients[i] for i in where]
    swaps = Swaps.draw(owners, draws.permutations, draws.seed_of(f"paired {other.row.key}"))
    tests = []
    for metric in metrics:
        one, two = system.statistics.get(metric.key), other.statistics.get(metric.key)
        if one is None or two is None or metric.better == "neither":
            continue
        summed = isinstance(one, Tally) and isinstance(two, Tally)
        difference, p = paired_p(one, two, swaps, where) if summed else (float("nan"), float("nan"))  # type: ignore[arg-type]
        note = "" if np.isfinite(p) else ("undefined on these cases" if summed else "no paired test of this score")
        tests.append(
            PermutationTest(
                metric=metric.key,
                against=other.row.key,
                method="paired permutation",
                difference=finite(difference),
                p=finite(p),
                draws=draws.permutations,
                alpha=ALPHA,
                note=note,
            )
        )
    ways = 2.0 ** min(len(set(owners)), 60)
    return _corrected(tests, metrics, max(2.0 / ways, _least(tests)))


def _least(tests: Sequence[PermutationTest]) -> float:
    """The least p that so many draws can give."""
    return 1.0 / (1 + min((test.draws for test in tests), default=0))


TOO_FEW = "too few patients or permutations"


def _corrected(
    tests: Sequence[PermutationTest], metrics: Sequence[Metric], least: float
) -> tuple[PermutationTest, ...]:
    """The tests with Holm's correction over the headline metrics of the one control they are against.

    Where even the ``least`` p that can arise would not be below alpha after it, nothing is called distinguishable or
    not: a test that cannot tell says so.
    """
    headline = {metric.key for metric in metrics if metric.headline}
    ps: Mapping[str, float] = {t.metric: t.p for t in tests if t.metric in headline and t.p is not None}
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    told = []
    for test in tests:
        if test.metric in adjusted:
            p, able = adjusted[test.metric], least * len(adjusted) < test.alpha
            note = "" if able else f"{TOO_FEW}: no p below {least * len(adjusted):.3f} can arise after correction"
            test = test.model_copy(
                update={"p_holm": p, "distinguishable": p < test.alpha if able else None, "note": note}
            )
        told.append(test)
    return tuple(told)


def _common(one: Ints | None, two: Ints | None) -> Ints | None:
    if one is None or two is None:
        return two if one is None else one
    return np.intersect1d(one, two)
