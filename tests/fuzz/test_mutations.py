"""2,000 seeded mutations and truncations of phantom headers of three vendors: read, or refused with a typed line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from few import few_files
from hardness import judge, try_case, write

VENDORS = ("siemens", "ge", "philips")
CHUNKS, PER_CHUNK = 7, 96  # 3 x 7 x 96 = 2,016


@pytest.fixture(scope="module", params=VENDORS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return few_files(request.param, tmp_path_factory.mktemp("fuzz"))


def test_the_undamaged_study_reads(files: dict[str, bytes], tmp_path: Path) -> None:
    assert judge(write(files, tmp_path / "in"), tmp_path / "out", deep=False) == "read"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_damage_is_read_or_refused(files: dict[str, bytes], tmp_path: Path, chunk: int) -> None:
    seeds = range(chunk * PER_CHUNK, (chunk + 1) * PER_CHUNK)
    outcomes = Counter(try_case(files, tmp_path, seed) for seed in seeds)
    assert outcomes.total() == PER_CHUNK
    assert 0 < outcomes["read"] < PER_CHUNK, (
        outcomes
    )  # damage that is never noticed, or nothing ever read, proves nothing


@pytest.mark.parametrize("seed", [1000906, 1001336, 1001546, 1001765, 1003138, 1003151, 1005884, 2001791])
def test_damage_that_once_slipped_through(files: dict[str, bytes], tmp_path: Path, seed: int) -> None:
    """Found by `make fuzz`: directions and spacings that are none, dates in place of UIDs and intercepts."""
    try_case(files, tmp_path, seed)
