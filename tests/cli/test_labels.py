"""`petrg labels`: what it prints, writes and refuses, with and without a server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer, Reply, chat_server, completion
from typer.testing import Result

from petrg.anatomy import Region
from petrg.evaluate.labels.agreement import Agreement
from petrg.evaluate.labels.files import read_labels
from petrg.report import Uptake

Run = Callable[..., Result]

KEY = "sk-very-secret-0123456789"
LIVER = "肝右叶见低密度结节，放射性摄取增高，SUVmax：8.1。"
SPLEEN = "Hypermetabolic nodule in the spleen, SUVmax 4.1."


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.csv"
    path.write_text(f'id,text\nA-1,"{LIVER}"\nA-2,\nA-3,"{SPLEEN}"\n', encoding="utf-8")
    return path


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    silent = {"pet": "5", "ct": "8", "suv": None, "description": "", "pet_quote": "", "ct_quote": "", "suv_quote": ""}
    found = {r.value: silent for r in Region} | {"liver": silent | {"pet": "2", "pet_quote": "摄取增高"}}
    with chat_server() as running:
        running.answer = lambda body, count: completion(json.dumps(found, ensure_ascii=False))
        yield running


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# ------------------------------------------------------------------ extract
def test_extract_writes_a_file_a_case_and_counts_what_is_missing(petrg: Run, reports: Path, tmp_path: Path) -> None:
    result = petrg("labels", "extract", reports, "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("2 label files by petrg-reading ")
    assert "missing or blank, no label file: 1\n" in result.stdout
    written = ["A-1.json", "A-3.json", "evidence/A-1.json", "evidence/A-3.json", "evidence/labeller.toml"]
    assert files(tmp_path / "out") == written
    labels = read_labels(tmp_path / "out", strict=True)
    assert labels.cases["A-1"][Region.LIVER].pet is Uptake.HIGH
    assert labels.cases["A-3"][Region.SPLEEN].suv_max == 4.1
    assert labels.languages == {"A-1": "zh", "A-3": "en"}


def test_a_report_in_which_nothing_is_read_is_told(petrg: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("1234567890" * 100)
    result = petrg("labels", "extract", tmp_path / "in", "-o", tmp_path / "out")
    assert "nothing read, silent on every region and scored as normal: 1" in result.stdout


def test_a_petrg_report_is_read(petrg: Run, reported: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "P1.json").write_bytes((reported / "report.json").read_bytes())
    result = petrg("labels", "extract", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert list(read_labels(tmp_path / "out").cases) == ["P1"]


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ("id,a,b\n1,x,y\n", [], "several columns — expected one of a, b — give --column"),
        ("id,a\n../1,x\n", [], "the id of row 1 begins with a dot"),
        ("id,a\nx,liver\nX,liver\n", [], "the id of row 2 is that of row 1"),
        ("id,a\n1,\n2, \n", [], "every report is missing or blank"),
        ("id,a\n1,x\n", ["--language", "xx"], "xx"),
        ("id,a\n1,x\n", ["--llm", "m"], "no --base-url"),
        ("id,a\n1,x\n", ["--base-url", "http://h"], "no --llm"),
        ("id,a\n1,x\n", ["--llm", "m", "--base-url", "h"], "URL cannot be used"),
        ("id,a\n1,x\n", ["--llm", "m", "--base-url", "http://h", "--price-in", "1"], "one price only"),
        ("id,a\n1,x\n", ["--llm", "m", "--base-url", "http://h", "--api-key-env", "NOT_SET_X"], "is not set"),
    ],
)
def test_refusals_leave_nothing(table: str, options: list[str], says: str, petrg: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(table)
    result = petrg("labels", "extract", tmp_path / "t.csv", "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_labels_of_another_run_are_not_mixed_in(petrg: Run, reports: Path, tmp_path: Path) -> None:
    assert petrg("labels", "extract", reports, "-o", tmp_path / "out").exit_code == 0
    assert petrg("labels", "extract", reports, "-o", tmp_path / "out").exit_code == 0  # the same cases are replaced
    reports.write_text(f'id,text\nA-1,"{LIVER}"\nA-3,\n', encoding="utf-8")
    before = files(tmp_path / "out")
    result = petrg("labels", "extract", reports, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "1 JSON files of other cases" in result.stderr
    assert files(tmp_path / "out") == before


# ------------------------------------------------------------------ a language model
def test_a_model_labels_and_its_costs_are_told(petrg: Run, reports: Path, remote: ChatServer, tmp_path: Path) -> None:
    ask = ["labels", "extract", reports, "--llm", "m-1", "--base-url", remote.url, "--price-in", 1, "--price-out", 10]
    result = petrg(*ask, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert f"reports are sent to {remote.url.removeprefix('http://')}, model m-1\n" in result.stdout
    assert "2 answers, 2000 tokens sent, 400 answered, cost 0.0060; 0 reports answered before" in result.stdout
    labels = read_labels(tmp_path / "out", strict=True)
    assert labels.labeller.startswith("llm m-1 prompt 1 (")
    assert labels.cases["A-1"][Region.LIVER].pet is Uptake.EQUIVOCAL
    assert remote.headers[0]["Authorization"] == f"Bearer {KEY}"
    again = petrg(*ask, "-o", tmp_path / "again")
    assert "0 answers, 0 tokens sent, 0 answered, cost 0.0000; 2 reports answered before" in again.stdout
    assert len(remote.requests) == 2
    assert petrg(*ask, "-o", tmp_path / "again", "--no-cache").exit_code == 0
    assert len(remote.requests) == 4


def test_without_a_server_nothing_is_asked(petrg: Run, reports: Path, remote: ChatServer, tmp_path: Path) -> None:
    assert petrg("labels", "extract", reports, "-o", tmp_path / "out").exit_code == 0
    assert remote.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, {"error": {"message": f"bad {KEY}", "code": KEY}}),
        Reply(400, {"error": {"message": LIVER, "type": LIVER}}),
        completion(f"{KEY} {LIVER}"),
        completion(json.dumps({"liver": {"pet": LIVER}})),
        Reply(raw=LIVER.encode()),
    ],
)
def test_failures_say_neither_key_nor_report(
    reply: Reply, petrg: Run, reports: Path, remote: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.answer = lambda body, count: reply
    for options in ([], ["--log-json"]):
        how = ["--llm", "m", "--base-url", remote.url, *options]
        result = petrg("labels", "extract", reports, "-o", tmp_path / "out", *how)
        assert result.exit_code == 2
        assert "2 of 2 reports have no labels; row 1: " in result.stderr
        for secret in (KEY, LIVER[:6], "摄取"):
            assert secret not in result.output
    assert not (tmp_path / "out").exists()


def test_one_failure_writes_nothing_and_keeps_the_rest(
    petrg: Run, reports: Path, remote: ChatServer, tmp_path: Path
) -> None:
    good = remote.answer
    remote.answer = lambda body, count: completion("no") if "spleen," in str(body["messages"][1]) else good(body, count)
    ask = ["labels", "extract", reports, "--llm", "m", "--base-url", remote.url, "-o", tmp_path / "out"]
    result = petrg(*ask)
    assert result.exit_code == 2
    assert "1 of 2 reports have no labels; row 3: no JSON" in result.stderr
    assert not (tmp_path / "out").exists()
    remote.answer = good
    assert "1 reports answered before" in petrg(*ask).stdout


def test_ctrl_c_ends_at_once_and_leaves_nothing(reports: Path, remote: ChatServer, tmp_path: Path) -> None:
    slow = completion("{}")
    slow.wait_s = 60.0
    remote.answer = lambda body, count: slow
    verb = ["labels", "extract", str(reports), "--llm", "m", "--base-url", remote.url, "-o", str(tmp_path / "out")]
    begun = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "petrg.cli.main", *verb], stderr=subprocess.PIPE) as running:
        while not remote.requests and time.monotonic() < begun + 20:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, said = running.communicate(timeout=20)
    assert time.monotonic() - asked < 15
    assert (running.returncode, said.decode()) == (130, "petrg: stopped — nothing half-written is left\n")
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ compare
@pytest.fixture
def two(petrg: Run, reports: Path, remote: ChatServer, tmp_path: Path) -> tuple[Path, Path]:
    a, b = tmp_path / "a", tmp_path / "b"
    assert petrg("labels", "extract", reports, "-o", a).exit_code == 0
    assert petrg("labels", "extract", reports, "--llm", "m", "--base-url", remote.url, "-o", b).exit_code == 0
    return a, b


def test_compare_prints_and_writes(petrg: Run, reports: Path, two: tuple[Path, Path], tmp_path: Path) -> None:
    result = petrg("labels", "compare", *two, "-o", tmp_path / "out", "--texts", reports)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 cases of both; of A only 0, of B only 0\n" in result.stdout
    assert "PET kappa " in result.stdout
    assert files(tmp_path / "out") == ["agreement.html", "agreement.json", "cases.csv"]
    found = Agreement.read(tmp_path / "out" / "agreement.json")
    assert (found.text_unknown, found.other_text) == (0, 0)
    assert {(d.region, d.part) for d in found.disagreements} >= {("liver", "PET"), ("liver", "SUV"), ("spleen", "PET")}
    html = (tmp_path / "out" / "agreement.html").read_text("utf-8")
    assert '<mark class="spot">摄取增高</mark>' in html


def test_compare_tells_of_other_texts_and_other_cases(
    petrg: Run, reports: Path, two: tuple[Path, Path], tmp_path: Path
) -> None:
    reports.write_text(f'id,text\nA-1,"{LIVER} "\nA-9,"{SPLEEN}"\n', encoding="utf-8")
    assert petrg("labels", "extract", reports, "-o", tmp_path / "c").exit_code == 0
    result = petrg("labels", "compare", two[0], tmp_path / "c", "-o", tmp_path / "out")
    assert "1 cases of both; of A only 1, of B only 1\n" in result.stdout
    assert "read from another text by the two: 1 cases\n" in result.stdout


def test_compare_counts_a_region_that_one_lacks(petrg: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    path = two[1] / "A-1.json"
    document = json.loads(path.read_text("utf-8"))
    del document["脑、颅骨与脑膜"]
    path.write_text(json.dumps(document))
    result = petrg("labels", "compare", *two, "-o", tmp_path / "out")
    assert "PET labels that one side lacks, counted as disagreement: 1\n" in result.stdout


def test_compare_refuses(petrg: Run, reports: Path, two: tuple[Path, Path], tmp_path: Path) -> None:
    for arguments, says in (
        ((two[0], tmp_path / "none"), "cannot read the labels"),
        ((two[0], reports), "no JSON object"),
        ((*two, "--column", "text"), "columns without a table"),
        ((*two, "--texts", reports, "--column", "x"), "no column 'x'"),
    ):
        result = petrg("labels", "compare", *arguments, "-o", tmp_path / "out")
        assert result.exit_code == 2, result.output
        assert says in result.stderr
        assert not (tmp_path / "out").exists()


def test_help_says_when_reports_leave_the_machine(petrg: Run) -> None:
    said = " ".join(petrg("labels", "extract", "--help").stdout.split())
    assert "Only with --llm and --base-url do reports leave it" in said


@pytest.mark.reference
def test_the_development_cases_agree_with_the_given_labels(petrg: Run, shared: Path, tmp_path: Path) -> None:
    """The first 25 ids only: the rest is held out."""
    import csv

    folder = shared / "data" / "autopet_rg_lym"
    with (folder / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[:26]
    with (tmp_path / "dev.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    given = json.loads((folder / "prediction_labels.json").read_text("utf-8"))
    ids = [row[0] for row in rows[1:] if row[0] in given]
    (tmp_path / "given.json").write_text(json.dumps({key: given[key] for key in ids}))
    column = ["--column", "Cleaned_Pred_report"]
    assert petrg("labels", "extract", tmp_path / "dev.csv", *column, "-o", tmp_path / "a").exit_code == 0
    texts = ["--texts", tmp_path / "dev.csv", *column]
    result = petrg("labels", "compare", tmp_path / "a", tmp_path / "given.json", *texts, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = Agreement.read(tmp_path / "out" / "agreement.json")
    assert found.cases == len(ids)
    assert found.pet_kappa.value is not None
    assert found.pet_kappa.value > 0.6
    shifted = {key: given[ids[n - 1]] for n, key in enumerate(ids)}  # the labels of another report must not fit
    (tmp_path / "given.json").write_text(json.dumps(shifted))
    petrg("labels", "compare", tmp_path / "a", tmp_path / "given.json", "-o", tmp_path / "out")
    wrong = Agreement.read(tmp_path / "out" / "agreement.json")
    assert wrong.pet_kappa.value is not None
    assert wrong.pet_kappa.value < found.pet_kappa.value - 0.3
