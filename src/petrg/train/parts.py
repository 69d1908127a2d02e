"""Which tensors are trained, and that everything else behaves as in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from petrg.errors import ModelError
from petrg.model.network import PETRG3D
from petrg.train.config import Part

__all__ = ["freeze", "modules_of", "settle", "trained"]


def modules_of(network: PETRG3D, part: Part) -> list[nn.Module]:
    """The modules that a part is made of ("lora" has none of its own: its tensors lie in the language model)."""
    found: dict[str, list[Any]] = {
        "resamplers": [network.ct_resampler, network.pet_resampler],
        "projections": [network.ct_projection, network.pet_projection],
        "token_rows": [network.token_rows],
        "vision": [network.vision, network.pet_vision],
        "language_model": [network.language_model],
        "lora": [],
    }
    return [m for m in found[part] if m is not None]


def freeze(network: PETRG3D, parts: Sequence[Part]) -> None:
    """Let the gradient reach ``parts`` and nothing else.

    Raises
    ------
    ModelError
        If the network lacks one of them, or has adapters and its language model is to be trained: both would be.
    """
    network.requires_grad_(False)
    if "language_model" in parts and network.config.parts.lora is not None:
        raise ModelError("the language model has adapters", "one without, to be trained itself", "train 'lora'")
    for part in parts:
        reached = [p for m in modules_of(network, part) for p in m.parameters()]
        if part == "lora":
            reached = [p for name, p in network.named_parameters() if ".lora_" in name]
        if not reached:
            raise ModelError(f"the network has no {part}", "a part that it has", "correct parts")
        for parameter in reached:
            parameter.requires_grad_(True)


def trained(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The tensors that are trained, by name."""
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            yield name, parameter


def settle(network: PETRG3D, parts: Sequence[Part]) -> None:
    """Training mode where something is trained, eval mode elsewhere; to be called after every ``train()``.

    A frozen language model keeps its own dropout off while that of its adapters is on. Its layers count as training
    where they compute their activations again in the backward pass, since transformers asks just that; their own parts
    do not.
    """
    network.eval()
    network.training = True
    for part in parts:
        for module in modules_of(network, part):
            module.train()
    for name, module in network.language_model.named_modules():
        if "lora" in parts and name.rpartition(".")[2] == "lora_dropout":
            module.train()
        if getattr(module, "gradient_checkpointing", False):
            module.training = True
