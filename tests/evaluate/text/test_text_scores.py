"""Scores of many pairs: what is missing, what is odd, what a permutation gives, what the files hold."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.errors import OutputError, ScoreError
from petrg.evaluate.case_table import CaseTable
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.statistics.intervals import estimate
from petrg.evaluate.statistics.statistic import Tally
from petrg.evaluate.text import (
    columns,
    compat_csv,
    crowd,
    document_frequency,
    score_pairs,
    score_text,
    text_family,
    text_metrics,
    tokenizer,
)
from petrg.evaluate.text.cider import cider_d
from petrg.evaluate.text.compat import HEADER
from petrg.evaluate.text.lcs import Masks, lcs_length
from petrg.evaluate.text.score import METRICS, metric_key
from petrg.evaluate.text_scores import TextsScored

WORDS = ["肝", "脾", "肺", "未见", "异常", "放射性", "浓聚", "淋巴结", "肿大", "SUVmax", "4.5", "，", "。"]


def made(count: int, seed: int = 1, length: int = 60) -> Cases:
    """Cases whose prediction repeats two thirds of the reference."""
    draw = random.Random(seed)
    cases = []
    for number in range(count):
        words = draw.choices(WORDS, k=length + number % 7)
        copy = [word if draw.random() < 0.7 else draw.choice(WORDS) for word in words]
        cases.append(Case(id=f"c{number}", reference="".join(words), prediction="".join(copy)))
    return Cases(cases=tuple(cases), id_column="AccNum")


def test_a_missing_prediction_scores_zero_and_is_counted() -> None:
    cases = made(4)
    whole = score_text(cases, "char")
    scores = score_text(cases.with_predictions([*cases.predictions[:3], None]), "char")
    assert scores.missing.tolist() == [False, False, False, True]
    assert all(values[3] == 0 for values in scores.values.values())
    assert scores.missing.sum() == 1
    for name in ("BLEU-4", "METEOR", "ROUGE-L"):
        assert np.array_equal(scores.values[name][:3], whole.values[name][:3])
        assert scores.means[name] == pytest.approx(whole.values[name][:3].sum() / 4)
    assert scores.corpus["BLEU-1"] < whole.corpus["BLEU-1"]


@pytest.mark.parametrize("reference", ["", " \n\u3000"])
def test_a_missing_reference_is_an_error_that_says_where(reference: str) -> None:
    cases = Cases(
        cases=(Case(id="a", reference="肝", prediction="肝"), Case(id="b", reference=reference, prediction="肝"))
    )
    for call in (score_text, text_family):
        with pytest.raises(ScoreError, match="case 2 has no reference — expected a reference report"):
            call(cases, "char")


@pytest.mark.parametrize("name", ["jieba", "char", "en"])
def test_odd_texts_are_scored(name: str) -> None:
    odd = ["", " ", "\n\r\n\t", "\ud83d", "😀😀", "。", "nan", "肝", "\x00\x01", "İSTANBUL", "ß" * 50, "a b\x85c"]
    scores = score_pairs(odd, odd[::-1], tokenizer(name))
    assert all(np.isfinite(v).all() and (v >= 0).all() and (v <= 10).all() for v in scores.values.values())
    same = score_pairs(odd, odd, tokenizer(name))
    filled = same.counts.reference > 0
    assert np.array_equal(same.values["ROUGE-1"], filled.astype(float))
    assert same.values["BLEU-1"][filled].tolist() == [1.0] * filled.sum()


def test_no_pair_at_all() -> None:
    assert len(score_pairs([], [], tokenizer("char"))) == 0


def test_as_many_predictions_as_references() -> None:
    with pytest.raises(ValueError, match="zip"):
        score_pairs(["肝"], [], tokenizer("char"))


@pytest.mark.parametrize("name", ["jieba", "char", "en"])
def test_a_looping_text_of_100000_characters_takes_seconds(name: str) -> None:
    loop = "双侧颈部见多发肿大淋巴结，SUVmax 12.3 and enlarged nodes here too；" * 2600
    reference = "肝脏未见异常。Liver here no node. 淋巴结SUVmax 4.5，" * 3000
    assert len(loop) > 100_000 < len(reference)
    start = time.process_time()
    scores = score_pairs([reference, "肝"], [loop, loop], tokenizer(name))
    assert time.process_time() - start < 5
    assert 0 < scores.values["ROUGE-L"][0] < 1


def counted(count: int) -> tuple[str, str]:
    """A text of so many different words, and its halves exchanged."""
    words = [str(number) for number in range(count)]
    return " ".join(words), " ".join(words[count // 2 :] + words[: count // 2])


def test_a_text_of_60000_different_words_takes_seconds() -> None:
    text, turned = counted(60_000)
    start = time.process_time()
    scores = score_pairs([text], [turned], tokenizer("en"))
    assert time.process_time() - start < 5
    assert scores.values["ROUGE-L"][0] == 0.5


def test_bits_of_different_words_do_not_pile_up() -> None:
    """All bits of 20,000 words at once would take 25 MB."""
    text, turned = counted(20_000)
    masks = Masks(text.split())
    tracemalloc.start()
    try:
        assert lcs_length(masks, turned.split()) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_order_of_cases_and_other_cases_change_no_score_but_cider() -> None:
    cases = made(6)
    whole = score_text(cases, "jieba")
    turned = score_pairs(cases.references[::-1], cases.predictions[::-1], tokenizer("jieba"))
    alone = score_pairs(cases.references[2:3], cases.predictions[2:3], tokenizer("jieba"))
    for name in METRICS:
        assert turned.values[name][::-1] == pytest.approx(whole.values[name], abs=1e-12)
        if name != "CIDEr-D":
            assert alone.values[name][0] == whole.values[name][2]
    assert np.isnan(alone.values["CIDEr-D"][0])
    assert whole.values["CIDEr-D"][2] > 0


def test_swapping_reference_and_prediction_changes_bleu_and_meteor() -> None:
    reference, prediction = ["肝脏未见异常放射性浓聚。"], ["肝脏未见异常。"]
    there, back = (score_pairs(*pair, tokenizer("char")) for pair in ((reference, prediction), (prediction, reference)))
    assert there.values["BLEU-1"] != back.values["BLEU-1"]
    assert there.values["METEOR"] != back.values["METEOR"]
    assert there.values["ROUGE-L"] == back.values["ROUGE-L"]


def test_pairs_are_read_one_at_a_time_and_memory_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generators suffice; with eight times the cases the peak grows by what the table of n-grams takes and no more.

    No two references share an n-gram of two or more words, so that the table grows as fast as it can.
    """
    monkeypatch.setattr(document_frequency, "_IN_MEMORY", 1 << 14)
    monkeypatch.setattr(document_frequency, "_PENDING", 1 << 12)
    words = 240

    def stream(count: int, first: int) -> Iterator[str]:
        return (" ".join(str(first + words * case + k) for k in range(words)) for case in range(count))

    peaks = []
    for count in (20, 160):
        tracemalloc.start()
        try:
            score_pairs(stream(count, 10**6), stream(count, 2 * 10**6), tokenizer("en"))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    distinct = 140 * (4 * words - 6)  # n-grams of 1 to 4 words of the further references
    assert peaks[1] - peaks[0] < 100 * distinct, peaks


