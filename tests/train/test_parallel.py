"""Two processes on one machine: what was asked for is what happens."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from tiny_train import tensors_of, toy
from transformers.integrations import HfTrainerDeepSpeedConfig

from petrg.errors import ModelError
from petrg.train import TrainConfig
from petrg.train.config import TinyLM
from petrg.train.examples import shown
from petrg.train.order import BucketedBatches
from petrg.train.parallel import expect_processes, shard, zero2
from petrg.train.phantoms import phantom_cases
from petrg.train.run import train
from petrg.train.scratch import new_language_model, new_tokenizer
from petrg.train.trainer import arguments
from petrg.train.watch import Watch

FOUR = {"data__train": 4, "batches__epochs": 1, "data__validation": 2, "validation__max_new_tokens": 8}
JOINT = ["lora", "resamplers", "projections", "token_rows"]
CODE = """
import json, sys
from pathlib import Path
from petrg.train import TrainConfig, parallel, run, trainer as module
from petrg.train.watch import Watch

module.cpu_has_bfloat16 = lambda: True  # what is asked for is learned in

def inspected(*args):
    kept.append(own(*args))
    return kept[0]

def heard(self, value, step):
    losses.append(value)
    return taken(self, value, step)

kept, losses, own, taken = [], [], run._trainer, Watch.loss
run._trainer, Watch.loss = inspected, heard
run.train(TrainConfig.model_validate_json(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))
trainer = kept[0]
parameters = list(trainer.learner.parameters())
print(json.dumps({
    "model": type(trainer.model_wrapped).__name__,
    "shared": sum(parallel.is_sharded(p) for p in parameters) / len(parameters),
    "types": sorted({(str(p.dtype), p.requires_grad) for p in parameters}),
    "processes": trainer.accelerator.num_processes,
    "losses": losses,
}))
"""


def two(config: TrainConfig, tmp_path: Path) -> dict[str, Any]:
    """What two processes say of their training; they must agree."""
    path, out = tmp_path / "config.json", tmp_path / "run"
    path.write_text(config.model_dump_json())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    home = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(path), str(out)],
            env={**home, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        found = [child.communicate(timeout=300) for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0], found
    said = [json.loads(out.splitlines()[-1]) for out, _ in found]
    assert said[0] == said[1]
    return dict(said[0])


def alone(config: TrainConfig, out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], Path]:
    """The loss of each micro-batch of a run of one process, and its weights."""
    losses: list[float] = []
    taken = Watch.loss

    def heard(self: Watch, value: float, step: int) -> None:
        losses.append(value)
        taken(self, value, step)

    monkeypatch.setattr(Watch, "loss", heard)
    monkeypatch.setattr("petrg.train.trainer.cpu_has_bfloat16", lambda: True)
    return losses, train(config, out).weights


def test_ddp_equals_one_process_with_twice_the_accumulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a process now and then shows no image, or none of PET, where the other does: neither waits for ever."""
    some = {
        **FOUR,
        "parts": ["vision", "resamplers", "projections", "token_rows", "language_model"],
        "vision": "trained",
        "dropout": {"template": 0.5, "ct": 0.2, "pet": 0.2, "images": 0.5},
    }
    config = toy(**some, parallel="ddp", batches__accumulation=1)
    cases = phantom_cases(config.data, config.typed_recipe)  # type: ignore[arg-type]
    seen = [shown(config.dropout, config.seed, 0, c.id).modalities for c in cases if c.split == "train"]
    assert 0 < seen.count(()) < 4, seen
    told = two(config, tmp_path)
    assert (told["model"], told["shared"], told["processes"]) == ("DistributedDataParallel", 0.0, 2)
    losses, weights = alone(toy(**some, batches__accumulation=2), tmp_path / "alone", monkeypatch)
    assert told["losses"][0] == pytest.approx((losses[0] + losses[1]) / 2, abs=1e-5)
    ddp, one = tensors_of(tmp_path / "run" / "weights"), tensors_of(weights)
    assert ddp.keys() == one.keys()
    assert all(torch.allclose(ddp[k], one[k], atol=2e-5) for k in ddp)
    start = tensors_of(train(toy(**some, optimiser__lr=1e-9), tmp_path / "start").weights)
    assert max(float((ddp[k] - start[k]).abs().max()) for k in ddp) > 2e-4  # far more than rounding


def test_fsdp2_shares_every_parameter_and_learns_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = two(toy(**FOUR, parallel="fsdp2", batches__accumulation=1), tmp_path)
    assert (told["model"], told["shared"], told["processes"]) == ("FSDPLearner", 1.0, 2)
    losses, weights = alone(toy(**FOUR, batches__accumulation=2), tmp_path / "alone", monkeypatch)
    assert np.allclose(told["losses"], np.reshape(losses, (-1, 2)).mean(axis=1), atol=1e-5)
    fsdp, one = tensors_of(tmp_path / "run" / "weights"), tensors_of(weights)
    assert fsdp.keys() == one.keys()
    assert all(torch.allclose(fsdp[k], one[k], atol=2e-5) for k in fsdp)


