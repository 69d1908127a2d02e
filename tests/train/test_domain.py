"""Whose images taught the encoder: what the weights of a run may be shown."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_train import toy

from petrg.train.domain import domain_of, joined, narrower

PHANTOMS: dict[str, Any] = {"data": {"kind": "phantoms", "train": 1}}
PATIENTS: dict[str, Any] = {"data": {"kind": "directory", "path": "data"}}
FROZEN: dict[str, Any] = {"parts": ["resamplers", "projections", "lora"], "vision": "frozen-cached"}
TAUGHT: dict[str, Any] = {"parts": ["vision", "resamplers"], "vision": "trained"}
WORDS: dict[str, Any] = {"parts": ["lora"], "text_only": True, "dropout": {}}


@pytest.mark.parametrize(
    ("before", "run", "after"),
    [
        ("untrained", PHANTOMS | FROZEN, "untrained"),
        ("untrained", PATIENTS | FROZEN, "untrained"),  # a random encoder tells nothing of patients
        ("untrained", PHANTOMS | TAUGHT, "phantoms"),
        ("untrained", PATIENTS | TAUGHT, "patients"),
        ("phantoms", PHANTOMS | FROZEN, "phantoms"),
        ("phantoms", PATIENTS | FROZEN, "phantoms"),  # resamplers of patients on an encoder of phantoms
        ("phantoms", PHANTOMS | TAUGHT, "phantoms"),
        ("phantoms", PATIENTS | TAUGHT, "patients"),
        ("patients", PHANTOMS | FROZEN, "phantoms"),  # behind the encoder all is of phantoms
        ("patients", PATIENTS | FROZEN, "patients"),
        ("patients", PHANTOMS | TAUGHT, "phantoms"),
        ("patients", PATIENTS | TAUGHT, "patients"),
    ],
)
def test_the_encoder_decides(before: str, run: dict[str, Any], after: str) -> None:
    assert domain_of(toy(**run), before) == after


@pytest.mark.parametrize("before", ["untrained", "phantoms", "patients"])
@pytest.mark.parametrize("data", [PHANTOMS, PATIENTS], ids=["phantoms", "patients"])
def test_who_sees_no_image_changes_nothing(before: str, data: dict[str, Any]) -> None:
    assert domain_of(toy(**data, **WORDS), before) == before
    assert domain_of(toy(**data, **TAUGHT, dropout={"images": 1.0}), before) == before
    assert domain_of(toy(**data, **FROZEN, dropout={"images": 1.0}), before) == before


def test_an_unknown_domain_is_the_narrowest_and_is_never_widened() -> None:
    assert domain_of(toy(**PATIENTS, **FROZEN), "mice") == "mice"
    assert narrower("mice", "untrained") == narrower("untrained", "mice") == "mice"


@pytest.mark.parametrize(
    ("own", "theirs", "after"),
    [
        ("untrained", "patients", "patients"),  # a warm-up on texts, then an encoder that has learned to see
        ("phantoms", "patients", "phantoms"),  # resamplers of phantoms behind an encoder of patients
        ("patients", "phantoms", "phantoms"),
    ],
)
def test_an_encoder_that_is_taken_over_widens_nothing(own: str, theirs: str, after: str) -> None:
    assert joined(own, theirs) == after
