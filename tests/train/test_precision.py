"""In which numbers a run learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_train import toy

from petrg.train.run import train
from petrg.train.trainer import on_this_processor

TEXTS: dict[str, Any] = {
    "text_only": True,
    "dropout": {},
    "parts": ["token_rows", "language_model"],
    "model__vision": None,
    "batches__epochs": 1,
}


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_is_had_on_a_cpu_only_where_it_has_instructions_for_it(
    has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("petrg.train.trainer.cpu_has_bfloat16", lambda: has)
    config, told = toy(**TEXTS, precision="bf16"), list[str]()
    done = train(config, tmp_path / "run", progress=lambda step, *_: told.append(step))
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert record == {**config.model_dump(mode="json"), "precision": "bf16" if has else "fp32"}
    assert ("this processor has no bfloat16 instructions: training in float32" in told) is not has
    assert f"precision {record['precision']}" in (done.weights / "README.md").read_text()
    assert train(config, tmp_path / "run", resume=True).steps == done.steps, "it is the same run"


def test_a_gpu_learns_in_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("petrg.train.trainer.cpu_has_bfloat16", lambda: False)
    config = toy(precision="bf16", device="auto")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert on_this_processor(config) is config
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert on_this_processor(config) == config.model_copy(update={"precision": "fp32"})
    assert on_this_processor(toy()) == toy()
