"""README's commands run, in the order in which they stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema

QUIET = {
    k: v for k, v in os.environ.items() if not k.startswith("COV")
}  # measured elsewhere; here it costs half the time
PETRG = [sys.executable, "-m", "petrg.cli.main"]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(root: Path) -> list[tuple[str, str]]:
    return FENCE.findall((root / "README.md").read_text(encoding="utf-8"))


def test_console_and_python_blocks_run(root: Path, tmp_path: Path) -> None:
    ran = 0
    for language, text in blocks(root):
        if language == "console":
            for line in text.splitlines():
                assert line.startswith("$ petrg "), line
                run([*PETRG, *shlex.split(line)[2:]], tmp_path)
                ran += 1
        elif language == "python":
            printed = run([sys.executable, "-c", text], tmp_path)
            assert "SUVmax" not in text or re.search(r"SUVmax \d+\.\d", printed)
            ran += 1
    assert ran >= 5
    assert (tmp_path / "report/report.html").read_text(encoding="utf-8").startswith("<!")
    keeps_schema(root, "report", (tmp_path / "report/report.json").read_text(encoding="utf-8"))
    keeps_schema(root, "scores", (tmp_path / "scores/scores.json").read_text(encoding="utf-8"))
    keeps_schema(root, "inspection", run([*PETRG, "inspect", "study", "--json"], tmp_path))


def keeps_schema(root: Path, name: str, text: str) -> None:
    schema = json.loads((root / f"docs/schemas/{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(text), schema)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=QUIET)
    assert done.returncode == 0, f"{command[2:]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_two_commands_are_targets(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    shell = "\n".join(text for language, text in blocks(root) if language == "sh")
    named = re.findall(r"^make (\w+)", shell, re.M)
    assert named == ["demo", "test"]
    for target in (*named, "bench", "fuzz", "lint", "docs"):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_links_and_rooms_exist(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (root / link).exists(), link
    rooms = {name.rstrip("/") for name in re.findall(r"^[├└]── (\S+)", text, re.M)}
    held = {p.name for p in (root / "src/petrg").iterdir() if p.name not in ("__pycache__", "__init__.py", "py.typed")}
    assert rooms == held