def test_fsdp2_takes_a_frozen_model_in_bfloat16_with_adapters_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The joint recipe as it is shipped, at toy size."""
    folder = tmp_path / "base"
    words = new_tokenizer(["肝脏未见异常。双肺未见结节，SUVmax约<suvmax>。"] * 4, 400)
    torch.manual_seed(1)
    words.save_pretrained(folder)
    new_language_model(TinyLM(hidden=32, layers=2, heads=2, mlp=48), words).bfloat16().save_pretrained(folder)
    joint = {**FOUR, "parts": JOINT, "model__scratch": None, "model__base": str(folder), "model__dtype": "bfloat16"}
    joint |= {"precision": "bf16", "checkpointing": True}
    told = two(toy(**joint, parallel="fsdp2", batches__accumulation=1), tmp_path)
    assert (told["model"], told["shared"]) == ("FSDPLearner", 1.0)
    assert told["types"] == [["torch.bfloat16", False], ["torch.float32", False], ["torch.float32", True]]
    losses, weights = alone(toy(**joint, batches__accumulation=2), tmp_path / "alone", monkeypatch)
    assert np.allclose(told["losses"], np.reshape(losses, (-1, 2)).mean(axis=1), atol=1e-5)
    fsdp, one = tensors_of(tmp_path / "run" / "weights"), tensors_of(weights)
    assert fsdp.keys() == one.keys()
    assert all(bool(tensor.any()) for name, tensor in fsdp.items() if "lora_B" in name)  # they begin at 0
    assert all(fsdp[k].dtype == one[k].dtype and torch.allclose(fsdp[k], one[k], atol=2e-5) for k in fsdp)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp2"])
def test_one_process_is_not_two(parallel: str) -> None:
    with pytest.raises(ModelError, match="in one process — expected a process for each device — run: torchrun"):
        expect_processes(toy(parallel=parallel))


def test_two_processes_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ModelError, match="2 processes, parallel = 'none'"):
        expect_processes(toy())


class Parsed(HfTrainerDeepSpeedConfig, HfDeepSpeedConfig):  # type: ignore[misc]
    """As transformers reads it where deepspeed is there: without it, it forgets accelerate's part of the class."""


def test_zero2_is_configured_and_refused_without_its_means(monkeypatch: pytest.MonkeyPatch) -> None:
    config = toy(parallel="zero2", device="auto", precision="bf16")
    made = zero2(config)
    assert made["zero_optimization"]["stage"] == 2
    assert (made["gradient_clipping"], made["gradient_accumulation_steps"]) == (1.0, 2)
    assert made["bf16"]["enabled"]
    monkeypatch.setattr("transformers.integrations.deepspeed.dep_version_check", lambda package: None)  # not needed
    plain = config.model_copy(update={"parallel": "none"})
    other = plain.model_copy(update={"batches": plain.batches.model_copy(update={"accumulation": 3})})
    for own, clashes in ((plain, 0), (other, 1)):  # as transformers reads it, beside its own arguments
        parsed = Parsed(made)
        parsed.trainer_config_process(arguments(own, Path("run")))
        assert parsed.is_zero2()
        assert len(parsed.mismatches) == clashes
    if importlib.util.find_spec("deepspeed") is None:
        with pytest.raises(ModelError, match="'zero2' without deepspeed"):
            expect_processes(config)
    with pytest.raises(ModelError, match="zero2 needs GPUs"):
        toy(parallel="zero2")


def test_ddp_in_place_of_fsdp_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.device_mesh.init_device_mesh", lambda *args, **kwargs: None)
    monkeypatch.setattr("torch.distributed.fsdp.fully_shard", lambda module, **kwargs: module)
    learner = torch.nn.Module()
    learner.network = torch.nn.Module()
    learner.network.language_model = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
    with pytest.raises(ModelError, match="2 parameters are not shared out by FSDP2"):
        shard(learner, bf16=False, device="cpu")


def test_processes_deal_the_batches_of_one() -> None:
    lengths = [7, 3, 9, 1, 5, 8, 2]
    one = BucketedBatches(lengths, 2, 5)
    one.set_epoch(3)
    parts = [BucketedBatches(lengths, 2, 5, processes=2, process=k) for k in range(2)]
    for part in parts:
        part.set_epoch(3)
    dealt = [batch for pair in zip(*parts, strict=True) for batch in pair]
    assert dealt == list(one)
    assert len(parts[0]) == len(parts[1]) == 2
