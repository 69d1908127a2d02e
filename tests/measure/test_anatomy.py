"""Where a focus is: label maps, what lies between organs, landmarks and their honesty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from petrg.anatomy import NodalGroup, Region
from petrg.errors import MaskError
from petrg.imaging import Grid, Quantity, Study, Volume
from petrg.measure.atlas import Place, extent_mm, probabilities, rows
from petrg.measure.between import between_organs
from petrg.measure.body import body_mask
from petrg.measure.label_anatomy import LabelAnatomy
from petrg.measure.landmark_anatomy import LandmarkAnatomy
from petrg.measure.landmarks import Landmarks, find_landmarks
from petrg.measure.measure import measure
from petrg.measure.midline import find_midline
from petrg.phantom import make
from petrg.report.record import LesionStatus


@dataclass(frozen=True)
class Labels:
    volume: Volume
    names: Mapping[int, str]


@pytest.fixture(scope="module")
def study(make_patient: Callable[..., Study]) -> Study:
    return make_patient([((60.0, 0.0, 250.0), 15.0, 9.0)])


@pytest.fixture(scope="module")
def marks(study: Study) -> Landmarks:
    body = body_mask(study.pet, study.ct)
    return find_landmarks(study.suv(), study.ct, body, find_midline(body, study.suv()))


def labels(study: Study, boxes: Mapping[str, tuple[float, float, float, float]]) -> Labels:
    """Balls (x, y, z, radius mm) by class name on a 5 mm grid of its own."""
    grid = Grid.from_spacing((110, 60, 90), (5.0, 5.0, 5.0), (-225.0, -150.0, 0.0))
    mm = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1))
    array = np.zeros(grid.shape, np.int32)
    for code, (x, y, z, radius) in enumerate(boxes.values(), 1):
        array[np.linalg.norm(mm - [x, y, z], axis=-1) <= radius] = code
    return Labels(Volume(array, grid, Quantity.LABEL), dict(enumerate(boxes, 1)))


BALLS = {
    "liver": (-60.0, 0.0, 330.0, 70.0),
    "spleen": (60.0, 0.0, 250.0, 30.0),
    "heart": (30.0, -30.0, 430.0, 40.0),
    "aorta": (20.0, 40.0, 450.0, 18.0),
    "vertebrae_L2": (0.0, 60.0, 250.0, 18.0),
    "nonsense": (0.0, 0.0, 60.0, 30.0),
}


def test_a_focus_in_an_organ_takes_its_region(study: Study) -> None:
    record = measure(study, label_map=labels(study, BALLS))
    lesion = next(x for x in record.lesions if np.linalg.norm(np.subtract(x.centre_mm, (60, 0, 250))) < 10)
    assert lesion.region.id is Region.SPLEEN
    assert lesion.region.probability >= 0.8
    assert lesion.status is LesionStatus.LESION
    assert record.anatomy == "label map, 5 parts"
    assert not record.problems
    assert record.references.liver is not None
    assert record.references.liver.method.startswith("label map")


def test_blood_pool_lies_inside_the_aorta(study: Study) -> None:
    tube = {f"aorta{k}": (20.0, 40.0, 400.0 + 10 * k, 17.0) for k in range(12)}
    given = labels(study, tube | {"liver": BALLS["liver"]})
    names = {c: "aorta" if n.startswith("aorta") else n for c, n in given.names.items()}
    pool = measure(study, label_map=Labels(given.volume, names)).references.blood_pool
    assert pool is not None
    assert (pool.radius_mm, pool.length_mm) == (5.0, 20.0)
    assert np.hypot(pool.centre_mm[0] - 20.0, pool.centre_mm[1] - 40.0) < 17.0 - 5.0 - 4.0 + 3.0
    thin = labels(study, {k: (*v[:3], 8.0) for k, v in tube.items()})
    thin = Labels(thin.volume, dict.fromkeys(thin.names, "aorta"))
    assert measure(study, label_map=thin).references.blood_pool is None  # no place 4 mm from the wall


@pytest.mark.parametrize(("name", "x"), [("liver", 60.0), ("heart", -40.0)])
def test_an_organ_on_the_wrong_side_is_a_problem(study: Study, marks: Landmarks, name: str, x: float) -> None:
    wrong = labels(study, BALLS | {name: (x, *BALLS[name][1:])})
    problems = LabelAnatomy(wrong, study.suv().grid, marks).problems()
    assert [p.code for p in problems] == ["orientation-or-situs"]
    assert name in problems[0].text
    assert not LabelAnatomy(labels(study, BALLS), study.suv().grid, marks).problems()


def test_a_label_map_of_another_place_is_refused(study: Study, marks: Landmarks) -> None:
    far = labels(study, BALLS)
    affine = far.volume.grid.affine.copy()
    affine[2, 3] += 5000.0
    moved = Labels(Volume(far.volume.array, Grid(far.volume.grid.shape, affine), Quantity.LABEL), far.names)
    with pytest.raises(MaskError, match="none of them in the PET's field"):
        LabelAnatomy(moved, study.suv().grid, marks)


@pytest.mark.parametrize(
    ("near", "left", "region", "group"),
    [
        ({"trachea": 6.0, "lung_upper_lobe_left": 20.0}, 5.0, Region.MEDIASTINUM_HILA, NodalGroup.MEDIASTINUM),
        ({"pulmonary_vein": 8.0, "lung_lower_lobe_right": 5.0}, -35.0, Region.MEDIASTINUM_HILA, NodalGroup.HILUM_RIGHT),
        ({"vertebrae_C5": 30.0}, 40.0, Region.NECK_NODES, NodalGroup.NECK_LEFT),
        ({"vertebrae_C5": 30.0}, -40.0, Region.NECK_NODES, NodalGroup.NECK_RIGHT),
        ({"scapula_left": 20.0, "rib_left_4": 30.0}, 120.0, Region.AXILLA_CHEST_WALL, NodalGroup.AXILLA_LEFT),
        ({"aorta": 9.0, "vertebrae_L3": 15.0}, 3.0, Region.RETROPERITONEUM, NodalGroup.PARA_AORTIC),
        ({"iliac_artery_right": 7.0}, -45.0, Region.PELVIC_INGUINAL_NODES, NodalGroup.ILIAC_RIGHT),
        ({"femur_left": 30.0}, 70.0, Region.PELVIC_INGUINAL_NODES, NodalGroup.INGUINAL_LEFT),
        ({"small_bowel": 5.0}, 10.0, Region.PERITONEUM, NodalGroup.MESENTERIC),
        ({}, 10.0, Region.MUSCLE_SUBCUTIS, None),
    ],
)
def test_between_organs(near: Mapping[str, float], left: float, region: Region, group: NodalGroup | None) -> None:
    guess = between_organs(near, left)
    assert guess.regions[0][0] is region
    assert guess.nodal_group is group
    assert guess.regions[0][1] <= 0.85


def test_levels_are_found(marks: Landmarks) -> None:
    found = {a.name: a.z_mm for a in marks.anchors}
    assert found["lung dome"] == pytest.approx(395.0, abs=25.0)
    assert found["bladder"] == pytest.approx(50.0, abs=8.0)
    assert "brain base" not in found
    z, error = marks.height(found["bladder"])
    assert z == pytest.approx(888.0, abs=1.0)
    assert marks.height(found["bladder"] - 300.0)[1] > 3 * error - 3.0  # far from landmarks nothing is sure


def test_without_landmarks_nothing_is_located(marks: Landmarks) -> None:
    lost = LandmarkAnatomy(replace(marks, anchors=()))
    guess = lost.locate(np.zeros((1, 3)))
    assert guess.regions[0][1] < 0.1
    assert len(guess.regions) == len(Region)
    assert all(lost.located(r).probability == 0.0 for r in Region)


def test_a_region_out_of_the_field_is_told(study: Study, marks: Landmarks) -> None:
    anatomy = LandmarkAnatomy(marks, study.ct)
    assert anatomy.located(Region.BRAIN).in_field == 0.0
    assert anatomy.located(Region.LIVER).in_field == 1.0
    assert 0.0 <= anatomy.located(Region.ADRENALS).probability < 0.8


def test_the_atlas_covers_every_region_and_sums_to_less_than_one() -> None:
    assert {row.region for row in rows()} == set(Region)
    for region in Region:
        low, high = extent_mm(region)
        assert 600.0 < low < high < 1720.0
    far, _ = probabilities(Place(400.0, 300.0, 12.0, 0.5))
    assert far[0][1] < 0.1  # nowhere near any row
    sure, _ = probabilities(Place(-66.0, 1162.0, 12.0, 0.46))
    vague, _ = probabilities(Place(-66.0, 1162.0, 200.0, 0.46))
    assert sure[0][0] is Region.LIVER
    assert sum(p for _, p in sure) < 1.0
    assert vague[0][1] < sure[0][1]


def test_probabilities_are_honest_on_digital_patients() -> None:
    """Of foci located with p >= .8 at least 80 % are right, and detection finds nearly all."""
    from petrg.imaging import Context

    right = sure = found = total = false = 0
    for seed in (3, 101, 102, 103):
        p = make(seed, size="small", lesions=5)
        record = measure(Study(id="p", ct=p.ct, pet=p.pet, context=Context(tracer="FDG")))
        matched = set()
        for true in p.truth.lesions:
            total += 1
            near = [
                x
                for x in record.lesions
                if np.linalg.norm(np.subtract(x.hottest.mm, true.centre_mm)) <= true.radius_mm + 6
            ]
            found += bool(near)
            matched |= {x.id for x in near}
            for lesion in near[:1]:
                sure += lesion.region.probability >= 0.8
                right += lesion.region.probability >= 0.8 and lesion.region.id is true.region
        false += sum(x.status is LesionStatus.LESION and x.id not in matched for x in record.lesions)
    assert found / total >= 0.85
    assert right >= 0.8 * sure
    assert false / 4 <= 3.0
