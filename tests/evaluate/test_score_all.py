"""Scores beside their controls: what a good, a useless and a broken system must come out as."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from pairs import TEMPLATE, made_cases

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.cases.template import Template
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.rows import Draws
from petrg.evaluate.score_all import Given, Scored, score_all, score_labels, score_texts
from petrg.evaluate.scores import PermutationTest, Row, Scores
from petrg.evaluate.text.tokens import tokenizer

EN = tokenizer("en")
DRAWS = Draws(seed=1, bootstrap=200, permutations=400)
HEALTHY = Template({("H", "F"): TEMPLATE["F"], ("H", "M"): TEMPLATE["M"]})
BLEU = f"BLEU-4[{EN.label}]"


def scored(cases: Cases, draws: Draws = DRAWS, **given: object) -> Scored:
    return score_all(cases, tokenizer=EN, given=Given(**{"template": HEALTHY, **given}), draws=draws)  # type: ignore[arg-type]


@cache
def good() -> Scored:
    return scored(made_cases(24, copied=1.0))


@cache
def useless() -> Scored:
    return scored(made_cases(24, copied=0.0))


def row(found: Scored, key: str) -> Row:
    return next(r for r in found.scores.rows if r.key == key)


def value(found: Scored, key: str, metric: str) -> float:
    got = row(found, key).estimates[metric].value
    assert got is not None
    return got


def compared_with(found: Scored, key: str) -> dict[str, PermutationTest]:
    return {t.metric: t for t in found.scores.tests if t.against == key}


def test_every_row_stands_there_whether_given_or_not() -> None:
    keys = ["system", "template", "normal", "permuted", "random-reference", "second-reader"]
    assert sorted(r.key for r in good().scores.rows) == sorted(keys)
    assert good().scores.rows[0].key == "system"
    bare = score_all(without_sex(made_cases(4)), tokenizer=EN, draws=Draws(bootstrap=20, permutations=20))
    assert {r.key: r.given for r in bare.scores.rows} == {
        "system": True,
        "normal": True,
        "template": False,
        "permuted": False,
        "random-reference": False,
        "second-reader": False,
    }
    assert row(bare, "permuted").reason == "no sexes: give --meta"
    assert row(bare, "template").reason == "no template: give --template"
    assert not row(bare, "permuted").estimates
    assert any("Not given" in said for said in bare.scores.sentences)


def test_every_row_has_every_metric_and_a_reason_where_it_has_no_value() -> None:
    metrics = {m.key for m in good().scores.metrics}
    for r in good().scores.rows:
        if r.given:
            assert set(r.estimates) == metrics
            assert all(e.note for e in r.estimates.values() if e.value is None)


def test_a_perfect_system_is_perfect_and_told_from_its_permuted_self() -> None:
    assert value(good(), "system", BLEU) == pytest.approx(1.0)
    assert value(good(), "system", "Lesion-Recall") == 1.0
    assert value(good(), "system", "PET-Accuracy") == 100.0
    tests = compared_with(good(), "permuted")
    for metric in (BLEU, "PET-All", "PET-124", "Lesion-Recall", "SUV-r-Highest"):
        assert tests[metric].p == pytest.approx(1 / 401)
        assert tests[metric].distinguishable is True
    assert value(good(), "permuted", BLEU) < 0.9


def test_a_system_that_never_saw_the_scan_is_not_told_from_its_permuted_self() -> None:
    tests = compared_with(useless(), "permuted")
    assert {t.distinguishable for t in tests.values() if t.p_holm is not None} == {False}
    assert any("not distinguishable from the system's own reports" in said for said in useless().scores.sentences)
    assert value(useless(), "permuted", BLEU) == pytest.approx(value(useless(), "system", BLEU), abs=0.05)


def test_the_template_finds_nothing_and_a_good_system_beats_it() -> None:
    assert value(good(), "template", "Lesion-Recall") == 0.0
    assert value(good(), "normal", "Lesion-Recall") == 0.0
    assert value(good(), "normal", "PET-Abnormal") == 0.0
    assert compared_with(good(), "template")[BLEU].distinguishable is True
    assert row(good(), "normal").estimates[BLEU].value is None


def test_the_random_reference_has_the_range_of_its_draws() -> None:
    found = row(good(), "random-reference").estimates[BLEU]
    assert found.interval == "range of draws"
    assert found.low is not None
    assert found.high is not None
    assert found.low < (found.value or 0) < found.high < 1.0


def test_the_template_is_word_for_word_that_of_the_sex() -> None:
    cases = made_cases(6)
    copied = cases.with_predictions([TEMPLATE[c.sex or ""] for c in cases.cases])
    found = scored(copied, Draws(bootstrap=20, permutations=20))
    for metric, estimate in row(found, "template").estimates.items():
        assert estimate.value == row(found, "system").estimates[metric].value
    assert compared_with(found, "template")[BLEU].difference == 0.0


def test_a_second_reader_is_scored_on_the_cases_he_read() -> None:
    cases = made_cases(8)
    texts = [c.reference if i < 4 else None for i, c in enumerate(cases.cases)]
    found = scored(cases, Draws(bootstrap=20, permutations=20), second_reader=texts)
    reader = row(found, "second-reader")
    assert (reader.kind, reader.given) == ("reader", True)
    assert reader.estimates[BLEU].value == pytest.approx(1.0)
    assert reader.estimates[BLEU].n == 4
    assert reader.estimates["PET-Accuracy"].value == 100.0
    counted = {c.key: c.value for c in found.scores.counts}
    assert counted["second-reader-covers"] == 4


def test_another_system_that_misses_reports_is_scored_with_them_at_zero() -> None:
    cases = made_cases(16, copied=1.0)
    other = [c.reference if i % 2 else None for i, c in enumerate(cases.cases)]
    found = scored(cases, against=other)
    assert value(found, "against", BLEU) == pytest.approx(0.5)
    test = compared_with(found, "against")[BLEU]
    assert test.method == "paired permutation"
    assert test.difference == pytest.approx(0.5)
    assert test.p is not None
    assert test.p < 0.02


def test_missing_predictions_score_zero_and_are_counted() -> None:
    cases = made_cases(6)
    found = scored(cases.with_predictions([None] * 6), Draws(bootstrap=20, permutations=20))
    for metric in (BLEU, "PET-All", "CT-All", "PET-Accuracy", "Lesion-Recall"):
        assert value(found, "system", metric) == 0.0
    assert {c.key: c.value for c in found.scores.counts}["missing"] == 6
    assert found.scores.worst[0].why == "no report"
    assert any("6 of 6 cases have no prediction" in said for said in found.scores.sentences)


def test_one_missing_prediction_lowers_every_score() -> None:
    cases = made_cases(6, copied=1.0)
    found = scored(cases.with_predictions([None, *cases.predictions[1:]]), Draws(bootstrap=20, permutations=20))
    assert value(found, "system", BLEU) == pytest.approx(5 / 6)
    assert value(found, "system", "PET-Accuracy") == pytest.approx(100 * 5 / 6)
    assert value(found, "system", "Lesion-Recall") < 1.0


def test_references_given_as_predictions_are_warned_of() -> None:
    assert good().scores.sentences[0].startswith("Every prediction equals its reference")


def without_sex(cases: Cases, keep: int = 0) -> Cases:
    made = tuple(c if i < keep else replace(c, sex=None) for i, c in enumerate(cases.cases))
    return replace(cases, cases=made)


def test_cases_of_unknown_sex_are_left_out_of_the_dealing_and_counted() -> None:
    found = scored(without_sex(made_cases(20, copied=1.0), keep=16), Draws(bootstrap=20, permutations=100))
    counted = {c.key: c.value for c in found.scores.counts}
    assert (counted["sex-unknown"], counted["dealt"], counted["template-covers"]) == (4, 16, 16)
    assert row(found, "permuted").estimates[BLEU].n == 16
    assert row(found, "template").estimates[BLEU].n == 16
    assert row(found, "system").estimates[BLEU].n == 20


@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_cases_have_scores_and_no_verdicts(n: int) -> None:
    found = scored(made_cases(n), Draws(bootstrap=20, permutations=20))
    assert row(found, "system").estimates[BLEU].value is not None
    assert row(found, "permuted").reason == "no two patients of the same known sex with as many cases"
    assert all(t.distinguishable is None for t in found.scores.tests)
    if n == 1:
        assert row(found, "system").estimates[BLEU].low is None
    assert any("Too few patients" in said for said in found.scores.sentences)


def test_the_studies_of_a_patient_count_as_one_patient() -> None:
    found = scored(made_cases(24, copied=0.5, studies=2), Draws(bootstrap=50, permutations=50))
    assert (found.scores.cases, found.scores.patients) == (24, 12)
    assert {c.key: c.value for c in found.scores.counts}["dealt"] == 24


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_draws() -> None:
    cases = made_cases(10)
    draws = Draws(seed=3, bootstrap=50, permutations=50)
    one, two = scored(cases, draws), scored(cases, draws)
    assert one.scores.to_json() == two.scores.to_json()
    assert one.table.to_csv() == two.table.to_csv()
    other = scored(cases, replace(draws, seed=4))
    assert other.scores.rows[0].estimates[BLEU].value == one.scores.rows[0].estimates[BLEU].value
    assert other.scores.rows[0].estimates[BLEU].low != one.scores.rows[0].estimates[BLEU].low


def test_the_order_of_cases_changes_no_score() -> None:
    cases = made_cases(10)
    turned = replace(cases, cases=cases.cases[::-1])
    draws = Draws(bootstrap=10, permutations=10)
    one, two = scored(cases, draws), scored(turned, draws)
    for metric, estimate in row(one, "system").estimates.items():
        assert row(two, "system").estimates[metric].value == pytest.approx(estimate.value)


def test_sides_swapped_and_columns_swapped_change_the_scores() -> None:
    cases = made_cases(10, copied=0.5)
    draws = Draws(bootstrap=10, permutations=10)
    one = scored(cases, draws)
    swapped = replace(
        cases,
        cases=tuple(replace(c, reference=c.prediction or "", prediction=c.reference) for c in cases.cases),
    )
    assert value(scored(swapped, draws), "system", "Lesion-Precision") == pytest.approx(
        value(one, "system", "Lesion-Recall")
    )
    mirrored = cases.with_predictions([mirror(p or "") for p in cases.predictions])
    assert value(scored(mirrored, draws), "system", "Side-Errors") > value(one, "system", "Side-Errors")


def mirror(text: str) -> str:
    return text.replace("left", "@").replace("right", "left").replace("@", "right")


def test_the_file_is_typed_versioned_and_read_back() -> None:
    found = good().scores
    assert Scores.from_json(found.to_json()) == found
    data = json.loads(found.to_json())
    assert data["schema_version"] == 1
    assert data["tokenizer"] == EN.label
    assert data["labeller"].startswith("petrg-reading ")
    assert (data["seed"], data["bootstrap_draws"], data["permutations"]) == (1, 200, 400)
    assert "NaN" not in found.to_json()


def test_the_table_of_cases_has_a_row_a_case_and_the_tokenizer_in_its_columns() -> None:
    lines = useless().table.to_csv().splitlines()
    assert len(lines) == 25
    head = lines[0].split(",")
    assert head[0] == "id"
    assert BLEU in head
    assert {"PET-Wrong", "CT-Wrong", "Lesions", "Lesions-Found"} <= set(head)
    mean = sum(float(line.split(",")[head.index(BLEU)]) for line in lines[1:]) / 24
    assert mean == pytest.approx(value(useless(), "system", BLEU))


def test_the_worst_cases_are_ranked_and_at_most_ten() -> None:
    worst = useless().scores.worst
    assert len(worst) == 10
    assert [w.score for w in worst] == sorted((w.score for w in worst), reverse=True)
    assert good().scores.worst == ()


def test_texts_alone_have_their_controls_too() -> None:
    found = score_texts(made_cases(12), tokenizer=EN, given=Given(template=HEALTHY), draws=DRAWS)
    assert {m.group for m in found.scores.metrics} == {"text"}
    assert [r.key for r in found.scores.rows if r.given] == ["system", "template", "permuted", "random-reference"]
    assert found.scores.labeller is None
    assert found.scores.classes == ()
    assert found.scores.worst[0].score <= found.scores.worst[1].score


def labels_of(cases: Cases, *, predictions: bool):  # type: ignore[no-untyped-def]
    texts = cases.predictions if predictions else cases.references
    return extract({key: text for key, text in zip(cases.ids, texts, strict=True) if text is not None}, "en")


def test_given_labels_score_as_the_same_labels_read_here() -> None:
    cases = made_cases(8)
    reference, prediction = labels_of(cases, predictions=False), labels_of(cases, predictions=True)
    draws = Draws(bootstrap=20, permutations=20)
    one = scored(cases, draws)
    two = score_all(cases, tokenizer=EN, reference_labels=reference, prediction_labels=prediction, draws=draws)
    three = score_labels(reference, prediction, cases, draws=draws)
    for metric in ("PET-All", "CT-All", "PET-Kappa", "SUV-Agreement"):
        assert value(two, "system", metric) == value(one, "system", metric) == value(three, "system", metric)
    assert "Lesion-Recall" not in {m.key for m in two.scores.metrics}  # read by another labeller than the labels
    note = row(score_all_with_template(cases, reference, prediction), "template").estimates["PET-All"].note
    assert "not labelled by the labeller" in note
    assert row(three, "template").reason == "labels alone are scored; a template is a text"


def score_all_with_template(cases: Cases, reference, prediction) -> Scored:  # type: ignore[no-untyped-def]
    return score_all(
        cases,
        tokenizer=EN,
        reference_labels=reference,
        prediction_labels=prediction,
        given=Given(template=HEALTHY),
        draws=Draws(bootstrap=10, permutations=10),
    )


def test_shuffled_labels_score_lower() -> None:
    cases = made_cases(12, copied=1.0)
    reference = labels_of(cases, predictions=False)
    turned = dict(zip(cases.ids, [*reference.cases.values()][1:] + [*reference.cases.values()][:1], strict=True))
    draws = Draws(bootstrap=20, permutations=200)
    right = score_labels(reference, reference, cases, draws=draws)
    wrong = score_labels(reference, replace(reference, cases=turned), cases, draws=draws)
    assert value(right, "system", "PET-Accuracy") == 100.0
    assert value(wrong, "system", "PET-Accuracy") < 100.0
    assert compared_with(right, "permuted")["PET-124"].p == pytest.approx(1 / 201)


def test_labels_of_two_labellers_are_never_scored_together() -> None:
    cases = made_cases(4)
    reference = labels_of(cases, predictions=False)
    other = replace(labels_of(cases, predictions=True), labeller="llm other prompt 1")
    with pytest.raises(ScoreError, match="one labeller for all"):
        score_labels(reference, other, cases)
    with pytest.raises(ScoreError, match="labels of one side only"):
        score_all(cases, tokenizer=EN, reference_labels=reference)


def test_a_reference_without_a_word_is_an_error() -> None:
    cases = made_cases(3)
    blank = replace(cases, cases=(cases.cases[0], replace(cases.cases[1], reference=" . "), cases.cases[2]))
    with pytest.raises(ScoreError, match="case 2"):
        scored(blank)


def test_a_labeller_of_ones_own_is_named() -> None:
    def labeller(texts):  # type: ignore[no-untyped-def]
        return replace(extract(texts, "en"), labeller="mine 3")

    found = score_all(made_cases(4), tokenizer=EN, labeller=labeller, draws=Draws(bootstrap=10, permutations=10))
    assert found.scores.labeller == "mine 3"


def test_labels_of_other_cases_are_refused() -> None:
    cases = made_cases(4)
    reference = labels_of(cases, predictions=False)
    other = replace(reference, cases={f"x{key}": cells for key, cells in reference.cases.items()})
    with pytest.raises(ScoreError, match=r"^none of 4 cases with predicted labels is one of the 4 references"):
        score_labels(reference, other, cases)
    with pytest.raises(ScoreError, match=r"^none of 4 cases with predicted labels"):
        score_all(cases, tokenizer=EN, reference_labels=reference, prediction_labels=other)
