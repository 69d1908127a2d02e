"""Tiny random language models of each family on a tokenizer of bytes, and tiny weights that stand on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import AutoConfig

from petrg.model.config import LoraSpec, Network, ResamplerConfig, VisionConfig

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "qwen3": {},
    "qwen2": {},
    "glm4": {"partial_rotary_factor": 0.5},
    "gemma2": {"query_pre_attn_scalar": 8, "sliding_window": 64, "tie_word_embeddings": True},
    "mistral": {"sliding_window": None},
    "llama": {},
}
NETWORK = Network(
    vision=VisionConfig(
        patch=(8, 8, 8),
        dim=24,
        depth=1,
        heads=2,
        head_dim=8,
        mlp_dim=32,
        position="mm",
        position_tables=(64, 32, 32),
        stem="conv",
        normalise_patches=False,
    ),
    resampler=ResamplerConfig(latents=8, depth=1, heads=2, head_dim=8, mlp_ratio=1),
    lora=LoraSpec(rank=2, alpha=4),
)
RELEASED_NETWORK = Network(
    vision=VisionConfig(dim=48, depth=1, heads=2, head_dim=8, mlp_dim=32),
    resampler=ResamplerConfig(latents=8, depth=1, heads=2, head_dim=8, mlp_ratio=1),
    lora=LoraSpec(rank=2, alpha=4),
)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, an end of turn, an end of text, a pad."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={letter: k for k, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def tiny_lm(family: str = "qwen3", seed: int = 0, spread: float = 0.5) -> tuple[Any, Any]:
    """A random language model and its tokenizer; ``spread`` large enough that what it writes depends on the prompt."""
    tokenizer = byte_tokenizer()
    config = AutoConfig.for_model(
        family,
        **{
            **SMALL,
            "vocab_size": len(tokenizer),
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "initializer_range": spread,
            **FAMILIES[family],
        },
    )
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(config).eval(), tokenizer


def write_lm(folder: Path, family: str = "qwen3", seed: int = 0) -> Path:
    """A base language model as a folder."""
    lm, tokenizer = tiny_lm(family, seed)
    lm.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def recipe_for_bytes(name: str = "petrg-1", new_tokens: int = 48) -> dict[str, Any]:
    """A shipped recipe with room for a tokenizer of bytes, and short answers."""
    from petrg.model.recipe import Recipe

    values = Recipe.of(name).model_dump(mode="json")
    values["supervision"]["max_length"] = 16384
    values["generation"]["max_new_tokens"] = new_tokens
    return values


def write_weights(
    folder: Path,
    family: str = "qwen3",
    *,
    domain: str = "phantoms",
    recipe: Any = None,
    network: Network | None = None,
    seed: int = 0,
) -> Path:
    """Tiny weights with their base language model beside them."""
    from petrg.model.start import start

    base = write_lm(folder / "base", family, seed)
    torch.manual_seed(seed)
    values = recipe_for_bytes() if recipe is None else recipe
    stored = (values if isinstance(values, str) else values["name"]) == "petrg3d-2025"
    shape = network or (RELEASED_NETWORK if stored else NETWORK)
    model, processor = start(base, recipe=values, network=shape, domain=domain)
    model.eval().save_pretrained(folder / "weights", processor=processor)
    return folder / "weights"
