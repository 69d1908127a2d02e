"""Study -> record on a patient whose every solid is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import petrg
from petrg.anatomy import Region, Side
from petrg.errors import CheckError, MaskError, StudyError, UnitError
from petrg.imaging import Grid, Quantity, Study, Volume
from petrg.measure.measure import measure
from petrg.measure.remeasure import remeasure
from petrg.report import Record
from petrg.report.classes import FindingKind
from petrg.report.record import AssessmentState, Lesion, LesionStatus, Threshold

LEFT_LUNG = ((80.0, 0.0, 480.0), 15.0, 9.0)
LOW = ((100.0, 40.0, 200.0), 12.0, 3.6)


@dataclass(frozen=True)
class Given:
    name: str
    array: Any


@dataclass(frozen=True)
class Noted(Given):
    note: str | None = None


def at(record: Record, mm: tuple[float, float, float], within: float = 12.0) -> Lesion:
    near = [x for x in record.lesions if np.linalg.norm(np.subtract(x.hottest.mm, mm)) <= within + 6]
    assert len(near) == 1, f"{len(near)} foci near {mm}"
    return near[0]


@pytest.fixture(scope="module")
def study(make_patient: Callable[..., Study]) -> Study:
    return make_patient([LEFT_LUNG, LOW])


@pytest.fixture(scope="module")
def record(study: Study) -> Record:
    return measure(study)


def test_one_lesion_is_one_focus_with_its_numbers(study: Study, record: Record) -> None:
    lesion = at(record, LEFT_LUNG[0], 15.0)
    held = study.pet.array[study.pet.array == np.float32(lesion.suv_max)]
    assert held.size == 1
    assert study.pet.array[lesion.hottest.index] == np.float32(lesion.suv_max)
    assert lesion.suv_mean == pytest.approx(9.0, rel=0.02)
    assert lesion.mtv_ml == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.15)
    assert lesion.tlg_g == pytest.approx(lesion.suv_mean * lesion.mtv_ml)
    assert lesion.suv_peak == pytest.approx(9.0, rel=0.05)
    assert lesion.suv_mean < lesion.peak_4voxel <= lesion.suv_max
    assert lesion.axes_mm == pytest.approx((30.0, 30.0), abs=6.0)
    assert np.subtract(lesion.centre_mm, LEFT_LUNG[0]) == pytest.approx(0.0, abs=1.5)
    assert lesion.side is Side.LEFT
    assert lesion.region.id is Region.LUNG_PLEURA
    assert lesion.ct is not None
    assert lesion.ct.hu_mean == pytest.approx(60.0, abs=1.0)


def test_places_are_those_of_the_files(study: Study, record: Record) -> None:
    z = (hot := at(record, LEFT_LUNG[0], 15.0).hottest).index[0]
    assert hot.sop_uid == f"1.2.3.{z}"
    assert hot.instance_number == z + 1
    assert hot.slice_number == 96 - z  # from 1 at the head
    assert hot.mm == pytest.approx(tuple(study.pet.grid.to_mm(hot.index)))
    first, last = at(record, LEFT_LUNG[0], 15.0).slices
    assert first <= hot.slice_number <= last


def test_below_the_rule_there_is_no_volume(record: Record) -> None:
    lesion = at(record, LOW[0])
    assert lesion.suv_max < 4.3
    if lesion.suv_max < 4.0:
        assert lesion.mtv_ml is lesion.tlg_g is lesion.suv_mean is lesion.axes_mm is lesion.ct is None
    assert lesion.suv_peak is not None


def test_liver_reference(record: Record) -> None:
    liver = record.references.liver
    assert liver is not None
    assert liver.suv_mean == pytest.approx(2.2, rel=0.01)
    assert liver.suv_sd == pytest.approx(0.11, rel=0.3)
    assert liver.volume_ml == pytest.approx(14.1, rel=0.3)  # voxels of 6 mm whose centre lies within 15 mm
    assert liver.centre_mm[0] < -20.0
    assert record.references.blood_pool is None  # no aorta in this patient: none rather than a guess


def test_ids_run_by_status_then_suv_and_measuring_twice_is_the_same(study: Study, record: Record) -> None:
    assert [x.id for x in record.lesions] == [f"L{k + 1}" for k in range(len(record.lesions))]
    order = (LesionStatus.LESION, LesionStatus.INDETERMINATE, LesionStatus.PHYSIOLOGIC)
    rows = [(order.index(x.status), -x.suv_max) for x in record.lesions]
    assert rows == sorted(rows)
    assert record.lesions[0].status is LesionStatus.LESION
    assert measure(study) == record


def test_totals_are_over_lesions_only(record: Record) -> None:
    counted = [x for x in record.lesions if x.status is LesionStatus.LESION]
    assert record.totals.lesions == len(counted) >= 1
    assert record.totals.mtv_ml == pytest.approx(sum(x.mtv_ml or 0.0 for x in counted))
    assert record.totals.suv_max == max(x.suv_max for x in counted) < 20.0  # the bladder is none


def test_assessed_says_what_was_searched_for_every_region_and_kind(record: Record) -> None:
    assert len(record.assessed) == len(Region) * len(FindingKind)
    for region in Region:
        for kind in FindingKind:
            row = record.assessment(region, kind)
            assert row is not None
            searched = row.state is AssessmentState.SEARCHED
            assert not (searched and kind is not FindingKind.FOCAL_UPTAKE)  # no healthy CT sentence on this record
            assert bool(row.detection_limit) is searched
            assert searched or row.reason
    lung = record.assessment(Region.LUNG_PLEURA, FindingKind.FOCAL_UPTAKE)
    assert lung is not None
    assert lung.state is AssessmentState.SEARCHED
    assert lung.limit_suv == pytest.approx(2.2 + 2 * 0.11, abs=0.15)
    brain = record.assessment(Region.BRAIN, FindingKind.FOCAL_UPTAKE)
    assert brain is not None
    assert brain.state is AssessmentState.OUT_OF_FIELD


def test_without_a_liver_the_floor_is_two_and_a_half(make_patient: Callable[..., Study]) -> None:
    whole = make_patient([((40.0, 0.0, 250.0), 15.0, 8.0)])
    part = (slice(36, 54), slice(None), slice(None))
    pet = Volume(whole.pet.array[part], whole.pet.grid.crop(part), Quantity.SUV_BW)
    found = measure(Study(id="part", pet=pet, context=whole.context))
    assert found.references.liver is None or found.references.liver.suv_mean == pytest.approx(2.2, rel=0.05)
    cold = measure(replace(make_patient([LEFT_LUNG], liver_suv=0.6), pet_series=None))
    assert cold.references.liver is None
    assert "no liver found" in cold.detection
    assert cold.assessment(Region.LUNG_PLEURA, FindingKind.FOCAL_UPTAKE).limit_suv == 2.5


def test_swapped_sides_swap_the_side(make_patient: Callable[..., Study]) -> None:
    right = ((-80.0, 0.0, 480.0), 15.0, 9.0)
    assert at(measure(make_patient([right])), right[0], 15.0).side is Side.RIGHT


def test_a_moved_grid_moves_the_centre(make_patient: Callable[..., Study], record: Record) -> None:
    moved = measure(make_patient([LEFT_LUNG, LOW], shift_mm=(40.0, -25.0, 100.0)))
    here, there = record.lesions[1], moved.lesions[1]
    assert np.subtract(there.centre_mm, here.centre_mm) == pytest.approx([40.0, -25.0, 100.0], abs=0.01)
    assert there.side is here.side
    assert there.suv_max == here.suv_max


def test_a_grid_that_runs_the_other_way_gives_the_same_answer(study: Study, record: Record) -> None:
    def turned(volume: Volume) -> Volume:
        affine = volume.grid.affine.copy()
        affine[:3, 3] = volume.grid.to_mm([volume.grid.shape[0] - 1, 0, 0])
        affine[:3, 0] *= -1
        return Volume(volume.array[::-1].copy(), Grid(volume.grid.shape, affine), volume.quantity)

    other = measure(replace(study, pet=turned(study.pet), ct=turned(study.ct), pet_series=None))
    assert [x.hottest.slice_number for x in other.lesions] == [x.hottest.slice_number for x in record.lesions]
    for a, b in zip(other.lesions, record.lesions, strict=True):
        assert (a.side, a.region.id, a.suv_max) == (b.side, b.region.id, b.suv_max)
        assert a.mtv_ml == pytest.approx(b.mtv_ml)


def test_liver_on_the_left_is_a_problem_and_nothing_is_flipped(make_patient: Callable[..., Study]) -> None:
    found = measure(make_patient([LEFT_LUNG], liver_x=60.0))
    assert "orientation-or-situs" in {p.code for p in found.problems}
    assert at(found, LEFT_LUNG[0], 15.0).side is Side.LEFT
    assert "orientation-or-situs" not in {p.code for p in measure(make_patient([LEFT_LUNG])).problems}


@pytest.mark.parametrize(("suv", "odd"), [(2.2, False), (1.25, True), (3.4, True)])
def test_liver_outside_its_range_is_a_problem(make_patient: Callable[..., Study], suv: float, odd: bool) -> None:
    found = measure(make_patient([LEFT_LUNG], liver_suv=suv))
    assert ("liver-range" in {p.code for p in found.problems}) is odd


def test_unknown_tracer_is_measured_and_judged_nothing(make_patient: Callable[..., Study], record: Record) -> None:
    found = measure(make_patient([LEFT_LUNG, LOW], tracer=None))
    assert {x.status for x in found.lesions} == {LesionStatus.INDETERMINATE}
    assert all("tracer" in x.reason for x in found.lesions)
    values = [x.suv_max for x in found.lesions]
    assert values == sorted((x.suv_max for x in record.lesions), reverse=True)
    assert found.totals.lesions == 0


def test_bladder_is_physiologic(record: Record) -> None:
    bladder = max(record.lesions, key=lambda x: x.suv_max)
    assert bladder.suv_max > 25.0
    assert bladder.status is LesionStatus.PHYSIOLOGIC
    assert "bladder" in bladder.reason


def test_masks_are_the_lesions(study: Study) -> None:
    mask = np.zeros(study.pet.array.shape, bool)
    mask[74:86, 24:40, 46:60] = True
    found = measure(study, masks=[Given("GTV", mask)])
    lesion = next(x for x in found.lesions if x.mask == "GTV")
    inside = study.pet.array[mask]
    assert lesion.threshold is Threshold.MASK
    assert lesion.volume_ml == lesion.mtv_ml == pytest.approx(mask.sum() * 0.216)
    assert lesion.suv_mean == pytest.approx(float(inside.mean(dtype=np.float64)))
    assert lesion.suv_max == float(inside.max())
    assert lesion.status is LesionStatus.LESION
    assert found.totals.lesions == 1
    assert found.totals.mtv_ml == pytest.approx(lesion.mtv_ml)
    assert not any(x.status is LesionStatus.LESION for x in found.lesions if x.mask is None)


def test_overlapping_masks_count_once_and_empty_ones_are_told(study: Study) -> None:
    one, two = np.zeros(study.pet.array.shape, bool), np.zeros(study.pet.array.shape, bool)
    one[74:86, 24:40, 46:60] = True
    two[80:90, 24:40, 46:60] = True
    masks = [Given("a", one), Given("b", two), Given("c", np.zeros_like(one))]
    found = measure(study, masks=masks)
    assert found.totals.mtv_ml == pytest.approx((one | two).sum() * 0.216)
    assert {"masks-overlap", "mask-empty"} <= {p.code for p in found.problems}


def test_what_was_done_to_masks_is_told_once(study: Study) -> None:
    mask = np.zeros(study.pet.array.shape, bool)
    mask[74:86, 24:40, 46:60] = True
    noted = [Noted(name, mask, "ROI 3 passed over: reaching outside the PET") for name in ("a", "b")]
    told = [p.text for p in measure(study, masks=noted).problems if p.code == "mask-placed"]
    assert told == ["ROI 3 passed over: reaching outside the PET"]


def test_a_mask_on_another_grid_is_refused(study: Study) -> None:
    with pytest.raises(MaskError, match="a mask of 3x3x3 voxels — expected one on the PET grid, 96x64x80"):
        measure(study, masks=[Given("a", np.ones((3, 3, 3), bool))])


def test_no_pet_and_activity_are_refused(study: Study) -> None:
    with pytest.raises(StudyError, match="no PET"):
        measure(Study(id="x", ct=study.ct))
    activity = Volume(study.pet.array * 5000, study.pet.grid, Quantity.ACTIVITY)
    with pytest.raises(UnitError, match="--weight-kg"):
        measure(Study(id="x", pet=activity))


@pytest.mark.parametrize("threshold", [t for t in Threshold if t is not Threshold.MASK])
def test_reading_again_finds_the_same(study: Study, threshold: Threshold) -> None:
    record = measure(study, threshold=threshold)
    assert remeasure(study, record) == record.lesions


def test_reading_again_shows_what_was_changed(study: Study, record: Record) -> None:
    first = record.lesions[1]
    lie = first.model_copy(update={"suv_max": first.suv_max + 1, "side": Side.RIGHT})
    told = record.model_copy(update={"lesions": (record.lesions[0], lie, *record.lesions[2:])})
    assert remeasure(study, told)[1] == first


def test_reading_again_needs_the_masks_and_the_field(study: Study) -> None:
    mask = np.zeros(study.pet.array.shape, bool)
    mask[74:86, 24:40, 46:60] = True
    given = [Given("GTV", mask)]
    record = measure(study, masks=given)
    assert remeasure(study, record, masks=given) == record.lesions
    with pytest.raises(MaskError, match="1 of 1 lesions from masks that are not given"):
        remeasure(study, record)
    far = record.lesions[0].model_copy(
        update={"hottest": record.lesions[0].hottest.model_copy(update={"index": (500, 0, 0)})}
    )
    with pytest.raises(CheckError, match="outside the PET"):
        remeasure(study, record.model_copy(update={"lesions": (far,)}), masks=given)


def test_the_room_is_the_verb(study: Study, record: Record) -> None:
    steps: list[str] = []
    assert petrg.measure(study, progress=lambda step, done, total: steps.append(step)) == record
    assert steps[0] == "measuring: body"


def test_inputs_carry_their_fingerprint(study: Study, record: Record) -> None:
    import hashlib

    pet = record.inputs[0]
    assert pet.sha256 == hashlib.sha256(study.pet.array.astype("<f4").tobytes()).hexdigest()
    assert pet.series_uid == "1.2.3"
    assert [f.modality.value for f in record.inputs] == ["PT", "CT"]
    assert Record.from_json(record.to_json()) == record
