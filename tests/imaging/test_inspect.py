"""What inspect shows: the keys others rely on, refusals in problems, no identity."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from dicom_files import FACTOR_ONE_HOUR, ct, default_words, pet, uid, write
from pydicom.dataset import Dataset

from petrg import Quantity
from petrg.errors import StudyError
from petrg.imaging.inspect import Inspection, inspect_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, ct(), pet())


def test_keys_others_rely_on(folder: Path) -> None:
    seen = json.loads(inspect_path(folder).model_dump_json())
    suv = default_words(4) * np.array([2.0, 3, 4, 5])[:, None, None] * FACTOR_ONE_HOUR
    assert seen["ct"]["series_uid"] == uid("CT")
    assert seen["pet"]["series_uid"] == uid("PET")
    assert seen["pet"]["suv"]["branch"] == "bqml-start"
    assert seen["pet"]["suv"]["factor_g_per_bq"] == pytest.approx(FACTOR_ONE_HOUR, rel=1e-12)
    assert seen["pet"]["suv_min"] == suv.min()
    assert seen["pet"]["suv_median"] == pytest.approx(np.median(suv), rel=1e-6)
    assert seen["pet"]["suv_max"] == pytest.approx(suv.max(), rel=1e-6)
    assert seen["pet"]["uptake_min"] == 60
    assert seen["ct"]["hu"] == {
        "min": -1024,
        "median": pytest.approx(-1024 + np.median(default_words(4))),
        "max": 354 - 1024,
    }
    assert seen["ct"]["grid"]["spacing_mm"] == [3, 2, 1.5]
    assert seen["problems"] == []
    assert Inspection.model_validate(seen) == inspect_path(folder)


def test_janmahasatian_and_balance_by_hand(folder: Path) -> None:
    suv = inspect_path(folder).pet
    assert suv is not None
    assert suv.suv is not None
    bmi = 74 / 1.7**2
    assert suv.suv.sul_factor == pytest.approx(9270 / (8780 + 244 * bmi))
    words = default_words(4) * np.array([2.0, 3, 4, 5])[:, None, None]
    assert suv.suv.activity_balance == pytest.approx(words.sum() * FACTOR_ONE_HOUR * 0.048 / 74000, rel=1e-5)


def test_no_identity_even_where_a_description_holds_it(tmp_path: Path) -> None:
    def leak(ds: Dataset, i: int) -> None:
        ds.SeriesDescription = "PET of Roe"

    write(tmp_path, ct(), pet(edit=leak))
    text = inspect_path(tmp_path).model_dump_json()
    assert not any(secret in text for secret in ("Roe", "Jane", "P-0001", "19610402", "ACC-77", "20240501", "100000"))
    assert '"CT"' in text


def test_activity_shows_no_suv(folder: Path) -> None:
    seen = inspect_path(folder, quantity=Quantity.ACTIVITY)
    assert seen.pet is not None
    assert (seen.pet.quantity, seen.pet.suv_max) == ("Bq/ml", None)


def test_one_modality_is_no_refusal(tmp_path: Path) -> None:
    write(tmp_path, pet())
    seen = inspect_path(tmp_path)
    assert not seen.refused
    assert [(p.code, p.text) for p in seen.problems] == [("no-ct", "no CT in the study")]


def test_a_refusal_of_the_ct_leaves_the_pet(tmp_path: Path) -> None:
    write(tmp_path, ct(zs=(0, 3, 9, 12)), pet())
    seen = inspect_path(tmp_path)
    assert seen.ct is None
    assert seen.pet is not None
    assert [p.code for p in seen.problems if p.refusal] == ["geometry-error"]


def test_an_unsafe_zip_is_a_refusal_a_missing_path_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 and no more")
    assert [p.text for p in inspect_path(tmp_path / "x.zip").problems] == [
        "a damaged zip — expected a complete archive — copy or export it again"
    ]
    with pytest.raises(StudyError):
        inspect_path(tmp_path / "nothing")


@pytest.mark.parametrize(
    "keyword", ["Manufacturer", "ReconstructionMethod", "PatientPosition", "Units", "SeriesInstanceUID"]
)
@pytest.mark.parametrize("value", ["Roe^Jane", "20240501", "P-0001", "19610402"])
def test_identity_in_the_wrong_field_is_not_shown(tmp_path: Path, keyword: str, value: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(tmp_path, ct(), pet(edit=lambda ds, i: setattr(ds, keyword, value)))
    seen = inspect_path(tmp_path)
    text = seen.model_copy(update={"problems": ()}).model_dump_json()
    assert value not in text or (keyword == "SeriesInstanceUID" and value.isdecimal())


@pytest.mark.parametrize("name", ["unknown", "dicom", "header", "Ann", "SIEMENS"])
def test_a_patient_named_like_a_word_of_ours_is_no_error(tmp_path: Path, name: str) -> None:
    write(tmp_path, pet(edit=lambda ds, i: setattr(ds, "PatientName", name)))
    seen = inspect_path(tmp_path)
    assert seen.pet is not None
    assert seen.pet.source == "dicom"
