"""Laws of the intervals: what they must be on constructed and on simulated scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from petrg.evaluate.statistics.intervals import bootstrap, draw_patients, estimate, range_of, value_of
from petrg.evaluate.statistics.statistic import Floats, Ints, Tally, mean_of


def patients(n: int) -> list[str]:
    return [f"p{i}" for i in range(n)]


def median_of(values: Floats):  # a statistic that is no function of sums
    return lambda drawn: np.median(values[drawn], axis=1)


def test_each_draw_holds_as_many_patients_as_there_are() -> None:
    times = np.concatenate(list(draw_patients(patients(7), 500, seed=3)))
    assert times.shape == (500, 7)
    assert_array_equal(times.sum(axis=1), 7)
    assert_allclose(times.mean(axis=0), 1.0, atol=0.15)  # sd of a mean over 500 draws is 0.04
    assert_allclose(times.var(), 1 - 1 / 7, atol=0.1)  # binomial(7, 1/7)


def test_cases_of_a_patient_are_drawn_together() -> None:
    owners = ["a", "b", "a", "c", "a"]
    times = np.concatenate(list(draw_patients(owners, 300, seed=1)))
    assert_array_equal(times[:, 0], times[:, 2])
    assert_array_equal(times[:, 0], times[:, 4])
    assert set(times.sum(axis=1).tolist()) > {5.0, 9.0}  # patients differ in size, draws too


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    values = {"m": mean_of(np.arange(20.0))}
    one, again, other = (bootstrap(values, patients(20), 50, seed)["m"] for seed in (1, 1, 2))
    assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@given(st.floats(-10, 10), st.integers(2, 30))
def test_a_constant_has_an_interval_of_no_width(value: float, n: int) -> None:
    drawn = bootstrap({"m": mean_of(np.full(n, value))}, patients(n), 40, seed=0)["m"]
    assert_allclose(drawn, value, rtol=1e-12, atol=1e-12)


def test_sums_and_lists_of_cases_give_the_same_draws() -> None:
    values = np.random.default_rng(5).normal(size=12)
    owners = ["a", "a", "b", "c", "c", "c", "d", "e", "f", "g", "h", "i"]

    def listed(drawn: Ints) -> Floats:
        return np.asarray(values[drawn].mean(axis=1))

    drawn = bootstrap({"sums": mean_of(values), "lists": listed}, owners, 200, seed=4)
    assert_allclose(drawn["sums"], drawn["lists"], rtol=1e-12)


def test_only_the_chosen_cases_count() -> None:
    values = np.array([0.0, 0.0, 5.0, 7.0, 0.0])
    where = np.array([2, 3])
    statistics = {"sums": mean_of(values), "lists": median_of(values)}
    drawn = bootstrap(statistics, patients(5), 100, seed=0, where=where)
    assert set(drawn["sums"].tolist()) == {5.0, 6.0, 7.0}
    assert set(drawn["lists"].tolist()) <= {5.0, 6.0, 7.0}
    assert value_of(statistics["sums"], 5, where) == 6.0
    assert value_of(statistics["lists"], 5) == 0.0


def test_the_interval_of_a_mean_is_about_that_of_theory() -> None:
    values = np.random.default_rng(11).normal(size=400)
    found = estimate(0.0, bootstrap({"m": mean_of(values)}, patients(400), 4000, seed=2)["m"], 400, 400)
    assert found.low is not None
    assert found.high is not None
    error = values.std() / 20
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.08)


def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(2026)
    covered = 0
    for trial in range(400):
        scores = rng.beta(2, 3, size=40)  # mean 0.4
        found = estimate(0.0, bootstrap({"m": mean_of(scores)}, patients(40), 300, seed=trial)["m"], 40, 40)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.4 <= found.high
    assert 0.90 <= covered / 400 <= 0.98  # 95 % less what a percentile interval loses at n = 40; sd 1.1 points


def test_cases_of_one_patient_widen_the_interval_as_they_should() -> None:
    rng = np.random.default_rng(8)
    values = np.repeat(rng.normal(size=50), 4)  # four equal studies a patient
    owners = [f"p{i // 4}" for i in range(200)]
    drawn = bootstrap({"m": mean_of(values)}, owners, 3000, seed=1)["m"]
    blind = bootstrap({"m": mean_of(values)}, patients(200), 3000, seed=1)["m"]
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(50), rel=0.1)
    assert drawn.std() > 1.8 * blind.std()


def test_one_patient_has_a_score_and_no_interval() -> None:
    found = estimate(0.5, np.full(100, 0.5), n=3, patients=1)
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert found.note == "no interval: one patient"


def test_an_undefined_score_is_none_with_a_reason_never_a_number() -> None:
    found = estimate(float("nan"), np.full(100, np.nan), n=3, patients=3)
    assert (found.value, found.low) == (None, None)
    assert found.note
    rare = np.where(np.arange(100) < 20, np.nan, 1.0)
    assert estimate(1.0, rare, n=3, patients=3).low is None
    few = np.where(np.arange(100) < 5, np.nan, 1.0)
    assert estimate(1.0, few, n=3, patients=3).low == 1.0
    assert range_of(np.full(5, np.nan), 3).value is None


def test_a_range_of_draws_is_named_so() -> None:
    found = range_of(np.linspace(0, 1, 1001), 45)
    assert found.interval == "range of draws"
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))


def test_no_draw_gives_no_interval() -> None:
    statistics = {"m": Tally(np.ones((3, 1)), lambda sums: sums[..., 0])}
    drawn = bootstrap(statistics, patients(3), 0, seed=0)["m"]
    assert estimate(3.0, drawn, 3, 3).low is None
