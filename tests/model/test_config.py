"""The shape of the network: what breaks it, and what of it a recipe fixes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from families import AS_RELEASED, SMALL, write_family
from pydantic import ValidationError
from transformers import Qwen3Config

from petrg.errors import ModelError
from petrg.model.config import LoraSpec, Network, PETRG3DConfig, ResamplerConfig, VisionConfig, default_network
from petrg.model.config import network_for as shape
from petrg.model.recipe import MmInput, Prompt, Recipe, StoredInput
from petrg.model.start import start
from petrg.model.vit import ViT3D
from petrg.model.weights import read_config

PETRG_1, RELEASED = Recipe.of("petrg-1"), Recipe.of("petrg3d-2025")
LM = Qwen3Config(vocab_size=64, hidden_size=16, num_hidden_layers=1)


def config(**how: Any) -> PETRG3DConfig:
    return PETRG3DConfig(**{"text_config": LM, **how})


# what breaks by itself


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (VisionConfig, {"patch": (8, 0, 8)}, "greater than 0"),
        (VisionConfig, {"patch": (8, 8)}, "Field required"),
        (VisionConfig, {"dim": 2}, "greater than or equal to 3"),
        (VisionConfig, {"position_tables": (16, 16, 0)}, "greater than 0"),
        (VisionConfig, {"stem": "conv"}, "normalise_patches is of the linear stem"),
        (VisionConfig, {"dropout": 1.0}, "less than 1"),
        (ResamplerConfig, {"latents": 0}, "greater than 0"),
        (LoraSpec, {"targets": ()}, "at least 1 item"),
        (LoraSpec, {"targets": ("",)}, "at least 1 character"),
        (LoraSpec, {"rank": 0}, "greater than 0"),
        (StoredInput, {"hu": (1000.0, -1000.0)}, "low first"),
        (MmInput, {"spacing_mm": (4, 4, 4), "windows_hu": ((0.0, 0.0),)}, "0 to 0 is no window"),
        (MmInput, {"spacing_mm": (4, 4, 0), "windows_hu": ((0.0, 1.0),)}, "greater than 0"),
        (MmInput, {"spacing_mm": (4, 4, 4), "windows_hu": ()}, "at least 1 item"),
        (Prompt, {"system": "", "with_template": "none", "without_template": ""}, "{template} belongs"),
        (Prompt, {"system": "", "with_template": "{template}", "without_template": "{template}"}, "{template} belongs"),
        (Prompt, {"system": "", "with_template": "{template}{age}", "without_template": ""}, "no place {age}"),
    ],
)
def test_values_that_cannot_work_are_refused(kind: Any, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("{", r"\{")):
        kind(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"dim": 10, "heads": 3, "head_dim": 5},  # neither a multiple of the other, nor of three
        {"dim": 3, "heads": 1, "head_dim": 1},
        {"patch": (6, 2, 1), "stem": "conv", "normalise_patches": False, "dim": 16},
    ],
)
def test_width_heads_and_patch_are_free_of_each_other(values: dict[str, Any]) -> None:
    import torch

    vision = VisionConfig(**{"depth": 1, "mlp_dim": 8, "position_tables": (4, 4, 4), "patch": (2, 2, 2), **values})
    sides = [2 * p for p in vision.patch]
    assert ViT3D(vision)(torch.zeros(1, 3, *sides)).shape == (1, 8, vision.dim)


# what a recipe fixes


def test_the_shape_follows_the_recipe() -> None:
    assert default_network(RELEASED) == Network() == config(recipe="petrg3d-2025").parts
    own = config().parts
    assert own == config(recipe="petrg-1").parts == default_network(PETRG_1)
    vision = own.vision
    assert (vision.position, vision.stem, vision.normalise_patches, vision.channels) == ("mm", "conv", False, 3)
    assert own.resampler.latents % 24 == 0
    one = shape(PETRG_1, {"vision": {"dim": 24}, "lora": None})
    assert one == own.model_copy(update={"vision": vision.model_copy(update={"dim": 24}), "lora": None})
    bone = PETRG_1.input.model_copy(update={"windows_hu": ((-1000.0, 1000.0),)})
    assert default_network(PETRG_1.model_copy(update={"input": bone})).vision.channels == 1


WRONG = [
    ("petrg-1", {"position": "stretched"}, "network.vision.position = 'stretched' under recipe petrg-1"),
    (
        "petrg-1",
        {"normalise_patches": True, "stem": "linear"},
        "network.vision.normalise_patches = true under recipe petrg-1",
    ),
    ("petrg-1", {"channels": 1}, "network.vision.channels = 1 under recipe petrg-1"),
    ("petrg3d-2025", {"position": "mm"}, "network.vision.position = 'mm' under recipe petrg3d-2025"),
]


@pytest.mark.parametrize(("recipe", "vision", "said"), WRONG)
def test_a_shape_that_contradicts_the_recipe_is_refused(
    recipe: str, vision: dict[str, Any], said: str, tmp_path: Path
) -> None:
    whole = default_network(Recipe.of(recipe)).model_dump()
    object_of = Network.model_validate({**whole, "vision": {**whole["vision"], **vision}})
    for given in ({"vision": vision}, object_of, object_of.model_dump(mode="json")):
        with pytest.raises(ModelError) as error:
            config(network=given, recipe=recipe)
        assert str(error.value).startswith(said)
        with pytest.raises(ModelError) as error:
            start(tmp_path / "nothing is fetched", network=given, recipe=recipe)
        assert str(error.value).startswith(said)


@pytest.mark.parametrize(("recipe", "vision", "said"), WRONG)
def test_a_folder_that_contradicts_its_recipe_is_refused(
    recipe: str, vision: dict[str, Any], said: str, tmp_path: Path
) -> None:
    config(recipe=recipe, architectures=["PETRG3D"]).to_json_file(tmp_path / "config.json", use_diff=False)
    assert read_config(tmp_path).typed_recipe.name == recipe
    values = json.loads((tmp_path / "config.json").read_text())
    values["network"]["vision"] |= vision
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelError) as error:
        read_config(tmp_path)
    assert str(error.value).startswith(said)


def test_a_shape_changed_afterwards_is_checked_when_it_is_used() -> None:
    made = config()
    made.network["vision"]["position"] = "stretched"
    with pytest.raises(ModelError, match=r"network\.vision\.position"):
        _ = made.parts


def test_what_else_is_wrong_is_named() -> None:
    with pytest.raises(ModelError, match=r"key 'vision\.patch\.1'"):
        config(network={"vision": {"patch": [8, 0, 8]}})
    with pytest.raises(ModelError, match=r"key 'vision\.width': unknown key"):
        config(network={"vision": {"width": 8}})
    with pytest.raises(ModelError, match="domain 'cats' — expected one of patients, phantoms, untrained"):
        config(domain="cats")
    with pytest.raises(ModelError, match=r"recipe key 'prompt'.*no place \{age\}"):
        Recipe.of({**PETRG_1.model_dump(), "prompt": {**PETRG_1.prompt.model_dump(), "without_template": "{age}"}})


def test_a_new_network_has_the_shape_asked_for(tmp_path: Path) -> None:
    base = write_family("qwen3", tmp_path / "base")
    small = {"vision": {"dim": 24, "depth": 1}, "resampler": {"depth": 1, "latents": 24}}
    model, processor = start(base, network=small)
    assert model.config.parts == shape(PETRG_1, small)
    assert processor.latents == 24
    released, _ = start(base, network=AS_RELEASED, recipe="petrg3d-2025")
    assert released.config.parts == AS_RELEASED
    with pytest.raises(ModelError, match=r"vision\.position"):
        start(base, network=SMALL, recipe="petrg3d-2025")
