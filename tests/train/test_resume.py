"""A run that is killed and resumed ends in the weights of an unbroken one, bit for bit."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_train import tensors_of, toy

from petrg.errors import ModelError, OutputError
from petrg.train import checkpoint
from petrg.train.config import Stop
from petrg.train.run import train
from petrg.train.trainer import PETRGTrainer

CONFIG = toy(
    parts=["vision", "resamplers", "projections", "token_rows", "language_model"],
    vision="trained",
    batches__epochs=3,
    keep__every_steps=1,
    augment__noise=0.02,
)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    out = tmp_path_factory.mktemp("unbroken") / "run"
    return tensors_of(train(CONFIG, out).weights)


def killed(out: Path, plant: Callable[[], None]) -> None:
    """Train in a child that kills itself where ``plant`` says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads, which are idle here
        child = os.fork()
    if child == 0:
        plant()
        train(CONFIG, out)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def die(*unused: Any, **ignored: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_call(owner: Any, name: str, number: int, *, after: bool = False) -> Callable[[], None]:
    """Die at call ``number`` of a function."""

    def plant() -> None:
        own, calls = getattr(owner, name), [0]

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            if calls[0] == number and not after:
                die()
            found = own(*args, **kwargs)
            if calls[0] == number:
                die()
            return found

        setattr(owner, name, counted)

    return plant


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize(
    ("plant", "left"),
    [
        pytest.param(at_call(checkpoint, "save_tensors", 6), 2, id="in the middle of a save"),
        pytest.param(at_call(checkpoint, "_mark", 4), 3, id="renamed, not yet marked"),
        pytest.param(at_call(PETRGTrainer, "training_step", 4), 1, id="in an accumulation"),
        pytest.param(at_call(PETRGTrainer, "training_step", 7, after=True), 3, id="in an epoch"),
        pytest.param(at_call(PETRGTrainer, "training_step", 1), 0, id="before the first checkpoint"),
    ],
)
def test_killed_and_resumed_equals_unbroken(
    plant: Callable[[], None], left: int, unbroken: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    killed(out, plant)
    last = checkpoint.latest(out / "checkpoints")
    assert (0 if last is None else int(last.name[-8:])) == left
    assert same(tensors_of(train(CONFIG, out, resume=True).weights), unbroken)


def test_another_seed_gives_other_weights(unbroken: dict[str, torch.Tensor], tmp_path: Path) -> None:
    other = train(CONFIG.model_copy(update={"seed": 43}), tmp_path / "run")
    assert not same(tensors_of(other.weights), unbroken)


def test_a_process_killed_from_outside(unbroken: dict[str, torch.Tensor], tmp_path: Path) -> None:
    out, config = tmp_path / "run", tmp_path / "config.json"
    config.write_text(CONFIG.model_dump_json())
    code = (
        "import sys; from pathlib import Path; from petrg.train import TrainConfig; from petrg.train.run import train; "
        "train(TrainConfig.model_validate_json(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(config), str(out)]) as child:
        while child.poll() is None and checkpoint.latest(out / "checkpoints") is None:
            time.sleep(0.005)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert same(tensors_of(train(CONFIG, out, resume=True).weights), unbroken)


def test_without_the_seeds_of_each_batch_it_would_not(
    unbroken: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison would notice: dropout drawn from a generator that runs on is another after a break."""
    out = tmp_path / "run"
    killed(out, at_call(PETRGTrainer, "training_step", 7))
    monkeypatch.setattr("petrg.train.trainer.torch.manual_seed", lambda seed: None)
    assert not same(tensors_of(train(CONFIG, out, resume=True).weights), unbroken)


def test_a_resumed_run_diverges_at_the_same_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the judgement rests on is in the checkpoint: begun anew, the smoothed loss would be judged otherwise."""
    config = toy(batches__epochs=8, batches__accumulation=1, keep__every_steps=1, keep__last=99)
    config = config.model_copy(update={"stop": Stop(divergence=1.5, after_steps=2)})
    own = PETRGTrainer.compute_loss

    def rising(self: PETRGTrainer, *args: Any, **kwargs: Any) -> Any:
        return own(self, *args, **kwargs) * (1 + 0.25 * self.state.global_step)

    monkeypatch.setattr(PETRGTrainer, "compute_loss", rising)
    with pytest.raises(ModelError) as unbroken:
        train(config, tmp_path / "unbroken")
    step = int(re.findall(r"at step (\d+)", str(unbroken.value))[0])
    assert step > 5
    out = tmp_path / "broken"
    shutil.copytree(tmp_path / "unbroken", out)
    for folder in (out / "checkpoints").iterdir():
        if int(folder.name[-8:]) > step - 3:
            checkpoint.discard(folder)
    with pytest.raises(ModelError) as resumed:
        train(config, out, resume=True)
    assert str(resumed.value) == str(unbroken.value)


def test_a_run_is_not_mixed_with_another(tmp_path: Path) -> None:
    config = toy(batches__epochs=1)
    train(config, tmp_path / "run")
    with pytest.raises(ModelError, match="holds a run — expected an empty folder — give --resume"):
        train(config, tmp_path / "run")
    with pytest.raises(ModelError, match=r"another optimiser\.lr"):
        train(toy(batches__epochs=1, optimiser__lr=2e-3), tmp_path / "run", resume=True)
    with pytest.raises(ModelError, match="holds no run"):
        train(config, tmp_path / "nothing", resume=True)


def test_a_run_that_is_refused_before_its_first_step_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(ModelError, match="no weights can be had"):
        train(toy(model={"weights": str(tmp_path / "none" / "at" / "all")}), out)
    assert not out.exists()
    train(toy(batches__epochs=1), out)
    (out / "train.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="record of the run to resume cannot be read"):
        train(toy(batches__epochs=1), out, resume=True)
    assert (out / "weights").is_dir()


def filled(folder: Path) -> None:
    checkpoint.save_tensors(folder / "a.safetensors", {"x": torch.arange(4.0)})
    (folder / "run.json").write_text("{}")


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    first, second = (checkpoint.write(tmp_path, step, filled) for step in (1, 2))
    assert checkpoint.latest(tmp_path) == second
    raw = bytearray((second / "a.safetensors").read_bytes())
    raw[-1] ^= 1
    (second / "a.safetensors").write_bytes(raw)
    assert not checkpoint.complete(second)
    assert checkpoint.latest(tmp_path) == first
    (first / checkpoint.MARK).unlink()
    assert checkpoint.latest(tmp_path) is None


def test_old_checkpoints_go_and_the_best_stays(tmp_path: Path) -> None:
    for step in range(1, 6):
        checkpoint.write(tmp_path, step, filled)
    (tmp_path / ".aside-checkpoint-00000009").mkdir()
    checkpoint.rotate(tmp_path, 2, keep=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == [checkpoint.name_of(k) for k in (1, 4, 5)]


def test_a_full_disk_is_said_and_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_sync", full)
    with pytest.raises(OutputError, match="No space left"):
        checkpoint.write(tmp_path, 1, filled)
    assert checkpoint.latest(tmp_path) is None


def test_a_file_that_cannot_grow_is_said(tmp_path: Path) -> None:
    """safetensors has an error of its own for what the system refuses: here a file above the process's limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(OutputError, match="a checkpoint cannot be written: File too large"):
            checkpoint.write(
                tmp_path, 1, lambda aside: checkpoint.save_tensors(aside / "a.safetensors", {"x": torch.zeros(1 << 20)})
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoint.latest(tmp_path) is None


def test_the_mark_names_every_file(tmp_path: Path) -> None:
    done = checkpoint.write(tmp_path, 7, filled)
    files = json.loads((done / checkpoint.MARK).read_text())["files"]
    assert set(files) == {"a.safetensors", "run.json"}
