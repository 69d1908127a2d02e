"""How verbs end: exit codes and lines, for every kind of failure."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from petrg.cli import screen
from petrg.cli.guard import guard
from petrg.cli.options import LogJson
from petrg.errors import MissingExtra, Problem, StudyError

Raise = Callable[[], None]


def run(fail: Raise, *arguments: str, env: dict[str, str] | None = None):
    app = typer.Typer(pretty_exceptions_enable=False)

    def verb(log_json: LogJson = False) -> None:
        fail()

    app.command()(guard(verb))
    return CliRunner().invoke(app, list(arguments), env=env)


def failing(error: BaseException) -> Raise:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (StudyError("no PET", "one", "give it"), 2, "petrg: no PET — expected one — give it\n"),
        (MissingExtra("x", "y", "z"), 1, "petrg: x needs y — run: pip install 'petrg[z]'\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/WANG^LI/x"),
            2,
            "petrg: cannot write: No space left on device — expected a writable folder with free space — "
            "choose another -o or free some space\n",
        ),
        (
            ValueError("WANG^LI 19600203"),
            1,
            "petrg: internal error (ValueError) — please report it — rerun with PETRG_DEBUG=1 for the traceback\n",
        ),
        (
            PermissionError(errno.EACCES, "denied", "/data/WANG^LI"),
            1,
            "petrg: internal error (PermissionError) — please report it — rerun with PETRG_DEBUG=1 for the traceback\n",
        ),
        (KeyboardInterrupt(), 130, "petrg: stopped — nothing half-written is left\n"),
        (BrokenPipeError(errno.EPIPE, "pipe"), 0, ""),
    ],
)
def test_each_failure_is_one_line_and_a_code(error: BaseException, code: int, line: str) -> None:
    result = run(failing(error))
    assert (result.exit_code, result.stderr) == (code, line)
    assert result.stdout == ""


def test_sigterm_ends_like_ctrl_c() -> None:
    result = run(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert (result.exit_code, result.stderr) == (143, "petrg: stopped — nothing half-written is left\n")


def test_debug_keeps_the_traceback() -> None:
    result = run(failing(ValueError("boom")), env={"PETRG_DEBUG": "1"})
    assert isinstance(result.exception, ValueError)


def test_machines_get_the_parts_of_an_error() -> None:
    result = run(failing(StudyError("no PET", "one", "give it")), "--log-json")
    (line,) = result.stderr.splitlines()
    event = json.loads(line)
    assert event.pop("elapsed") >= 0
    assert event == {
        "event": "error",
        "kind": "StudyError",
        "error": {"found": "no PET", "expected": "one", "do": "give it"},
        "exit_code": 2,
    }
    assert result.exit_code == 2
    assert not screen.machine.get()


def test_problems_are_warnings_or_events() -> None:
    def warn() -> None:
        screen.warn(Problem("dose-mbq", "dose read as MBq"))
        screen.warn_more([Problem("a", "said"), Problem("b", "new")], beyond=[Problem("a", "said")])

    assert run(warn).stderr == "petrg: warning: dose read as MBq\npetrg: warning: new\n"
    events = [json.loads(line) for line in run(warn, "--log-json").stderr.splitlines()]
    assert [(e["event"], e["code"], e["text"]) for e in events] == [
        ("problem", "dose-mbq", "dose read as MBq"),
        ("problem", "b", "new"),
    ]


def test_progress_is_silent_off_a_terminal_and_events_for_machines() -> None:
    def work() -> None:
        with screen.progress_bar() as progress:
            for k in range(1, 6):
                progress("reading PET", k, 5)

    assert run(work).stderr == ""
    events = [json.loads(line) for line in run(work, "--log-json").stderr.splitlines()]
    assert [(e["step"], e["done"], e["total"]) for e in events] == [("reading PET", 1, 5), ("reading PET", 5, 5)]


def test_a_bar_appears_on_a_terminal_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    import rich.progress

    started: list[str] = []
    now = [100.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(rich.progress.Progress, "start", lambda self: started.append("start"))
    monkeypatch.setattr(rich.progress.Progress, "stop", lambda self: started.append("stop"))
    with screen._bar() as progress:
        progress("reading", 1, 9)
        assert started == []
        now[0] += 1.5
        progress("reading", 2, 9)
        progress("reading", 3, 9)
    assert started == ["start", "stop"]


def test_libraries_cannot_print_a_name(caplog: pytest.LogCaptureFixture) -> None:
    def leak() -> None:
        import logging
        import warnings

        logging.getLogger("pydicom").error("bad value WANG^LI")
        warnings.warn("WANG^LI", stacklevel=1)

    result = run(leak)
    assert result.exit_code == 0
    assert "WANG" not in result.output + caplog.text
