"""What a terminal is shown: nothing that it would obey, no traceback, and an exit code without stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from petrg.cli import screen
from petrg.errors import InputError, Problem

Petrg = Callable[..., Result]
Real = Callable[..., subprocess.CompletedProcess[str]]

OBEYED = "\x1b]0;owned\x07\x1b[2J\x9b31m\x9d0;t\x9c\r\b\x7f\u202egnp\u2066\u2069\u200f\u2028"


def test_nothing_that_is_printed_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(f"a\tb\nc{OBEYED}d 肝脏 é")
    screen.warn(Problem("code", OBEYED))
    screen.complain(OBEYED)
    screen.error(InputError(OBEYED, "x", "y"), OBEYED, 2)
    out, err = capsys.readouterr()
    assert out.startswith("a\tb\nc\ufffd]0;owned\ufffd\ufffd[2J\ufffd31m")
    assert out.endswith("d 肝脏 é\n")
    for text in (out, err):
        assert not set(text.replace("\t", "").replace("\n", "")) & {c for c in OBEYED if not c.isprintable()}
    assert err.count("petrg: ") == 3


def test_events_read_back_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    token = screen.machine.set(True)
    try:
        screen.event("done", title=OBEYED, region="肝脏")
    finally:
        screen.machine.reset(token)
    line = capsys.readouterr().err
    assert json.loads(line)["title"] == OBEYED
    assert "肝脏" in line
    assert not set(line.rstrip("\n")) & {c for c in OBEYED if not c.isprintable()}


def test_the_name_of_a_system_is_shown_and_not_obeyed(petrg: Petrg, tmp_path: Path) -> None:
    table = tmp_path / "r.csv"
    table.write_text("id,reference,prediction\na,the liver is normal,the liver\nb,no node is seen,no node\n")
    few = ("--bootstrap", 0, "--permutations", 0)
    result = petrg("score", "text", table, "--system", "x\x1b[2Jy", "-o", tmp_path / "out", *few)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "x\ufffd[2Jy" in result.output


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes stderr")
def test_a_closed_stderr_keeps_the_exit_code(tmp_path: Path) -> None:
    line = f"'{sys.executable}' -m petrg.cli.main score text '{tmp_path}/none.csv' -o '{tmp_path}/out' 2>&-"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("module", ["petrg.cli.verbs.benchmark", "petrg.evaluate.score_all"])
def test_ctrl_c_while_modules_load_is_one_line(module: str, tmp_path: Path) -> None:
    """A finder stands for a slow disk: the signal comes when ``module`` is looked for."""
    (tmp_path / "r.csv").write_text("id,reference,prediction\na,b,c\n")
    code = (
        "import os, signal, sys\n"
        "class Slow:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from petrg.cli.main import main\n"
        "sys.argv = ['petrg', 'score', 'text', 'r.csv', '-o', 'out']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (130, "petrg: stopped — nothing half-written is left\n")
    assert not (tmp_path / "out").exists()
