"""Released checkpoints to folders of ours and back: the map of names, what is refused, how large the result is."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from families import write_family
from released_file import RELEASED, Checkpoint, write_checkpoint
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from petrg.cli.flatten import spread
from petrg.cli.guard import guard
from petrg.cli.verbs.convert_weights import convert_weights
from petrg.errors import ModelError, PetrgError
from petrg.model import PETRG3D, PETRG3DConfig, PETRG3DProcessor
from petrg.model.config import Network
from petrg.model.convert import convert_released
from petrg.model.released import design_shapes, our_name, qwen3_8b, released_shapes, their_name
from petrg.model.released_keys import DUPLICATE, released_keys
from petrg.model.released_weights import load_released, released_state, write_released
from petrg.model.start import start
from petrg.model.weights import is_ours


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_checkpoint(tmp_path_factory.mktemp("released"))


@pytest.mark.reference
def test_831_names_and_shapes_of_the_real_model(shared: Path) -> None:
    lines = (shared / "data" / "petrg3d_parity" / "keys_real_qwen3_8b.txt").read_text().splitlines()
    wanted = {name: tuple(json.loads(shape)) for name, shape in (line.split("\t") for line in lines if line)}
    assert {name: key.shape for name, key in released_keys().items()} == wanted


def test_the_frozen_list_is_whole() -> None:
    """Its hash is that of the reference's own list, sorted: no line of it can change unseen."""
    lines = sorted(f"{name}\t{json.dumps(list(key.shape))}\n" for name, key in released_keys().items())
    frozen = tomllib.loads(files("petrg.model").joinpath("released_keys.toml").read_text())
    assert len(lines) == frozen["count"] == 831
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert digest == frozen["sha256"] == "1e45fdd60e5a8ef8398ce9119b1feeb03a052d24e57d281be12b6ac4db4db2fd"


def test_the_network_asks_for_the_frozen_list_and_no_other() -> None:
    frozen = released_keys()
    assert (
        design_shapes(Network(), qwen3_8b()) == {name: key.shape for name, key in frozen.items()} == released_shapes()
    )
    with torch.device("meta"):
        network = PETRG3D(PETRG3DConfig(network=Network(), recipe="petrg3d-2025", text_config=qwen3_8b()))
    ours = {key.ours: key.shape for key in frozen.values() if key.ours}
    assert ours == {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert [name for name, key in frozen.items() if key.ours is None] == [DUPLICATE]


def test_a_released_file_is_held_to_the_frozen_list_whatever_the_library_builds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def other(*_: object) -> dict[str, tuple[int, ...]]:
        raise AssertionError("built anew")

    monkeypatch.setattr("petrg.model.released.design_shapes", other)
    assert len(released_shapes(Network(), qwen3_8b())) == 831
    for network, size in ((Network(), 151936), (RELEASED, 151669)):
        with pytest.raises(AssertionError, match="built anew"):
            released_shapes(network, qwen3_8b(size))


def test_the_map_goes_both_ways() -> None:
    frozen = released_keys()
    for name in frozen.keys() - {DUPLICATE}:
        ours = our_name(name)
        assert ours == frozen[name].ours
        assert ours is not None
        assert their_name(ours) == name
    assert len({our_name(name) for name in frozen}) == 831
    for unknown in ("embedding_layer.perceiver_x.latents", "lang_model.model.norm.weight", "vision.drop", ""):
        with pytest.raises(ModelError, match="none of the released"):
            our_name(unknown)
    for unplaced in ("pet_vision.stem.linear.weight", "vision.stem.layers.0.weight"):
        with pytest.raises(ModelError, match="none of those that the released layout has a place for"):
            their_name(unplaced)


def test_the_result_fits_by_arithmetic(shared: Path) -> None:
    counts = json.loads((shared / "data" / "petrg3d_parity" / "real_param_counts.json").read_text())
    shapes = released_shapes()
    ours = sum(math.prod(s) for n, s in shapes.items() if n != DUPLICATE and is_ours(our_name(n) or ""))
    assert ours == counts["total_unique"] - counts["qwen3_8b_vocab151669"] == 152_126_720
    assert sum(map(math.prod, shapes.values())) == counts["checkpoint_numel_with_duplicate_embedding"]
    header = 200 * len(shapes)  # bytes, and more than it takes
    assert 4 * ours + header <= 0.62e9
    assert 2 * ours + header <= 0.31e9


def test_the_backbones_known_configuration() -> None:
    config = qwen3_8b(151936)
    with torch.device("meta"):
        from transformers import AutoModelForCausalLM

        lm = AutoModelForCausalLM.from_config(config)
    assert sum(p.numel() for p in lm.parameters()) == 8_190_735_360  # as published


def test_a_conversion_loads_as_the_checkpoint_itself(network: Any, tmp_path: Path) -> None:
    model, file, base = network
    done = convert_released(file, tmp_path / "w", base=base)
    assert (done.base_checked, done.has_tokenizer, done.dtype) == (True, True, "float32")
    assert done.bytes < sum(t.nbytes for n, t in model.state_dict().items() if is_ours(n)) + 110 * done.tensors
    direct, _ = load_released(file, base)
    ours = PETRG3D.from_pretrained(tmp_path / "w", recipe="petrg3d-2025")
    for name, tensor in model.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name
        assert torch.equal(direct.state_dict()[name], tensor), name
    assert ours.config.parts == direct.config.parts == RELEASED
    assert (ours.config.domain, ours.config.embeds_base) == ("patients", False)
    processor = PETRG3DProcessor.from_pretrained(tmp_path / "w")
    assert processor.typed_recipe.name == "petrg3d-2025"
    ids = torch.tensor([[65, *range(processor.span.first, processor.span.end), 66]])
    volumes = {"ct": torch.randn(1, 1, 32, 64, 8), "pet": torch.randn(1, 1, 32, 64, 8)}
    with torch.inference_mode():
        assert torch.equal(direct(input_ids=ids, **volumes).logits, ours(input_ids=ids, **volumes).logits)


def test_back_to_the_released_layout_bit_for_bit(network: Any, tmp_path: Path) -> None:
    _, file, base = network
    convert_released(file, tmp_path / "w", base=base)
    write_released(PETRG3D.from_pretrained(tmp_path / "w"), tmp_path / "back.safetensors")
    before, after = load_file(file), load_file(tmp_path / "back.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_both_formats_shards_and_types_give_the_same(network: Any, tmp_path: Path) -> None:
    _, file, base = network
    convert_released(file, tmp_path / "one", base=base)
    state = load_file(file)
    torch.save(state, tmp_path / "pytorch_model.bin")
    names = sorted(state)
    (tmp_path / "sharded").mkdir()
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for part, own in parts.items():
        save_file({n: state[n] for n in own}, tmp_path / "sharded" / part)
    index = {"weight_map": {n: part for part, own in parts.items() for n in own}}
    (tmp_path / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index))
    wanted = (tmp_path / "one" / "model.safetensors").read_bytes()
    for source in (tmp_path / "pytorch_model.bin", tmp_path / "sharded"):
        convert_released(source, tmp_path / "two", base=base)
        assert (tmp_path / "two" / "model.safetensors").read_bytes() == wanted
    half = convert_released(file, tmp_path / "half", base=base, dtype=torch.bfloat16)
    assert half.bytes < len(wanted) * 0.56
    got = load_file(tmp_path / "half" / "model.safetensors")
    assert all(torch.equal(got[n], t.bfloat16()) for n, t in load_file(tmp_path / "one" / "model.safetensors").items())


def test_the_language_model_can_be_kept(network: Any, tmp_path: Path) -> None:
    model, file, base = network
    moved = shutil.copytree(base, tmp_path / "base")
    convert_released(file, tmp_path / "w", base=moved, full=True)
    shutil.rmtree(moved)
    got = PETRG3D.from_pretrained(tmp_path / "w").state_dict()
    assert all(torch.equal(got[n], t) for n, t in model.state_dict().items())


def test_without_a_tokenizer_at_hand_that_of_the_base_is_taken(network: Any, tmp_path: Path) -> None:
    model, file, base = network
    convert_released(file, tmp_path / "w", base=base)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "processor_config.json"):
        (tmp_path / "w" / name).unlink()
    processor = PETRG3DProcessor.from_pretrained(tmp_path / "w")
    assert processor.span == model.span


