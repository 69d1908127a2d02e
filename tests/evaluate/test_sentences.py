"""Words from numbers: a claim stands only where its test carries it."""

from __future__ import annotations

from typing import Literal

import pytest

from petrg.evaluate.scores import Count, Estimate, Metric, PermutationTest, Row, Scores
from petrg.evaluate.sentences import decimals, sentences

BLEU = Metric(
    key="BLEU-4[char 1]", title="", group="text", low=0, high=1, better="higher", definition="", headline=True
)
FALSE = Metric(key="False", title="", group="lesions", low=0, better="lower", definition="", headline=True)
QUIET = Metric(key="BLEU-1[char 1]", title="", group="text", low=0, high=1, better="higher", definition="")


def row(key: str, kind: Literal["system", "control", "reader"], reason: str = "", **values: float | None) -> Row:
    named = {"bleu": BLEU.key, "false": FALSE.key, "quiet": QUIET.key}
    estimates = {named[k]: Estimate(value=v, note="" if v is not None else "undefined") for k, v in values.items()}
    return Row(key=key, title=key, kind=kind, how="", given=not reason, reason=reason, estimates=estimates)


def compared(
    metric: Metric, against: str, difference: float | None, p: float | None, told: bool | None
) -> PermutationTest:
    return PermutationTest(
        metric=metric.key,
        against=against,
        method="paired permutation",
        difference=difference,
        p=p,
        p_holm=p,
        draws=999,
        distinguishable=told,
    )


def scores(rows: list[Row], tests: list[PermutationTest], counts: tuple[Count, ...] = ()) -> Scores:
    return Scores(
        petrg="0",
        system="s",
        cases=3,
        patients=3,
        seed=0,
        bootstrap_draws=0,
        permutations=999,
        inputs={},
        metrics=(BLEU, FALSE, QUIET),
        rows=tuple(rows),
        tests=tuple(tests),
        counts=counts,
    )


SYSTEM = row("system", "system", bleu=0.325, false=2.0, quiet=0.9)
TEMPLATE = row("template", "control", bleu=0.48, false=0.0, quiet=0.1)


def test_worse_better_and_alike_follow_the_test_and_the_direction_of_the_score() -> None:
    tests = [compared(BLEU, "template", -0.155, 0.001, True), compared(FALSE, "template", 2.0, 0.004, True)]
    said = sentences(scores([SYSTEM, TEMPLATE], tests))
    assert said == (
        "BLEU-4[char 1] 0.325 is worse than the healthy template copied word for word (0.480; p = 0.001, "
        "Holm-corrected over 2 scores), which looks at no scan.",
        "False 2.000 is worse than the healthy template copied word for word (0.000; p = 0.004, "
        "Holm-corrected over 2 scores), which looks at no scan.",
    )
    lower = sentences(scores([SYSTEM, TEMPLATE], [compared(FALSE, "template", -2.0, 0.004, True)]))
    assert "False 2.000 is better than" in lower[0]
    alike = sentences(scores([SYSTEM, TEMPLATE], [compared(BLEU, "template", -0.155, 0.31, False)]))
    assert "is not distinguishable from the healthy template" in alike[0]
    assert "p = 0.310" in alike[0]


def test_a_difference_without_a_verdict_is_not_put_into_words() -> None:
    assert sentences(scores([SYSTEM, TEMPLATE], [])) == ()
    assert sentences(scores([SYSTEM, TEMPLATE], [compared(BLEU, "template", -0.155, None, None)])) == ()


def test_scores_that_are_no_headline_are_not_put_into_words() -> None:
    assert sentences(scores([SYSTEM, TEMPLATE], [compared(QUIET, "template", 0.8, 0.001, None)])) == ()


def ranged(low: float, high: float, n: int) -> Row:
    estimate = Estimate(value=(low + high) / 2, low=low, high=high, interval="range of draws", n=n)
    return Row(key="random-reference", title="", kind="control", how="", estimates={BLEU.key: estimate})


def test_another_patients_reference_is_said_to_go_before_only_where_nearly_all_draws_do() -> None:
    said = sentences(scores([SYSTEM, ranged(0.5, 0.7, n=0)], []))
    assert said == (
        "BLEU-4[char 1] 0.325 is worse than what the reference of a random other patient of the same sex scores "
        "(0.600; in at least 97.5 % of 999 draws).",
    )
    assert sentences(scores([SYSTEM, ranged(0.3, 0.7, n=0)], [])) == ()
    assert sentences(scores([SYSTEM, ranged(0.1, 0.2, n=0)], [])) == ()
    assert sentences(scores([SYSTEM, ranged(0.5, 0.7, n=2)], [])) == ()  # on other cases than the system


def test_a_control_that_is_lacking_is_said_to_be() -> None:
    lacking = row("permuted", "control", reason="no sexes: give --meta")
    said = sentences(scores([SYSTEM, lacking], []))
    assert said == (
        "Not given: permuted (no sexes: give --meta). Without this control the scores cannot show whether they "
        "mean anything.",
    )


def test_a_lacking_second_reader_is_no_fault() -> None:
    assert sentences(scores([SYSTEM, row("second-reader", "reader", reason="none")], [])) == ()


def test_missing_predictions_and_undefined_scores_are_said() -> None:
    system = row("system", "system", bleu=None, false=2.0)
    said = sentences(scores([system], [], (Count(key="missing", title="", value=1, of=3),)))
    assert said[0] == "1 of 3 cases has no prediction: text scores 0."
    assert said[1] == "BLEU-4[char 1] is not defined on these cases."


def test_a_missing_prediction_costs_what_is_scored() -> None:
    classes = BLEU.model_copy(update={"key": "PET-All", "group": "classes"})
    counted = scores([SYSTEM], [], (Count(key="prediction-missing", title="", value=2, of=3),))
    for metrics, cost in (
        ((classes,), "labels count as wrong"),
        ((BLEU, classes), "text scores 0, labels count as wrong"),
        ((FALSE,), "they find nothing"),
    ):
        said = sentences(counted.model_copy(update={"metrics": metrics}))
        assert said[0] == f"2 of 3 cases have no prediction: {cost}."


@pytest.mark.parametrize(("high", "wanted"), [(1.0, 3), (100.0, 2), (None, 3)])
def test_decimals(high: float | None, wanted: int) -> None:
    assert decimals(BLEU.model_copy(update={"high": high})) == wanted


@pytest.mark.parametrize(
    ("ratio", "said"), [(6.2, "6.20 x as long as the references: a text that says everything"), (0.3, "0.30 x as long")]
)
def test_a_length_far_from_the_references_is_said(ratio: float, said: str) -> None:
    system = SYSTEM.model_copy(update={"estimates": {"Length-Characters": Estimate(value=ratio)}})
    assert any(said in one for one in sentences(scores([system], [])))
    fit = SYSTEM.model_copy(update={"estimates": {"Length-Characters": Estimate(value=1.4)}})
    assert not any("as long as" in one for one in sentences(scores([fit], [])))


def test_cases_without_a_report_and_reports_that_were_not_read_are_said() -> None:
    counts = (Count(key="meta-left-out", title="", value=5, of=8), Count(key="hardly-read", title="", value=1, of=3))
    left, unread = sentences(scores([SYSTEM], [], counts))
    assert left == "5 of 8 cases of the table of patients have no report here and no score."
    assert unread.startswith("1 of 3 predictions was hardly read by petrg's reader")
    none = tuple(count.model_copy(update={"value": 0}) for count in counts)
    assert sentences(scores([SYSTEM], [], none)) == ()
