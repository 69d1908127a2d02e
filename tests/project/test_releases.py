"""The version stands in three places and is the same in all; no file names somebody's machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import petrg

MACHINE = re.compile(r"(?<![\w.])(/work/|/root/|/home/\w|/Users/\w|C:\\Users)")


def tracked(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def test_version_changelog_and_citation_agree(root: Path) -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (root / "CHANGELOG.md").read_text(), re.M)
    cited = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(), re.M)
    assert newest is not None
    assert cited is not None
    assert newest[1] == cited[1] == petrg.__version__


def test_no_tracked_file_names_a_machine(root: Path) -> None:
    here = Path(__file__).name
    found = [
        f"{path.relative_to(root)}: {match[0]}"
        for path in tracked(root)
        if path.name != here and path.suffix not in {".png", ".dcm", ".gz"}
        for match in MACHINE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_constraints_pin_every_direct_dependency_of_the_tested_set(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    pinned = {
        _name(line) for line in (root / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")
    }
    wanted = [
        *project["project"]["dependencies"],
        *(w for group in project["dependency-groups"].values() for w in group),
    ]
    assert not {_name(w) for w in wanted} - pinned
    assert all(
        re.fullmatch(r"[\w.\-]+==[\w.]+", line) for line in (root / "constraints.txt").read_text().splitlines() if line
    )


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~; \[]", requirement, maxsplit=1)[0]).lower()
