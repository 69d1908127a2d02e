"""What is one focus, what is none: masses with a dead middle, neighbours, spikes, noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from petrg.anatomy import Region
from petrg.imaging import Context, Grid, Quantity, Study, Volume
from petrg.measure.detect import Detection, detect
from petrg.measure.measure import measure
from petrg.measure.remeasure import remeasure
from petrg.phantom import Phantom, make
from petrg.report.record import LesionStatus

GRID = Grid.from_spacing((48, 64, 64), (4.0, 4.0, 4.0))
MM = GRID.to_mm(np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), -1))[..., ::-1]  # z, y, x
MIDDLE = np.array([94.0, 126.0, 126.0])


def away(centre: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.linalg.norm(MM - MIDDLE - np.array(centre), axis=-1)


def found(array: NDArray[np.float64], blur: float = 1.0) -> Detection:
    blurred = ndimage.gaussian_filter(array.astype(np.float32), blur)
    return detect(Volume(blurred, GRID, Quantity.SUV_BW), np.ones(GRID.shape, bool), None)


def test_a_mass_with_a_dead_middle_is_one_focus() -> None:
    shell = np.abs(away((0, 0, 0)) - 28.0) < 8.0
    angle = np.arctan2(*(MM - MIDDLE)[..., 1:].transpose(3, 0, 1, 2))
    array = np.where(shell, 5.5 + 1.5 * np.cos(3.0 * angle), 0.8)  # three lobes, valleys of 4.0 between peaks of 7.0
    assert len(found(array).foci) == 1


@pytest.mark.parametrize("hot", [7.0, 30.0])
def test_neighbours_with_a_valley_to_the_ground_are_two(hot: float) -> None:
    array = np.full(GRID.shape, 0.8)
    array[away((0, 0, -24)) < 10.0] = hot
    array[away((0, 0, 24)) < 10.0] = 6.0
    assert len(found(array).foci) == 2


def test_a_faint_lesion_is_not_lost_beside_a_kidney() -> None:
    """After the Gaussian a pass of 3.4 keeps 0.76 of the lower peak of 4.4, but 0.45 of its height above 2.5."""

    def two(hot: float, sigma: float) -> NDArray[np.float64]:
        one, other = (away((0, 0, x)) / s for x, s in ((-20, sigma), (11.5, 7.0)))
        return np.asarray(0.8 + hot * np.exp(-(one**2) / 2) + 4.4 * np.exp(-(other**2) / 2))

    assert len(found(two(20.0, 9.0), blur=0.0).foci) == 2
    assert len(found(two(5.0, 12.0), blur=0.0).foci) == 1  # two parts about as hot as each other are one mass


def test_without_noise_it_looks_through_five_mm_and_says_so() -> None:
    array = np.full(GRID.shape, 0.8)
    array[away((0, 0, 0)) < 12.0] = 6.0
    detection = found(array)
    assert detection.radius_mm == 6.0
    assert "Gaussian of 5 mm" in detection.rule
    assert "no liver found" in detection.rule


def study(phantom: Phantom, part: slice = slice(None), flip: bool = False) -> Study:
    """The phantom between two slices, or its mirror image."""
    volumes = []
    for volume in (phantom.pet, phantom.ct):
        box = (part, slice(None), slice(None))
        array = volume.array[box][..., :: -1 if flip else 1].copy()
        volumes.append(Volume(array, volume.grid.crop(box), volume.quantity))
    return Study(id="x", pet=volumes[0], ct=volumes[1], context=Context(tracer="FDG"))


def noisier(phantom: Phantom, cov: float) -> Study:
    """The phantom, its noise raised to that SD over mean in the liver."""
    pet = phantom.pet
    rng = np.random.default_rng(phantom.spec.seed)
    noise = ndimage.gaussian_filter(rng.standard_normal(pet.array.shape), [2.4 / s for s in pet.grid.spacing_mm])
    noise *= np.sqrt((cov**2 - 0.1**2) * phantom.spec.physiology.liver * pet.array) / noise.std()
    array = np.maximum(pet.array + noise, 0.0).astype(np.float32)
    return replace(study(phantom), pet=Volume(array, pet.grid, Quantity.SUV_BW))


@pytest.mark.parametrize(("cov", "least"), [(0.10, 0.90), (0.17, 0.82)])
def test_lesions_are_found_and_noise_is_none(cov: float, least: float) -> None:
    """Measured over 24 patients and 96 lesions: 96 % found at 10 % noise, 89 % at 17 %, one noise focus in a liver."""
    true = hit = lesions = 0
    for seed in (3, 6, 7, 9):
        phantom = make(seed, size="small", lesions=8)
        record = measure(study(phantom) if cov == 0.10 else noisier(phantom, cov))
        liver = phantom.label_map.array == next(k for k, name in phantom.label_names.items() if name == "liver")
        near = set()
        for t in phantom.truth.lesions:
            close = [
                x.id
                for x in record.lesions
                if np.linalg.norm(np.subtract(x.hottest.mm, t.centre_mm)) <= t.radius_mm + 6.0
            ]
            true, hit = true + 1, hit + bool(close)
            near |= set(close)
        others = [x for x in record.lesions if x.id not in near and x.status is not LesionStatus.PHYSIOLOGIC]
        assert sum(bool(liver[x.hottest.index]) for x in others) <= 1
        lesions += sum(x.status is LesionStatus.LESION for x in others)
    assert hit / true >= least
    assert lesions <= 4  # in four patients


def test_a_brain_that_the_scan_cuts_is_one_and_physiologic() -> None:
    phantom = make(2, size="small", lesions=0)
    code = next(k for k, name in phantom.label_names.items() if name == "brain")
    base = int(np.flatnonzero((phantom.label_map.array == code).any((1, 2)))[0])
    record = measure(study(phantom, slice(0, base + 4)))
    brain = [x for x in record.lesions if x.region.id is Region.BRAIN]
    assert len(brain) == 1
    assert brain[0].status is LesionStatus.PHYSIOLOGIC
    assert brain[0].suv_max > 5.0
    row = next(a for a in record.assessed if a.region is Region.BRAIN and a.kind.value == "focal-uptake")
    assert row.state.value != "searched"  # the cortex hides foci


def test_what_is_mirrored_is_told_and_not_flipped() -> None:
    phantom = make(2, size="small", lesions=0)  # a hot heart
    assert not measure(study(phantom)).problems
    told = [p.text for p in measure(study(phantom, flip=True)).problems if p.code == "orientation-or-situs"]
    assert len(told) == 2
    assert "liver lies" in told[0]
    assert "left of the midline" in told[0]
    assert "heart lies" in told[1]
    assert "right of the midline" in told[1]


def test_spikes_at_the_edge_of_a_round_field_are_no_foci(make_patient: Callable[..., Study]) -> None:
    plain = make_patient()
    pet = plain.pet.array[:, :, 8:72] + np.float32(0.01)
    y, x = np.ogrid[:64, :64]
    away = np.hypot(y - 31.5, x - 31.5)
    pet[:, away > 31.5] = 0.0
    pet[40:60, 26:38, 0:12] = 0.6  # an arm, cut by the field
    pet[40:60, 30:34, 0:2] = 6.0
    box = (slice(None), slice(None), slice(8, 72))
    cut = replace(plain, pet=Volume(pet, plain.pet.grid.crop(box), Quantity.SUV_BW), ct=None)
    assert all(lesion.hottest.index[2] > 3 for lesion in measure(cut).lesions)
    square = replace(cut, pet=Volume(np.maximum(pet, np.float32(0.01)), cut.pet.grid, Quantity.SUV_BW))
    assert any(lesion.hottest.index[2] <= 3 for lesion in measure(square).lesions)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (5, 40, 40), (12, 60, 60), (60, 20, 64)])
@pytest.mark.parametrize("spots", [0.0, 0.05])
def test_any_image_is_measured_the_same_twice(shape: tuple[int, int, int], spots: float) -> None:
    """Spots of noise everywhere: no lesion holds a voxel hotter than its hottest, whichever way it is read."""
    rng = np.random.default_rng(1)
    array = (rng.random(shape) + 9.0 * (rng.random(shape) < spots)).astype(np.float32)
    grid = Grid.from_spacing(shape, (4.0, 4.0, 4.0))
    one = Study(id="x", pet=Volume(array, grid, Quantity.SUV_BW), context=Context(tracer="FDG"))
    record = measure(one)
    assert remeasure(one, record) == record.lesions
    assert len({x.hottest.index for x in record.lesions}) == len(record.lesions)
