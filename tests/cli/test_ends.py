"""Ends that only a process of its own can show: signals, full disks, closed pipes, what was imported."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Real = Callable[..., subprocess.CompletedProcess[str]]

HEAVY = {"numpy", "torch", "pydicom", "SimpleITK", "jinja2", "matplotlib", "scipy", "PIL", "rich"}
FULL = "expected a writable folder with free space — choose another -o or free some space\n"


SLOW = """
import contextlib, time
from petrg.cli import app, screen
screen.progress_bar = lambda: contextlib.nullcontext(lambda *step: time.sleep(0.05))  # 20 s of writing
app.app(["phantom", "--size", "small", "-o", "out"])
"""


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_verb_leaves_nothing(number: signal.Signals, expected: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 background jobs ignore Ctrl-C
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)  # until files are being written aside
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (expected, "petrg: stopped — nothing half-written is left\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_outgrows_its_limit_is_the_outputs_fault(patient: Path, real: Real, tmp_path: Path) -> None:
    """A limit on file size stands for a disk that fills, without being root."""

    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    result = real("report", patient, "-o", tmp_path / "out", preexec_fn=limit, env=unmeasured)
    assert result.returncode == 2
    assert result.stderr.endswith(FULL)
    assert result.stderr.splitlines()[-1].startswith("petrg: cannot write")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills(patient: Path, real: Real, tiny_disk: Path) -> None:
    result = real("report", patient, "-o", tiny_disk / "out")
    assert result.returncode == 2
    assert result.stderr.splitlines(keepends=True)[-1].endswith(f"No space left on device — {FULL}")
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stdout_is_one_line(patient: Path, real: Real) -> None:
    with Path("/dev/full").open("w") as full:
        result = real("inspect", patient, "--json", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 2
    assert result.stderr == f"petrg: cannot write: No space left on device — {FULL}"


def test_a_closed_pipe_is_quiet(patient: Path) -> None:
    command = [sys.executable, "-m", "petrg.cli.main", "inspect", str(patient), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1)


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from petrg.cli.main import main\n"
        f"sys.argv = ['petrg', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('\\nloaded:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["report"], "Missing argument 'STUDY'"),
        (["report", "x"], "Missing option '--out' / '-o'"),
        (["foo"], "No such command 'foo'"),
    ],
)
def test_a_wrong_call_is_one_line(real: Real, arguments: list[str], line: str) -> None:
    result = real(*arguments)
    assert result.returncode == 2
    assert result.stderr == f"petrg: {line} — expected a call as `petrg --help` shows — correct it\n"
    assert result.stdout == ""


def test_a_wrong_call_is_one_object_for_machines(real: Real) -> None:
    result = real("phantom", "--log-json", "--seed", "q", "-o", "x")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert json.loads(line)["error"]["do"] == "correct it"
