"""Starting costs little: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import pytest

HEAVY = ("numpy", "torch", "scipy", "SimpleITK", "pydicom", "matplotlib", "transformers")
IMPORT_LIMIT, HELP_LIMIT = 3.0, 15.0
QUIET = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=QUIET)
    return time.perf_counter() - start


def ratio(code: str, rounds: int) -> float:
    """Median over paired runs of the time of ``code`` by that of a bare interpreter, in turn."""
    seconds(code)  # compiles what is to be compiled
    return statistics.median(seconds(code) / seconds("pass") for _ in range(rounds))


HELP = "import sys; sys.argv = ['petrg', '--help']; from petrg.cli.main import main; sys.exit(main())"


@pytest.mark.parametrize(
    ("code", "limit"), [("import petrg", IMPORT_LIMIT), (HELP, HELP_LIMIT)], ids=["import", "help"]
)
def test_start_up_stays_within_its_ratio(code: str, limit: float) -> None:
    measured = min(ratio(code, 9) for _ in range(2))
    assert measured <= limit, f"{measured:.1f} x a bare interpreter, at most {limit:.0f} x"


@pytest.mark.parametrize("code", ["import petrg", HELP.replace("sys.exit(main())", "main()")], ids=["import", "help"])
def test_nothing_heavy_is_loaded(code: str) -> None:
    probe = f"import sys, atexit; atexit.register(lambda: print('LOADED', *sys.modules)); exec({code!r})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=QUIET)
    loaded = set(done.stdout.split("LOADED", 1)[1].split())
    assert "petrg" in loaded
    assert not loaded & set(HEAVY), sorted(loaded & set(HEAVY))
