"""The layers of docs/design.md hold, and the rule that holds them notices a breach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
needs_linter = pytest.mark.skipif(not LINT_IMPORTS.exists(), reason="import-linter is not installed (make lint)")


def lint(folder: Path, source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT_IMPORTS), "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_linter
def test_imports_only_go_down(root: Path) -> None:
    result = lint(root, root / "src")
    assert result.returncode == 0, result.stdout


@needs_linter
@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("anatomy/side.py", "import petrg.imaging.grid", "An import may only go down"),
        ("imaging/grid.py", "import petrg.report.slots", "An import may only go down"),
        ("measure/__init__.py", "def f():\n    import torch", "torch"),
        ("export/__init__.py", "import petrg.draft", "export is put together"),
    ],
)
def test_a_breach_is_noticed(root: Path, tmp_path: Path, file: str, line: str, contract: str) -> None:
    shutil.copy(root / "pyproject.toml", tmp_path)
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    broken = tmp_path / "src/petrg" / file
    broken.write_text(broken.read_text() + f"\n{line}\n")
    result = lint(tmp_path, tmp_path / "src")
    assert result.returncode == 1, result.stdout
    assert any(contract in row and "BROKEN" in row for row in result.stdout.splitlines()), result.stdout
