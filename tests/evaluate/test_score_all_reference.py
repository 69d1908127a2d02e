"""The released pairs: a template that looks at no scan goes before the model, and its reports could be dealt out."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from petrg.evaluate.cases.read import read_cases
from petrg.evaluate.cases.template import read_template
from petrg.evaluate.rows import Draws
from petrg.evaluate.score_all import Given, Scored, score_all
from petrg.evaluate.text.tokens import tokenizer

pytestmark = pytest.mark.reference
pytest.importorskip("jieba")


@cache
def released(shared: Path) -> tuple[Scored, float]:
    folder = shared / "data" / "autopet_rg_lym"
    begun = time.process_time()
    cases = read_cases(folder / "reports.csv", meta=folder / "meta.csv")
    given = Given(template=read_template(folder / "template.json"))
    found = score_all(cases, tokenizer=tokenizer("jieba"), given=given, draws=Draws(seed=0))
    return found, time.process_time() - begun


def values(found: Scored, key: str) -> Mapping[str, float | None]:
    row = next(r for r in found.scores.rows if r.key == key)
    assert row.given, row.reason
    return {metric.split("[")[0]: estimate.value for metric, estimate in row.estimates.items()}


def test_the_template_is_above_the_model_in_bleu_4_and_rouge_l(shared: Path) -> None:
    found, _ = released(shared)
    model, template = values(found, "system"), values(found, "template")
    for metric in ("BLEU-4", "ROUGE-L"):
        assert (template[metric] or 0) > (model[metric] or 0)
    tests = {t.metric.split("[")[0]: t for t in found.scores.tests if t.against == "template"}
    assert tests["BLEU-4"].distinguishable is True
    assert tests["ROUGE-L"].distinguishable is True
    assert any(s.startswith("BLEU-4") and "worse than the healthy template" in s for s in found.scores.sentences)


def test_another_patient_of_the_same_sex_is_above_the_model_too(shared: Path) -> None:
    found, _ = released(shared)
    model, other = values(found, "system"), values(found, "random-reference")
    for metric in ("BLEU-4", "ROUGE-L"):
        assert (other[metric] or 0) > (model[metric] or 0)


def test_the_models_text_scores_are_those_of_its_reports_dealt_out(shared: Path) -> None:
    found, _ = released(shared)
    tests = [t for t in found.scores.tests if t.against == "permuted"]
    groups = {m.key: m.group for m in found.scores.metrics}
    text = [t for t in tests if groups[t.metric] == "text" and not t.metric.startswith("CIDEr")]  # 0 for most reports
    assert text
    assert all(t.p is not None and t.p > 0.05 for t in text)
    assert all(t.draws == 1000 for t in text)
    model, permuted = values(found, "system"), values(found, "permuted")
    assert permuted["BLEU-4"] == pytest.approx(model["BLEU-4"], abs=0.02)
    assert permuted["ROUGE-L"] == pytest.approx(model["ROUGE-L"], abs=0.02)


def test_always_normal_has_the_higher_accuracy_and_the_lower_macro_f1(shared: Path) -> None:
    found, _ = released(shared)
    model, normal = values(found, "system"), values(found, "normal")
    for modality in ("PET", "CT"):
        assert (normal[f"{modality}-Accuracy"] or 0) > (model[f"{modality}-Accuracy"] or 0)
        assert (normal[f"{modality}-All"] or 0) < (model[f"{modality}-All"] or 0)


def test_case_by_case_the_texts_score_as_the_reference_values_say(shared: Path) -> None:
    found, _ = released(shared)
    path = next((shared / "data" / "nlg_reference").glob("*jieba.csv"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        wanted = {row["AccNum"]: row for row in csv.DictReader(file)}
    columns = found.table.columns
    for i, key in enumerate(found.table.ids):
        for metric in ("BLEU-1", "BLEU-4", "METEOR", "ROUGE-1", "ROUGE-L"):
            got = columns[f"{metric}[jieba 0.42.1]"][i]
            assert got == pytest.approx(float(wanted[key][metric]), abs=1e-9)


def test_references_against_themselves_are_told_from_their_permuted_selves(shared: Path) -> None:
    folder = shared / "data" / "autopet_rg_lym"
    cases = read_cases(
        folder / "reports.csv", prediction_column="Pred_report", reference_column="GT_report", meta=folder / "meta.csv"
    )
    own = cases.with_predictions(cases.references)
    found = score_all(own, tokenizer=tokenizer("jieba"), draws=Draws(bootstrap=20, permutations=400))
    tests = {t.metric.split("[")[0]: t for t in found.scores.tests if t.against == "permuted"}
    for metric in ("BLEU-4", "ROUGE-L", "PET-All", "PET-124", "Lesion-Recall"):
        assert tests[metric].distinguishable is True


def test_all_of_it_takes_at_most_thirty_seconds(shared: Path) -> None:
    assert released(shared)[1] < 30.0
