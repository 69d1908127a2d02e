"""The exported language model is the one that the weights run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_weights import FAMILIES, recipe_for_bytes, write_weights
from transformers import AutoModelForCausalLM, AutoTokenizer

from petrg.model import PETRG3D, PETRG3DProcessor
from petrg.model.export_lm import TOKEN_ROWS, export_lm
from petrg.model.generate import generate
from petrg.model.recipe import Generation


def trained(weights: Path) -> PETRG3D:
    """Weights whose adapters do something: as drawn, they add nothing."""
    model = PETRG3D.from_pretrained(weights)
    torch.manual_seed(3)
    for name, tensor in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(tensor, std=0.3)
    return model


@pytest.mark.parametrize("family", sorted(FAMILIES))
@torch.no_grad()
def test_same_embeddings_same_logits(family: str, tmp_path: Path) -> None:
    weights = write_weights(tmp_path, family)
    model, processor = trained(weights), PETRG3DProcessor.from_pretrained(weights)
    prompt = torch.randn(2, 9, model.config.text_config.hidden_size)
    before = model.language_model(inputs_embeds=prompt).logits
    bare = PETRG3D.from_pretrained(weights).language_model(inputs_embeds=prompt).logits
    done = export_lm(model, processor, tmp_path / "lm")
    assert done.merged >= 4
    lm = AutoModelForCausalLM.from_pretrained(tmp_path / "lm")
    after = lm(inputs_embeds=prompt).logits
    scale = float(before.abs().max())
    assert float((after - before).abs().max()) <= 1e-5 * scale
    assert float((after - bare).abs().max()) > 1e-2 * scale, "the test would prove nothing if adapters did nothing"
    assert not [name for name, _ in lm.named_parameters() if "lora" in name]
    assert ("36787" in (tmp_path / "lm" / "README.md").read_text()) is (family == "gemma2")


def test_what_lies_in_the_folder(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    model, processor = trained(weights), PETRG3DProcessor.from_pretrained(weights)
    export_lm(model, processor, tmp_path / "lm")
    folder, span = tmp_path / "lm", model.span
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lm = AutoModelForCausalLM.from_pretrained(folder)
    assert tokenizer.convert_tokens_to_ids("<ct>") == span.first
    assert len(tokenizer) == span.end
    assert lm.get_input_embeddings().weight.shape[0] == span.first, "no rows for tokens that enter as embeddings"
    assert lm.get_output_embeddings().weight.shape[0] == span.first, "so none of them is ever written"
    assert torch.equal(load_file(folder / TOKEN_ROWS)["marks"], model.token_rows().detach())
    assert [p.name for p in folder.glob("*.safetensors")] == ["model.safetensors"], "servers load every one beside it"
    about = (folder / "README.md").read_text()
    assert f"ids {span.first} to {span.end - 1}" in about
    assert "--enable-prompt-embeds" in about
    assert lm.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])


def test_it_writes_what_the_weights_write(tmp_path: Path) -> None:
    weights = write_weights(tmp_path)
    model, processor = trained(weights), PETRG3DProcessor.from_pretrained(weights)
    how = Generation(max_new_tokens=24, repetition_penalty=1.3)
    prompt = torch.randn(9, model.config.text_config.hidden_size)
    (before,) = generate(model, [prompt], processor.tokenizer, how)
    export_lm(model, processor, tmp_path / "lm")
    lm: Any = SimpleNamespace(language_model=AutoModelForCausalLM.from_pretrained(tmp_path / "lm"))
    assert generate(lm, [prompt], processor.tokenizer, how) == [before]


def test_the_released_recipe_stops_at_its_one_end_token(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, recipe=recipe_for_bytes("petrg3d-2025"), domain="patients")
    model = trained(weights)
    model.language_model.generation_config.update(do_sample=True, top_k=20)  # as Qwen3-8B's, which decides top_k
    export_lm(model, PETRG3DProcessor.from_pretrained(weights), tmp_path / "lm")
    config = AutoModelForCausalLM.from_pretrained(tmp_path / "lm").generation_config
    assert (config.do_sample, config.top_p, config.temperature, config.top_k) == (True, 0.9, 0.7, 20)
    assert config.repetition_penalty == 1.05
    assert config.max_new_tokens == 48
