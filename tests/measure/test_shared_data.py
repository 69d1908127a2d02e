"""The real studies of the shared folder: a tumour whose numbers are published with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from petrg.imaging import Study
from petrg.imaging.masks import Mask, read_masks
from petrg.imaging.read import read_study
from petrg.measure.measure import measure
from petrg.measure.remeasure import remeasure
from petrg.report import Record
from petrg.report.record import LesionStatus, Threshold

pytestmark = pytest.mark.reference
GTV_ML, GTV_MEAN, GTV_MAX = 366.08, 2.5551, 7.9107


def with_roi(folder: Path) -> tuple[Study, list[Mask]] | None:
    """The study and its masks named GTV_Mass, from the structure set drawn on the PET."""
    for file in sorted(folder.rglob("*.dcm")):
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["Modality"])
        drawn_on_pet = not {"CT", "MR_T1"} & set(file.parts)
        if header.get("Modality") == "RTSTRUCT" and drawn_on_pet:
            study = read_study(folder)
            masks = [m for m in read_masks(file, study) if m.name.startswith("GTV_Mass") and m.array.any()]
            return (study, masks) if masks else None
    return None


@pytest.fixture(scope="module", params=["sts_001_ge_pet", "ibsi_sts_001/dicom"])
def tumour(request: pytest.FixtureRequest, shared: Path) -> tuple[Study, list[Mask], Record]:
    found = with_roi(shared / "data" / request.param)
    if found is None:
        pytest.skip(f"no structure set in {request.param}")
    study, masks = found
    return study, masks[:1], measure(study, masks=masks[:1])


def test_the_tumours_numbers(tumour: tuple[Study, list[Mask], Record]) -> None:
    _, masks, record = tumour
    lesion = next(x for x in record.lesions if x.mask == masks[0].name)
    assert lesion.volume_ml == pytest.approx(GTV_ML, rel=0.005)
    assert lesion.suv_mean == pytest.approx(GTV_MEAN, rel=0.005)
    assert lesion.suv_max == pytest.approx(GTV_MAX, abs=5e-5)
    assert lesion.threshold is Threshold.MASK
    assert record.totals.mtv_ml == pytest.approx(lesion.volume_ml)
    assert lesion.suv_mean < lesion.suv_peak < lesion.suv_max


def test_reading_again(tumour: tuple[Study, list[Mask], Record]) -> None:
    study, masks, record = tumour
    assert remeasure(study, record, masks=masks) == record.lesions


def test_the_tumour_is_found_without_its_mask(tumour: tuple[Study, list[Mask], Record]) -> None:
    study, masks, _ = tumour
    found = [x for x in measure(study).lesions if masks[0].array[x.hottest.index]]
    assert found[0].suv_max == pytest.approx(GTV_MAX, abs=5e-5)


def test_the_whole_body_study(shared: Path) -> None:
    record = measure(read_study(shared / "data" / "sts_001_ge_pet"))
    liver = record.references.liver
    assert liver is not None
    assert 1.3 <= liver.suv_mean <= 3.0
    assert liver.centre_mm[0] < 0.0
    bladder = max(record.lesions, key=lambda x: x.suv_max)
    assert bladder.status is LesionStatus.PHYSIOLOGIC
    assert not record.problems


def test_a_thigh_locates_nothing(shared: Path) -> None:
    study = read_study(shared / "data" / "ibsi_sts_001" / "dicom")
    record = measure(study)
    assert record.references.liver is record.references.blood_pool is None
    assert {x.status for x in record.lesions} == {LesionStatus.INDETERMINATE}
    assert all((a.located or 0.0) < 0.8 for a in record.assessed)
    tumour = max((x for x in record.lesions if x.ct is not None), key=lambda x: x.volume_ml or 0.0)
    inside = study.ct.array[tumour.ct.where.index]
    assert -100.0 < tumour.ct.hu_mean < 150.0
    assert np.isfinite(inside)
