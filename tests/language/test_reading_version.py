"""The name of the labeller follows everything that decides a label."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

module = importlib.import_module("petrg.language.reading.version")


def test_the_version_follows_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def named(text: str) -> str:
        package = tmp_path / "rules"
        package.mkdir(exist_ok=True)
        (package / "lexicon.toml").write_text(text)
        (package / "notes.md").write_text(f"passed over {text}")
        module.version.cache_clear()
        return str(module.version())

    before = module.version()
    monkeypatch.setattr(module, "_MATTERS", (("p", ("rules",)),))
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    assert named("a = 1") != named("a = 2")
    assert named("a = 1") == named("a = 1")
    monkeypatch.undo()
    module.version.cache_clear()
    assert module.version() == before
