"""Language models by family: where LoRA goes, and which prompt layout they were trained with."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from petrg.errors import ModelError
from petrg.model.config import LoraSpec

__all__ = ["add_lora", "end_ids", "lora_targets", "takes_plain_prompt"]

_EVERYWHERE = ("q_proj", "v_proj")
_GLM = ("query_key_value", "q_proj", "k_proj", "v_proj", "o_proj", "dense_h_to_4h", "dense_4h_to_h")
"""As released for GLM: whichever of these it has."""


def lora_targets(lm: nn.Module) -> tuple[str, ...]:
    """Names of the linear layers that get an adapter, by the model's type.

    Raises
    ------
    ModelError
        If the model has none of them.
    """
    kind = str(getattr(lm.config, "model_type", ""))
    wanted = _GLM if "glm" in kind else _EVERYWHERE
    there = {name.rpartition(".")[2] for name, module in lm.named_modules() if isinstance(module, nn.Linear)}
    targets = tuple(name for name in wanted if name in there)
    if not targets:
        raise ModelError(
            f"no layer of this {kind or 'language'} model is known to take LoRA",
            f"one of {', '.join(wanted)}",
            "name the layers in network.lora.targets",
        )
    return targets


def add_lora(lm: nn.Module, spec: LoraSpec) -> nn.Module:
    """``lm`` with adapters in place (peft's own layers, adapter "default"); on the meta device they stay empty."""
    config = LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=list(spec.targets or lora_targets(lm)),
        bias="none",
        task_type="CAUSAL_LM",
    )
    return inject_adapter_in_model(config, lm, low_cpu_mem_usage=torch.get_default_device().type == "meta")


def takes_plain_prompt(model_type: str) -> bool:
    """Whether the family has the plain layout of the released Llama prompt.

    >>> takes_plain_prompt("llama"), takes_plain_prompt("qwen3")
    (True, False)
    """
    return "llama" in model_type


def end_ids(lm: Any, tokenizer: Any = None, *, only_eos: bool = False) -> list[int]:
    """Ids that end an answer: the tokenizer's end token first, then those the language model itself stops at.

    Parameters
    ----------
    only_eos : bool
        The tokenizer's alone (the released recipe).
    """
    eos = getattr(tokenizer, "eos_token_id", None)
    if only_eos and eos is not None:
        return [eos]
    found = [] if eos is None else [eos]
    for source in (lm.generation_config, lm.config):
        more = getattr(source, "eos_token_id", None)
        found += more if isinstance(more, list) else [] if more is None else [more]
    return list(dict.fromkeys(found))
