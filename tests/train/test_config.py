"""Configurations: every one that is shipped, and what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from tiny_train import toy
from transformers import Qwen3Config

from petrg.errors import ModelError
from petrg.model.config import PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.recipe import Recipe
from petrg.train import config_names, read_config
from petrg.train.parallel import zero2
from petrg.train.parts import freeze, trained
from petrg.train.trainer import arguments

BACKBONES = ("qwen3-8b", "qwen2.5-7b", "glm-4-9b", "gemma-2-9b", "mistral-7b", "llama-2-7b")
LEAST = '[model]\nbase = "x"\nvision = "random"\n'


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "x.toml"


def fault(path: Path, text: str, *sets: str) -> str:
    path.write_text(text)
    with pytest.raises(ModelError) as error:
        read_config(path, sets)
    return str(error.value)


@pytest.mark.parametrize("name", config_names())
def test_every_shipped_configuration_is_whole(name: str, tmp_path: Path) -> None:
    config = read_config(f"configs/{name}.toml")
    assert config == read_config(name)
    assert config.name == name
    assert config.typed_recipe.name.startswith(config.recipe)
    made = arguments(config.model_copy(update={"parallel": "none", "device": "cpu"}), tmp_path)
    assert made.gradient_accumulation_steps == config.batches.accumulation


def test_what_is_shipped() -> None:
    joint = {f"petrg3d-2025-{name}" for name in BACKBONES}
    assert set(config_names()) == joint | {"petrg-1-8b", "petrg-1-0.6b", "text-only", "tiny"}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_joint_recipe_is_the_released_one(backbone: str, tmp_path: Path) -> None:
    config = read_config(f"petrg3d-2025-{backbone}")
    optimiser, batches = config.optimiser, config.batches
    assert (batches.epochs, optimiser.warmup_steps) == ((15, 30) if backbone == "qwen3-8b" else (30, 100))
    assert (optimiser.lr, optimiser.weight_decay, optimiser.clip, optimiser.schedule) == (5e-5, 0.0, 1.0, "constant")
    assert (batches.cases, batches.accumulation, config.seed) == (1, 8, 42)
    assert (config.precision, config.checkpointing, config.parallel) == ("bf16", True, "zero2")
    assert (optimiser.betas, optimiser.eps) == ((0.9, 0.999), 1e-8)
    assert HfDeepSpeedConfig(zero2(config)).is_zero2()
    lora = config.model.network.lora
    assert lora is not None
    assert (lora.rank, lora.alpha, lora.dropout) == (8, 32, 0.1)
    made = arguments(config.model_copy(update={"parallel": "none", "device": "cpu", "precision": "fp32"}), tmp_path)
    assert (made.lr_scheduler_type.value, made.warmup_steps, made.max_grad_norm) == (
        "constant_with_warmup",
        optimiser.warmup_steps,
        1.0,
    )


def test_the_joint_recipe_trains_as_many_values_as_released() -> None:
    config = read_config("petrg3d-2025-qwen3-8b")
    lm = Qwen3Config(
        vocab_size=151669,
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        network = PETRG3D(PETRG3DConfig(network=config.model.network, recipe=Recipe.of(config.recipe), text_config=lm))
    freeze(network, config.parts)
    assert sum(p.numel() for _, p in trained(network)) == 85_918_720


def test_a_wrong_key_is_named_with_its_line(written: Path) -> None:
    assert fault(written, LEAST + "[optimiser]\nlr = 1e-4\nmomentum = 0.9\n").startswith(
        "line 6: key 'optimiser.momentum': unknown key"
    )
    assert fault(written, LEAST + "[optimiser]\nlr = 'fast'\n").startswith("line 5: key 'optimiser.lr': ")
    assert fault(written, "speed = 1\n" + LEAST).startswith("line 1: key 'speed': unknown key")
    assert fault(written, LEAST + "[data]\nkind = 'phantoms'\ntrian = 3\n").startswith("line 6: key 'data.trian'")
    assert "TOML" in fault(written, "[model\n")


def test_set_is_checked_like_the_file(written: Path) -> None:
    written.write_text(LEAST)
    sets = [
        "optimiser.lr=2e-4",
        "name=a name",
        "parts=['lora']",
        "checkpointing=false",
        "data.kind=phantoms",
        "data.train=3",
    ]
    config = read_config(written, sets)
    assert (config.optimiser.lr, config.name, config.parts) == (2e-4, "a name", ("lora",))
    assert (config.checkpointing, config.data.train) == (False, 3)  # type: ignore[union-attr]
    assert fault(written, LEAST, "optimiser.lr=fast").startswith("--set optimiser.lr: key 'optimiser.lr'")
    assert fault(written, LEAST, "optimizer.lr=1").startswith("--set optimizer.lr: key 'optimizer': unknown key")
    assert fault(written, LEAST, "lr").startswith("--set lr — expected key.key=value")
    assert fault(written, LEAST, "seed.x=1", "seed=1", "seed.y=2").startswith("--set seed.y: 'seed' is a value")


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"vision": "trained"}, "parts holds 'vision' exactly where vision = 'trained'"),
        ({"augment__shift_mm": 4.0}, "augment changes images, whose features are cached"),
        ({"losses__patch_regions": 1.0}, "losses.patch_regions trains the image encoder"),
        ({"text_only": True}, "text_only shows no image"),
        ({"parts": ["lora", "language_model"]}, "adapt it or train it"),
        ({"model__vision": None}, "nothing says where it comes from"),
        ({"model__base": "x"}, "exactly one of base, weights, scratch"),
        ({"dropout__ct": 0.7}, "above 1"),
        ({"validation__write": False}, "needs validation.write"),
    ],
)
def test_contradictions_are_refused(sets: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said.replace("(", r"\(")):
        toy(**({"dropout__pet": 0.7} if "dropout__ct" in sets else {}), **sets)


def test_a_changed_recipe_has_a_name_of_its_own() -> None:
    assert toy().typed_recipe.input.spacing_mm == (32.0, 32.0, 32.0)  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="under its own name"):
        _ = toy(recipe_changes={"input": {"spacing_mm": [8.0, 8.0, 8.0]}}).typed_recipe
    with pytest.raises(ModelError, match=r"recipe key 'input\.mm\.spacing"):
        _ = toy(recipe_changes={"name": "x", "input": {"spacing": 8.0}}).typed_recipe


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no configuration 'none\.toml' — expected a TOML file, or one of petrg"):
        read_config(tmp_path / "none.toml")
