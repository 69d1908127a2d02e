"""Rates of faults, lengths and repetition of many reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.evaluate.cases.case import Case, Cases, Sex
from petrg.evaluate.faults import METRICS, FaultFamily, FaultKind, find_faults, seq_rep
from petrg.evaluate.faults.pieces import units

REFERENCE = "肝脏未见异常。脾脏未见异常。"
OTHER: dict[str, Sex] = {"F": "M", "M": "F"}


def family(*predictions: str | None, sex: Sex | None = None) -> FaultFamily:
    rows = tuple(Case(id=str(i), reference=REFERENCE, prediction=p, sex=sex) for i, p in enumerate(predictions))
    return FaultFamily(Cases(cases=rows))


def value(of: FaultFamily, key: str) -> float:
    return of.statistics()[key].value()


def test_every_statistic_is_defined() -> None:
    assert set(family(REFERENCE).statistics()) == {metric.key for metric in METRICS}
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert {f"Fault-{kind.value}" for kind in FaultKind} < {metric.key for metric in METRICS}
    assert all(metric.group == "faults" and metric.definition for metric in METRICS)


def test_the_reference_against_itself() -> None:
    same = family(REFERENCE, REFERENCE)
    assert value(same, "Fault-Any") == value(same, "Contradictions") == value(same, "Repetition-Excess") == 0.0
    assert value(same, "Length-Characters") == value(same, "Length-Tokens") == 1.0


def test_rates_are_shares_of_reports() -> None:
    bad = family(REFERENCE, "前列腺增大。", "前列腺增大。肝脏大小[ ]。", None, sex="F")
    assert value(bad, "Fault-Any") == 0.75
    assert value(bad, "Fault-other-sex-organ") == 0.5
    assert value(bad, "Fault-placeholder") == 0.25
    assert value(bad, "Fault-empty") == 0.25, "a missing report is an empty one"
    assert bad.faults[3][0].kind is FaultKind.EMPTY
    drawn = np.array([[0, 0, 0, 0], [1, 1, 2, 3]])
    assert bad.statistics()["Fault-Any"](drawn).tolist() == [0.0, 1.0]


def test_the_sex_changes_the_rate() -> None:
    assert value(family("前列腺增大。", sex="M"), "Fault-Any") == 0.0
    assert value(family("前列腺增大。", sex="F"), "Fault-Any") == 1.0
    assert value(family("前列腺增大。"), "Fault-Any") == 0.0


def test_contradictions_are_counted() -> None:
    twice = "双侧肾上腺未见异常。左肾上腺见结节，摄取增高。双侧胸腔未见积液。左侧胸腔积液。"
    assert value(family(twice, REFERENCE), "Contradictions") == 1.0
    assert value(family(twice, REFERENCE), "Fault-contradiction") == 0.5


def test_lengths() -> None:
    half = family("肝脏未见异常。", None)
    assert value(half, "Length-Characters") == 7 / 28
    assert value(half, "Length-Tokens") == 7 / 28
    assert len(units("SUVmax 4.5, left lobe")) == 5


def test_seq_rep_is_one_less_the_share_of_distinct_n_grams() -> None:
    """Welleck et al. 2020, by hand: a b c a b c has the bigrams ab bc ca ab bc, three of five distinct."""
    assert seq_rep("a b c a b c", 2) == pytest.approx(1 - 3 / 5)
    assert seq_rep("a b c d", 4) == 0.0
    assert seq_rep("x " * 100, 1) == pytest.approx(0.99)


@given(st.text(alphabet="肝脾肺肾见未常异。,ab ", min_size=5, max_size=60))
def test_a_text_said_twice_repeats_more(text: str) -> None:
    once, twice = seq_rep(text), seq_rep(text + " " + text)
    if once is not None and once < 0.5:
        assert twice is not None
        assert twice > once


def test_permuting_changes_nothing() -> None:
    assert family(REFERENCE).permuted(np.array([[0]])) == {}


def test_missing_reports_have_no_repetition() -> None:
    assert np.isnan(family(None).statistics()["Repetition"].value())
    assert value(family(None, REFERENCE), "Repetition") == pytest.approx(seq_rep(REFERENCE))


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[tuple[str, str, str, str]]:
    """Sex, reference, cleaned and raw prediction of the first 25 cases."""
    folder = shared / "data" / "autopet_rg_lym"
    with (folder / "meta.csv").open(encoding="utf-8-sig", newline="") as file:
        sexes = {row["AccNum"]: row["sex"] for row in csv.DictReader(file)}
    with (folder / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))[:25]
    return [(sexes[r["AccNum"]], r["GT_report"], r["Cleaned_Pred_report"], r["Pred_report"]) for r in table]


@pytest.mark.reference
def test_physicians_reports_are_nearly_free_of_faults(rows: list[tuple[str, str, str, str]]) -> None:
    of_form = set(FaultKind) - {FaultKind.CONTRADICTION}
    faults = [find_faults(reference, sex="F" if sex == "F" else "M") for sex, reference, _, _ in rows]
    assert sum(any(f.kind in of_form for f in row) for row in faults) <= 0.08 * len(rows)
    assert sum(any(f.kind is FaultKind.CONTRADICTION for f in row) for row in faults) <= 0.2 * len(rows)


@pytest.mark.reference
def test_the_other_sex_shows(rows: list[tuple[str, str, str, str]]) -> None:
    """Nearly every reference names organs of the patient's sex: with the sexes swapped nearly every one is at fault."""
    swapped = [find_faults(reference, sex=OTHER[sex]) for sex, reference, _, _ in rows]
    assert sum(any(f.kind is FaultKind.OTHER_SEX for f in row) for row in swapped) >= 0.8 * len(rows)


@pytest.mark.reference
def test_raw_predictions_run_on_and_cleaned_ones_less(rows: list[tuple[str, str, str, str]]) -> None:
    def share(kind: FaultKind, column: int) -> float:
        return sum(any(f.kind is kind for f in find_faults(row[column])) for row in rows) / len(rows)

    assert share(FaultKind.RUN_ON, 3) > share(FaultKind.RUN_ON, 2)
    assert share(FaultKind.REPETITION, 3) >= share(FaultKind.REPETITION, 1)


@pytest.mark.reference
def test_the_healthy_template_has_no_fault(shared: Path) -> None:
    template = json.loads((shared / "data" / "autopet_rg_lym" / "template.json").read_text(encoding="utf-8"))
    for by_sex in template.values():
        for sex, text in by_sex.items():
            assert find_faults(text, sex=sex) == ()
            assert {f.kind for f in find_faults(text, sex=OTHER[sex])} == {FaultKind.OTHER_SEX}


def test_reports_that_the_reader_hardly_reads_are_counted() -> None:
    foreign = "Il fegato è nella norma. La milza non è ingrandita. Non si osservano linfonodi."
    (count,) = family(REFERENCE, foreign, None, "肝脏未见异常。").counts()
    assert (count.key, count.value, count.of) == ("hardly-read", 1, 3)
    assert family(REFERENCE).counts()[0].value == 0