def test_the_verb(network: Any, tmp_path: Path) -> None:
    _, file, base = network
    app = typer.Typer()
    app.command()(guard(spread(convert_weights)))
    call = [str(file), "-o", str(tmp_path / "w"), "--base", str(base), "--dtype", "bfloat16"]
    made = CliRunner().invoke(app, call)
    assert made.exit_code == 0, made.output
    assert "the language model is the base's: checked" in made.output
    assert PETRG3DConfig.from_pretrained(tmp_path / "w").typed_recipe.name == "petrg3d-2025"
    failed = CliRunner().invoke(app, [str(tmp_path / "none"), "-o", str(tmp_path / "x"), "--base", str(base)])
    assert failed.exit_code == 2
    assert "Traceback" not in failed.output
    assert not (tmp_path / "x").exists()


@pytest.mark.reference
def test_the_reference_checkpoint_both_ways(shared: Path, tmp_path: Path) -> None:
    home = shared / "data" / "petrg3d_parity"
    done = convert_released(home, tmp_path / "w")  # the backbone lies beside it
    assert done.base_checked
    converted = PETRG3D.from_pretrained(tmp_path / "w", dtype="float32")
    before = load_file(home / "model.safetensors")
    after = released_state(converted)
    assert before.keys() == after.keys()
    assert len(after) == 211
    assert all(torch.equal(before[name].float(), after[name]) for name in before)


def test_a_network_of_another_design_has_no_released_layout(tmp_path: Path) -> None:
    network = RELEASED.model_copy(update={"vision": RELEASED.vision.model_copy(update={"share": False})})
    model, _ = start(write_family("qwen3", tmp_path / "base"), network=network, recipe="petrg3d-2025")
    with pytest.raises(PetrgError, match="none of those"):
        released_state(model)


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        (lambda s: s.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}), True),
        (lambda s: s["model.layers.1.mlp.up_proj.weight"][0].add_(1.0), False),
        (lambda s: s.update({"model.norm.weight": torch.ones(17)}), False),
        (lambda s: s.pop("model.layers.1.mlp.up_proj.weight"), False),
        (lambda s: s.update({"lm_head.weight": s["lm_head.weight"][:200].clone()}), False),
    ],
    ids=["frequencies that count for nothing", "altered", "another shape", "missing", "a head with too few rows"],
)
def test_the_base_at_hand_must_be_the_one_in_the_file(
    network: Checkpoint, tmp_path: Path, change: Any, taken: bool
) -> None:
    base = shutil.copytree(network.base, tmp_path / "base")
    state = load_file(base / "model.safetensors")
    change(state)
    save_file(state, base / "model.safetensors", metadata={"format": "pt"})
    if taken:
        assert convert_released(network.file, tmp_path / "w", base=base).base_checked
        return
    with pytest.raises(ModelError, match="the language model in the checkpoint is not the base given"):
        convert_released(network.file, tmp_path / "w", base=base)
    assert not (tmp_path / "w").exists()
    convert_released(network.file, tmp_path / "w", base=base, full=True)  # its own is kept: no base is needed
