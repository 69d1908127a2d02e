"""The released pairs against the values that the authors' code gave for them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from petrg.evaluate.text import TextScores, score_pairs, tokenizer
from petrg.evaluate.text.bleu import bleu
from petrg.evaluate.text.cider import cider_d
from petrg.evaluate.text.meteor import meteor
from petrg.evaluate.text.rouge import rouge_l, rouge_n

Rows = dict[str, dict[str, str]]


def by_id(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["AccNum"]: row for row in csv.DictReader(file)}


def expected_files(shared: Path) -> dict[str, Rows]:
    found = sorted((shared / "data" / "nlg_reference").glob("per_sample_cleaned_*.csv"))
    assert found
    return {path.stem.rsplit("_", 1)[1]: by_id(path) for path in found}


def scored(shared: Path, name: str, ids: list[str], columns: tuple[str, str]) -> TextScores:
    reports = by_id(shared / "data" / "autopet_rg_lym" / "reports.csv")
    texts = [[reports[key][column] for key in ids] for column in columns]
    return score_pairs(*texts, tokenizer(name))


COLUMNS = ("GT_report", "Cleaned_Pred_report")


def test_every_case_equals_the_authors_to_nine_digits(shared: Path) -> None:
    for name, expected in expected_files(shared).items():
        ids = list(expected)
        scores = scored(shared, name, ids, COLUMNS)
        got = {
            **scores.values,
            "pred_tokens": scores.counts.prediction,
            "ref_tokens": scores.counts.reference,
            "brevity_penalty": scores.brevity_penalty,
        }
        compared = [column for column in next(iter(expected.values())) if column in got]
        assert {"BLEU-1", "BLEU-4", "METEOR", "ROUGE-1", "ROUGE-2", "ROUGE-L", "brevity_penalty"} <= set(compared)
        for column in compared:
            values = [float(expected[key][column]) for key in ids]
            assert np.abs(got[column] - values).max() < 1e-9, (name, column)


def test_swapped_columns_give_other_scores(shared: Path) -> None:
    for name, expected in expected_files(shared).items():
        ids = list(expected)
        scores = scored(shared, name, ids, COLUMNS[::-1])
        for metric in ("BLEU-4", "METEOR"):
            assert np.abs(scores.values[metric] - [float(expected[key][metric]) for key in ids]).max() > 0.01
        shuffled = scored(shared, name, ids[1:] + ids[:1], COLUMNS).values["ROUGE-L"]
        assert np.abs(shuffled - [float(expected[key]["ROUGE-L"]) for key in ids]).max() > 0.01


def test_the_plain_functions_give_the_same_on_real_reports(shared: Path) -> None:
    reports = list(by_id(shared / "data" / "autopet_rg_lym" / "reports.csv").values())[:12]
    cut = tokenizer("jieba")
    references, predictions = ([cut(row[column]) for row in reports] for column in COLUMNS)
    scores = score_pairs(*([row[column] for row in reports] for column in COLUMNS), cut)
    plain = {
        "BLEU-4": [bleu(r, p) for r, p in zip(references, predictions, strict=True)],
        "METEOR": [meteor(r, p) for r, p in zip(references, predictions, strict=True)],
        "ROUGE-2": [rouge_n(r, p, 2) for r, p in zip(references, predictions, strict=True)],
        "ROUGE-L": [rouge_l(r, p) for r, p in zip(references, predictions, strict=True)],
        "CIDEr-D": cider_d(references, predictions),
    }
    for name, values in plain.items():
        assert np.abs(scores.values[name] - values).max() < 1e-9, name


@pytest.mark.parametrize("column", COLUMNS)
def test_words_are_jiebas_on_every_report(shared: Path, column: str, plain_jieba: object) -> None:
    cut = tokenizer("jieba")
    for row in by_id(shared / "data" / "autopet_rg_lym" / "reports.csv").values():
        words = [word for word in plain_jieba.lcut(row[column]) if word.strip()]  # type: ignore[attr-defined]
        assert cut(row[column]) == words
