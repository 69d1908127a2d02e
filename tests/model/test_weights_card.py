"""The model card says what is known of a run, and of nothing else more than that it is not given."""

from __future__ import annotations

import json

import pytest
from huggingface_hub import ModelCard
from pydantic import ValidationError
from transformers import Qwen3Config

from petrg.model.card import Card, CardScore, render
from petrg.model.config import PETRG3DConfig

CARD = Card(
    source="trained with petrg train",
    data="phantoms of seeds 0 to 99",
    cases={"training": 80, "validation": 20},
    training={"epochs": 3, "learning rate": 5e-5, "seed": 42},
    scored_on="the 20 validation phantoms",
    scores=(
        CardScore(
            name="PET abnormal F1", value=0.61234, interval=(0.5, 0.7), controls={"template": 0.12, "shuffled": None}
        ),
        CardScore(name="BLEU-4", value=None, controls={"template": 30.0}),
    ),
    limits=("Never saw a contrast-enhanced CT.",),
)


def _config(**how: object) -> PETRG3DConfig:
    return PETRG3DConfig(text_config=Qwen3Config(hidden_size=8, num_hidden_layers=1), **how)


def test_what_is_known_is_said() -> None:
    text = render(CARD, _config(base_model="Qwen/Qwen3-8B", base_revision="abc123", domain="phantoms"))
    for said in (
        "Qwen/Qwen3-8B at abc123",
        "recipe petrg-1, version 1".removeprefix("recipe "),
        "phantoms of seeds 0 to 99",
        "80 training, 20 validation",
        "learning rate 5e-05",
        "| score | value | 95 % interval | template | shuffled |",
        "| PET abnormal F1 | 0.6123 | 0.5 to 0.7 | 0.12 | not given |",
        "| BLEU-4 | not given | not given | 30 | not given |",
        "a study that does not prove itself a phantom is refused",
        "- Never saw a contrast-enhanced CT.",
        "draft, not for diagnosis, unverified",
    ):
        assert said in text


def test_what_is_not_known_is_not_claimed() -> None:
    text = render(Card(), _config())
    assert text.count(": not given") == 5  # weights, language model, data, cases, training
    assert "## Scores\n\nNot given." in text
    assert "base_model" not in text
    assert "the image encoder has its initial values" in text


@pytest.mark.parametrize(("recipe", "lost"), [("petrg3d-2025", True), ("petrg-1", False)])
def test_the_limits_of_the_released_recipe_are_named(recipe: str, lost: bool) -> None:
    assert ("Absolute SUV is lost" in render(Card(), _config(recipe=recipe))) == lost


def test_the_header_is_what_the_hub_reads() -> None:
    text = render(CARD, _config(base_model="Qwen/Qwen3-8B"))
    head = text.split("---\n")[1]
    rows = {key: json.loads(value) for key, value in (line.split(": ", 1) for line in head.splitlines())}
    assert rows["base_model"] == "Qwen/Qwen3-8B"
    assert rows["language"] == ["zh"]
    assert "petrg-1" in rows["tags"]


@pytest.mark.parametrize(("given", "said"), [(None, "unknown"), ("apache-2.0", "apache-2.0")])
def test_the_hubs_own_reader_takes_the_card(given: str | None, said: str) -> None:
    text = render(CARD.model_copy(update={"license": given}), _config(base_model="Qwen/Qwen3-8B"))
    read = ModelCard(text)
    assert read.data.to_dict() == {
        "library_name": "petrg",
        "pipeline_tag": "image-to-text",
        "language": ["zh"],
        "license": said,
        "base_model": "Qwen/Qwen3-8B",
        "tags": ["PET/CT", "nuclear-medicine", "radiology-report-generation", "petrg-1"],
    }
    heads = [line.removeprefix("## ") for line in read.text.splitlines() if line.startswith("## ")]
    assert heads == ["Intended use", "Scores", "Limits", "Use"]
    assert "Not for diagnosis, nor for any decision on a patient" in read.text


def test_a_score_has_every_control_of_the_table_or_says_that_it_is_not_given() -> None:
    rows = [line for line in render(CARD, _config()).splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    with pytest.raises(ValidationError):
        CardScore(name="F1", value=0.5, interval=(0.4,))  # type: ignore[arg-type]


def test_a_folder_of_one_machine_is_not_named() -> None:
    text = render(Card(), _config(base_model="/srv/someone/qwen"))
    assert "/srv" not in text
    assert "a local folder" in text
