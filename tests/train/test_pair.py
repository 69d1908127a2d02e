"""From a DICOM study to a pair that the released recipe trains on: what is taught is what a draft is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from petrg import phantom
from petrg.cli.app import app
from petrg.draft import neural_pair
from petrg.errors import ModelError
from petrg.imaging import Study, Volume, read_study
from petrg.model.prepare import prepared_pair, to_ras
from petrg.model.recipe import Recipe
from petrg.train.config import Directory
from petrg.train.directory import directory_cases

RELEASED = Recipe.of("petrg3d-2025")


@pytest.fixture(scope="module")
def dicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom.write_dicom(phantom.make(4, size="small", lesions=2), tmp_path_factory.mktemp("dicom"))


@pytest.fixture(scope="module")
def study(dicom: Path) -> Study:
    return read_study(dicom)


@dataclass
class Converted:
    """A data folder of one study, and what `petrg.model.prepare` made of it on the way."""

    home: Path
    made: tuple[Volume, Volume]


@pytest.fixture(scope="module")
def converted(dicom: Path, study: Study, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder, made = tmp_path_factory.mktemp("data"), []

    def keeping(*given: Any) -> tuple[Volume, Volume]:
        made.append(prepared_pair(*given))
        return made[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neural_pair, "prepared_pair", keeping)
        result = CliRunner().invoke(app, ["convert", str(dicom), "--recipe", "petrg3d-2025", "-o", str(folder)])
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [f"images/{study.id}_{ending}.nii.gz" for ending in ("0000", "0001")]
    (folder / "reports").mkdir()
    (folder / "reports" / f"{study.id}.txt").write_text("双肺未见异常。")
    (folder / "manifest.csv").write_text(f"id,patient,split,sex,hospital\n{study.id},p1,train,F,AP\n")
    return Converted(folder, made[0])


@pytest.fixture(scope="module")
def home(converted: Converted) -> Path:
    return converted.home


def test_training_sees_what_a_draft_sees(converted: Converted) -> None:
    (case,) = directory_cases(Directory(path=str(converted.home)), RELEASED)
    assert case.source is not None
    raw = case.source.read(stored=True)
    assert raw.stored is not None
    for learned, drafted in zip(raw.stored, (to_ras(v.array) for v in converted.made), strict=True):
        assert np.array_equal(learned, drafted)
        assert not np.array_equal(learned, drafted[:, ::-1]), "a flip would show"


def test_the_pair_says_where_it_lies(home: Path, study: Study) -> None:
    """1.5 x 1.5 x 3 mm in RAS, and read again it lies on the study: the hottest voxel is where it was."""
    for path in (home / "images").iterdir():
        image = nibabel.load(path)
        assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
        assert image.header.get_zooms() == pytest.approx((1.5, 1.5, 3.0))
    again = read_study(home / "images")
    pet = again.suv()
    at = pet.grid.to_mm(np.unravel_index(pet.array.argmax(), pet.array.shape))
    index = np.rint(study.suv().grid.to_index(at)).astype(int)
    near = study.suv().array[tuple(slice(max(i - 1, 0), i + 2) for i in index)]
    assert near.max() == pytest.approx(float(pet.array.max()), rel=0.1)


def test_a_pair_on_two_grids_is_refused_by_its_row(home: Path, dicom: Path, study: Study, tmp_path: Path) -> None:
    """As `petrg convert` without --recipe writes it."""
    for part in ("reports", "manifest.csv"):
        (tmp_path / part).symlink_to(home / part)
    result = CliRunner().invoke(app, ["convert", str(dicom), "--layout", "petrg", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    config = Directory(path=str(tmp_path))
    with pytest.raises(
        ModelError, match=r"^row 1 of the manifest has a CT and a PET of one shape .* mm apart"
    ) as error:
        directory_cases(config, RELEASED)
    assert study.id not in str(error.value)
    assert len(directory_cases(config, Recipe.of("petrg-1"))) == 1
    pet = tmp_path / "images" / f"{study.id}_0001.nii.gz"
    nibabel.save(nibabel.load(pet).slicer[:, 1:], pet)
    with pytest.raises(ModelError, match="has a CT of 96 x 96 x 210 and a PET of 96 x 95 x 210 voxels"):
        directory_cases(config, RELEASED)
    pet.write_bytes(b"no image")
    with pytest.raises(ModelError, match="row 1 of the manifest: the PET cannot be read"):
        directory_cases(config, RELEASED)


def test_another_layout_is_refused(dicom: Path, tmp_path: Path) -> None:
    given = ["convert", str(dicom), "--recipe", "petrg3d-2025", "--layout", "autopet", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 2 or result.exception is not None
    assert not (tmp_path / "out").exists()
