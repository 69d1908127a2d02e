"""What lies beside the code is in the wheel, and nothing else is."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest

builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
CODE = {".py", ".typed"}


@pytest.fixture(scope="module")
def in_wheel(root: Path) -> set[str]:
    """Paths inside the wheel, as the build backend itself lists them."""
    files = builder.WheelBuilder(str(root)).recurse_included_files()
    return {f.distribution_path for f in files}


def data_files(root: Path) -> set[str]:
    source = root / "src"
    return {
        p.relative_to(source).as_posix()
        for p in (source / "petrg").rglob("*")
        if p.is_file() and p.suffix not in {".pyc", *CODE}
    }


def test_every_data_file_is_shipped(root: Path, in_wheel: set[str]) -> None:
    assert {f"petrg/anatomy/{n}.toml" for n in ("regions", "nodes", "parts")} <= data_files(root)
    assert data_files(root) <= in_wheel
    assert "petrg/py.typed" in in_wheel


def test_every_data_file_is_found_as_a_resource(root: Path) -> None:
    package = importlib.resources.files("petrg")
    for path in data_files(root):
        assert package.joinpath(*path.split("/")[1:]).read_bytes()


def test_the_wheel_holds_the_package_only(in_wheel: set[str]) -> None:
    assert {path.split("/")[0] for path in in_wheel} == {"petrg"}
