"""Every shipped configuration as the network that it builds, at full size on the meta device: no tensor has values.

What is expected is counted by hand from the design, or is the spec's own number.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from families import write_family
from published import PUBLISHED, published_lm

from petrg.errors import ModelError
from petrg.model import PETRG3D
from petrg.model.config import PETRG3DConfig
from petrg.model.weights import is_ours
from petrg.train import TrainConfig, config_names, read_config
from petrg.train.build import build, network_of
from petrg.train.parts import freeze, trained
from petrg.train.scratch import new_language_model

JOINT = [name for name in config_names() if name.startswith("petrg3d-2025-")]
GLM = ("q_proj", "k_proj", "v_proj", "o_proj")
# the released image side: transformer, two resamplers, a map of 768 each, 4 x 2 rows (shared/spec/petrg3d-2025.md)
VIT, RESAMPLER = 66_208_000, 37_876_224


def built(config: TrainConfig) -> PETRG3D:
    """The network of a configuration, without values, and only what is trained asking for a gradient."""
    if config.model.scratch is not None:
        with torch.device("meta"):
            lm = new_language_model(config.model.scratch, _Words(config.model.scratch.vocabulary))
    else:
        lm = published_lm(str(config.model.base))
    made = PETRG3DConfig(network=network_of(config), recipe=config.typed_recipe, text_config=lm.config)
    with torch.device("meta"):
        network = PETRG3D(made, language_model=lm)
    freeze(network, config.parts)
    return network


class _Words(list[int]):
    """As much of a tokenizer as the shape of a language model depends on."""

    pad_token_id, eos_token_id = 0, 2

    def __init__(self, count: int) -> None:
        super().__init__([0] * count)


def values(network: PETRG3D, *, of: str = "") -> int:
    """Values that are none of the base language model's; ``of`` those whose name begins so."""
    return sum(p.numel() for name, p in network.named_parameters() if is_ours(name) and name.startswith(of))


def adapted(network: PETRG3D) -> dict[str, int]:
    """The layers that have an adapter, and how many of each there are."""
    found: dict[str, int] = {}
    for name, _ in network.named_modules():
        if name.endswith(".lora_A"):
            layer = name.split(".")[-2]
            found[layer] = found.get(layer, 0) + 1
    return found


def trained_parts(network: PETRG3D) -> set[str]:
    """The trained modules by their first name; "lora" for adapters, "language_model" for anything else of it."""
    return {"lora" if ".lora_" in name else name.split(".")[0] for name, _ in trained(network)}


