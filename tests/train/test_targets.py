"""Masks, label maps and reports as what is asked beside the text."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tiny_train import cases_of, toy

from petrg.anatomy import Region
from petrg.errors import ModelError
from petrg.imaging import Quantity, Volume
from petrg.imaging.nifti_file import write_nifti
from petrg.model.prompt import Encoded
from petrg.phantom import LowRes, low_res
from petrg.phantom.anatomy import LABELS
from petrg.report import Structure, Uptake
from petrg.train import run
from petrg.train.batch import Collate
from petrg.train.cases import Targets
from petrg.train.examples import Example
from petrg.train.images import UNKNOWN, prepare
from petrg.train.phantoms import PhantomSource


def test_masks_and_label_maps_become_targets(home: Path) -> None:
    masked(home, "masks", "labels")
    first, second = cases_of(home)
    assert first.source is not None
    assert second.source is not None
    targets, painted = (s.read(stored=False).targets for s in (first.source, PhantomSource(0, None, 1, True, "")))
    assert targets is not None
    assert painted is not None
    assert targets.regions is not None
    assert np.array_equal(targets.regions, painted.regions)
    assert np.array_equal(targets.lesions, painted.lesions)
    assert second.source.read(stored=False).targets is None


@cache
def one_lesion() -> LowRes:
    """The patient that `home` holds first."""
    return low_res(0, lesions=1)


def masked(home: Path, *parts: str) -> Path:
    """The folder with the painted lesions, label map, or both, of its first study."""
    truth = one_lesion()
    for part in parts:
        (home / part).mkdir()
        array = truth.lesions if part == "masks" else truth.labels
        write_nifti(Volume(array, truth.grid, Quantity.LABEL), home / part / "AP_1.nii.gz")
    if "labels" in parts:
        (home / "labels" / "AP_1.json").write_text(json.dumps({str(code): name for name, code in LABELS.items()}))
    return home


def targets_of(home: Path) -> Targets | None:
    source = cases_of(home)[0].source
    assert source is not None
    return source.read(stored=False).targets


def test_a_label_map_tells_nothing_of_lesions(home: Path, tmp_path: Path) -> None:
    masked(home, "labels")
    found = targets_of(home)
    assert found is not None
    assert found.lesions is None
    config = toy(
        data={"kind": "directory", "path": str(home)}, losses__attention=1.0, cache=str(tmp_path / "cache"), dropout={}
    )
    with pytest.raises(ModelError, match=r"losses\.attention is 1 but no case has its targets"):
        run.prepare(config, tmp_path / "out")


@pytest.mark.parametrize("label", [1, 256, 300, 65_535])
def test_a_lesion_of_any_label_is_the_first(home: Path, label: int) -> None:
    """256 of one byte would be no lesion, 300 the 44th."""
    masked(home, "masks", "labels")
    painted = targets_of(home)
    truth = one_lesion()
    array = truth.lesions.astype(np.uint16) * label
    write_nifti(Volume(array, truth.grid, Quantity.LABEL), home / "masks" / "AP_1.nii.gz")
    found = targets_of(home)
    assert found is not None
    assert painted is not None
    assert found.lesions is not None
    assert np.array_equal(found.lesions == 1, truth.lesions > 0)
    assert found.lesions.max() == 1
    assert found.lesion_regions == painted.lesion_regions


def test_more_lesions_than_a_patient_has_are_refused(home: Path) -> None:
    masked(home, "masks")
    grid = one_lesion().grid
    array = np.arange(np.prod(grid.shape)).reshape(grid.shape) % 3000
    write_nifti(Volume(array.astype(np.uint16), grid, Quantity.LABEL), home / "masks" / "AP_1.nii.gz")
    with pytest.raises(ModelError, match="a lesion mask of 2999 lesions"):
        targets_of(home)


def test_another_name_of_a_label_changes_the_digest(home: Path) -> None:
    masked(home, "labels")
    source = cases_of(home)[0].source
    assert source is not None
    before = source.digest()
    names = home / "labels" / "AP_1.json"
    names.write_text(names.read_text().replace("liver", "spleen", 1))
    assert source.digest() != before


def test_targets_of_one_case_are_learned_beside_a_case_without(home: Path) -> None:
    masked(home, "masks", "labels")
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [32.0] * 3}}).typed_recipe
    patch = (2, 2, 2)
    images = [prepare(c.source.read(stored=False), recipe, patch) for c in cases_of(home) if c.source is not None]
    assert ["lesions" in i for i in images] == [True, False]
    rows = [
        Example(row=Encoded([1, 2], [-100, 2]), seed=0, modalities=("ct", "pet"), images=i, classes=None)
        for i in images
    ]
    both = Collate(0, patch)(rows)
    assert both["lesions"].any(dim=2).tolist() == [[True], [False]]
    assert both["lesion_regions"].tolist()[0][0] >= 0 > -1 > both["lesion_regions"].tolist()[1][0]
    assert (both["patch_regions"][0] != UNKNOWN).any()
    assert (both["patch_regions"][1] == UNKNOWN).all()
    assert "lesions" not in Collate(0, patch)(rows[1:])


def test_classes_of_the_regions_are_read_from_the_report(home: Path) -> None:
    first, second = cases_of(home)
    assert first.classes is not None
    assert second.classes is not None
    assert first.classes[Region.LIVER] == (Uptake.HIGH, Structure.FOCAL_LESION)
    assert second.classes[Region.LIVER] == (Uptake.NORMAL, Structure.NORMAL)


def test_a_loss_without_targets_is_refused(home: Path, tmp_path: Path) -> None:
    config = toy(data={"kind": "directory", "path": str(home)}, losses__attention=1.0, cache=str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"losses\.attention is 1 but no case has its targets"):
        run.prepare(config, tmp_path / "out")
