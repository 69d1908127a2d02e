"""Configurations: every one that is shipped, and what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from tiny_train import toy

from petrg.errors import ModelError
from petrg.model.config import LoraSpec, Network, default_network
from petrg.model.recipe import Recipe
from petrg.train import TrainConfig, config_names, read_config
from petrg.train.config import Start
from petrg.train.parallel import zero2
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
    assert config.model.network == Network(lora=LoraSpec(rank=8, alpha=32, dropout=0.1))
    made = arguments(config.model_copy(update={"parallel": "none", "device": "cpu", "precision": "fp32"}), tmp_path)
    assert (made.lr_scheduler_type.value, made.warmup_steps, made.max_grad_norm) == (
        "constant_with_warmup",
        optimiser.warmup_steps,
        1.0,
    )


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
        (
            {"text_only": True, "parts": ["token_rows"], "dropout__pet": 0.5},
            "text_only shows no image, so dropout.ct, dropout.pet and dropout.images leave out nothing",
        ),
        ({"parts": ["lora", "language_model"]}, "adapt it or train it"),
        ({"model__vision": None}, "nothing says where it comes from"),
        ({"model__base": "x"}, "exactly one of base, weights, scratch"),
        ({"dropout__ct": 0.7}, "above 1"),
        ({"validation__write": False}, "needs validation.write"),
        ({"losses__latent_regions": 1.0, "model__network__resampler__latents": 50}, "a multiple of the 24 regions"),
        ({"losses__attention": 1.0, "model__network__resampler__latents": 4}, "losses.attention with 4 latents"),
        ({"model__scratch__hidden": 36, "model__scratch__heads": 4}, "no even width a head"),
        ({"model__scratch__vocabulary": 200}, "greater than or equal to 300"),
        ({"model__dtype": "bfloat16"}, "revision and dtype are of base, not of scratch"),
        ({"model": {"weights": "x", "revision": "1"}}, "revision and dtype are of base, not of weights"),
        ({"model": {"weights": "x", "network": {}}}, "network given, but weights have their own"),
        ({"model": {"weights": "x", "vision": "random"}}, "but weights have an encoder"),
        ({"parts": ["lora"], "model__network__lora": None}, "model.network.lora is none"),
        ({"optimiser__betas": [0.9, 1.0]}, "less than 1"),
    ],
)
def test_contradictions_are_refused(sets: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said.replace("(", r"\(")):
        toy(**({"dropout__pet": 0.7} if "dropout__ct" in sets else {}), **sets)


@pytest.mark.parametrize(
    ("recipe", "key", "value", "wanted"),
    [
        ("petrg-1", "position", "stretched", "'mm'"),
        ("petrg-1", "normalise_patches", True, "false"),
        ("petrg-1", "channels", 2, "3"),
        ("petrg3d-2025", "position", "mm", "'stretched'"),
    ],
)
def test_a_shape_that_contradicts_the_recipe_is_refused_with_its_key(
    written: Path, recipe: str, key: str, value: object, wanted: str
) -> None:
    stem = 'stem = "linear"\n' if key == "normalise_patches" else ""
    said = fault(
        written,
        f'recipe = "{recipe}"\n{LEAST}[model.network.vision]\n{stem}',
        f"model.network.vision.{key}={str(value).lower()}",
    )
    found = repr(value) if isinstance(value, str) else str(value).lower()
    assert said.startswith(f"model.network.vision.{key} = {found} under recipe {recipe} — expected {wanted}: ")
    shape = default_network(Recipe.of(recipe))
    vision = shape.vision.model_copy(update={"stem": "linear", key: value})
    with pytest.raises(ModelError, match=rf"^model\.network\.vision\.{key} = "):
        TrainConfig(recipe=recipe, model=Start(base="x", vision="random", network=Network(vision=vision)))


def test_the_shape_is_the_recipes_where_it_is_not_given(written: Path) -> None:
    written.write_text(LEAST)
    assert read_config(written).model.network == default_network(Recipe.of("petrg-1"))
    assert TrainConfig(model=Start(base="x", vision="random")) == read_config(written)
    assert read_config(written, ["recipe=petrg3d-2025"]).model.network == Network()
    one = read_config(written, ["model.network.vision.dim=96", "model.network.lora.rank=4"]).model.network
    own = default_network(Recipe.of("petrg-1"))
    vision = own.vision.model_copy(update={"dim": 96})
    assert one == own.model_copy(update={"vision": vision, "lora": LoraSpec(rank=4)})
    windows = "recipe_changes.input.windows_hu=[[-1000.0, 1000.0], [-160.0, 240.0]]"
    two = read_config(written, ["recipe_changes.name=mine", windows]).model.network
    assert two is not None
    assert two.vision.channels == 2
    table = "[model.network.vision]\n"
    assert fault(written, f"{LEAST}{table}dim = 2\n").startswith("line 5: key 'model.network.vision.dim'")
    assert fault(written, f"{LEAST}{table}width = 2\n").startswith("line 5: key 'model.network.vision.width': unknown")
    assert fault(written, f"{LEAST}network = 3\n").startswith("line 4: key 'model.network'")


def test_the_record_of_a_run_is_its_configuration(written: Path) -> None:
    """train.json holds every value: read again it is the same run, even where another petrg has other defaults."""
    for name in config_names():
        config = read_config(name)
        assert TrainConfig.from_json(config.model_dump_json()) == config
    weights = toy(model={"weights": "x"})
    assert weights.model.network is None
    assert TrainConfig.from_json(weights.model_dump_json()) == weights


def test_a_changed_recipe_has_a_name_of_its_own() -> None:
    assert toy().typed_recipe.input.spacing_mm == (32.0, 32.0, 32.0)  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="under its own name"):
        _ = toy(recipe_changes={"input": {"spacing_mm": [8.0, 8.0, 8.0]}}).typed_recipe
    with pytest.raises(ModelError, match=r"recipe key 'input\.mm\.spacing"):
        _ = toy(recipe_changes={"name": "x", "input": {"spacing": 8.0}}).typed_recipe


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no configuration 'none\.toml' — expected a TOML file, or one of petrg"):
        read_config(tmp_path / "none.toml")
