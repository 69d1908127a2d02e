"""What ends a run, and which of its steps is the best."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tiny_train import toy

from petrg.errors import ModelError
from petrg.train import run
from petrg.train.trainer import Best, PETRGTrainer
from petrg.train.validate import OTHERS, TEMPLATE, margin
from petrg.train.watch import Watch


def test_a_loss_that_is_no_number_stops_with_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = PETRGTrainer.compute_loss

    def broken(self: PETRGTrainer, *args: Any, **kwargs: Any) -> Any:
        loss = own(self, *args, **kwargs)
        return loss * float("nan") if self.state.global_step == 1 else loss

    monkeypatch.setattr(PETRGTrainer, "compute_loss", broken)
    with pytest.raises(ModelError, match="the loss is nan at step 2"):
        run.train(toy(), tmp_path / "run")


def test_divergence_stops_with_the_step() -> None:
    watch = Watch(toy(stop__after_steps=5, stop__divergence=2.0))
    for step in range(1, 30):
        watch.loss(2.0, step)
    with pytest.raises(ModelError, match=r"the loss rose to .* at step 3"):
        for step in range(30, 60):
            watch.loss(9.0, step)
    with pytest.raises(ModelError, match="the gradient's norm is inf at step 9"):
        watch.gradient(math.inf, 9)


def test_the_best_is_the_widest_margin_over_chance() -> None:
    best = Best()
    scores = [(0.3, 0.2, 2.0), (0.6, 0.58, 1.0), (0.3, 0.2, 1.5), (None, None, 0.1)]
    for step, (value, chance, loss) in enumerate(scores, 1):
        found = {"loss": loss, "Lesion-F1": value, f"Lesion-F1 of {OTHERS}": chance, f"Lesion-F1 of {TEMPLATE}": 0.0}
        best.judge(found, "Lesion-F1", step, 2)
        assert not best.stopped
    assert (best.step, best.waited) == (3, 1)  # of equal margins the lower loss
    best.judge({"loss": 9.0}, "Lesion-F1", 5, 2)
    assert best.stopped
    assert margin({"loss": 2.0}, "loss") == -2.0
    better_templates = {"PET-All": 0.5, f"PET-All of {OTHERS}": 0.3, f"PET-All of {TEMPLATE}": 0.75}
    assert margin(better_templates, "PET-All") == -0.25
    assert margin({"PET-All": 0.5, f"PET-All of {OTHERS}": None, f"PET-All of {TEMPLATE}": 0.75}, "PET-All") is None
