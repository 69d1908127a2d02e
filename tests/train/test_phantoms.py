"""Digital patients as a training set."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tiny_train import toy

from petrg.anatomy import Region, Side
from petrg.errors import ModelError
from petrg.evaluate.benchmark.words import words
from petrg.model.recipe import Recipe
from petrg.phantom import low_res
from petrg.train.as_slots import MARKERS
from petrg.train.cases import REGIONS, TrainCase, expect_apart, of_split
from petrg.train.config import Phantoms
from petrg.train.images import NO_REGION, patch_lesions, patch_regions, prepare
from petrg.train.phantoms import PhantomSource, phantom_cases, phantom_seeds

OURS, RELEASED = Recipe.of("petrg-1"), Recipe.of("petrg3d-2025")


FEW = Phantoms(train=3, validation=2)


@pytest.fixture(scope="module")
def few() -> list[TrainCase]:
    return phantom_cases(FEW, OURS)


def test_splits_of_digital_patients_never_meet() -> None:
    many = Phantoms(train=100_000, validation=100_000)
    assert not set(phantom_seeds(many, "train")) & set(phantom_seeds(many, "validation"))
    assert phantom_seeds(FEW, "train") != phantom_seeds(FEW.model_copy(update={"seed": 1}), "train")
    assert min(phantom_seeds(FEW, "train")) % 24 == 0


def test_digital_patients_are_worded_from_their_truth(few: list[TrainCase]) -> None:
    assert [c.split for c in few] == ["train"] * 3 + ["validation"] * 2
    expect_apart(few)
    for case in few:
        assert case.sex in ("F", "M")
        assert case.template
        assert not re.search(r"\d+\.\d", case.answer)  # no measured number is left
        truth = low_res(int(case.id.rpartition("-")[2])).truth
        sides = {Side.LEFT: "左侧", Side.RIGHT: "右侧"}
        for lesion in truth.lesions:
            assert words("zh").sites[lesion.site].replace("{side}", sides.get(lesion.side, "")) in case.answer


def test_the_released_recipe_keeps_numbers() -> None:
    case = phantom_cases(FEW.model_copy(update={"train": 1, "validation": 0}), RELEASED)[0]
    assert not any(marker in case.answer for marker in MARKERS)


def test_painting_again_gives_the_same_voxels(few: list[TrainCase]) -> None:
    source = few[0].source
    assert isinstance(source, PhantomSource)
    a, b = source.read(stored=False).study, source.read(stored=False).study
    assert a is not None
    assert b is not None
    assert np.array_equal(a.suv().array, b.suv().array)
    others = {c.source.digest() for c in few if c.source is not None}
    assert len(others) == len(few)


@pytest.mark.parametrize("spacing", [16.0, 32.0])
def test_targets_lie_where_the_truth_says(few: list[TrainCase], spacing: float) -> None:
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [spacing] * 3}}).typed_recipe
    case = next(c for c in few if "SUVmax" in c.answer)
    assert case.source is not None
    raw = case.source.read(stored=False)
    patch = (2, 2, 2)
    images = prepare(raw, recipe, patch)
    assert images["ct"].shape[1:] == images["pet"].shape[1:] == images["regions"].shape
    regions = patch_regions(images["regions"], patch)
    assert regions.shape == images["wanted"].shape
    assert {REGIONS.index(Region.LUNG_PLEURA), REGIONS.index(Region.LIVER), NO_REGION} <= set(regions.tolist())
    assert raw.targets is not None
    lesions = patch_lesions(images["lesions"], len(raw.targets.lesion_regions), patch)
    assert bool(lesions.any(dim=1).all())  # even one smaller than a voxel has a patch
    hot = images["pet"][0].unfold(0, 2, 2).unfold(1, 2, 2).unfold(2, 2, 2).amax(dim=(3, 4, 5)).flatten()
    for row in lesions:
        assert float(hot[row].max()) > 1.5 * float(hot[images["wanted"]].median())


def test_a_patient_in_two_splits_is_refused(few: list[TrainCase]) -> None:
    moved = replace(few[0], id="x", split="validation")
    with pytest.raises(ModelError, match="each patient in one split"):
        expect_apart([*few, moved])
    assert len(of_split(few, "train")) == 3
