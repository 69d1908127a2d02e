"""Language models by family: where LoRA goes, and which prompt layout they were trained with."""

from __future__ import annotations

from typing import Any

import torch
from jinja2 import TemplateError
from peft import LoraConfig, inject_adapter_in_model
from torch import nn
from transformers.pytorch_utils import Conv1D

from petrg.errors import ModelError
from petrg.model.config import LoraSpec

__all__ = ["add_lora", "after_answer", "end_ids", "lora_targets", "row_scale", "takes_plain_prompt", "turn_end"]

_EVERYWHERE = ("q_proj", "v_proj")
_GLM = ("query_key_value", "q_proj", "k_proj", "v_proj", "o_proj", "dense_h_to_4h", "dense_4h_to_h")
"""As released for GLM: whichever of these it has."""


def lora_targets(lm: nn.Module) -> tuple[str, ...]:
    """Names of the linear layers that get an adapter, by the model's type.

    GLM has the released list, what else has ``q_proj`` and ``v_proj`` those two; any other model the linear layers
    inside its attention.

    Raises
    ------
    ModelError
        If the model has none of them.
    """
    kind = str(getattr(lm.config, "model_type", ""))
    linear = [name for name, module in lm.named_modules() if isinstance(module, (nn.Linear, Conv1D))]
    there = {name.rpartition(".")[2] for name in linear}
    wanted = _GLM if "glm" in kind else _EVERYWHERE
    targets = tuple(name for name in wanted if name in there)
    if "glm" not in kind and targets != _EVERYWHERE:
        ends = {".".join(name.split(".")[-2:]) for name in linear}  # with its parent: a perceptron may share a name
        targets = tuple(sorted(end for end in ends if "attn" in end or "attention" in end))
    if not targets:
        raise ModelError(
            f"no layer of this {kind or 'language'} model is known to take LoRA",
            "linear layers inside its attention",
            "name the layers in network.lora.targets",
        )
    return targets


def add_lora(lm: nn.Module, spec: LoraSpec) -> nn.Module:
    """``lm`` with adapters in place (peft's own layers, adapter "default"); on the meta device they stay empty."""
    transposed = any(isinstance(module, Conv1D) for module in lm.modules())
    config = LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=list(spec.targets or lora_targets(lm)),
        bias="none",
        fan_in_fan_out=transposed,
        task_type="CAUSAL_LM",
    )
    return inject_adapter_in_model(config, lm, low_cpu_mem_usage=torch.get_default_device().type == "meta")


def row_scale(table: nn.Embedding) -> float:
    """What a language model's look-up multiplies its rows by (Gemma: the root of the width), else 1.

    Where the model itself scales all of ``inputs_embeds`` instead, as older transformers did, the look-up does not.
    """
    scale = getattr(table, "scalar_embed_scale", getattr(table, "embed_scale", 1.0))
    return float(torch.as_tensor(scale).to(table.weight.dtype))  # rounded as the look-up rounds it


def takes_plain_prompt(model_type: str) -> bool:
    """Whether the family has the plain layout of the released Llama prompt.

    >>> takes_plain_prompt("llama"), takes_plain_prompt("qwen3")
    (True, False)
    """
    return "llama" in model_type


def end_ids(tokenizer: Any, *sources: Any, only_eos: bool = False) -> list[int]:
    """Ids that end an answer: the tokenizer's end token first, then those that the language model itself stops at.

    Parameters
    ----------
    tokenizer : optional
        None where it is not at hand.
    *sources
        Configurations with an ``eos_token_id``: one, several or none.
    only_eos : bool
        The first alone (the released recipe).

    Raises
    ------
    ModelError
        If there is none.
    """
    found: list[int] = []
    for source in (tokenizer, *sources):
        ids = getattr(source, "eos_token_id", None)
        found += ids if isinstance(ids, list) else [] if ids is None else [ids]
    turn = None if tokenizer is None else turn_end(tokenizer)
    found += [] if turn is None else [turn]
    if not found:
        raise ModelError("nothing says where an answer ends", "an end token", "take a backbone that has one")
    return [found[0]] if only_eos else list(dict.fromkeys(found))


def turn_end(tokenizer: Any) -> int | None:
    """The special token that the chat template puts after an answer (``<end_of_turn>``, ``<|im_end|>``), if any."""
    after = tokenizer(after_answer(tokenizer).lstrip(), add_special_tokens=False)["input_ids"]
    added = tokenizer.added_tokens_decoder.get(after[0]) if after else None
    return after[0] if added is not None and added.special else None


def after_answer(tokenizer: Any) -> str:
    """What the chat template puts after the assistant's last words; empty where it puts nothing, or there is none.

    Qwen has the end of turn and a newline, Gemma its own, Mistral the end token alone, GLM-4 nothing: there the next
    speaker's token ends a turn.
    """
    if not getattr(tokenizer, "chat_template", None):
        return ""
    word = "answer"
    messages = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": word}]
    try:
        text = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except TemplateError:
        return ""
    return text.rpartition(word)[2]
