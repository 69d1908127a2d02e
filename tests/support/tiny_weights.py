"""Tiny weights, each on a tiny random language model of its family (`families`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from families import FAMILIES, family_lm, tokenizer_of, write_family

from petrg.model.config import LoraSpec, Network, ResamplerConfig, VisionConfig

__all__ = ["FAMILIES", "NETWORK", "RELEASED_NETWORK", "recipe_for_bytes", "tiny_lm", "write_weights"]

WIDE: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48}
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


def tiny_lm(family: str = "qwen3", seed: int = 0, spread: float = 0.5) -> tuple[Any, Any]:
    """A random language model and its tokenizer; ``spread`` large enough that what it writes depends on the prompt."""
    return family_lm(family, seed, rows_more=0, initializer_range=spread, **WIDE), tokenizer_of(family)


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

    base = write_family(family, folder / "base", seed, initializer_range=0.5, **WIDE)
    torch.manual_seed(seed)
    values = recipe_for_bytes() if recipe is None else recipe
    stored = (values if isinstance(values, str) else values["name"]) == "petrg3d-2025"
    shape = network or (RELEASED_NETWORK if stored else NETWORK)
    model, processor = start(base, recipe=values, network=shape, domain=domain)
    model.eval().save_pretrained(folder / "weights", processor=processor)
    return folder / "weights"
