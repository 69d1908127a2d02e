"""AutoPET-RG-Lym from the shared folder: what the import finds, and that its controls tell what the release's do."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from petrg.evaluate.benchmark.autopet import CASES, SYSTEM, import_autopet
from petrg.evaluate.benchmark.description import Description
from petrg.evaluate.benchmark.folder import open_benchmark
from petrg.evaluate.benchmark.predictions import read_predictions
from petrg.evaluate.benchmark.score import score_benchmark
from petrg.evaluate.rows import Draws
from petrg.evaluate.scores import Scores

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    return shared / "data" / "autopet_rg_lym"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    made = tmp_path_factory.mktemp("autopet") / "b"
    import_autopet(source, made)
    return made


@pytest.fixture(scope="module")
def description(home: Path) -> Description:
    return open_benchmark(home).description


@pytest.fixture(scope="module")
def rows(source: Path) -> list[dict[str, str]]:
    with (source / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_reference_is_kept_character_for_character(home: Path, rows: list[dict[str, str]]) -> None:
    assert open_benchmark(home).references == {row["AccNum"]: row["GT_report"] for row in rows}


def test_the_release_s_predictions_are_a_system_of_their_own(home: Path, rows: list[dict[str, str]]) -> None:
    told = home / "systems" / SYSTEM / "reports.csv"
    assert read_predictions(told) == {row["AccNum"]: row["Cleaned_Pred_report"] for row in rows}


def test_what_is_missing_is_said(description: Description, rows: list[dict[str, str]], source: Path) -> None:
    assert description.cases == len(rows)
    if len(rows) < CASES:
        assert f"cases: {len(rows)} of {CASES} cases" in description.missing
    if not (source / "reference_labels.json").exists():
        assert description.labels == "none"
    assert not any("other sex" in note for note in description.notes)
    assert not any("meta.csv names" in note for note in description.notes)


def test_template_is_above_the_system_and_its_permuted_reports_are_no_different(home: Path) -> None:
    """As petrg-score.md tells of all 135: template above in text, permutation no different."""
    found = open_benchmark(home)
    told = read_predictions(home / "systems" / SYSTEM / "reports.csv")
    draws = Draws(seed=0, bootstrap=100, permutations=200)
    scores: Scores = score_benchmark(found, told, name=SYSTEM, sources={}, draws=draws).scores
    rows = {row.key: row.estimates for row in scores.rows}
    for metric in ("BLEU-4[jieba 0.42.1]", "ROUGE-L[jieba 0.42.1]"):
        assert (rows["template"][metric].value or 0) > (rows["system"][metric].value or 1) + 0.05
    ps = {t.metric: t.p for t in scores.tests if t.against == "permuted"}
    for metric in ("BLEU-4[jieba 0.42.1]", "ROUGE-L[jieba 0.42.1]", "PET-All", "CT-All"):
        assert ps[metric] is not None
        assert ps[metric] > 0.05  # type: ignore[operator]
