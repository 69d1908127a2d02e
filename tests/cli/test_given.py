"""Empty values, as an unset variable of a shell gives, are refused wherever a path or a text is meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.testing import Result

from petrg.cli.app import app

Petrg = Callable[..., Result]
TABLE = "id,reference,prediction\na,the liver is normal,the liver\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "text", "r.csv", "-o", ""),
        ("score", "text", "r.csv", "-o", " "),
        ("score", "text", "", "-o", "out"),
        ("score", "text", "r.csv", "-o", "out", "--id-column", ""),
        ("score", "all", "r.csv", "-o", "out", "--meta="),
        ("score", "all", "r.csv", "-o", "out", "--against", ""),
        ("score", "labels", "r", "", "-o", "out"),
        ("labels", "extract", "r.csv", "-o", "out", "--column", ""),
        ("labels", "extract", "r.csv", "-o", "out", "--llm", ""),
        ("labels", "extract", "r.csv", "-o", "out", "--llm", " ", "--base-url", "http://h"),
        ("labels", "compare", "a", "b", "-o", "out", "--texts", ""),
        ("benchmark", "score", "b", "r.csv", "-o", "out", "--name", ""),
        ("benchmark", "leaderboard", "", "-o", "out"),
        ("benchmark", "show", ""),
        ("inspect", ""),
    ],
)
def test_an_empty_value_is_refused(
    petrg: Petrg, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.csv").write_text(TABLE)
    result = petrg(*arguments)
    assert result.exit_code == 2
    assert "it is empty" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


def test_no_verb_takes_an_empty_path() -> None:
    """Every path and text of every verb, by asking what typer will ask."""
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance is not None]
    verbs = [command.callback for one in (app, *groups) for command in one.registered_commands]
    count = 0
    for verb in verbs:
        assert verb is not None
        for parameter in inspect.signature(verb).parameters.values():
            kind, *infos = get_args(parameter.annotation)
            if parameter.default == "" or not {Path, str} & {kind, *get_args(kind)}:
                continue
            count += 1
            with pytest.raises(typer.BadParameter):
                infos[0].parser("")
    assert count > 60
