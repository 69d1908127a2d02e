"""Two processes on one machine: what was asked for is what happens."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_train import tensors_of, toy

from petrg.errors import ModelError
from petrg.train import TrainConfig
from petrg.train.order import BucketedBatches
from petrg.train.parallel import expect_processes, shard, zero2
from petrg.train.run import train

FOUR = {"data__train": 4, "batches__epochs": 1, "data__validation": 2, "validation__max_new_tokens": 8}
CODE = """
import sys
from pathlib import Path
import torch
from petrg.errors import ModelError
from petrg.train import TrainConfig
from petrg.train import parallel, run
from petrg.train.trainer import PETRGTrainer

def inspected(*args):
    trainer = own(*args)
    model = trainer.learner
    kept.append(trainer)
    return trainer

kept, own = [], run._trainer
run._trainer = inspected
run.train(TrainConfig.model_validate_json(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))
trainer = kept[0]
sharded = [parallel.is_sharded(p) for p in trainer.learner.parameters()]
print(type(trainer.model_wrapped).__name__, all(sharded), any(sharded), trainer.accelerator.num_processes)
"""


def two(config: TrainConfig, tmp_path: Path) -> list[str]:
    """What each of two processes prints."""
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
        found = [child.communicate(timeout=120) for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0], found
    return [out.splitlines()[-1] for out, _ in found]


def test_ddp_equals_one_process_with_twice_the_accumulation(tmp_path: Path) -> None:
    config = toy(**FOUR, parallel="ddp", batches__accumulation=1)
    assert two(config, tmp_path) == ["DistributedDataParallel False False 2"] * 2
    alone = train(toy(**FOUR, batches__accumulation=2), tmp_path / "alone")
    ddp, one = tensors_of(tmp_path / "run" / "weights"), tensors_of(alone.weights)
    assert ddp.keys() == one.keys()
    assert all(torch.allclose(ddp[k], one[k], atol=2e-5) for k in ddp)
    start = tensors_of(train(toy(**FOUR, optimiser__lr=1e-9), tmp_path / "start").weights)
    assert max(float((ddp[k] - start[k]).abs().max()) for k in ddp) > 2e-4  # far more than rounding


def test_fsdp2_shares_every_parameter_and_learns_the_same(tmp_path: Path) -> None:
    config = toy(**FOUR, parallel="fsdp2", batches__accumulation=1)
    assert two(config, tmp_path) == ["FSDPLearner True True 2"] * 2
    alone = train(toy(**FOUR, batches__accumulation=2), tmp_path / "alone")
    fsdp, one = tensors_of(tmp_path / "run" / "weights"), tensors_of(alone.weights)
    assert fsdp.keys() == one.keys()
    assert all(torch.allclose(fsdp[k], one[k], atol=2e-5) for k in fsdp)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp2"])
def test_one_process_is_not_two(parallel: str) -> None:
    with pytest.raises(ModelError, match="in one process — expected a process for each device — run: torchrun"):
        expect_processes(toy(parallel=parallel))


def test_two_processes_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ModelError, match="2 processes, parallel = 'none'"):
        expect_processes(toy())


def test_zero2_is_configured_and_refused_without_its_means() -> None:
    config = toy(parallel="zero2", device="auto", precision="bf16")
    made = zero2(config)
    assert made["zero_optimization"]["stage"] == 2
    assert (made["gradient_clipping"], made["gradient_accumulation_steps"]) == (1.0, 2)
    assert made["bf16"]["enabled"]
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
