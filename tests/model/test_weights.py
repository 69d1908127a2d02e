"""A network to a folder and back: every tensor, in a fresh process too; and every way a folder can be broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from families import SMALL, write_family
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from petrg.errors import ModelError, PetrgError
from petrg.model import PETRG3D, PETRG3DConfig, PETRG3DProcessor
from petrg.model.card import Card
from petrg.model.recipe import Recipe
from petrg.model.start import start
from petrg.model.weights import is_ours

FRESH = """
import hashlib, json, sys
import petrg.model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
assert not model.training
assert "torchvision" not in sys.modules
state = model.state_dict()
print(json.dumps({n: hashlib.sha256(t.contiguous().view(-1).numpy().tobytes()).hexdigest() for n, t in state.items()}))
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_family("qwen3", tmp_path_factory.mktemp("base"))


def _started(base: Path, **how: Any) -> tuple[PETRG3D, PETRG3DProcessor]:
    torch.manual_seed(3)
    model, processor = start(base, **{"network": SMALL, **how})
    for name, parameter in model.named_parameters():  # as if trained: adapters that do something
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    return model.eval(), processor


@pytest.fixture(scope="module")
def made(base: Path) -> tuple[PETRG3D, PETRG3DProcessor]:
    return _started(base)


@pytest.fixture
def saved(made: Any, tmp_path: Path) -> Path:
    model, processor = made
    model.save_pretrained(tmp_path / "weights", processor=processor)
    return tmp_path / "weights"


