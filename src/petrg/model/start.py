"""A new network on a language model, before any training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from petrg.model.base import base_tokenizer, fingerprint, load_base
from petrg.model.config import Network, PETRG3DConfig, network_for
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.recipe import Recipe
from petrg.model.tensors import HeldTensors

__all__ = ["start"]


def start(
    base: Path | str,
    *,
    revision: str | None = None,
    network: Network | Mapping[str, Any] | None = None,
    recipe: str | Mapping[str, Any] | Recipe = "petrg-1",
    dtype: torch.dtype | str | None = None,
    domain: str = "untrained",
) -> tuple[PETRG3D, PETRG3DProcessor]:
    """The language model with its weights, everything of ours drawn at random (torch's seed), and its processor.

    Parameters
    ----------
    base : folder or hub name of the language model
        Its table is cut to its tokenizer; the hub's commit is noted.
    network : Network or mapping, optional
        The shape; what is not given is the recipe's (`petrg.model.config.network_for`).
    dtype : optional
        The language model's; that of its file where None. Ours is float32.

    Raises
    ------
    ModelError
        If the language model cannot be had whole, no prompt can be built for it, or the shape contradicts the recipe.
    """
    typed = Recipe.of(recipe)
    shape = network_for(typed, network)  # before anything is fetched
    tokenizer = base_tokenizer(base, revision)
    size = len(tokenizer)
    lm = load_base(base, revision=revision, size=size, dtype=dtype)
    config = PETRG3DConfig(
        network=shape,
        recipe=typed,
        text_config=lm.config,
        base_model=str(Path(base).resolve()) if Path(base).is_dir() else str(base),
        base_revision=getattr(lm.config, "_commit_hash", None) or revision,
        base_fingerprint=fingerprint(HeldTensors(lm.state_dict())),
        domain=domain,
    )
    processor = PETRG3DProcessor.of(config, tokenizer)
    return PETRG3D(config, language_model=lm), processor
