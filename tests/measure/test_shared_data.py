"""The real studies of the shared folder: a tumour whose numbers are published with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy.ndimage import distance_transform_edt

from petrg.anatomy import Region, Side
from petrg.imaging import Study
from petrg.imaging.masks import Mask, read_masks
from petrg.imaging.read import read_study
from petrg.measure.body import body_mask, sample_mask
from petrg.measure.field import edge_of_field
from petrg.measure.landmarks import find_landmarks
from petrg.measure.measure import measure
from petrg.measure.midline import find_midline
from petrg.measure.remeasure import remeasure
from petrg.report import Record
from petrg.report.classes import FindingKind
from petrg.report.record import AssessmentState, LesionStatus, Threshold

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


@pytest.fixture(scope="module")
def whole_body(shared: Path) -> tuple[Study, Mask, Record]:
    """The whole-body PET of a patient with one tumour, and the tumour's outline, which the record was not given."""
    found = with_roi(shared / "data" / "sts_001_ge_pet")
    if found is None:
        pytest.skip("no structure set in sts_001_ge_pet")
    return found[0], found[1][0], measure(found[0])


def test_the_whole_body_study(whole_body: tuple[Study, Mask, Record]) -> None:
    record = whole_body[2]
    liver = record.references.liver
    assert liver is not None
    assert 1.3 <= liver.suv_mean <= 3.0
    assert liver.centre_mm[0] < 0.0
    assert not record.problems
    named = {p.region.id for p in record.lesions if p.status is LesionStatus.PHYSIOLOGIC}
    assert {Region.BRAIN, Region.HEART, Region.KIDNEYS, Region.PELVIC_ORGANS} <= named
    bladder = max(record.lesions, key=lambda x: x.suv_max)
    assert bladder.status is LesionStatus.PHYSIOLOGIC
    assert sum(x.region.id is Region.BRAIN for x in record.lesions) == 1  # cut by the top of the scan
    brain = next(a for a in record.assessed if a.region is Region.BRAIN and a.kind is FindingKind.FOCAL_UPTAKE)
    assert brain.state is AssessmentState.NOT_SEARCHED  # a part of it is in the field, and hides foci


def test_the_tumour_is_one_mass_and_all_that_is_called_a_lesion(whole_body: tuple[Study, Mask, Record]) -> None:
    study, mask, record = whole_body
    away = distance_transform_edt(~mask.array, sampling=study.pet.grid.spacing_mm)
    lesions = [x for x in record.lesions if x.status is LesionStatus.LESION]
    assert lesions[0].id == "L1"
    assert lesions[0].suv_max == pytest.approx(GTV_MAX, abs=5e-5)
    assert lesions[0].side is Side.LEFT
    assert all(away[x.hottest.index] <= 30.0 for x in lesions)
    assert sum(away[x.hottest.index] <= 30.0 for x in record.lesions) <= 2
    # at SUV 4 the delineation holds the viable rim, not the dead middle that the drawn outline includes
    assert 0.5 * GTV_ML > sum(x.volume_ml or 0.0 for x in lesions) > 40.0


def test_noise_makes_no_foci(whole_body: tuple[Study, Mask, Record]) -> None:
    """A scanner of 2000: 18 % noise in the liver."""
    study, _, record = whole_body
    body = body_mask(study.pet)
    liver = find_landmarks(study.suv(), None, body, find_midline(body, study.suv()))
    assert liver.liver is not None
    held = sample_mask(liver.liver, liver.coarse_grid, study.pet.grid)
    assert held.sum() * study.pet.grid.voxel_ml > 800.0
    assert not any(held[x.hottest.index] for x in record.lesions)
    assert sum(x.status is LesionStatus.INDETERMINATE for x in record.lesions) <= 25
    edge = edge_of_field(study.pet)
    assert edge.any()
    assert not any(edge[x.hottest.index[1:]] for x in record.lesions)
    limit = next(a for a in record.assessed if a.limit_mm is not None)
    assert limit.limit_mm >= 2 * 1.2 * 7.0  # what was smoothed away is not said to have been searched


def test_a_thigh_locates_nothing(shared: Path) -> None:
    study = read_study(shared / "data" / "ibsi_sts_001" / "dicom")
    record = measure(study)
    assert record.references.liver is record.references.blood_pool is None
    assert {x.status for x in record.lesions} == {LesionStatus.INDETERMINATE}
    assert {x.side for x in record.lesions} == {None}  # cut all round: a left thigh, but nothing shows it
    assert {x.nodal_group for x in record.lesions} == {None}
    assert [p.text for p in record.problems] == ["no midsagittal plane in the field: sides not stated"]
    assert all((a.located or 0.0) < 0.8 for a in record.assessed)
    tumour = max((x for x in record.lesions if x.ct is not None), key=lambda x: x.volume_ml or 0.0)
    inside = study.ct.array[tumour.ct.where.index]
    assert -100.0 < tumour.ct.hu_mean < 150.0
    assert np.isfinite(inside)
