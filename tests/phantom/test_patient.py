import math
from collections import Counter

import numpy as np
import pytest

from petrg.anatomy import Region, Side, body_part, body_part_names
from petrg.errors import InputError
from petrg.imaging import Quantity
from petrg.phantom import COVERAGES, Truth, fingerprint, incidental_names, low_res, make
from petrg.phantom.body import frame_of, weight_kg
from petrg.phantom.lesions import lesion_count, region_cycle, sites
from petrg.phantom.spec import draw
from petrg.report import Finding, Structure, Uptake, project
from petrg.report.labels import label_region


@pytest.fixture(scope="module")
def quiet():
    return make(7, size="small", noise=False, lesions=6, ct_only=3)


def test_the_same_seed_makes_the_same_patient_and_another_does_not():
    one, two, other = (make(s, size="small", coverage="chest") for s in (3, 3, 4))
    assert np.array_equal(one.ct.array, two.ct.array)
    assert np.array_equal(one.pet.array, two.pet.array)
    assert one.truth == two.truth
    assert one.truth != other.truth
    assert fingerprint([3]) == fingerprint([3]) != fingerprint([4])


def test_options_of_one_part_do_not_shift_another():
    noisy, clean = (make(5, size="small", coverage="abdomen", noise=noise) for noise in (True, False))
    assert noisy.truth.lesions == clean.truth.lesions
    assert not np.array_equal(noisy.pet.array, clean.pet.array)
    few, many = (make(5, size="small", coverage="abdomen", lesions=n, ct_only=0) for n in (1, 4))
    assert few.truth.lesions[0].centre_mm == many.truth.lesions[0].centre_mm
    assert few.spec.physiology == many.spec.physiology
    up, down = (draw(5, sex=None, arms=a, coverage="whole", noise=True, size="small") for a in ("up", "down"))
    assert up.physiology == down.physiology


def test_volumes_are_in_their_units_on_axial_grids(quiet):
    assert quiet.ct.quantity is Quantity.HU
    assert quiet.pet.quantity is Quantity.SUV_BW
    assert quiet.label_map.quantity is Quantity.LABEL
    assert quiet.label_map.grid is quiet.pet.grid
    for volume in (quiet.ct, quiet.pet):
        assert volume.array.dtype == np.float32
        assert np.allclose(volume.grid.directions, np.eye(3)[::-1])  # z up, y back, x left, all ascending
    assert np.array_equal(quiet.ct.array, np.rint(quiet.ct.array))
    assert quiet.pet.array.min() >= 0


def test_left_lesions_lie_at_plus_x_and_swapping_x_flips_them(quiet):
    for seed in range(6):
        truth = make(seed, size="small", noise=False, coverage="chest").truth
        for lesion in truth.lesions:
            expected = (
                Side.MIDLINE if abs(lesion.centre_mm[0]) < 10 else Side.LEFT if lesion.centre_mm[0] > 0 else Side.RIGHT
            )
            assert lesion.side is expected
            assert lesion.nodal_group is None or lesion.nodal_group.side in (lesion.side, Side.MIDLINE)
    sided = [t for t in quiet.truth.lesions if t.side in (Side.LEFT, Side.RIGHT) and t.suv_max > 5]
    assert sided
    mirrored = quiet.pet.array[:, :, ::-1]
    for lesion in sided:
        z, y, x = np.round(quiet.pet.grid.to_index(lesion.hottest_mm)).astype(int)
        assert quiet.pet.array[z, y, x] == pytest.approx(lesion.suv_max)
        assert mirrored[z, y, x] != pytest.approx(lesion.suv_max, rel=0.02)


def test_the_liver_is_right_and_the_spleen_left(quiet):
    names = {name: code for code, name in quiet.label_names.items()}
    for part, sign in (("liver", -1), ("spleen", 1), ("heart", 1), ("kidney_left", 1), ("kidney_right", -1)):
        index = np.argwhere(quiet.label_map.array == names[part])
        assert sign * quiet.label_map.grid.to_mm(index).mean(0)[0] > 5, part
    liver = quiet.label_map.grid.to_mm(np.argwhere(quiet.label_map.array == names["liver"])).mean(0)
    brain = quiet.label_map.grid.to_mm(np.argwhere(quiet.label_map.array == names["brain"])).mean(0)
    sacrum = quiet.label_map.grid.to_mm(np.argwhere(quiet.label_map.array == names["sacrum"])).mean(0)
    assert brain[2] > liver[2] > sacrum[2]
    assert sacrum[1] > liver[1]


