"""The named rules of what a focus is taken for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from petrg.anatomy import Region, Side
from petrg.measure.anatomy import Guess
from petrg.measure.status import Seen, judge
from petrg.report.record import LesionStatus, Reference

LIVER = Reference(
    suv_mean=2.0, suv_sd=0.2, suv_max=2.6, volume_ml=14.0, voxels=100, centre_mm=(0, 0, 0), radius_mm=15.0,
    slice_number=1, method="given",
)  # fmt: skip


def seen(region: Region, p: float = 0.9, organ: str | None = None, **more: float) -> Seen:
    values = {"suv_max": 9.0, "volume_ml": 4.0, "left_mm": 30.0, "height_z_mm": 0.0} | more
    return Seen(guess=Guess(((region, p),), None, organ), side=Side.LEFT, **values)  # type: ignore[arg-type]


def status(one: Seen, *others: Seen, fdg: bool = True, liver: Reference | None = LIVER) -> LesionStatus:
    return judge(one, others, fdg=fdg, liver=liver)[0]


@pytest.mark.parametrize(
    ("focus", "expected"),
    [
        (seen(Region.LUNG_PLEURA), LesionStatus.LESION),
        (seen(Region.LUNG_PLEURA, 0.79), LesionStatus.INDETERMINATE),
        (seen(Region.LUNG_PLEURA, suv_max=2.9), LesionStatus.INDETERMINATE),
        (seen(Region.BRAIN, volume_ml=900.0), LesionStatus.PHYSIOLOGIC),
        (seen(Region.PELVIC_ORGANS, organ="urinary_bladder", left_mm=5.0), LesionStatus.PHYSIOLOGIC),
        (seen(Region.PELVIC_ORGANS, organ="urinary_bladder", left_mm=40.0), LesionStatus.LESION),
        (seen(Region.KIDNEYS), LesionStatus.INDETERMINATE),  # no other kidney to compare with
        (seen(Region.HEART, volume_ml=90.0), LesionStatus.PHYSIOLOGIC),
        (seen(Region.HEART, volume_ml=1.0), LesionStatus.INDETERMINATE),
        (seen(Region.GI_TRACT, suv_max=5.0), LesionStatus.PHYSIOLOGIC),
        (seen(Region.GI_TRACT, suv_max=9.0), LesionStatus.INDETERMINATE),
        (seen(Region.RETROPERITONEUM, organ="ureter"), LesionStatus.INDETERMINATE),
        (seen(Region.PHARYNX_LARYNX, organ="larynx", left_mm=2.0, suv_max=4.0), LesionStatus.PHYSIOLOGIC),
        (seen(Region.PHARYNX_LARYNX, organ="tonsil"), LesionStatus.LESION),
        (seen(Region.PELVIC_ORGANS, organ="testis", suv_max=4.0), LesionStatus.PHYSIOLOGIC),
    ],
)
def test_rules(focus: Seen, expected: LesionStatus) -> None:
    assert status(focus) is expected


def test_urine_fills_both_kidneys_and_a_far_hotter_one_is_left_to_the_reader() -> None:
    right = seen(Region.KIDNEYS, left_mm=-50.0, suv_max=15.0)
    assert status(right, seen(Region.KIDNEYS, left_mm=48.0, suv_max=7.0)) is LesionStatus.PHYSIOLOGIC
    assert status(right, seen(Region.KIDNEYS, left_mm=48.0, suv_max=5.0)) is LesionStatus.INDETERMINATE
    assert status(right, seen(Region.KIDNEYS, left_mm=-48.0, suv_max=15.0)) is LesionStatus.INDETERMINATE
    assert status(seen(Region.KIDNEYS, left_mm=48.0, suv_max=5.0), right) is LesionStatus.PHYSIOLOGIC


def test_a_small_hot_spot_of_the_heart_is_physiologic_only_among_its_like() -> None:
    spot = seen(Region.HEART, suv_max=14.9, volume_ml=5.0)
    assert status(spot) is LesionStatus.INDETERMINATE
    assert status(spot, seen(Region.HEART, suv_max=4.1)) is LesionStatus.INDETERMINATE
    assert status(spot, seen(Region.HEART, suv_max=7.0)) is LesionStatus.PHYSIOLOGIC


def test_symmetric_tonsils_are_physiologic_and_unequal_ones_are_not() -> None:
    left = seen(Region.PHARYNX_LARYNX, organ="tonsil", left_mm=18.0, suv_max=6.0)
    assert status(left, replace(left, left_mm=-17.0, suv_max=5.0)) is LesionStatus.PHYSIOLOGIC
    assert status(left, replace(left, left_mm=-17.0, suv_max=3.0)) is LesionStatus.LESION
    assert status(left, replace(left, left_mm=17.0, suv_max=5.0)) is LesionStatus.LESION
    assert status(left, replace(left, left_mm=-17.0, suv_max=5.0, height_z_mm=60.0)) is LesionStatus.LESION


def test_mild_uptake_where_bowel_may_be_mesentery() -> None:
    guess = Guess(((Region.GI_TRACT, 0.4), (Region.PERITONEUM, 0.35)), None, "bowel")
    focus = replace(seen(Region.GI_TRACT), guess=guess)
    assert status(replace(focus, suv_max=2.7)) is LesionStatus.PHYSIOLOGIC
    assert status(replace(focus, suv_max=4.0)) is LesionStatus.INDETERMINATE
    assert status(replace(focus, suv_max=2.7), liver=None) is LesionStatus.INDETERMINATE


def test_another_tracer_has_no_physiology_here() -> None:
    kidney = seen(Region.KIDNEYS)
    assert status(kidney, fdg=False) is LesionStatus.INDETERMINATE
    assert "tracer" in judge(kidney, (), fdg=False, liver=LIVER)[1]


def test_what_the_scan_cuts_off_is_indeterminate() -> None:
    assert status(replace(seen(Region.NECK_NODES), at_edge=True)) is LesionStatus.INDETERMINATE


def test_a_pair_in_the_neck_is_left_open_and_a_single_node_is_not() -> None:
    left = seen(Region.NECK_NODES, left_mm=36.0, suv_max=4.0)
    assert status(left, replace(left, left_mm=-35.0, suv_max=3.5)) is LesionStatus.INDETERMINATE
    assert status(left) is LesionStatus.LESION
    assert status(left, replace(left, left_mm=-35.0, suv_max=8.0)) is LesionStatus.LESION  # not alike
    hot = replace(left, suv_max=9.0)
    assert status(hot, replace(hot, left_mm=-35.0)) is LesionStatus.LESION  # hotter than glands are
    wide = replace(left, left_mm=75.0)
    assert status(wide, replace(wide, left_mm=-75.0)) is LesionStatus.LESION


def test_noise_of_a_maximum_does_not_make_a_larynx_a_lesion() -> None:
    larynx = seen(Region.PHARYNX_LARYNX, organ="larynx", left_mm=2.0, suv_max=6.7)
    assert status(larynx) is LesionStatus.LESION
    assert status(replace(larynx, suv_peak=3.8)) is LesionStatus.PHYSIOLOGIC
    assert status(replace(larynx, suv_peak=6.2)) is LesionStatus.LESION


def test_mild_is_told_by_the_peak() -> None:
    """PERCIST measures SULpeak >= 1.5 x liver: one hot voxel of noise makes no lesion."""
    lung = seen(Region.LUNG_PLEURA, suv_max=4.3)
    assert status(lung) is LesionStatus.LESION
    assert status(replace(lung, suv_peak=2.9)) is LesionStatus.INDETERMINATE
    assert status(replace(lung, suv_peak=3.1)) is LesionStatus.LESION