def test_waiting_in_a_file_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = made(20)
    expected = score_text(cases, "char").values["CIDEr-D"]
    assert expected == pytest.approx(cider_d(cases.references, [p or "" for p in cases.predictions]), abs=1e-9)
    monkeypatch.setattr(document_frequency, "_IN_MEMORY", 1)
    monkeypatch.setattr(document_frequency, "_PENDING", 1)
    monkeypatch.setattr(document_frequency, "_FEW", 1)
    assert np.allclose(score_text(cases, "char").values["CIDEr-D"], expected, rtol=0, atol=1e-12)


def test_a_full_disk_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_frequency, "_IN_MEMORY", 1)
    monkeypatch.setattr(document_frequency.tempfile, "_get_default_tempdir", None, raising=False)
    monkeypatch.setattr(document_frequency.tempfile, "tempdir", "/nonexistent/folder")
    with pytest.raises(OutputError, match="set TMPDIR"):
        score_text(made(3), "char")


def test_permuted_is_the_score_of_permuted_reports() -> None:
    cases = made(9).with_predictions([None, *made(9).predictions[1:]])
    family = text_family(cases, "jieba")
    orders = np.array([np.random.default_rng(seed).permutation(9) for seed in range(5)] + [np.arange(9)])
    got = family.permuted(orders)
    for row, order in enumerate(orders):
        again = text_family(cases.with_predictions([cases.predictions[i] for i in order]), "jieba")
        for key, statistic in again.statistics().items():
            assert got[key][row] == pytest.approx(statistic(np.arange(9)[None])[0], abs=1e-12), key
    identity = score_text(cases, "jieba")
    assert got["ROUGE-L[jieba 0.42.1]"][-1] == pytest.approx(identity.means["ROUGE-L"], abs=1e-12)
    assert got["corpus BLEU-4[jieba 0.42.1]"][-1] == pytest.approx(identity.corpus["BLEU-4"], abs=1e-12)
    assert got["ROUGE-L[jieba 0.42.1]"][:-1].max() < got["ROUGE-L[jieba 0.42.1]"][-1]


