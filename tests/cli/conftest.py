"""One small digital patient as DICOM for all tests of the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from petrg.cli.app import app


@pytest.fixture(scope="session")
def petrg() -> Callable[..., Result]:
    """Runs a verb in this process."""

    def run(*arguments: object, **options: object) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="petrg", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def real() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a verb as a user does, in a process of its own."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "petrg.cli.main", *(str(a) for a in arguments)]
        given = {"capture_output": True, "text": True, "timeout": 120, **options}
        return subprocess.run(command, check=False, **given)  # type: ignore[call-overload]

    return run


@pytest.fixture(scope="session")
def patient(petrg: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM folder."""
    home = tmp_path_factory.mktemp("patient")
    result = petrg("phantom", "--seed", 3, "--sex", "F", "--size", "small", "--lesions", 3, "-o", home)
    assert result.exit_code == 0, result.output
    return home / "dicom"


@pytest.fixture(scope="session")
def reported(petrg: Callable[..., Result], patient: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reports on `patient`."""
    out = tmp_path_factory.mktemp("reported") / "out"
    result = petrg("report", patient, "-o", out, "--language", "en")
    assert result.exit_code == 0, result.output
    assert result.stdout == "report.json\nreport.txt\nreport.html\n"
    return out
