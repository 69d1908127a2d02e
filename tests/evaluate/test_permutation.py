"""Laws of the permutation tests: who may trade with whom, and what p is where the truth is known."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.statistics.permutation import Swaps, block_size, deal, exchangeable, holm, others, p_value, paired_p
from petrg.evaluate.statistics.statistic import mean_of


def cases(sexes: str, owners: str = "") -> Cases:
    """One case a letter: F, M or ? for unknown; ``owners`` names patients by letter."""
    return Cases(
        cases=tuple(
            Case(
                id=str(i),
                reference="r",
                prediction="p",
                sex=None if s == "?" else s,  # type: ignore[arg-type]
                patient=owners[i] if owners else str(i),
            )
            for i, s in enumerate(sexes)
        )
    )


sexes_of_cases = st.text("FM?", min_size=1, max_size=40)


@given(sexes_of_cases, st.integers(0, 99), st.integers(2, 9))
def test_reports_never_cross_sexes_and_none_is_lost(sexes: str, seed: int, block: int) -> None:
    pools = exchangeable(cases(sexes))
    orders = deal(pools, len(sexes), 5, seed, block)
    assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(len(sexes)), (5, 1)))
    sex = np.array(list(sexes))
    assert (sex[orders] == sex).all()
    assert (orders[:, sex == "?"] == np.flatnonzero(sex == "?")).all()


@given(sexes_of_cases, st.integers(0, 99), st.integers(2, 9))
def test_another_patient_is_another_and_of_the_same_sex(sexes: str, seed: int, block: int) -> None:
    pools = exchangeable(cases(sexes))
    orders = others(pools, len(sexes), 5, seed, block)
    sex = np.array(list(sexes))
    assert (sex[orders] == sex).all()
    pooled = sorted(int(i) for pool in pools for i in pool.cases.ravel())
    assert (orders[:, pooled] != np.array(pooled, dtype=int)).all()


def test_every_permutation_of_a_pool_is_as_likely() -> None:
    orders = deal(exchangeable(cases("FFF")), 3, 6000, seed=0)
    seen = [int((orders == order).all(axis=1).sum()) for order in permutations(range(3))]
    assert sum(seen) == 6000
    assert_allclose(seen, 1000, atol=150)  # sd 29


def test_every_other_patient_is_as_likely() -> None:
    orders = others(exchangeable(cases("MMMM")), 4, 6000, seed=0)
    assert_allclose(np.bincount(orders[:, 1], minlength=4), [2000, 0, 2000, 2000], atol=200)


def test_cases_of_a_patient_stay_together() -> None:
    made = cases("FFFFFFM", "aabbccd")
    pools = exchangeable(made)
    assert [pool.cases.tolist() for pool in pools] == [[[0, 1], [2, 3], [4, 5]]]
    orders = deal(pools, 7, 50, seed=1)
    assert_array_equal(orders[:, 1], orders[:, 0] + 1)
    assert set(orders[:, 0].tolist()) == {0, 2, 4}
    assert (orders[:, 6] == 6).all()


def test_patients_with_another_number_of_cases_do_not_trade() -> None:
    assert exchangeable(cases("FFFFF", "aabbc"))[0].cases.tolist() == [[0, 1], [2, 3]]
    assert exchangeable(cases("FFF", "aab")) == ()
    assert exchangeable(cases("FM")) == ()
    assert exchangeable(cases("???")) == ()


def test_a_sex_known_once_is_the_patients_and_two_are_an_error() -> None:
    assert exchangeable(cases("F?F?", "aabb"))[0].cases.tolist() == [[0, 1], [2, 3]]
    with pytest.raises(ScoreError, match="of one patient and of different sex"):
        exchangeable(cases("FM", "aa"))


def test_large_pools_are_cut_into_parts_that_do_not_trade() -> None:
    pools = exchangeable(cases("F" * 100))
    orders = deal(pools, 100, 400, seed=3, block=10)
    partners = [set(orders[:, i].tolist()) for i in range(100)]
    assert {len(p) for p in partners} == {10}
    assert len({frozenset(p) for p in partners}) == 10
    assert block_size(1000) * 1000 <= 25_000


def test_p_counts_the_observed_score_among_the_draws() -> None:
    drawn = np.array([0.1, 0.2, 0.3, 0.4])
    assert p_value(0.5, drawn) == 1 / 5
    assert p_value(0.3, drawn) == 3 / 5
    assert p_value(0.3, drawn, higher_is_better=False) == 4 / 5
    assert p_value(0.3, np.array([0.3 - 1e-15])) == 1.0  # equal but for the order of summing
    assert p_value(0.3, np.array([np.nan])) == 1.0


def perfect(references: np.ndarray, predictions: np.ndarray, orders: np.ndarray) -> np.ndarray:
    return (references[None] == predictions[orders]).mean(axis=1)


def test_a_perfect_system_is_told_from_its_own_reports_dealt_out() -> None:
    made = cases("F" * 10 + "M" * 10)
    truth = np.arange(20)
    orders = deal(exchangeable(made), 20, 999, seed=0)
    assert p_value(1.0, perfect(truth, truth, orders)) == 1 / 1000


def test_under_no_relation_p_is_uniform() -> None:
    rng = np.random.default_rng(7)
    pools = exchangeable(cases("F" * 15 + "M" * 15))
    ps = []
    for trial in range(400):
        references, predictions = rng.normal(size=30), rng.normal(size=30)
        orders = deal(pools, 30, 99, seed=trial)
        scores = (references * predictions[orders]).mean(axis=1)
        ps.append(p_value(float((references * predictions).mean()), scores))
    assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=0.04)  # sd 0.011
    assert np.mean(ps) == pytest.approx(0.5, abs=0.06)


def test_blocks_keep_the_test_exact() -> None:
    rng = np.random.default_rng(17)
    pools = exchangeable(cases("F" * 40))
    ps = []
    for trial in range(300):
        references, predictions = rng.normal(size=40), rng.normal(size=40)
        scores = (references * predictions[deal(pools, 40, 99, seed=trial, block=10)]).mean(axis=1)
        ps.append(p_value(float((references * predictions).mean()), scores))
    assert np.mean(np.array(ps) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_the_paired_test_is_the_one_counted_by_hand() -> None:
    one, other = np.array([3.0, 1.0, 2.0, 5.0]), np.array([1.0, 2.0, 0.0, 1.0])
    swapped = np.array(list(product((False, True), repeat=4)))
    difference, p = paired_p(mean_of(one), mean_of(other), Swaps(swapped))
    assert difference == pytest.approx(1.75)
    # all 16 ways to sign the differences 2, -1, 2, 4: |sum| >= 7 in 4 of them (both signs of 7 and of 9)
    signs = np.array(list(product((1, -1), repeat=4))) @ (one - other)
    assert p == pytest.approx((1 + int((np.abs(signs) >= 7).sum())) / 17)


def test_two_equal_systems_are_alike_and_two_far_apart_are_not() -> None:
    scores = np.random.default_rng(0).random(30)
    swaps = Swaps.draw([str(i) for i in range(30)], 999, seed=0)
    assert paired_p(mean_of(scores), mean_of(scores), swaps) == (0.0, 1.0)
    difference, p = paired_p(mean_of(scores + 1), mean_of(scores), swaps)
    assert (difference, p) == (pytest.approx(1.0), 1 / 1000)


def test_the_studies_of_one_patient_are_swapped_together() -> None:
    swapped = Swaps.draw(["a", "b", "a", "b"], 200, seed=5).swapped
    assert_array_equal(swapped[:, 0], swapped[:, 2])
    assert_array_equal(swapped[:, 1], swapped[:, 3])
    assert 0.3 < swapped[:, 0].mean() < 0.7
    assert (swapped[:, 0] != swapped[:, 1]).any()


def test_the_paired_test_keeps_its_level() -> None:
    rng = np.random.default_rng(23)
    owners = [str(i) for i in range(25)]
    ps = []
    for trial in range(400):
        both = rng.normal(size=(2, 25)) + rng.normal(size=25)
        ps.append(paired_p(mean_of(both[0]), mean_of(both[1]), Swaps.draw(owners, 99, seed=trial))[1])
    assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_an_undefined_score_has_no_paired_test() -> None:
    nothing = mean_of(np.full(3, np.nan))
    difference, p = paired_p(nothing, mean_of(np.ones(3)), Swaps.draw(["a", "b", "c"], 10, seed=0))
    assert np.isnan(difference)
    assert np.isnan(p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_never_below_p_nor_above_bonferroni_and_keeps_the_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    for p, q in zip(ps, adjusted, strict=True):
        assert p <= q + 1e-12
        assert q <= min(1.0, len(ps) * p) + 1e-12 or q == max(adjusted[i] for i in range(len(ps)) if ps[i] <= p)
    order = np.argsort(ps, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= -1e-12).all()


def test_holm_on_the_textbook_case() -> None:
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
