"""A training set in the PETRG layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tiny_train import MANIFEST, cases_of, toy

from petrg.errors import InputError, ModelError
from petrg.model.processor import PETRG3DProcessor
from petrg.model.recipe import Recipe
from petrg.train.cases import expect_apart
from petrg.train.config import Directory
from petrg.train.directory import directory_cases
from petrg.train.examples import Examples, Shown, ask_of
from petrg.train.phantoms import PhantomSource
from petrg.train.scratch import new_tokenizer

Damage = Callable[[Path], object]
OURS, RELEASED = Recipe.of("petrg-1"), Recipe.of("petrg3d-2025")


def test_a_folder_is_read(home: Path) -> None:
    first, second = cases_of(home)
    assert (first.answer, first.sex, first.hospital, first.template) == (
        "肝右叶结节，SUVmax约<suvmax>。",
        "F",
        "AP",
        "女性模板",
    )
    assert (second.split, second.sex, second.template) == ("validation", "M", "男性模板")
    assert cases_of(home, RELEASED)[0].answer == "肝右叶结节，SUVmax约8.1。"
    assert first.source is not None
    raw = first.source.read(stored=False)
    assert raw.study is not None
    painted = PhantomSource(0, None, 1, True, "").read(stored=False).study
    assert painted is not None
    assert np.allclose(raw.study.suv().array, painted.suv().array, atol=1e-3)
    ct, pet = first.source.read(stored=True).stored or (None, None)
    assert ct is not None
    assert pet is not None
    assert ct.shape == pet.shape == painted.suv().array.shape[::-1]


def test_templates_are_left_out_only_where_none_are_asked_for(home: Path) -> None:
    (home / "template.json").rename(home / "templates.json")
    named = Directory(path=str(home), template="templates.json")
    assert [case.template for case in directory_cases(named, OURS)] == ["女性模板", "男性模板"]
    assert [case.template for case in cases_of(home)] == [None, None]
    with pytest.raises(ModelError, match=r"no template file 'template\.jsn' — expected one in data\.path — correct"):
        directory_cases(Directory(path=str(home), template="template.jsn"), OURS)


@pytest.mark.parametrize("room", [0, 3])
def test_a_prompt_that_leaves_nothing_to_learn_is_refused(home: Path, room: int) -> None:
    cases = cases_of(home, RELEASED, images=False)
    tokenizer = new_tokenizer([c.answer for c in cases], 400)
    ask = ask_of(cases[0], Shown(True, ()))
    prompt = len(PETRG3DProcessor(tokenizer, RELEASED, 4).prompt(ask))
    supervision = RELEASED.supervision.model_copy(update={"max_length": prompt + room})
    short = RELEASED.model_copy(update={"name": "short", "supervision": supervision})
    examples = Examples(cases[:1], PETRG3DProcessor(tokenizer, short, 4), toy(), None)
    if room:
        assert examples.lengths() == [prompt + room]
        return
    with pytest.raises(ModelError) as error:
        examples.lengths()
    assert str(error.value).startswith(
        f"case 1 of train: a prompt of {prompt} tokens leaves nothing of its report to learn — expected fewer than"
    )


def test_a_changed_byte_changes_the_digest(home: Path) -> None:
    source = cases_of(home)[0].source
    assert source is not None
    before = source.digest()
    path = home / "images" / "AP_1_0001.nii.gz"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    assert source.digest() != before


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (MANIFEST.replace("p2,validation", "p1,validation"), "row 2 of the manifest is in validation, the same pat"),
        (MANIFEST.replace("AP_2", "AP_1"), "row 2 of the manifest has the id of row 1"),
        (MANIFEST.replace("sex,", "seks,"), "the manifest lacks the columns sex"),
        (MANIFEST.replace(",hospital", ",site"), "the manifest lacks the columns hospital"),
        (MANIFEST.replace("validation", "val"), "row 2 of the manifest has no known split"),
        (MANIFEST.replace("AP_2", "AP_3"), "row 2 of the manifest has no report"),
        (MANIFEST.replace("p1", ""), "row 1 of the manifest has no id or no patient"),
        (MANIFEST.replace("AP_1", "../AP_1"), "row 1 of the manifest has an id that names no file"),
        (MANIFEST.replace("AP_1", 300 * "A"), "row 1 of the manifest has an id that names no file"),
        (MANIFEST.replace("男", "1"), "row 2 of the table of patients has a sex that cannot be read"),
    ],
)
def test_a_wrong_manifest_is_refused_by_row(home: Path, manifest: str, said: str) -> None:
    (home / "manifest.csv").write_text(manifest)
    lines = [f"{line.partition(',')[0]},肝脏正常" for line in manifest.splitlines()[1:] if "AP_3" not in line]
    (home / "reports.csv").write_text("\n".join(["id,report", *dict.fromkeys(lines)]))
    with pytest.raises(InputError) as error:
        expect_apart(cases_of(home))
    assert str(error.value).startswith(said)
    assert "AP_" not in str(error.value)
    assert "p1" not in str(error.value)


def _nan(path: Path) -> None:
    image = nibabel.load(path)
    assert isinstance(image, nibabel.Nifti1Image)
    nibabel.save(nibabel.Nifti1Image(np.full(image.shape, np.nan, np.float32), image.affine), path)


def _elsewhere(path: Path) -> None:
    image = nibabel.load(path)
    assert isinstance(image, nibabel.Nifti1Image)
    affine = image.affine + np.array([[0, 0, 0, 5000.0]] * 3 + [[0, 0, 0, 0]])
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj, np.float32), affine), path)


@pytest.mark.parametrize(
    ("damage", "stored", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), False, "the PET's NIfTI file cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), True, "the PET cannot be read"),
        (_nan, False, "the PET's NIfTI file holds"),
        (_nan, True, "the PET holds values that are no numbers"),
        (_elsewhere, False, "CT and PET lie 4"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_by_row(home: Path, damage: Damage, stored: bool, said: str) -> None:
    source = cases_of(home)[1].source
    assert source is not None
    source.read(stored=stored)
    damage(home / "images" / "AP_2_0001.nii.gz")
    with pytest.raises(ModelError) as error:
        source.read(stored=stored)
    assert str(error.value).startswith(f"row 2 of the manifest: {said}")


def test_reports_that_cannot_be_used_are_told_by_their_place(home: Path) -> None:
    (home / "reports" / "AP_2.json").write_text("{")
    with pytest.raises(ModelError, match=r"1 ids have a report as \.json and as \.txt"):
        cases_of(home)
    (home / "reports" / "AP_2.txt").unlink()
    with pytest.raises(ModelError, match="report 2 of reports/, by name, cannot be read"):
        cases_of(home)
    (home / "manifest.csv").unlink()
    with pytest.raises(ModelError, match=r"data\.path holds no manifest\.csv"):
        cases_of(home)


def test_unknown_sex_and_hospital_are_left_unknown(home: Path) -> None:
    (home / "manifest.csv").write_text(MANIFEST.replace("F,AP", ","))
    first = cases_of(home)[0]
    assert (first.sex, first.hospital, first.template) == (None, None, None)


def test_a_missing_image_is_said_unless_only_text_is_used(home: Path) -> None:
    (home / "images" / "AP_2_0000.nii.gz").unlink()
    with pytest.raises(ModelError, match=r"row 2 of the manifest has no CT \(ID_0000"):
        cases_of(home)
    assert [c.source for c in cases_of(home, images=False)] == [None, None]
