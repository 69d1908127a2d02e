"""Released files in bfloat16 and float32: end to end, how large what is written is, in how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from families import write_family
from released_file import Checkpoint, write_checkpoint
from safetensors.torch import load_file, save_file

from petrg.model import PETRG3D
from petrg.model.convert import convert_released
from petrg.model.released_weights import load_released, write_released
from petrg.model.weights import is_ours

BENCH = Path(__file__).parents[2] / "bench"


def _halve(source: Path, target: Path) -> Path:
    """A file of the same tensors in bfloat16."""
    save_file({n: t.bfloat16() for n, t in load_file(source).items()}, target, metadata={"format": "pt"})
    return target


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_checkpoint(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def half(whole: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """As it is released: all of it in bfloat16, and so is the backbone as published."""
    home = tmp_path_factory.mktemp("half")
    base = write_family("qwen3", home / "base")
    _halve(base / "model.safetensors", base / "model.safetensors")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    return Checkpoint(whole.model, _halve(whole.file, home / "model.safetensors"), base)


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_a_bfloat16_file_end_to_end(half: Checkpoint, form: str, tmp_path: Path) -> None:
    file = half.file
    if form == "bin":
        file = tmp_path / "pytorch_model.bin"
        torch.save(load_file(half.file), file)
    done = convert_released(file, tmp_path / "w", base=half.base)
    assert (done.dtype, done.base_checked) == ("bfloat16", True)
    wanted = {name: tensor.bfloat16() for name, tensor in half.model.state_dict().items()}
    model = PETRG3D.from_pretrained(tmp_path / "w")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in model.state_dict().items())
    direct, _ = load_released(file, half.base, dtype=torch.bfloat16)
    ids = torch.tensor([[65, *range(model.span.first, model.span.end), 66]])
    volumes = {"ct": torch.randn(1, 1, 32, 64, 8), "pet": torch.randn(1, 1, 32, 64, 8)}
    with torch.inference_mode():
        got = model(input_ids=ids, **volumes).logits
        assert torch.equal(got, direct(input_ids=ids, **volumes).logits)
    assert got.isfinite().all()
    wide = PETRG3D.from_pretrained(tmp_path / "w", dtype="float32")
    assert all(torch.equal(tensor, wanted[name].float()) for name, tensor in wide.state_dict().items())
    write_released(model, tmp_path / "back" / "model.safetensors")
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == _as_written(half.file, tmp_path)


def _as_written(file: Path, aside: Path) -> bytes:
    save_file(load_file(file), aside / "as-written.safetensors")
    return (aside / "as-written.safetensors").read_bytes()


def test_either_way_to_bfloat16_and_to_float32_gives_the_same_file(
    whole: Checkpoint, half: Checkpoint, tmp_path: Path
) -> None:
    sizes = {}
    for name, source, dtype in (
        ("32", whole, None),
        ("32-16", whole, torch.bfloat16),
        ("16", half, None),
        ("16-32", half, torch.float32),
    ):
        sizes[name] = convert_released(source.file, tmp_path / name, base=source.base, dtype=dtype).bytes
    read = {name: load_file(tmp_path / name / "model.safetensors") for name in sizes}
    assert (tmp_path / "32-16" / "model.safetensors").read_bytes() == (tmp_path / "16/model.safetensors").read_bytes()
    values = sum(t.numel() for n, t in whole.model.state_dict().items() if is_ours(n))
    for name, width in (("32", 4), ("32-16", 2), ("16", 2), ("16-32", 4)):
        assert sum(t.nbytes for t in read[name].values()) == width * values
        assert width * values < sizes[name] < width * values + 200 * len(read[name])
    assert all(torch.equal(t.bfloat16().float(), read["16-32"][n]) for n, t in read["32"].items())


def test_the_whole_of_a_bfloat16_file(half: Checkpoint, tmp_path: Path) -> None:
    convert_released(half.file, tmp_path / "w", base=half.base, full=True)
    held = load_file(tmp_path / "w" / "language_model" / "model.safetensors")
    assert {t.dtype for t in held.values()} == {torch.bfloat16}
    got = PETRG3D.from_pretrained(tmp_path / "w").state_dict()
    assert all(torch.equal(got[n], t.bfloat16()) for n, t in half.model.state_dict().items())


PEAK = """
import json, math, sys
from pathlib import Path
bench, home = map(Path, sys.argv[1:])
sys.path.insert(0, str(bench))
import convert_weights as work
import petrg.model.tensors
from petrg.model.base import base_config, base_tokenizer
from petrg.model.config import Network
from petrg.model.released import released_shapes
petrg.model.tensors._LET_GO = 30_000_000  # so that a file of this size shows it
config = base_config(home / "llm")
config.vocab_size = len(base_tokenizer(home / "llm"))
shapes = released_shapes(Network(), config)
rows = []
for form, make in (("safetensors", work.hollow), ("bin", work.hollow_pickle)):
    file = home / f"model.{form}"
    make(file, shapes, "BF16")
    got = work.convert(file, home / form, "bfloat16")
    rows.append({"form": form, "bytes": file.stat().st_size, **got})
print(json.dumps({"largest": 2 * max(map(math.prod, shapes.values())), "rows": rows}))
"""


def test_memory_is_that_of_one_tensor_not_of_the_file(tmp_path: Path) -> None:
    """The whole network, 0.3 GB in bfloat16, on a small language model, as a file of holes."""
    (write_family("qwen3", tmp_path / "llm") / "model.safetensors").unlink()
    run = subprocess.run(
        [sys.executable, "-c", PEAK, str(BENCH), str(tmp_path)], capture_output=True, text=True, check=True
    )
    got = json.loads(run.stdout.splitlines()[-1])
    for row in got["rows"]:
        assert row["bytes"] > 280e6
        assert row["written_gb"] == pytest.approx(row["bytes"] / 1e9, rel=0.01)
        grown = (row["peak_gib"] - row["before_gib"]) * 2**30
        assert grown < 3 * got["largest"] + 40e6 < 0.4 * row["bytes"], row
