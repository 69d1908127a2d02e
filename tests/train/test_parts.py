"""What is trained, what is frozen, and how each behaves."""

from __future__ import annotations

from pathlib import Path

from tiny_train import EVERYTHING, batch_of, toy

from petrg.train.examples import Shown
from petrg.train.parts import trained
from petrg.train.run import Run, prepare


def test_frozen_parts_stay_in_eval_mode_whatever_train_says(frozen: Run) -> None:
    learner = frozen.learner
    learner.train()
    network = learner.network
    assert not any(m.training for m in network.vision.modules())
    assert all(m.training for m in network.ct_resampler.modules())
    for name, module in network.language_model.named_modules():
        adapter = name.rpartition(".")[2] == "lora_dropout" or ".lora_dropout." in name
        assert module.training == adapter, name
    names = {name for name, _ in trained(learner)}
    assert all(
        ".lora_" in n or "resampler" in n or "projection" in n or "token_rows" in n or "heads" in n for n in names
    )
    learner.eval()
    assert not any(m.training for m in learner.modules())


def test_a_layer_that_computes_anew_counts_as_training(tmp_path: Path) -> None:
    ready = prepare(toy(parts=["lora", "token_rows"], checkpointing=True, text_only=True, dropout={}), tmp_path)
    ready.learner.train()
    layers = [m for m in ready.network.language_model.modules() if getattr(m, "gradient_checkpointing", False)]
    assert layers
    assert all(m.training for m in layers)
    ready.learner(**ready.collate([ready.examples[0, 0]]))["loss"].backward()
    assert any(p.grad is not None and bool(p.grad.any()) for n, p in trained(ready.learner) if ".lora_" in n)


def test_the_frozen_encoder_has_no_gradient_and_no_dropout(frozen: Run) -> None:
    frozen.learner.train()
    frozen.learner(**batch_of(frozen, EVERYTHING, EVERYTHING))["loss"].backward()
    assert all(p.grad is None for p in frozen.network.vision.parameters())
    assert all(p.grad is not None for _, p in trained(frozen.learner))
    frozen.learner.zero_grad()


def test_every_trained_tensor_has_a_gradient_even_where_nothing_is_shown(seeing: Run) -> None:
    seeing.learner.train()
    seeing.learner(**batch_of(seeing, Shown(False, ())))["loss"].backward()
    assert all(p.grad is not None for _, p in trained(seeing.learner))
    assert not any(bool(p.grad.any()) for n, p in trained(seeing.learner) if "vision" in n and p.grad is not None)
    seeing.learner.zero_grad()


def test_the_heads_are_no_part_of_the_network(seeing: Run) -> None:
    assert not any("heads" in name for name in seeing.network.state_dict())
    assert any(name.startswith("heads.") for name, _ in trained(seeing.learner))