@pytest.mark.parametrize("name", JOINT)
def test_the_joint_recipe_builds_the_released_network(name: str) -> None:
    config = read_config(name)
    network = built(config)
    count, shape = PUBLISHED[str(config.model.base)]
    lm = sum(p.numel() for n, p in network.language_model.named_parameters() if ".lora_" not in n)
    assert lm == count  # the published model's, by its model card
    hidden, heads, kv = shape["hidden_size"], shape["num_attention_heads"], shape["num_key_value_heads"]
    head_dim, layers = shape.get("head_dim", shape["hidden_size"] // heads), shape["num_hidden_layers"]
    wide = {"q_proj": heads, "k_proj": kv, "v_proj": kv}
    targets = GLM if "GLM" in str(config.model.base) else ("q_proj", "v_proj")
    assert adapted(network) == dict.fromkeys(targets, layers)
    rank = 8
    ends = {t: hidden + (wide[t] * head_dim if t in wide else hidden) for t in targets}  # in and out; o_proj is square
    lora = layers * rank * sum(ends.values())
    ours = 2 * RESAMPLER + 2 * (768 * hidden + hidden) + 4 * 2 * hidden + lora
    assert values(network) == VIT + ours
    assert sum(p.numel() for _, p in trained(network)) == ours
    assert trained_parts(network) == {
        "lora",
        "ct_resampler",
        "pet_resampler",
        "ct_projection",
        "pet_projection",
        "token_rows",
    }
    assert network.span.latents == 128


def test_the_released_numbers_of_qwen3_8b() -> None:
    network = built(read_config("petrg3d-2025-qwen3-8b"))
    assert values(network) == 152_126_720
    assert sum(p.numel() for _, p in trained(network)) == 85_918_720
    assert values(network, of="vision.") == VIT
    assert values(network, of="language_model.") == 3_833_856
    assert values(network, of="token_rows.") == 32_768
    assert values(network, of="ct_projection.") == values(network, of="pet_projection.") == 3_149_824


def petrg_1_vision() -> int:
    """Values of petrg-1's transformer, counted from docs/network.md: 8 layers of 512 behind convolutions."""
    dim, heads, mlp = 512, 8 * 64, 2048
    convolutions = 0
    for before, after in ((3, 128), (128, 256), (256, 512)):  # three that halve each axis, 8 voxels to one
        convolutions += before * after * 27 + after
    stem = convolutions + dim * dim + dim + 2 * dim  # one of size 1, and a LayerNorm
    positions = 64 * 171 + 32 * 171 + 32 * 170
    attention = 2 * dim + dim * 3 * heads + heads * dim + dim
    feedforward = 2 * dim + dim * mlp + mlp + mlp * dim + dim
    return stem + positions + 8 * (attention + feedforward)


def petrg_1_resampler() -> int:
    """Values of one of petrg-1's resamplers: 4 layers, 120 latents."""
    dim = 512
    layer = 4 * dim + dim * dim + dim * 2 * dim + dim * dim + 2 * dim + 2 * 4 * dim * dim
    return 120 * dim + 4 * layer + 2 * dim


@pytest.mark.parametrize(("name", "base"), [("petrg-1-8b", "Qwen/Qwen3-8B"), ("petrg-1-0.6b", "Qwen/Qwen3-0.6B")])
def test_petrg_1_builds_its_own_network(name: str, base: str) -> None:
    config = read_config(name)
    assert config.model.base == base
    network = built(config)
    shape = PUBLISHED[base][1]
    hidden, layers = shape["hidden_size"], shape["num_hidden_layers"]
    q, v = shape["num_attention_heads"] * 128, shape["num_key_value_heads"] * 128
    assert adapted(network) == {"q_proj": layers, "v_proj": layers}
    assert values(network, of="vision.") == petrg_1_vision()
    assert values(network, of="ct_resampler.") == values(network, of="pet_resampler.") == petrg_1_resampler()
    rest = 2 * (512 * hidden + hidden) + 8 * hidden + layers * 8 * (2 * hidden + q + v)
    ours = petrg_1_vision() + 2 * petrg_1_resampler() + rest
    assert values(network) == sum(p.numel() for _, p in trained(network)) == ours  # all but the language model
    assert "language_model" not in trained_parts(network)
    vision = network.config.parts.vision
    assert (vision.position, vision.stem, vision.normalise_patches, vision.channels) == ("mm", "conv", False, 3)


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        ("petrg-1-0.6b", ()),
        ("petrg3d-2025-qwen2.5-7b", ("recipe=petrg3d-2025", "model.base=Qwen/Qwen2.5-7B-Instruct")),
    ],
)
def test_a_warm_up_on_texts_builds_what_the_joint_run_goes_on_with(name: str, sets: tuple[str, ...]) -> None:
    warm, joint = read_config("text-only", sets), read_config(name)
    assert (warm.model.base, warm.typed_recipe) == (joint.model.base, joint.typed_recipe)
    network, after = built(warm), built(joint)
    assert network.config.parts == after.config.parts
    assert {n: p.shape for n, p in network.named_parameters()} == {n: p.shape for n, p in after.named_parameters()}
    assert trained_parts(network) == {"lora", "token_rows"}


def test_the_tiny_one_trains_everything() -> None:
    config = read_config("tiny")
    network = built(config)
    assert all(p.requires_grad for p in network.parameters())
    assert adapted(network) == {}
    assert sum(p.numel() for p in network.parameters()) < 1_000_000