def _digests(folder: Path) -> dict[str, str]:
    run = subprocess.run(
        [sys.executable, "-c", FRESH, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert run.stdout.count("\n") == 1  # nothing else is printed
    return json.loads(run.stdout)


def _own(model: PETRG3D) -> dict[str, str]:
    import hashlib

    return {
        n: hashlib.sha256(t.contiguous().view(-1).numpy().tobytes()).hexdigest() for n, t in model.state_dict().items()
    }


@pytest.mark.parametrize(("family", "shard"), [("qwen3", 5_000_000_000), ("gemma2", 3000)])
def test_all_tensors_are_equal_in_a_fresh_process(family: str, shard: int, tmp_path: Path) -> None:
    model, processor = _started(write_family(family, tmp_path / "base"))
    model.save_pretrained(tmp_path / "weights", processor=processor, max_shard_size=shard)
    shards = list((tmp_path / "weights").glob("*.safetensors"))
    assert (len(shards) > 3) == (shard < 5000)
    assert _digests(tmp_path / "weights") == _own(model)


@pytest.mark.parametrize("family", ["qwen3", "gemma2"])
def test_an_embedded_language_model_needs_no_base(family: str, tmp_path: Path) -> None:
    moved = write_family(family, tmp_path / "base")
    model, processor = _started(moved)
    model.save_pretrained(tmp_path / "weights", full=True, processor=processor)
    shutil.rmtree(moved)
    assert _own(PETRG3D.from_pretrained(tmp_path / "weights")) == _own(model)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "weights" / "language_model")  # a plain folder by itself
    assert plain.config.vocab_size == model.config.text_config.vocab_size


def test_a_trained_language_model_is_never_lost(made: Any, base: Path, tmp_path: Path) -> None:
    model, _ = _started(base)
    with torch.no_grad():
        model.language_model.model.norm.weight.add_(1.0)
    with pytest.raises(ModelError, match="full=True"):
        model.save_pretrained(tmp_path / "lost", full=False)
    assert not (tmp_path / "lost").exists()
    model.save_pretrained(tmp_path / "kept")
    assert PETRG3D.from_pretrained(tmp_path / "kept").config.embeds_base
    assert _own(PETRG3D.from_pretrained(tmp_path / "kept")) == _own(model)


def test_a_language_model_that_is_being_trained_goes_in(base: Path, tmp_path: Path) -> None:
    model, _ = _started(base)
    trained = model.get_input_embeddings().weight
    with torch.no_grad():
        trained[70, 9] += 1.0  # one value of many
    trained.requires_grad_(True)
    model.save_pretrained(tmp_path / "kept")
    assert _own(PETRG3D.from_pretrained(tmp_path / "kept")) == _own(model)


def test_what_a_folder_holds(saved: Path, made: Any) -> None:
    model, processor = made
    assert set(load_file(saved / "model.safetensors")) == {k for k in model.state_dict() if is_ours(k)}
    config = PETRG3DConfig.from_pretrained(saved)
    assert config.typed_recipe == Recipe.of("petrg-1")
    assert config.text_config.vocab_size == len(processor.tokenizer) - (8 + 2 * 3)
    assert GenerationConfig.from_pretrained(saved).max_new_tokens == 2048
    assert len(AutoTokenizer.from_pretrained(saved)) == processor.span.end
    assert not list(saved.glob("*.bin"))
    assert (saved / "README.md").read_text(encoding="utf-8").startswith("---\n")


def test_auto_classes(saved: Path) -> None:
    assert isinstance(AutoConfig.from_pretrained(saved), PETRG3DConfig)
    assert isinstance(AutoModel.from_pretrained(saved), PETRG3D)
    assert isinstance(AutoModelForCausalLM.from_pretrained(saved, dtype=torch.bfloat16), PETRG3D)


def test_types_and_the_seed(saved: Path) -> None:
    before = torch.random.get_rng_state()
    model = PETRG3D.from_pretrained(saved, dtype="bfloat16")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert torch.equal(torch.random.get_rng_state(), before)  # nothing was drawn
    ct = torch.randn(1, 3, 8, 8, 8)
    ids = torch.tensor([[65, model.span.ct, model.span.pet]])
    assert model(input_ids=ids, ct=ct, pet=ct[:, :1]).logits.isfinite().all()
    half = PETRG3D.from_pretrained(saved, dtype="float16")  # the base is known again before it is rounded
    assert {p.dtype for p in half.parameters()} == {torch.float16}
    assert {b.dtype for n, b in half.named_buffers() if "inv_freq" in n} == {torch.float32}
    with pytest.raises(ModelError, match="no type 'float8'"):
        PETRG3D.from_pretrained(saved, dtype="float8")


def test_saving_again_changes_nothing(saved: Path, tmp_path: Path) -> None:
    PETRG3D.from_pretrained(saved).save_pretrained(
        tmp_path / "again", processor=PETRG3DProcessor.from_pretrained(saved)
    )
    for file in sorted(saved.iterdir()):
        if file.name == "tokenizer_config.json":  # transformers notes there that it came from a folder
            continue
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_another_recipe_is_refused(saved: Path) -> None:
    assert PETRG3D.from_pretrained(saved, recipe="petrg-1").config.domain == "untrained"
    with pytest.raises(ModelError, match="recipe petrg3d-2025 1 asked of weights of petrg-1 1"):
        PETRG3D.from_pretrained(saved, recipe="petrg3d-2025")
    with pytest.raises(ModelError, match="petrg3d-2025"):
        PETRG3DProcessor.from_pretrained(saved, recipe="petrg3d-2025")
    changed = Recipe.of("petrg-1").model_dump(mode="json")
    changed["input"]["suv_ceiling"] = 40.0
    with pytest.raises(ModelError, match="value for value"):
        PETRG3D.from_pretrained(saved, recipe=changed)


def _edit(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return apply


def _truncate(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate((folder / "model.safetensors").stat().st_size - 100)


def _header_only(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (_edit(lambda t: t.pop("ct_projection.weight")), r"1 missing: ct_projection.weight \[16, 12\]"),
    "adapter": (
        _edit(lambda t: t.pop("language_model.model.layers.1.self_attn.v_proj.lora_A.default.weight")),
        r"1 missing: language_model.model.layers.1.self_attn.v_proj.lora_A",
    ),
    "extra": (_edit(lambda t: t.update(more=torch.zeros(2))), r"1 unknown: more \[2\]"),
    "shape": (
        _edit(lambda t: t.update({"ct_projection.bias": torch.zeros(3)})),
        r"1 of another shape: ct_projection.bias \[3\], not \[16\]",
    ),
    "truncated": (_truncate, r"model.safetensors ends before vision\S+, .* — expected a whole file"),
    "no header": (_header_only, "no whole safetensors file"),
    "empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "no whole safetensors file"),
    "none": (lambda f: (f / "model.safetensors").unlink(), "no model.safetensors"),
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "torn config": (lambda f: (f / "config.json").write_text('{"model_type": "petrg'), "config.json cannot be read"),
    "another model": (
        lambda f: (f / "config.json").write_text('{"model_type": "llama"}'),
        "weights of a 'llama' model",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_folder_is_one_line(saved: Path, fault: str) -> None:
    damage, said = BROKEN[fault]
    damage(saved)
    with pytest.raises(ModelError, match=said) as caught:
        PETRG3D.from_pretrained(saved)
    assert "\n" not in str(caught.value)


def test_a_missing_shard_is_named(made: Any, tmp_path: Path) -> None:
    made[0].save_pretrained(tmp_path / "w", max_shard_size=3000)
    lost = sorted((tmp_path / "w").glob("model-*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(ModelError, match=f"shard {lost.name} is missing"):
        PETRG3D.from_pretrained(tmp_path / "w")


def test_the_language_model_must_be_the_one_they_were_trained_on(saved: Path, base: Path, tmp_path: Path) -> None:
    other = write_family("qwen3", tmp_path / "other", seed=9)
    with pytest.raises(ModelError, match="not the one that these weights were trained on"):
        PETRG3D.from_pretrained(saved, base=other)
    copied = shutil.copytree(base, tmp_path / "moved")
    assert PETRG3D.from_pretrained(saved, base=copied).config.base_model == str(base)
    tensors = load_file(copied / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][5, 3] += 1.0
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    lost = tensors.pop("model.layers.0.mlp.up_proj.weight")
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"not whole: missing model.layers.0.mlp.up_proj.weight"):
        PETRG3D.from_pretrained(saved, base=copied)
    save_file({**tensors, "model.layers.0.mlp.up_proj.weight": lost[:4].clone()}, copied / "model.safetensors")
    with pytest.raises(PetrgError, match="no language model can be had"):
        PETRG3D.from_pretrained(saved, base=copied)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"trust_remote_code": True}, "was given trust_remote_code"),
        ({"quantization_config": {}, "low_bit": 4}, "was given low_bit, quantization_config"),
        ({"unheard_of": False}, "was given unheard_of"),
        ({"attn_implementation": "flash_attention_2"}, "was given attn_implementation"),
        ({"subfolder": "x"}, "was given subfolder .* fetch the folder, and give its path"),
        ({"use_safetensors": False}, "was given use_safetensors"),
        ({"device_map": "auto"}, "device_map 'auto' — expected one device for all"),
        ({"device_map": {"vision": "cpu", "language_model": 0}}, "device_map .* expected one device for all"),
        ({"device_map": "cpu", "device": "meta"}, "both device and device_map were given"),
        ({"dtype": "float32", "torch_dtype": torch.bfloat16}, "both dtype and torch_dtype were given"),
    ],
)
def test_what_cannot_be_done_is_refused_not_ignored(saved: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        PETRG3D.from_pretrained(saved, **asked)
    assert "\n" not in str(caught.value)
    if "was given" in said:
        with pytest.raises(ModelError, match="the processor's from_pretrained was given"):
            PETRG3DProcessor.from_pretrained(saved, **asked)


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [
        ({"torch_dtype": "bfloat16"}, torch.bfloat16),
        ({"dtype": "bfloat16", "torch_dtype": torch.bfloat16}, torch.bfloat16),
        ({"torch_dtype": "auto", "device_map": {"": "cpu"}}, torch.float32),
        ({"device_map": "cpu", "trust_remote_code": False, "use_safetensors": True, "token": None}, torch.float32),
    ],
)
def test_hugging_faces_own_arguments_are_taken(saved: Path, asked: dict[str, Any], dtype: torch.dtype) -> None:
    for loader in (PETRG3D, AutoModelForCausalLM):
        model = loader.from_pretrained(saved, **asked)
        assert {p.dtype for p in model.parameters()} == {dtype}
        assert {p.device for p in model.parameters()} == {torch.device("cpu")}


def test_saving_takes_hugging_faces_sizes_and_refuses_what_it_cannot_do(made: Any, tmp_path: Path) -> None:
    model, _ = made
    for asked, said in (
        ({"push_to_hub": True}, "was given push_to_hub — .* call push_to_hub"),
        ({"safe_serialization": False}, "was given safe_serialization"),
        ({"variant": "fp16"}, "was given variant"),
        ({"max_shard_size": "many"}, "no size 'many'"),
    ):
        with pytest.raises(ModelError, match=said):
            model.save_pretrained(tmp_path / "no", **asked)
    assert not list(tmp_path.iterdir())
    model.save_pretrained(tmp_path / "w", max_shard_size="3KB", safe_serialization=True, push_to_hub=False)
    model.save_pretrained(tmp_path / "same", max_shard_size=3000)
    first, same = ({p.name: p.read_bytes() for p in (tmp_path / f).glob("*.safetensors")} for f in ("w", "same"))
    assert len(first) > 3
    assert first == same


def test_push_to_hub_uploads_the_whole_folder(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    seen: dict[str, Any] = {}

    def create(api: HfApi, repo_id: str, **how: Any) -> Any:
        seen["repo"] = (repo_id, api.token, how["private"])
        return SimpleNamespace(repo_id=repo_id)

    def upload(_: HfApi, *, folder_path: Path, **how: Any) -> Any:
        seen["revision"] = how["revision"]
        seen["files"] = {p.name for p in folder_path.iterdir()}
        seen["card"] = (folder_path / "README.md").read_text(encoding="utf-8")
        return SimpleNamespace(commit_url="https://hub/someone/petrg/commit/1")

    monkeypatch.setattr(HfApi, "create_repo", create)
    monkeypatch.setattr(HfApi, "upload_folder", upload)
    model, processor = made
    where = model.push_to_hub("someone/petrg", processor=processor, card=Card(data="phantoms"), private=True, token="t")
    assert where == "https://hub/someone/petrg/commit/1"
    assert (seen["repo"], seen["revision"]) == (("someone/petrg", "t", True), None)
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= seen["files"]
    assert "- **Data**: phantoms" in seen["card"]

    def refuses(*_: object, **__: object) -> None:
        raise OSError("403")

    monkeypatch.setattr(HfApi, "create_repo", refuses)
    with pytest.raises(ModelError, match="the hub did not take the weights"):
        model.push_to_hub("someone/petrg")


def test_without_the_extra_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['peft'] = None; import petrg.model"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].endswith("the network needs peft — run: pip install 'petrg[model]'")


def test_a_base_that_is_nowhere_is_one_line(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no language model can be had from the folder given"):
        PETRG3D.from_pretrained(saved, base=tmp_path / "nowhere")
    with pytest.raises(ModelError, match="no weights can be had"):
        PETRG3D.from_pretrained(tmp_path / "nowhere")


def test_a_gathered_state_dict_is_what_is_saved(made: Any, tmp_path: Path) -> None:
    model, _ = made
    state = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    model.save_pretrained(tmp_path / "w", state_dict={**model.state_dict(), "token_rows.pet": state["token_rows.pet"]})
    got = PETRG3D.from_pretrained(tmp_path / "w").state_dict()
    assert torch.equal(got["token_rows.pet"], state["token_rows.pet"])
    model.save_pretrained(tmp_path / "none", is_main_process=False)
    assert not (tmp_path / "none").exists()


def test_nothing_half_written_is_left(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("petrg.model.tensors.os.fsync", fails)
    with pytest.raises(PetrgError, match="No space left"):
        made[0].save_pretrained(tmp_path / "w")
    assert not list(tmp_path.iterdir())


def test_a_second_save_leaves_nothing_of_the_first(made: Any, base: Path, tmp_path: Path) -> None:
    model, _ = made
    other, _ = _started(base)
    torch.nn.init.ones_(other.token_rows.pet)
    folder = tmp_path / "w"
    for first, second in ((3000, 10**9), (10**9, 3000), (3000, 2000)):
        model.save_pretrained(folder, max_shard_size=first, full=True)
        other.save_pretrained(folder, max_shard_size=second, full=True)
        assert _own(PETRG3D.from_pretrained(folder)) == _own(other)
        listed = [p.name for p in folder.glob("model*.safetensors")]
        assert len({name.partition("-of-")[2] for name in listed}) == 1
    assert not other.config.embeds_base  # saving changes the folder, not the network
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"both model\.safetensors and model\.safetensors\.index\.json"):
        PETRG3D.from_pretrained(folder)


def test_separate_transformers_and_no_adapters_round_trip(base: Path, tmp_path: Path) -> None:
    network = SMALL.model_copy(update={"lora": None, "vision": SMALL.vision.model_copy(update={"share": False})})
    model, processor = _started(base, network=network)
    assert model.pet_vision is not None
    model.save_pretrained(tmp_path / "w", processor=processor)
    assert _own(PETRG3D.from_pretrained(tmp_path / "w")) == _own(model)


def test_the_hubs_copies_are_asked_for_at_their_revision(
    made: Any, saved: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from petrg.model import weights

    asked: dict[str, Any] = {}
    hub = {"cache_dir": saved.parent / "cache", "force_download": True, "local_files_only": True, "token": "secret"}
    real = weights.load_base

    def downloads(name: str, **how: Any) -> str:
        asked["weights"] = (name, how["revision"], {key: how[key] for key in hub})
        assert not any(pattern.endswith((".bin", ".pt", ".py")) for pattern in how["allow_patterns"])
        return str(saved)

    def loads(name: str, *, revision: str | None, **how: Any) -> Any:
        asked["base"] = (name, revision, {key: how[key] for key in hub})
        return real(base, **how)

    config = json.loads((saved / "config.json").read_text())
    config |= {"base_model": "Qwen/Qwen3-8B", "base_revision": "b968826d9c46dd6066d109eabc6255188de91218"}
    (saved / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(weights, "snapshot_download", downloads)
    monkeypatch.setattr(weights, "load_base", loads)
    model = PETRG3D.from_pretrained("someone/petrg", revision="v1", **hub)
    assert asked["weights"] == ("someone/petrg", "v1", hub)
    assert asked["base"] == ("Qwen/Qwen3-8B", config["base_revision"], hub)
    assert _own(model) == _own(made[0])
