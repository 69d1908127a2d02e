"""A released checkpoint (one safetensors file with the language model in it) -> a network, strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoTokenizer

from petrg.errors import ModelError
from petrg.model.config import PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.released import DUPLICATE, check_shapes, network_of, our_name
from petrg.model.tokens import add_tokens

__all__ = ["load_released"]

TABLE = "language_model.model.embed_tokens.weight"


def load_released(
    weights: Path, language_model: Path | str, *, dtype: torch.dtype = torch.float32
) -> tuple[PETRG3D, Any]:
    """The network and its tokenizer from a released checkpoint.

    Parameters
    ----------
    weights : path of the safetensors file
    language_model : folder or hub name
        Where configuration and tokenizer of the backbone are; its weights are not read, the checkpoint holds them.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown, of another shape, or the two copies of the word table differ.
    """
    config = AutoConfig.from_pretrained(language_model)
    tokenizer = AutoTokenizer.from_pretrained(language_model)
    config.vocab_size = len(tokenizer)
    try:
        with safe_open(weights, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            named = {our_name(name): name for name in shapes if name != DUPLICATE}
            ours = {mine: shapes[theirs] for mine, theirs in named.items() if mine is not None}
            network = network_of(ours)
            span = add_tokens(tokenizer, network.resampler.latents)
            whole = PETRG3DConfig(network=network, recipe="petrg3d-2025", text_config=config, domain="patients")
            with torch.device("meta"):
                model = PETRG3D(whole)
            check_shapes(ours, {k: tuple(v.shape) for k, v in model.state_dict().items()})
            if span.first != config.vocab_size:
                raise ModelError("the tokenizer grew", "its length before our tokens", "take the released tokenizer")
            if DUPLICATE in shapes and not torch.equal(file.get_tensor(DUPLICATE), file.get_tensor(named[TABLE])):
                raise ModelError(
                    f"{DUPLICATE} is not the language model's own table",
                    "two equal copies",
                    "take the file as released: it was altered",
                )
            state = {mine: file.get_tensor(theirs).to(dtype) for mine, theirs in named.items() if mine is not None}
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"the checkpoint cannot be read: {type(error).__name__}", "a whole safetensors file", "fetch it again"
        ) from error
    model.load_state_dict(state, strict=True, assign=True)
    _restore_buffers(model, config)
    return model.eval(), tokenizer


def _restore_buffers(model: PETRG3D, config: Any) -> None:
    """Compute again what a state dict does not hold: the rotary frequencies of the language model."""
    decoder: Any = model.language_model.model
    if hasattr(decoder, "rotary_emb"):
        decoder.rotary_emb = type(decoder.rotary_emb)(config)
