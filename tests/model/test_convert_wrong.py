"""Released files that are wrong, truncated or no weights at all: what is said, and that nothing is written."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from released_file import Checkpoint, write_checkpoint
from safetensors.torch import load_file, save_file

from petrg.errors import ModelError
from petrg.model.convert import convert_released
from petrg.model.released_keys import DUPLICATE
from petrg.model.released_weights import load_released

TABLE = "lang_model.base_model.model.model.embed_tokens.weight"
VISION = "embedding_layer.vision_encoder.transformer.layers.1.0.fn.to_qkv.weight"
State = dict[str, torch.Tensor]
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_checkpoint(tmp_path_factory.mktemp("released"))


def _edited(change: Callable[[State], object]) -> Damage:
    def apply(file: Path) -> None:
        state = load_file(file)
        change(state)
        save_file({k: v.contiguous() for k, v in state.items()}, file)

    return apply


def _valued(name: str, value: float, *others: str) -> Damage:
    def change(state: State) -> None:
        for each in (name, *others):
            state[each][1] = value

    return _edited(change)


def _cast(name: str, dtype: torch.dtype) -> Damage:
    return _edited(lambda s: s.update({name: s[name].to(dtype)}))


def _cut(left: int) -> Damage:
    """The first ``left`` bytes, or all but the last ``-left``."""
    return lambda file: file.write_bytes(file.read_bytes()[:left])


def _headed(change: Callable[[dict[str, Any]], object]) -> Damage:
    """The same tensors under a header that is not true."""

    def apply(file: Path) -> None:
        raw = file.read_bytes()
        end = 8 + int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:end])
        change(header)
        new = json.dumps(header).encode()
        file.write_bytes(len(new).to_bytes(8, "little") + new + raw[end:])

    return apply


FAULTS: dict[str, tuple[Damage, str]] = {
    "missing": (
        _edited(lambda s: s.pop(VISION)),
        r"tensors 1 missing: embedding_layer.vision_encoder\S+to_qkv.weight \[192, 12\] — expected the 123",
    ),
    "no copy": (_edited(lambda s: s.pop(DUPLICATE)), r"1 missing: embedding_layer.weight \[261, 16\]"),
    "unknown": (
        _edited(lambda s: s.update({"lang_model.base_model.model.more": torch.zeros(3)})),
        r"1 unknown: lang_model.base_model.model.more \[3\]",
    ),
    "foreign": (_edited(lambda s: s.update(more=torch.zeros(3))), r"1 unknown: more \[3\]"),
    "one layer more": (
        _edited(lambda s: s.update({VISION.replace("layers.1", "layers.2"): s[VISION].clone()})),
        r"10 missing: embedding_layer.vision_encoder.transformer.layers.2.0.fn.to_out.0.bias \[12\]",
    ),
    "renamed": (
        _edited(lambda s: s.update({"embedding_layer.ct_fc.bias": s.pop("embedding_layer.fc.bias")})),
        r"1 missing: embedding_layer.fc.bias \[16\]; 1 unknown: embedding_layer.ct_fc.bias \[16\]",
    ),
    "shape": (
        _edited(lambda s: s.update({"embedding_layer.fc.bias": torch.zeros(5)})),
        r"1 of another shape: embedding_layer.fc.bias \[5\], not \[16\]",
    ),
    "transposed": (
        _edited(lambda s: s.update({"embedding_layer.fc.weight": s["embedding_layer.fc.weight"].T})),
        r"1 of another shape: embedding_layer.fc.weight \[12, 16\], not \[16, 12\]",
    ),
    "integers": (
        _cast("embedding_layer.fc.bias", torch.int64),
        "1 of another type: embedding_layer.fc.bias int64 — expected float32 or bfloat16",
    ),
    "half": (_cast(VISION, torch.float16), rf"1 of another type: {VISION} float16"),
    "a type that torch lacks": (
        _headed(lambda h: h[VISION].update(dtype="F4")),
        rf"tensor '{VISION}' is of type 'F4'",
    ),
    "no number": (
        _valued("embedding_layer.pet_fc.weight", float("nan")),
        "embedding_layer.pet_fc.weight holds a value",
    ),
    "infinite": (_valued(VISION, float("-inf")), rf"{VISION} holds a value that is no number"),
    "no numbers in both tables": (
        _valued(TABLE, float("nan"), DUPLICATE),
        "embedding_layer.weight holds a value that is no number",
    ),
    "altered table": (
        _edited(lambda s: s.update({DUPLICATE: s[DUPLICATE] * 1.0001})),
        "embedding_layer.weight is not the language model's own table: rows 0 to 260 differ",
    ),
    "one value of the table": (
        _edited(lambda s: s[DUPLICATE].view(-1)[-1:].add_(1e-6)),
        "embedding_layer.weight is not the language model's own table",
    ),
    "the table's copy in another type": (
        _cast(DUPLICATE, torch.bfloat16),
        "embedding_layer.weight is not the language model's own table",
    ),
    "cut in the values": (_cut(-1000), r"model.safetensors ends before \S+ .*cut short"),
    "cut in the header": (_cut(200), "model.safetensors is no whole safetensors file"),
    "empty": (_cut(0), "model.safetensors is no whole safetensors file"),
    "a place of another size": (
        _headed(lambda h: h[VISION].update(data_offsets=[0, 4])),
        "no whole safetensors file",
    ),
    "a shape of words": (_headed(lambda h: h[VISION].update(shape=["a", "b"])), "no whole safetensors file"),
    "a shape below nothing": (_headed(lambda h: h[VISION].update(shape=[-192, -12])), "no whole safetensors file"),
    "text": (lambda f: f.write_text("<html>not found</html>" * 30), "no whole safetensors file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_file_says_what_differs(released: Checkpoint, fault: str, tmp_path: Path) -> None:
    file = Path(shutil.copy(released.file, tmp_path / "model.safetensors"))
    damage, said = FAULTS[fault]
    damage(file)
    with pytest.raises(ModelError, match=said) as caught:
        convert_released(file, tmp_path / "w", base=released.base)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [file]  # nothing, not even aside
    with pytest.raises(ModelError, match=said):
        load_released(file, released.base)


def test_a_base_that_is_no_language_model_is_said(released: Checkpoint, tmp_path: Path) -> None:
    convert_released(released.file, tmp_path / "w", base=released.base)
    with pytest.raises(ModelError, match="it holds a petrg3d model"):
        convert_released(released.file, tmp_path / "again", base=tmp_path / "w")
    assert not (tmp_path / "again").exists()


def test_a_file_that_is_not_there(released: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="weights cannot be read: No such file"):
        convert_released(tmp_path / "none.safetensors", tmp_path / "w", base=released.base)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_there_stay_when_a_conversion_fails(released: Checkpoint, tmp_path: Path) -> None:
    convert_released(released.file, tmp_path / "w", base=released.base)
    before = {path: path.read_bytes() for path in (tmp_path / "w").iterdir()}
    file = Path(shutil.copy(released.file, tmp_path / "model.safetensors"))
    _valued(VISION, float("nan"))(file)  # seen only while it is written
    with pytest.raises(ModelError, match="no number"):
        convert_released(file, tmp_path / "w", base=released.base)
    assert {path: path.read_bytes() for path in (tmp_path / "w").iterdir()} == before
    assert sorted(tmp_path.iterdir()) == [file, tmp_path / "w"]


@pytest.mark.parametrize("left", [0, 2, 1000, -1, -3000])
def test_a_truncated_state_dict_in_torchs_format(released: Checkpoint, left: int, tmp_path: Path) -> None:
    file = tmp_path / "pytorch_model.bin"
    torch.save(load_file(released.file), file)
    _cut(left)(file)
    with pytest.raises(ModelError, match=r"has no end — .* cut short|cannot be opened as plain tensors") as caught:
        convert_released(file, tmp_path / "w", base=released.base)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [file]


def test_a_truncated_shard_names_the_tensors_that_are_lost(released: Checkpoint, tmp_path: Path) -> None:
    state = load_file(released.file)
    names = sorted(state)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for part, own in parts.items():
        save_file({n: state[n] for n in own}, tmp_path / part)
    index = {"weight_map": {n: part for part, own in parts.items() for n in own}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    second = tmp_path / "model-00002-of-00002.safetensors"
    whole = second.read_bytes()
    second.write_bytes(whole[:-8])
    with pytest.raises(ModelError, match=r"model-00002-of-00002.safetensors ends before \S+ — ") as caught:
        convert_released(tmp_path, tmp_path / "w", base=released.base)
    assert any(name in str(caught.value) for name in parts[second.name])
    second.unlink()
    with pytest.raises(ModelError, match=r"shard model-00002-of-00002\.safetensors is missing"):
        convert_released(tmp_path, tmp_path / "w", base=released.base)
    assert not (tmp_path / "w").exists()


def test_nothing_is_ever_unpickled(released: Checkpoint, tmp_path: Path) -> None:
    state: dict[str, Any] = dict(load_file(released.file))
    marker = tmp_path / "was-unpickled"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (marker,)

    state["more"] = Payload()
    torch.save(state, tmp_path / "evil.pt")
    (tmp_path / "evil.bin").write_bytes(pickle.dumps(Payload()))
    torch.save(state, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": load_file(released.file)}, tmp_path / "nested.pt")
    shutil.copy(tmp_path / "evil.pt", tmp_path / "model.safetensors")  # whatever it is called
    for name, said in (
        ("evil.pt", "plain tensors"),
        ("evil.bin", "plain tensors"),
        ("old.pt", "plain tensors"),
        ("model.safetensors", "plain tensors"),
        ("nested.pt", "more than tensors"),
    ):
        with pytest.raises(ModelError, match=said):
            convert_released(tmp_path / name, tmp_path / "w", base=released.base)
    assert not marker.exists()
    assert not (tmp_path / "w").exists()