def test_label_map_speaks_totalsegmentator(quiet):
    seen = {quiet.label_names[int(c)] for c in np.unique(quiet.label_map.array) if c}
    assert seen <= set(body_part_names())
    assert all(body_part(name) is not None for name in seen)
    bones = {f"vertebrae_{v}" for v in ("C7", "T1", "T6", "T12", "L1", "L5")} | {"sacrum", "rib_left_5", "hip_right"}
    organs = {"liver", "spleen", "stomach", "pancreas", "aorta", "heart", "urinary_bladder", "colon", "gallbladder"}
    assert bones | organs <= seen


def test_truth_suv_is_read_from_the_noise_free_pet(quiet):
    # independent reading: every voxel whose centre lies within the radius, by brute force
    grid, pet = quiet.pet.grid, quiet.pet.array
    every = grid.to_mm(np.argwhere(np.ones(grid.shape, bool))).reshape(*grid.shape, 3)
    for lesion in quiet.truth.lesions:
        distance = np.linalg.norm(every - np.array(lesion.centre_mm), axis=-1)
        mask = distance <= lesion.radius_mm
        assert lesion.suv_max == pytest.approx(float(pet[mask].max()), rel=1e-6)
        assert lesion.suv_mean == pytest.approx(float(pet[mask].mean()), rel=1e-4)
        assert lesion.suv_max <= max(lesion.suv_painted, quiet.spec.physiology.bladder)
        assert lesion.ml == pytest.approx(4 / 3 * math.pi * lesion.radius_mm**3 / 1000, rel=1e-3)
        assert lesion.suv_peak is not None
        assert lesion.suv_peak <= lesion.suv_max * 1.02 or lesion.radius_mm < 6


def test_suv_peak_is_the_mean_over_one_cubic_centimetre():
    phantom = make(2, size="small", coverage="chest", noise=False, lesions=3)
    grid = phantom.pet.grid
    rng = np.random.default_rng(0)
    points = rng.uniform(-6.2035, 6.2035, (60_000, 3))
    points = points[np.linalg.norm(points, axis=1) <= 6.2035]
    for lesion in phantom.truth.lesions:
        best = 0.0
        centres = grid.to_mm(np.argwhere(np.ones(grid.shape, bool)))
        for centre in centres[np.linalg.norm(centres - lesion.centre_mm, axis=1) <= lesion.radius_mm]:
            z, y, x = np.round(grid.to_index(centre + points)).astype(int).T
            best = max(best, float(phantom.pet.array[z, y, x].mean()))
        assert lesion.suv_peak == pytest.approx(best, rel=0.01)


def test_every_region_gets_the_same_share_over_48_seeds():
    counts = Counter(region for seed in range(48) for region in region_cycle(seed, 4))
    assert set(counts) == set(Region)
    assert set(counts.values()) == {8}
    reached = Counter(t.region for seed in range(24) for t in low_res(seed, lesions=4, noise=False).truth.lesions)
    assert set(reached) == set(Region)
    assert max(reached.values()) - min(reached.values()) <= 1


def test_sites_cover_every_region_and_both_sexes():
    for region in Region:
        for sex in ("F", "M"):
            assert any(site.sex in (None, sex) for site in sites()[region]), region


def test_a_fifth_of_the_patients_has_no_lesion_where_the_seed_decides():
    counts = [lesion_count(seed, None) for seed in range(1000)]
    assert 0.15 < counts.count(0) / 1000 < 0.25
    assert max(counts) == 6
    assert make(1, size="small", coverage="chest", lesions=0).truth.lesions == ()