def test_draws_are_means_of_the_drawn_cases() -> None:
    family = text_family(made(5), "char")
    drawn = np.array([[0, 0, 1, 4, 4], [2, 2, 2, 2, 2]])
    statistics = family.statistics()
    for name, values in family.scores.values.items():
        assert statistics[f"{name}[char 1]"](drawn) == pytest.approx(values[drawn].mean(axis=1), abs=1e-12)
    pooled = score_pairs(
        [made(5).references[i] for i in drawn[0]], [made(5).predictions[i] for i in drawn[0]], tokenizer("char")
    ).corpus
    assert statistics["corpus BLEU-3[char 1]"](drawn)[0] == pytest.approx(pooled["BLEU-3"], abs=1e-12)


def test_every_statistic_has_its_definition_and_range() -> None:
    family = text_family(made(3), "jieba")
    metrics = {metric.key: metric for metric in text_metrics(family.scores.label)}
    assert list(metrics) == list(family.statistics())
    for key, statistic in family.statistics().items():
        low, high = metrics[key].low, metrics[key].high
        assert low is not None
        assert high is not None
        assert low <= statistic(np.arange(3)[None])[0] <= high


@given(st.lists(st.tuples(st.text(alphabet="肝脾 a", min_size=1), st.text(alphabet="肝脾 a")), min_size=1, max_size=4))
def test_all_scores_lie_in_their_range(pairs: list[tuple[str, str]]) -> None:
    scores = score_pairs([r for r, _ in pairs], [p for _, p in pairs], tokenizer("char"))
    for name, found in scores.values.items():
        values = np.nan_to_num(found) if name == "CIDEr-D" else found  # not defined where no n-gram has a weight
        assert (values >= 0).all()
        assert (values <= (10 if name == "CIDEr-D" else 1) + 1e-12).all()


def test_cases_csv_names_the_tokenizer_and_leaves_absent_cells_empty() -> None:
    cases = made(3).with_predictions([*made(3).predictions[:2], None])
    scores = score_text(cases, "jieba")
    written = CaseTable(cases.id_column, cases.ids, columns(scores)).to_csv()
    rows = list(csv.DictReader(io.StringIO(written)))
    assert list(rows[0])[:5] == ["AccNum", *(f"BLEU-{n}[jieba 0.42.1]" for n in range(1, 5))]
    assert [row["AccNum"] for row in rows] == ["c0", "c1", "c2"]
    for name, values in scores.values.items():
        assert [float(row[f"{name}[jieba 0.42.1]"]) for row in rows] == values.tolist()
    assert rows[2]["prediction tokens[jieba 0.42.1]"] == rows[2]["brevity penalty[jieba 0.42.1]"] == ""
    assert rows[2]["BLEU-4[jieba 0.42.1]"] == "0"
    assert "nan" not in written.lower()


def test_compat_is_the_released_scripts_row() -> None:
    scores = score_text(made(5), "char")
    header, row = (line.split(",") for line in compat_csv(scores).splitlines())
    assert ",".join(header) == (
        "BLEU-1,BLEU-2,BLEU-3,BLEU-4,METEOR,ROUGE-1,ROUGE-2,ROUGE-L,CIDEr,Overall_BLEU-1,Overall_BLEU-2,"
        "Overall_BLEU-3,Overall_BLEU-4,Overall_METEOR,Overall_ROUGE-1,Overall_ROUGE-2,Overall_ROUGE-L"
    )
    values = dict(zip(HEADER, row, strict=True))
    assert values["CIDEr"] == f"{100 * scores.means['CIDEr-D']:.2f}"
    assert values["Overall_METEOR"] == values["METEOR"] == f"{100 * scores.values['METEOR'].mean():.2f}"
    assert values["Overall_BLEU-4"] == f"{100 * scores.corpus['BLEU-4']:.2f}" != values["BLEU-4"]


