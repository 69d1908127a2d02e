"""`petrg score`: what it writes, prints and refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from pairs import TEMPLATE, made_cases
from typer.testing import Result

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.labels.files import write_labels
from petrg.evaluate.scores import Scores

Run = Callable[..., Result]
FAST = ("--bootstrap", 20, "--permutations", 20)


def write_csv(path: Path, head: Iterable[str], rows: Iterable[Iterable[str | None]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(head)
        table.writerows([cell or "" for cell in row] for row in rows)
    return path


@pytest.fixture(scope="module")
def made() -> Cases:
    return made_cases(8)


@pytest.fixture
def reports(tmp_path: Path, made: Cases) -> Path:
    rows = [(c.id, c.reference, c.prediction) for c in made.cases]
    return write_csv(tmp_path / "r.csv", ("AccNum", "GT_report", "Cleaned_Pred_report"), rows)


@pytest.fixture
def meta(tmp_path: Path, made: Cases) -> Path:
    return write_csv(tmp_path / "m.csv", ("AccNum", "sex", "hospital"), [(c.id, c.sex, "H") for c in made.cases])


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"H": TEMPLATE}))
    return path


def read(out: Path) -> Scores:
    return Scores.from_json((out / "scores.json").read_bytes())


def test_score_all_writes_three_files_and_prints_the_controls_beside_the_system(
    petrg: Run, reports: Path, meta: Path, template: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = petrg("score", "all", reports, "--meta", meta, "--template", template, "-o", out, *FAST)
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(p.name for p in out.iterdir()) == ["cases.csv", "scores.html", "scores.json"]
    head, _, *table = result.stdout.splitlines()
    assert head.startswith("8 cases of 8 patients; tokenizer en mteval-13a; labeller petrg-reading ")
    assert any(line.startswith("BLEU-4[en mteval-13a]") for line in table)
    assert any("healthy" in line and "always normal" in line and "own reports" in line for line in table)
    assert "second reader: not given, no second reports: give --second-reader" in table
    assert result.stdout.endswith("\nscores.json\ncases.csv\nscores.html\n")
    scores = read(out)
    assert set(scores.inputs) == {"reports", "meta", "template"}
    assert scores.rows[0].estimates["Lesion-Recall"].value is not None
    with (out / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["AccNum"] for r in rows] == [f"case {i}" for i in range(8)]


def test_the_same_call_writes_the_same_bytes(
    real: Callable[..., CompletedProcess[str]], reports: Path, meta: Path, tmp_path: Path
) -> None:
    for name, hashes in (("one", "1"), ("two", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        result = real("score", "all", reports, "--meta", meta, "-o", tmp_path / name, *FAST, env=environment)
        assert result.returncode == 0, result.stderr
    for file in ("scores.json", "cases.csv", "scores.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_score_text_on_a_table_and_on_folders_agrees(petrg: Run, reports: Path, made: Cases, tmp_path: Path) -> None:
    for name, texts in (("ref", made.references), ("pred", made.predictions)):
        (tmp_path / name).mkdir()
        for key, text in zip(made.ids, texts, strict=True):
            (tmp_path / name / f"{key}.txt").write_text(text or "", encoding="utf-8")
    one = petrg("score", "text", reports, "-o", tmp_path / "one", "--compat", *FAST)
    two = petrg("score", "text", tmp_path / "ref", tmp_path / "pred", "-o", tmp_path / "two", *FAST)
    assert (one.exit_code, two.exit_code) == (0, 0), one.output + two.output
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["PETRG-NLG-Results.csv", "cases.csv", "scores.json"]
    assert read(tmp_path / "one").rows[0].estimates == read(tmp_path / "two").rows[0].estimates
    compat = (tmp_path / "one" / "PETRG-NLG-Results.csv").read_text().splitlines()
    assert compat[0].startswith("BLEU-1,BLEU-2,BLEU-3,BLEU-4,METEOR,ROUGE-1,ROUGE-2,ROUGE-L,CIDEr,Overall_BLEU-1")
    bleu = read(tmp_path / "one").rows[0].estimates["BLEU-1[en mteval-13a]"].value
    assert float(compat[1].split(",")[0]) == pytest.approx(100 * (bleu or 0), abs=0.005001)


@pytest.mark.parametrize(("name", "label"), [("char", "char 1"), ("en", "en mteval-13a"), ("jieba", "jieba 0.42.1")])
def test_the_tokenizer_stands_in_every_column(petrg: Run, reports: Path, tmp_path: Path, name: str, label: str) -> None:
    result = petrg("score", "text", reports, "-o", tmp_path / "out", "--tokenizer", name, *FAST)
    assert result.exit_code == 0, result.output
    columns = (tmp_path / "out" / "cases.csv").read_text().splitlines()[0].split(",")[1:]
    assert columns
    assert all(column.endswith(f"[{label}]") for column in columns)
    assert read(tmp_path / "out").tokenizer == label


def test_chinese_references_are_cut_into_words_by_default(petrg: Run, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "r.csv", ("id", "reference", "prediction"), [("a", "肝脏SUVmax 4.1，未见异常。", "肝脏正常。")]
    )
    result = petrg("score", "text", path, "-o", tmp_path / "out", *FAST)
    assert result.stdout.startswith("1 case of 1 patient; tokenizer jieba 0.42.1;")


def test_a_second_reader_and_another_system_have_their_columns(
    petrg: Run, reports: Path, meta: Path, made: Cases, tmp_path: Path
) -> None:
    other = write_csv(tmp_path / "o.csv", ("AccNum", "text"), [(c.id, c.reference) for c in made.cases[:5]])
    out = tmp_path / "out"
    result = petrg(
        "score", "all", reports, "--meta", meta, "--second-reader", "GT_report", "--against", other, "-o", out, *FAST
    )
    assert result.exit_code == 0, result.output
    rows = {row.key: row for row in read(out).rows}
    bleu = "BLEU-4[en mteval-13a]"
    assert rows["second-reader"].estimates[bleu].value == pytest.approx(1.0)
    assert rows["against"].estimates[bleu].value == pytest.approx(5 / 8)
    assert {"against", "second-reader"} <= set(read(out).inputs)


@pytest.fixture
def label_folders(tmp_path: Path, made: Cases) -> tuple[Path, Path]:
    for name, texts in (("ref", made.references), ("pred", made.predictions)):
        write_labels(extract(dict(zip(made.ids, map(str, texts), strict=True)), "en"), tmp_path / name)
    return tmp_path / "ref", tmp_path / "pred"


def test_score_labels_prints_what_is_missing_and_counts_it_as_wrong(
    petrg: Run, label_folders: tuple[Path, Path], meta: Path, tmp_path: Path
) -> None:
    reference, prediction = label_folders
    whole = petrg("score", "labels", reference, prediction, "--meta", meta, "-o", tmp_path / "whole", *FAST)
    assert whole.exit_code == 0, whole.output
    (prediction / "case 3.json").unlink()
    less = petrg("score", "labels", reference, prediction, "-o", tmp_path / "less", *FAST)
    assert less.exit_code == 0, less.output
    assert "cases without predicted labels: 1 of 8" in less.stdout
    assert "1 of 8 cases has no prediction" in less.stdout
    first, second = read(tmp_path / "whole"), read(tmp_path / "less")
    assert (second.rows[0].estimates["PET-Accuracy"].value or 0) < (first.rows[0].estimates["PET-Accuracy"].value or 0)
    assert first.labeller == second.labeller
    assert next(r for r in first.rows if r.key == "permuted").given
    assert not next(r for r in second.rows if r.key == "permuted").given
    assert "PET 1 high" in whole.stdout
    assert "retroperitoneum" in whole.stdout
    assert "regions missing from predicted labels: 0 of 192" in whole.stdout
    assert len(first.classes) == 13
    assert len(first.regions) == 24


def test_given_labels_of_two_labellers_are_refused(
    petrg: Run, reports: Path, label_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    reference, prediction = label_folders
    out = tmp_path / "out"
    options = ("--reference-labels", reference, "--prediction-labels", prediction)
    assert petrg("score", "all", reports, *options, "-o", out, *FAST).exit_code == 0
    for path in (prediction / "evidence").iterdir():
        path.unlink()
    refused(petrg("score", "all", reports, *options, "-o", tmp_path / "no", *FAST), "one labeller for all")
    refused(petrg("score", "labels", reference, prediction, "-o", tmp_path / "no", *FAST), "one labeller for all")
    refused(petrg("score", "all", reports, *options[:2], "-o", tmp_path / "no", *FAST), "labels of one side only")
    assert not (tmp_path / "no").exists()


def test_a_report_of_petrg_holds_against_its_own_record(petrg: Run, reported: Path, tmp_path: Path) -> None:
    for name in ("ref", "pred", "records"):
        (tmp_path / name).mkdir()
        shutil.copy(reported / "report.json", tmp_path / name / "a.json")
    out = tmp_path / "out"
    result = petrg(
        "score", "all", tmp_path / "ref", tmp_path / "pred", "--records", tmp_path / "records", "-o", out, *FAST
    )
    assert result.exit_code == 0, result.output
    found = read(out).rows[0].estimates
    assert found["Record-SUV-Measured"].value == 1.0
    assert found["BLEU-4[en mteval-13a]"].value == pytest.approx(1.0)
    assert {c.key: c.value for c in read(out).counts}["record-missing"] == 0
    assert {"references", "predictions", "records"} <= set(read(out).inputs)


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,reference,prediction\na,x y,z\na,x y,z\n", ("row 2 has the id of row 1",)),
        ("id,reference,prediction\na,,z\n", ("row 1 has no reference report",)),
        ("id,text,other\na,x,z\n", ("--reference-column", "id, text, other")),
        ("id,reference,prediction\n", ("no row",)),
        ("", ("empty",)),
    ],
)
def test_a_table_that_cannot_be_scored_ends_in_one_line(
    petrg: Run, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    for verb in ("text", "all"):
        refused(petrg("score", verb, path, "-o", tmp_path / "out"), *words)
    assert not (tmp_path / "out").exists()


def test_an_option_that_names_nothing_ends_in_one_line(petrg: Run, reports: Path, tmp_path: Path) -> None:
    none, out = tmp_path / "none", tmp_path / "out"
    for option in ("--meta", "--template", "--second-reader", "--against", "--records"):
        refused(petrg("score", "all", reports, option, none, "-o", out), "—")
    refused(petrg("score", "text", none, "-o", out), "cannot read the table")
    assert not out.exists()


def test_an_output_that_is_a_file_is_left_as_it_is(petrg: Run, reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    refused(petrg("score", "text", reports, "-o", out, *FAST), "cannot write the output")
    assert out.read_text() == "mine"


def test_events_for_machines(petrg: Run, reports: Path, tmp_path: Path) -> None:
    result = petrg("score", "all", reports, "-o", tmp_path / "out", "--log-json", *FAST)
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert events[-1]["event"] == "done"
    assert events[-1]["cases"] == 8
    assert {e["step"] for e in events if e["event"] == "progress"} >= {"scoring system", "comparing"}


def test_what_was_scanned_decides_what_is_a_fault(petrg: Run, tmp_path: Path) -> None:
    text = "The liver shows T2 hyperintense signal. The spleen is normal."
    path = write_csv(tmp_path / "r.csv", ("id", "reference", "prediction"), [(str(k), text, text) for k in range(3)])
    found = {}
    for names in ("PT,CT", "PT,MR"):
        out = tmp_path / names
        assert petrg("score", "all", path, "--modalities", names, "-o", out, *FAST).exit_code == 0
        found[names] = read(out).rows[0].estimates["Fault-modality-not-scanned"].value
    assert found == {"PT,CT": 1.0, "PT,MR": 0.0}
    refused(petrg("score", "all", path, "--modalities", "PT,XY", "-o", tmp_path / "no", *FAST), "--modalities")


def test_the_page_speaks_the_language_asked_for(petrg: Run, reports: Path, tmp_path: Path) -> None:
    pages = {}
    for language in ("en", "zh"):
        result = petrg("score", "all", reports, "--page-language", language, "-o", tmp_path / language, *FAST)
        assert result.exit_code == 0, result.output
        pages[language] = (tmp_path / language / "scores.html").read_text(encoding="utf-8")
    assert 'lang="zh' in pages["zh"]
    assert "SUVmax 相关系数" in pages["zh"]
    assert "SUVmax 相关系数" not in pages["en"]
    assert read(tmp_path / "en") == read(tmp_path / "zh")