def test_activity_balance_and_liver_are_plausible_over_20_seeds():
    for seed in range(20):
        case = low_res(seed, lesions=4)
        total = float(case.pet.sum(dtype=np.float64)) * case.grid.voxel_ml
        assert 0.5 <= total / (case.truth.weight_kg * 1000) <= 1.1, seed
    for seed in range(3):
        phantom = make(seed, size="small")
        total = float(phantom.pet.array.sum(dtype=np.float64)) * phantom.pet.grid.voxel_ml
        assert 0.5 <= total / (phantom.truth.weight_kg * 1000) <= 1.1, seed
        code = {name: code for code, name in phantom.label_names.items()}["liver"]
        assert 1.3 <= float(np.median(phantom.pet.array[phantom.label_map.array == code])) <= 3.0


def test_noise_in_the_liver_is_about_a_tenth():
    phantom = make(1, size="small", coverage="abdomen", lesions=0, ct_only=0)
    x, y, z = frame_of(phantom.spec).at((-62.0, 0.0, 1172.0))
    index = np.argwhere(np.ones(phantom.pet.grid.shape, bool))
    near = np.linalg.norm(phantom.pet.grid.to_mm(index) - (x, y, z), axis=1) < 30
    values = phantom.pet.array[tuple(index[near].T)]
    assert 0.07 < values.std() / values.mean() < 0.13
    assert values.mean() == pytest.approx(phantom.spec.physiology.liver, rel=0.05)


def test_weight_follows_the_body():
    specs = [draw(s, sex=None, arms=None, coverage="whole", noise=True, size="small") for s in range(60)]
    for spec in specs:
        assert weight_kg(frame_of(spec), spec.sex) == pytest.approx(spec.bmi * spec.height_m**2, rel=0.04)
    assert {s.sex for s in specs} == {"F", "M"}
    assert {s.arms for s in specs} == {"up", "down"}
    assert max(s.bmi for s in specs) > 30
    hearts = [s.physiology.myocardium for s in specs]
    assert min(hearts) < 2 < 8 < max(hearts)
    assert any(s.physiology.brown_fat for s in specs)


@pytest.mark.parametrize("coverage", COVERAGES)
def test_what_is_out_of_the_field_has_no_label(coverage):
    phantom = make(9, size="small", coverage=coverage, lesions=3, noise=False)
    labels = phantom.truth.labels
    assert list(labels) == list(Region)
    assert all((label.pet is None) == (label.ct is None) for label in labels.values())
    assert len(phantom.truth.lesions) == 3
    for lesion in phantom.truth.lesions:
        assert labels[lesion.region].pet in (Uptake.HIGH, Uptake.EQUIVOCAL)
    expected = {
        "thigh": (
            {Region.MUSCLE_SUBCUTIS, Region.PELVIS_LIMB_BONES},
            {Region.LIVER, Region.HEART, Region.BRAIN, Region.SPINE},
        ),
        "chest": ({Region.HEART, Region.LUNG_PLEURA}, {Region.BRAIN, Region.PELVIC_ORGANS}),
        "head-neck": ({Region.BRAIN, Region.NECK_NODES}, {Region.LIVER, Region.PELVIC_ORGANS}),
    }.get(coverage)
    if expected is not None:
        assert all(labels[r].pet is not None for r in expected[0])
        assert all(labels[r].pet is None for r in expected[1])
    if coverage == "whole":
        assert all(label.pet is not None for label in labels.values())


def test_labels_are_the_projection_of_the_findings(quiet):
    assert quiet.truth.labels == project(quiet.truth.findings)
    assert Truth.from_json(quiet.truth.to_json()) == quiet.truth
    assert quiet.truth.lesion("T1") is quiet.truth.lesions[0]
    with pytest.raises(KeyError):
        quiet.truth.lesion("T99")


