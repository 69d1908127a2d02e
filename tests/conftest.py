"""What every test can ask for: the shared folder, one full-size phantom, a quiet and equal environment."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

os.environ.update(OMP_NUM_THREADS="1", COLUMNS="120", NO_COLOR="1", TERM="dumb", MPLBACKEND="Agg")
for _name in [n for n in os.environ if n.startswith("PETRG_") and n != "PETRG_SHARED"]:
    del os.environ[_name]

settings.register_profile(
    "petrg",
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("petrg")


def shared_folder() -> Path | None:
    """The shared folder, or None where it is absent."""
    path = Path(os.environ.get("PETRG_SHARED") or ROOT.parent / "shared")
    return path if (path / "data").is_dir() else None


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; skips where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("no shared folder: set PETRG_SHARED or put it beside the project as ../shared")
    return folder


@dataclass(frozen=True)
class FullSize:
    """The session's one full-size phantom: a DICOM folder, and its truth as JSON beside it."""

    path: Path
    truth: Path
    seed: int


FULL_SIZE_SEED = 7


@pytest.fixture(scope="session")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> FullSize:
    """Written once, by whichever worker comes first."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "full-size"
    done = FullSize(home / "dicom", home / "truth.json", FULL_SIZE_SEED)
    home.mkdir(exist_ok=True)
    with _locked(home / "lock"):
        if not done.truth.exists():
            from petrg import phantom

            patient = phantom.make(FULL_SIZE_SEED, sex="F", lesions=4, size="full")
            phantom.write_dicom(patient, done.path, vendor="siemens")
            done.truth.write_text(patient.truth.model_dump_json())
    return done


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "full_size" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.full_size)
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.reference)
