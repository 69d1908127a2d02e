"""Weights for a server: the table of words and nothing else of the language model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_weights import FAMILIES, write_weights
from transformers import AutoModelForCausalLM

from petrg.errors import ModelError
from petrg.model import PETRG3D, PETRG3DProcessor, table
from petrg.model.export_lm import export_lm
from petrg.model.infer import Loaded, load_weights
from petrg.model.inputs import Seen
from petrg.model.prompt import Ask


def seen() -> Seen:
    rng = np.random.default_rng(1)
    volumes = (rng.random((n, 16, 16, 16), np.float32) for n in (3, 1))
    return Seen(*volumes, wanted=np.ones(8, bool))


def in_memory(loaded: Loaded) -> dict[str, int]:
    """Bytes of the language model that are not adapters, by name."""
    parts = loaded.model.language_model.named_parameters()
    return {n: p.nbytes for n, p in parts if not p.is_meta and ".lora_" not in n}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_prompts_are_the_same_and_no_layer_is_loaded(family: str, tmp_path: Path) -> None:
    weights = write_weights(tmp_path, family)
    whole, alone = load_weights(weights), load_weights(weights, layers=False)
    assert torch.equal(alone.prompt(seen(), Ask()), whole.prompt(seen(), Ask()))
    assert (alone.identity, alone.ends) == (whole.identity, whole.ends)
    words = whole.model.get_input_embeddings().weight
    assert in_memory(alone) == {"model.embed_tokens.weight": words.nbytes}
    assert len(in_memory(whole)) > 10
    with pytest.raises((NotImplementedError, RuntimeError)):  # nothing is written on layers that are not there
        alone.write([alone.prompt(seen(), Ask())], alone.recipe.generation)


def test_an_export_gives_its_table(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    model, processor = PETRG3D.from_pretrained(weights), PETRG3DProcessor.from_pretrained(weights)
    export_lm(model, processor, tmp_path / "lm")
    shutil.rmtree(tmp_path / "base")
    alone = load_weights(weights, layers=False, base=tmp_path / "lm")
    assert torch.equal(alone.model.get_input_embeddings().weight, model.get_input_embeddings().weight)
    other = write_weights(tmp_path / "other", seed=4)
    with pytest.raises(ModelError, match="an export of other weights"):
        load_weights(other, layers=False, base=tmp_path / "lm")


def test_another_language_model_is_refused(tmp_path: Path) -> None:
    weights, other = write_weights(tmp_path / "a"), write_weights(tmp_path / "b", seed=4)
    assert load_weights(weights, layers=False)
    with pytest.raises(ModelError, match="not the one that these weights were trained on"):
        load_weights(weights, layers=False, base=other.parent / "base")
    lm = AutoModelForCausalLM.from_pretrained(tmp_path / "a/base")
    with torch.no_grad():
        lm.model.layers[1].mlp.up_proj.weight[0, 0] += 1  # the table is the same, a layer is not
    lm.save_pretrained(tmp_path / "a/base")
    with pytest.raises(ModelError, match="not the one that these weights were trained on"):
        load_weights(weights, layers=False)


def test_of_the_hub_s_shards_only_the_table_s_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = write_weights(tmp_path)
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    words = base.get_input_embeddings().weight.detach().clone()
    base.save_pretrained(tmp_path / "hub", max_shard_size="10KB")
    config = json.loads((weights / "config.json").read_text())
    (weights / "config.json").write_text(json.dumps({**config, "base_model": "org/lm", "base_revision": "c0ffee"}))
    asked: list[tuple[str, str]] = []

    def cached(place: str, name: str, *, revision: str, **how: Any) -> str | None:
        assert place == "org/lm"
        asked.append((name, revision))
        return str(tmp_path / "hub" / name) if (tmp_path / "hub" / name).is_file() else None

    monkeypatch.setattr(table, "cached_file", cached)
    monkeypatch.setattr(table.GenerationConfig, "from_pretrained", lambda *a, **k: None)
    model = table.load_without_layers(weights)
    kept = model.get_input_embeddings().weight
    assert len(kept) < len(words)
    assert torch.equal(kept, words[: len(kept)])
    shards = json.loads((tmp_path / "hub/model.safetensors.index.json").read_text())["weight_map"]
    assert len(set(shards.values())) > 4
    assert asked == [("model.safetensors.index.json", "c0ffee"), (shards["model.embed_tokens.weight"], "c0ffee")]


def test_a_base_without_its_table_says_so(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    (tmp_path / "base/model.safetensors").unlink()
    with pytest.raises(ModelError, match="no table of words can be had from the folder given"):
        load_weights(weights, layers=False)


def test_what_is_shown_is_what_is_announced(tmp_path: Path) -> None:
    loaded = load_weights(write_weights(tmp_path), layers=False)
    both, bare = seen(), Seen(None, None)
    pet = both._replace(ct=None)
    assert loaded.prompt(bare, Ask(modalities=())).shape[0] + 16 + 4 < loaded.prompt(both, Ask()).shape[0] + 1
    for given, ask in ((pet, Ask()), (both, Ask(modalities=("pet",))), (both, Ask(modalities=())), (bare, Ask())):
        with pytest.raises(ModelError, match="the question announces"):
            loaded.prompt(given, ask)
    assert not torch.equal(
        loaded.prompt(pet, Ask(modalities=("pet",))), loaded.prompt(both._replace(pet=None), Ask(modalities=("ct",)))
    )