def test_two_encoders_are_one_value_of_the_configuration() -> None:
    one, two = (
        built(read_config("petrg-1-0.6b", [f"model.network.vision.share={share}"])) for share in ("true", "false")
    )
    assert values(two) == values(one) + petrg_1_vision()
    assert values(two, of="pet_vision.") == petrg_1_vision()
    assert trained_parts(two) == {*trained_parts(one), "pet_vision"}


# from texts alone to images

SMALL = (
    "model.network.vision.dim=24",
    "model.network.vision.depth=1",
    "model.network.resampler.depth=1",
    "model.network.vision.position_tables=[8, 8, 8]",
    "precision=fp32",
)


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as a run on texts alone leaves them, its adapters moved."""
    home = tmp_path_factory.mktemp("warm")
    base = write_family("qwen3", home / "base")
    config = read_config("text-only", [*SMALL, f"model.base={base}", "model.dtype=float32"])
    network, processor = build(config, [])
    with torch.no_grad():
        for _, parameter in trained(network):
            parameter.add_(0.25)
    network.save_pretrained(home / "weights", processor=processor)
    return home / "weights"


def test_weights_of_texts_alone_go_on_with_images(warmed: Path) -> None:
    before = PETRG3D.from_pretrained(warmed)
    config = read_config("petrg-1-0.6b", [f"model={{weights='{warmed}'}}"])
    network, _ = build(config, [])
    assert all(torch.equal(a, b) for a, b in zip(before.parameters(), network.parameters(), strict=True))
    assert {"vision", "ct_resampler", "lora", "token_rows"} <= trained_parts(network)
    volume = torch.zeros(1, 3, 16, 16, 16)
    at = network.vision.eval().positions((2, 2, 2)).view(2, 2, 2, 24)
    assert torch.equal(
        at[1, 0, 0], network.vision.positions((1, 2, 2)).view(1, 2, 2, 24)[0, 0, 0]
    )  # the top is the top
    assert network.condense(*network.see(volume, volume[:, :1])).shape == (1, 240, 16)


def test_an_encoder_that_never_saw_an_image_does_not_stay_frozen(warmed: Path) -> None:
    frozen = ["vision=frozen-cached", "parts=['lora', 'resamplers']", "augment={}", "losses={}"]
    config = read_config("petrg-1-0.6b", [f"model={{weights='{warmed}'}}", *frozen])
    with pytest.raises(ModelError, match="stays frozen and nothing has ever trained it"):
        build(config, [])
    taken = read_config("petrg-1-0.6b", [f"model={{weights='{warmed}', vision='{warmed}'}}", *frozen])
    with pytest.raises(ModelError, match="stays frozen and nothing has ever trained it"):
        build(taken, [])


def test_losses_on_regions_are_held_against_the_latents_of_weights(warmed: Path, tmp_path: Path) -> None:
    sets = [
        *SMALL,
        f"model.base={warmed.parent / 'base'}",
        "model.dtype=float32",
        "model.network.resampler.latents=100",
    ]
    network, processor = build(read_config("text-only", sets), [])
    network.save_pretrained(tmp_path / "weights", processor=processor)
    config = read_config("petrg-1-0.6b", [f"model={{weights='{tmp_path / 'weights'}'}}"])
    with pytest.raises(ModelError, match=r"losses\.latent_regions with 100 latents .* take 96 latents"):
        build(config, [])
    build(read_config("petrg-1-0.6b", [f"model={{weights='{tmp_path / 'weights'}'}}", "losses={}"]), [])


def test_an_encoder_of_other_images_is_not_taken(warmed: Path) -> None:
    model = f"model={{base='{warmed.parent / 'base'}', vision='{warmed}'}}"
    changed = ["recipe_changes.name=mine", "recipe_changes.input.spacing_mm=[5.0, 5.0, 5.0]"]
    config = read_config("petrg-1-0.6b", [model, *SMALL, *changed])
    with pytest.raises(ModelError, match=r"of recipe petrg-1, which shows images another way"):
        build(config, [])


def test_adapters_and_their_language_model_are_not_both_trained(warmed: Path) -> None:
    network = PETRG3D.from_pretrained(warmed)
    with pytest.raises(ModelError, match="the language model has adapters"):
        freeze(network, ("language_model",))
