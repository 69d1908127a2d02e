"""Nothing half-written: a failure leaves the target as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from petrg.errors import OutputError
from petrg.files import output_directory, write_file


def test_write_file_replaces_at_once(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    write_file(target, "one")
    write_file(target, b"two")
    assert target.read_text() == "two"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_a_file_in_the_way_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"^cannot write .* — expected a writable folder .* — choose another -o"):
        write_file(tmp_path / "file" / "a.txt", "y")
    with pytest.raises(OutputError), output_directory(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_folder_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), output_directory(tmp_path / "out") as folder:
        (folder / "half").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_keeps_its_other_files_and_survives_failure(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    (out / "report").write_text("old")
    with pytest.raises(RuntimeError), output_directory(out) as folder:
        (folder / "report").write_text("new")
        raise RuntimeError
    assert (out / "report").read_text() == "old"
    with output_directory(out) as folder:
        (folder / "report").write_text("new")
        (folder / "deep").mkdir()
        (folder / "deep" / "x").write_text("x")
    assert {p.name: p.read_text() for p in out.iterdir() if p.is_file()} == {"mine": "mine", "report": "new"}
    assert (out / "deep" / "x").read_text() == "x"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("petrg.files.os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(tmp_path / "a", "x")
    assert list(tmp_path.iterdir()) == []
