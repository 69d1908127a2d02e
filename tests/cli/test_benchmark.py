"""The benchmark verbs as a user calls them, from patients to a leaderboard."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(petrg: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of six English digital patients."""
    made = tmp_path_factory.mktemp("benchmark") / "b"
    options = ("--cases", 6, "--seed", 2, "--language", "en", "--style", "en-prose", "--workers", 1)
    result = petrg("benchmark", "make-phantom", *options, "-o", made)
    assert result.exit_code == 0, result.output
    assert "6, language en, tokenizer en" in result.stdout
    assert "labels     truth of petrg-phantom-1" in result.stdout
    assert "read back" in result.stdout
    return made


@pytest.fixture(scope="module")
def scored(petrg: Run, home: Path) -> Path:
    """Two results on it, kept in its own results folder."""
    with (home / "references.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = home.parent / "mine.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        texts = [row["reference"] for row in rows]
        csv.writer(file).writerows(
            [("study", "good", "bad"), *zip([r["id"] for r in rows], texts, texts[1:] + texts[:1], strict=True)]
        )
    for name, column in (("My system", "good"), ("Other system", "bad")):
        result = petrg(
            "benchmark", "score", home, table, "--prediction-column", column, "--name", name,
            "--bootstrap", 20, "--permutations", 20, "-o", home / "results" / column,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        assert result.stdout.endswith("scores.json\ncases.csv\nscores.html\nresult.json\n")
    return home / "results"


def test_help_names_the_verbs(petrg: Run) -> None:
    told = petrg("benchmark", "--help").stdout
    for verb in ("import", "make-phantom", "show", "score", "leaderboard"):
        assert f"\n  {verb} " in told


def test_show_verifies_and_says_what_is_there(petrg: Run, home: Path) -> None:
    result = petrg("benchmark", "show", home)
    assert result.exit_code == 0
    for said in ("phantom-en", "hash ", "missing    images", "patients", "F,", "hospitals  en-prose", "verified"):
        assert said in result.stdout


def test_a_result_tells_its_benchmark(home: Path, scored: Path) -> None:
    told = json.loads((scored / "good" / "result.json").read_text(encoding="utf-8"))
    description = (home / "benchmark.toml").read_text(encoding="utf-8")
    assert f'hash = "{told["hash"]}"' in description
    assert told["system"] == "My system"
    scores = json.loads((scored / "good" / "scores.json").read_text(encoding="utf-8"))
    assert scores["inputs"]["benchmark"] == told["hash"]
    assert (scored / "good" / "scores.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_leaderboard_of_the_results_in_the_benchmark(petrg: Run, home: Path, scored: Path, tmp_path: Path) -> None:
    result = petrg("benchmark", "leaderboard", home, "-o", tmp_path / "l", "--sort", "BLEU-4")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("\nleaderboard.md\nleaderboard.html\n")
    told = (tmp_path / "l" / "leaderboard.md").read_text(encoding="utf-8")
    assert told.index("**My system**") < told.index("**Other system**") < told.index("*healthy template")
    assert scored.is_dir()


def test_a_changed_benchmark_is_refused_in_one_line(petrg: Run, home: Path, tmp_path: Path) -> None:
    whole = (home / "references.csv").read_bytes()
    (home / "references.csv").write_bytes(whole[:-2] + b"x\n")
    try:
        for call in (("show", home), ("score", home, home / "references.csv", "--name", "x", "-o", tmp_path / "r")):
            result = petrg("benchmark", *call)
            assert result.exit_code == 2
            assert result.stderr.startswith("petrg: references.csv was changed: sha256 ")
            assert result.stderr.count("\n") == 1
    finally:
        (home / "references.csv").write_bytes(whole)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "call",
    [
        ("score", "benchmark", "{home}", "{home}/references.csv", "--name", "x", "-o", "{home}"),
        ("score", "benchmark", "{home}", "{home}/references.csv", "--name", "x", "-o", "{home}/labels"),
        ("score", "benchmark", "{home}", "{home}/references.csv", "--name", "x", "-o", "{home}/results/../mine"),
        ("leaderboard", "benchmark", "{home}", "-o", "{home}/board"),
        ("text", "score", "{home}/references.csv", "-o", "{home}/mine"),
        ("extract", "labels", "{home}/references.csv", "-o", "{home}/labels"),
    ],
)
def test_nothing_is_written_into_a_benchmark(call: tuple[str, ...], petrg: Run, home: Path) -> None:
    before = sorted(home.rglob("*"))
    verb, group, *rest = (part.format(home=home) for part in call)
    result = petrg(group, verb, *rest)
    assert result.exit_code == 2
    assert result.stderr.startswith("petrg: -o lies in a benchmark")
    assert result.stderr.count("\n") == 1
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("import", "autopet-rg-lym", "{tmp}", "-o", "{tmp}/o"), "cannot read the table"),
        (("show", "{tmp}"), "no readable benchmark.toml"),
        (("score", "{home}", "{tmp}/none.csv", "--name", "x", "-o", "{tmp}/o"), "cannot read the table"),
        (("leaderboard", "{tmp}", "-o", "{tmp}/o"), "holds no result.json"),
        (("make-phantom", "--language", "en", "--style", "zh-prose", "-o", "{tmp}/o"), "is of language zh"),
        (("import", "other", "{tmp}", "-o", "{tmp}/o"), "autopet-rg-lym"),
    ],
)
def test_refusals_exit_2_and_write_nothing(
    call: tuple[str, ...], said: str, petrg: Run, home: Path, tmp_path: Path
) -> None:
    result = petrg("benchmark", *(part.format(tmp=tmp_path, home=home) for part in call))
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_release_is_imported(petrg: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "reports.csv").write_text("AccNum,GT_report\na,肝脏未见异常。\nb,脾脏未见异常。\n", encoding="utf-8")
    result = petrg("benchmark", "import", "autopet-rg-lym", source, "-o", tmp_path / "b", "--licence", "mine")
    assert result.exit_code == 0, result.output
    for said in (
        "missing    cases: 2 of 135 cases",
        "licence    mine",
        "missing    sexes",
        "missing    healthy template",
    ):
        assert said in result.stdout