@pytest.mark.parametrize("sex", ["F", "M"])
def test_every_ct_only_finding_shows_on_ct_and_not_on_pet(sex):
    names = [
        n
        for n in incidental_names()
        if n not in ({"prostatic-calcification"} if sex == "F" else {"myoma", "breast-calcification"})
    ]
    with_it, without = (make(6, sex=sex, size="small", noise=False, lesions=0, ct_only=n) for n in (names, 0))
    assert [found.name for found in with_it.truth.ct_only] == names
    grid = with_it.ct.grid
    change = np.abs(with_it.ct.array - without.ct.array)
    places = grid.to_mm(np.argwhere(change > 15))
    for found in with_it.truth.ct_only:
        nearest = np.linalg.norm(places - found.centre_mm, axis=1).min()
        assert nearest < 12 + found.size_mm / 2, found.name
        label = with_it.truth.labels[label_region(Finding(region=found.region, structure=found.structure))]
        assert label.ct is not Structure.NORMAL
        assert found.look in label.description
        assert found.kind.modality.value == "CT"
        assert without.truth.labels[found.region].ct is Structure.NORMAL
    assert (with_it.pet.array - without.pet.array).max() < 1.5  # never a hot focus
    assert with_it.truth.labels[Region.BRAIN].pet is Uptake.REDUCED


def test_body_habitus_shows(quiet):
    female, male = (make(21, sex=sex, size="small", noise=False, lesions=0, ct_only=0) for sex in ("F", "M"))
    codes = {name: code for code, name in male.label_names.items()}
    assert (male.label_map.array == codes["prostate"]).any()
    assert not (female.label_map.array == codes["prostate"]).any()
    up, down = (make(21, arms=a, size="small", noise=False, lesions=0, ct_only=0) for a in ("up", "down"))
    top = slice(-20, None)
    assert (up.ct.array[top] > -200).sum() > 1.5 * (down.ct.array[top] > -200).sum()


def test_the_couch_is_on_ct_only_and_behind_the_patient():
    phantom = make(8, size="small", coverage="abdomen", noise=False)
    _, y, _ = phantom.ct.grid.to_mm(np.argwhere(phantom.pet.array.max((0, 2)) > 0.1)[-1:].repeat(3, 1))[0]
    grid = phantom.ct.grid
    middle = phantom.ct.array[grid.shape[0] // 2, :, grid.shape[2] // 2]
    solid = np.flatnonzero(middle > -950)
    assert grid.to_mm([0, int(solid[-1]), 0])[1] > 130
    assert (phantom.pet.array[:, -8:] < 0.05).all()
    assert y is not None


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"sex": "X"}, "sex 'X' — expected one of F, M — give another sex"),
        ({"coverage": "toes"}, "coverage 'toes' — expected one of whole, "),
        ({"size": "huge"}, "size 'huge' — expected one of full, small — give another size"),
        ({"lesions": 99}, "99 lesions — expected 0 to 48 — give another --lesions"),
        ({"ct_only": ("unicorn",)}, "CT-only finding 'unicorn' — expected one that fits"),
        ({"coverage": "thigh", "ct_only": ("liver-cyst",)}, "CT-only finding 'liver-cyst' — expected"),
    ],
)
def test_wrong_options_are_refused(options, line):
    with pytest.raises(InputError, match=line.replace("(", r"\(")):
        make(1, **{"size": "small", **options})


def test_negative_seeds_are_refused():
    with pytest.raises(InputError, match="seed -1 — expected a whole number from 0"):
        make(-1, size="small")


def test_low_resolution_form():
    case = low_res(5, lesions=4)
    assert case.ct.shape == case.pet.shape == case.labels.shape == case.lesions.shape == (128, 48, 64)
    assert case.grid.spacing_mm == (8.0, 8.0, 8.0)
    assert set(np.unique(case.lesions)) == {0, 1, 2, 3, 4}
    for number, lesion in enumerate(case.truth.lesions, 1):
        centre = case.grid.to_mm(np.argwhere(case.lesions == number)).mean(0)
        assert np.linalg.norm(centre - lesion.centre_mm) < 8
    whole = make(5, size="small", noise=False)
    assert [t.centre_mm for t in whole.truth.lesions] == [t.centre_mm for t in case.truth.lesions]
    clean = low_res(5, lesions=0, ct_only=0, noise=False)
    total = float(clean.pet.sum()) * 0.512 / (clean.truth.weight_kg * 1000)
    assert 0.5 < total < 1.1
