"""Targets that cannot be written: nothing is replaced that is no file, and all or none is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_files import ct, pet, write
from pydicom.dataset import Dataset
from typer.testing import Result

from petrg.errors import OutputError
from petrg.files import output_directory, write_file

Run = Callable[..., Result]


def test_a_device_or_pipe_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="cannot write the output: is no regular file"):
        write_file(pipe, "x")
    with pytest.raises(OutputError, match="Is a directory"):
        write_file(tmp_path, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["report.json", "deep/report.json"])
def test_a_folder_in_the_place_of_one_file_leaves_all_unwritten(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (out / name).mkdir(parents=True)
    with pytest.raises(OutputError, match="Is a directory"), output_directory(out) as folder:
        write_file(folder / "a.html", "x")
        write_file(folder / name, "x")
    assert sorted(p.name for p in out.rglob("*") if p.is_file()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_place_of_an_inner_folder_leaves_all_unwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_file(out / "images", "mine")
    with pytest.raises(OutputError, match="is a file"), output_directory(out) as folder:
        write_file(folder / "a.html", "x")
        write_file(folder / "images" / "1.nii.gz", "x")
    assert [(p.name, p.read_text()) for p in out.iterdir()] == [("images", "mine")]


def test_a_header_cannot_speak_to_the_terminal(tmp_path: Path, petrg: Run) -> None:
    def speak(ds: Dataset, i: int) -> None:
        ds.SeriesDescription = ds.Manufacturer = ds.ConvolutionKernel = "\x1b]0;x\x07\x1b[31mred"

    write(tmp_path, ct(edit=speak), pet(edit=speak))
    result = petrg("inspect", tmp_path)
    assert result.exit_code == 0
    assert "red" in result.output
    assert not set("\x1b\x07") & set(result.output)