@pytest.mark.parametrize("name", ["jieba", "char", "en"])
def test_many_pairs_at_once_are_the_pairs_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(8)
    english = [
        "no",
        "nodes",
        "node",
        "enlarged",
        "enlarging",
        "lung",
        "liver",
        "livers",
        "is",
        "are",
        "normal",
        "SUVmax",
        "suvmax",
        "4.5",
        ",",
        ".",
    ]
    texts = [" ".join(draw.choices(english if draw.random() < 0.5 else WORDS, k=draw.randrange(40))) for _ in range(24)]
    pairs = list(zip(["肝 nodes", *texts[:11]], [None, "", *texts[12:22]], strict=True))
    cases = Cases(cases=tuple(Case(id=str(i), reference=r or "肺", prediction=p) for i, (r, p) in enumerate(pairs)))
    family = text_family(cases, name)
    references, predictions = np.divmod(np.arange(144), 12)
    expected = family._one_by_one(references, predictions)
    for bits in (1 << 15, 50):  # all texts in one bit vector, and in several
        monkeypatch.setattr(crowd, "_BITS", bits)
        for got, wanted in zip(family.compared(references, predictions), expected, strict=True):
            assert np.allclose(got, wanted, rtol=0, atol=1e-12)
    apart = np.flatnonzero(references % 2 == predictions % 2)  # as patients of two sexes
    for got, wanted in zip(family.compared(references[apart], predictions[apart]), expected, strict=True):
        assert np.allclose(got, wanted[apart], rtol=0, atol=1e-12)
    few = family.compared(references[5:9], predictions[5:9])
    assert np.array_equal(few[0], expected[0][5:9])


def test_predictions_without_a_token_can_be_permuted() -> None:
    cases = made(4).with_predictions([None, "", " ", None])
    family = text_family(cases, "char")
    assert all(not values.any() for values in family.permuted(np.array([[1, 0, 3, 2], [3, 2, 1, 0]])).values())


def test_two_runs_give_the_same_digits() -> None:
    """Hashes of words differ from process to process; no figure may."""
    code = (
        "import numpy as np; from test_text_scores import made; from petrg.evaluate.text import *;"
        "c = made(12, length=200); f = text_family(c, 'char'); print(columns(score_text(c, 'char')));"
        "o = np.array([np.roll(np.arange(12), s) for s in range(12)]);"
        "print({k: v.tolist() for k, v in f.permuted(o).items()})"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "random")
    }
    assert len(outputs) == 1
    assert "CIDEr-D" in outputs.pop()


@pytest.mark.parametrize("references", [("the liver is normal .",), ("the liver is normal .",) * 3])
def test_cider_is_not_defined_where_no_word_is_rarer_than_another(references: tuple[str, ...]) -> None:
    """A perfect prediction would score 0: one case, or equal references."""
    cases = Cases(cases=tuple(Case(id=str(i), reference=r, prediction=r) for i, r in enumerate(references)))
    scores = score_text(cases, "en")
    assert np.isnan(scores.values["CIDEr-D"]).all()
    assert columns(scores)[metric_key("CIDEr-D", scores.label)] == [None] * len(references)
    assert compat_csv(scores).splitlines()[1].split(",")[8] == "0.00"
    family = text_family(cases, "en")
    key = metric_key("CIDEr-D", scores.label)
    for one in (family, TextsScored(cases, "en")):
        statistic = one.statistics()[key]
        assert isinstance(statistic, Tally)
        assert np.isnan(statistic.value())
        why = statistic.why
        assert why.startswith("not defined: ")
        assert np.isnan(one.permuted(np.arange(len(references))[None])[key]).all()
    said = estimate(float("nan"), np.empty(0), n=1, patients=1, why=why)
    assert (said.value, said.note) == (None, why)


def test_cider_is_defined_as_soon_as_one_word_is_rarer() -> None:
    texts = ("the liver is normal .", "the liver is normal .", "the spleen is normal .")
    cases = Cases(cases=tuple(Case(id=str(i), reference=t, prediction=t) for i, t in enumerate(texts)))
    assert (score_text(cases, "en").values["CIDEr-D"] > 0).all()
