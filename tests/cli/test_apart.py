"""Results never go into a folder that is read, nor take the place of a file that is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from petrg.errors import OutputError
from petrg.files import expect_apart

Petrg = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for folder in ("r", "p"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("the liver is normal.\n")
        (tmp_path / folder / "b.txt").write_text("no node is seen.\n")
    (tmp_path / "cases.csv").write_text("id,reference,prediction\na,the liver is normal,the liver\n")
    (tmp_path / "link").symlink_to(tmp_path / "p")
    return tmp_path


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("score all r p -o p", "-o is a folder that is read"),
        ("score all r p -o r", "-o is a folder that is read"),
        ("score text r p -o ./p/", "-o is a folder that is read"),
        ("score text r p -o link", "-o is a folder that is read"),
        ("score text r p --against p -o p/../p", "-o is a folder that is read"),
        ("score text cases.csv --against r -o r", "-o is a folder that is read"),
        ("score labels r p -o r", "-o is a folder that is read"),
        ("score text cases.csv -o .", "the cases.csv that is read would be replaced"),
        ("labels extract r -o r", "-o is a folder that is read"),
        ("labels compare r p -o p", "-o is a folder that is read"),
        ("labels compare r p --texts cases.csv -o .", "the cases.csv that is read would be replaced"),
        ("benchmark import autopet-rg-lym r -o r", "-o is a folder that is read"),
        ("benchmark leaderboard r p -o p", "-o is a folder that is read"),
    ],
)
def test_a_folder_that_is_read_is_not_written(petrg: Petrg, here: Path, call: str, said: str) -> None:
    before = {path: path.read_bytes() for path in here.rglob("*.*") if path.is_file()}
    result = petrg(*call.split())
    assert result.exit_code == 2
    assert result.stderr.startswith(f"petrg: {said} — expected a folder of its own for the results")
    assert result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in here.rglob("*.*") if path.is_file()} == before


def test_a_folder_of_its_own_will_do(petrg: Petrg, here: Path) -> None:
    few = ("--bootstrap", 0, "--permutations", 0)
    for out in ("p/results", "results", "."):
        result = petrg("score", "text", "r", "p", "-o", out, *few)
        assert result.exit_code == 0, result.output
        shutil.rmtree("p/results", ignore_errors=True)


def test_a_file_of_another_name_may_lie_in_the_folder(here: Path) -> None:
    expect_apart(here, here / "cases.csv", None, here / "none", writes=("scores.json",))
    with pytest.raises(OutputError):
        expect_apart(here, here / "cases.csv", writes=("cases.csv",))
