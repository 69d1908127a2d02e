"""Label maps: the names must come with them."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from petrg.errors import MaskError
from petrg.imaging import Grid, Quantity, Volume
from petrg.imaging.masks import read_label_map
from petrg.imaging.nifti import write_nifti

NAMES = {1: "spleen", 5: "liver", 90: "brain"}
XML = """<?xml version="1.0"?><CaretExtension><VolumeInformation Index="0"><LabelTable>
<Label Key="1" Red="0.1" Green="0.2" Blue="0.3" Alpha="1"><![CDATA[spleen]]></Label>
<Label Key="5" Red="0.1" Green="0.2" Blue="0.3" Alpha="1">liver</Label>
<Label Key="90" Red="0.1" Green="0.2" Blue="0.3" Alpha="1"><![CDATA[brain]]></Label>
</LabelTable></VolumeInformation></CaretExtension>"""


def labels(path: Path) -> Path:
    grid = Grid.from_spacing((4, 5, 6), (3.0, 2.0, 2.0), (10, 20, 30))
    array = np.zeros(grid.shape, np.uint8)
    array[0], array[1], array[2] = 1, 5, 90
    write_nifti(Volume(array, grid, Quantity.LABEL), path)
    return path


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_names_embedded_as_totalsegmentator_does(ending: str, tmp_path: Path) -> None:
    image = nib.load(labels(tmp_path / f"a{ending}"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, XML.encode()))
    nib.save(image, tmp_path / f"b{ending}")
    found = read_label_map(tmp_path / f"b{ending}")
    assert found.names == NAMES
    assert found.volume.grid.origin_mm == (10, 20, 30)
    assert (found.volume.array[1] == 5).all()


def test_names_beside_or_given(tmp_path: Path) -> None:
    path = labels(tmp_path / "a.nii.gz")
    assert read_label_map(path, NAMES).names == NAMES
    for facts in (NAMES, {name: label for label, name in NAMES.items()}):
        (tmp_path / "names.json").write_text(json.dumps(facts))
        assert read_label_map(path, tmp_path / "names.json").names == NAMES
    (tmp_path / "a.json").write_text(json.dumps({**NAMES, 7: "not here"}))
    assert read_label_map(path).names == NAMES


def test_a_label_without_a_name_is_refused(tmp_path: Path) -> None:
    path = labels(tmp_path / "a.nii.gz")
    with pytest.raises(MaskError) as caught:
        read_label_map(path)
    assert str(caught.value) == (
        "3 of 3 labels without a name (1, 5, 90) — expected a name for every label — "
        "give its names as JSON, {label: name}"
    )
    with pytest.raises(MaskError, match=r"1 of 3 labels without a name \(90\)"):
        read_label_map(path, {1: "spleen", 5: "liver"})


@pytest.mark.parametrize("text", ["", "[1]", '{"spleen": "x"}', "\xff"])
def test_damaged_names(text: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(text, encoding="latin-1")
    with pytest.raises(MaskError, match="cannot be read"):
        read_label_map(labels(tmp_path / "a.nii.gz"), tmp_path / "names.json")


def test_what_is_no_label_map(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    for name in ("a.txt", "none.nii.gz"):
        with pytest.raises(MaskError, match="no NIfTI label map"):
            read_label_map(tmp_path / name)


@pytest.mark.reference
def test_real_label_map(shared: Path) -> None:
    found = read_label_map(next((shared / "data" / "trunk_ct").glob("*_labels.nii.gz")))
    assert len(found.names) == 58
    centre = {
        name: found.volume.grid.to_mm(np.argwhere(found.volume.array == label).mean(axis=0))
        for label, name in found.names.items()
        if name in ("liver", "spleen")
    }
    assert centre["liver"][0] < centre["spleen"][0]  # +x is the patient's left
