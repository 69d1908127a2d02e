"""Validation shows what the run shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_train import EVERYTHING, toy

from petrg.model.export_lm import model_ends
from petrg.train import validate
from petrg.train.examples import Shown, ask_of
from petrg.train.run import Run, prepare


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that shows PET alone, and no template."""
    config = toy(dropout={"template": 1.0, "ct": 1.0}, data__train=2, data__validation=2)
    ready = prepare(config, tmp_path_factory.mktemp("plain"))
    ready.learner.eval()
    return ready


@torch.no_grad()
def losses(ready: Run, what: Shown) -> list[float]:
    found = []
    for case in ready.split("validation"):
        ready.learner(**ready.collate([ready.examples.example(case, what)]))
        found.append(float(ready.learner.said["text"]))
    return found


def test_the_loss_is_that_of_what_the_run_shows(plain: Run) -> None:
    found = validate.loss_of(plain.learner, plain.examples, plain.collate, plain.split("validation"))
    assert found == losses(plain, Shown(False, ("pet",)))
    assert found != losses(plain, Shown(True, ("pet",)))
    assert found != losses(plain, EVERYTHING)


def test_reports_are_written_from_what_the_run_shows(plain: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[torch.Tensor] = []
    stops: list[list[int]] = []

    def kept(network: Any, given: list[torch.Tensor], *rest: Any, ends: list[int]) -> list[Any]:
        prompts.extend(given)
        stops.append(ends)
        return [None] * len(given)

    monkeypatch.setattr(validate, "generate", kept)
    cases = plain.split("validation")
    validate.write_texts(plain.learner, plain.examples, plain.collate, cases)
    wanted = [plain.processor.prompt(ask_of(case, Shown(False, ("pet",)))) for case in cases]
    assert [len(p) for p in prompts] == [len(ids) for ids in wanted]
    assert len(wanted[0]) < len(plain.processor.prompt(ask_of(cases[0], EVERYTHING)))
    assert stops == [model_ends(plain.network, plain.processor)], "where a draft stops"


def test_a_run_that_shows_all_now_and_then_is_validated_on_all(tmp_path: Path) -> None:
    ready = prepare(toy(data__train=1, data__validation=1), tmp_path)
    ready.learner.eval()
    found = validate.loss_of(ready.learner, ready.examples, ready.collate, ready.split("validation"))
    assert found == losses(ready, EVERYTHING)
