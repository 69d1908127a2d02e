"""A released checkpoint (one state dict with the language model in it) -> a network, strictly; and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor

from petrg.errors import ModelError
from petrg.files import output_directory
from petrg.model.base import base_config, base_of, base_state, base_tokenizer
from petrg.model.config import PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.released import RECIPE, check_shapes, network_of, our_name, released_shapes, their_name
from petrg.model.released_keys import DUPLICATE
from petrg.model.tensors import HeldTensors, PickledTensors, SafeTensors, Tensors, open_tensors, writing
from petrg.model.tokens import add_tokens
from petrg.model.weights import EMBEDDED, is_ours, overlay

__all__ = ["Released", "load_released", "open_released", "released_state", "write_released"]

_TABLE = f"{EMBEDDED}.model.embed_tokens.weight"
_BLOCK = 16_000_000  # values that are compared at a time
_TYPES = (torch.float32, torch.bfloat16)


class Released(NamedTuple):
    """A released checkpoint that was found whole: its tensors under our names."""

    config: PETRG3DConfig
    tensors: Tensors
    theirs: Mapping[str, str]  # our name -> the file's

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each."""
        return {ours: self.tensors.shapes[theirs] for ours, theirs in self.theirs.items()}

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""
        return self.tensors.dtype(self.theirs[name])

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last``; refused where a value is no number."""
        return _numbers(self.tensors, self.theirs[name], first, last)


def open_released(file: Path, text_config: Any) -> Released:
    """Check a released checkpoint against the design, tensor by tensor.

    Parameters
    ----------
    file : safetensors, or a state dict in torch's format, or the folder that holds it
    text_config
        The backbone's configuration, its vocabulary that of the tokenizer without our tokens.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown, of another shape, or neither float32 nor bfloat16, or the two copies of the
        word table differ. One that holds a value which is no number is refused when it is read.
    """
    tensors: SafeTensors | PickledTensors = open_tensors(file)
    network = network_of(tensors.shapes)
    check_shapes(tensors.shapes, released_shapes(network, text_config))
    _expect_types(tensors)
    theirs = {ours: name for name in tensors.shapes if (ours := our_name(name)) is not None}
    _expect_equal(tensors, DUPLICATE, theirs[_TABLE])
    config = PETRG3DConfig(network=network, recipe=RECIPE, text_config=text_config, domain="patients")
    return Released(config, tensors, theirs)


def _expect_types(tensors: Tensors) -> None:
    wrong = [name for name in sorted(tensors.shapes) if tensors.dtype(name) not in _TYPES]
    if wrong:
        named = ", ".join(f"{name} {str(tensors.dtype(name)).removeprefix('torch.')}" for name in wrong[:3])
        raise ModelError(
            f"tensors {len(wrong)} of another type: {named}", "float32 or bfloat16", "take the file as released"
        )


def _numbers(tensors: Tensors, name: str, first: int = 0, last: int | None = None) -> Tensor:
    tensor = tensors.read(name, first, last)
    low, high = tensor.aminmax()  # both are NaN where one value is; no copy is made
    if not bool(low.isfinite() & high.isfinite()):
        raise ModelError(f"{name} holds a value that is no number", "finite weights", "take the file as released")
    return tensor


def _expect_equal(tensors: Tensors, one: str, other: str) -> None:
    rows, width = tensors.shapes[one]
    step = max(1, _BLOCK // width)
    for first in range(0, rows, step):
        a, b = (_numbers(tensors, name, first, first + step) for name in (one, other))
        if a.dtype != b.dtype or not torch.equal(a, b):
            raise ModelError(
                f"{one} is not the language model's own table: rows {first} to {min(first + step, rows) - 1} differ",
                "two equal copies",
                "take the file as released: it was altered",
            )


def load_released(
    weights: Path, language_model: Path | str, *, dtype: torch.dtype = torch.float32
) -> tuple[PETRG3D, Any]:
    """The network and its tokenizer from a released checkpoint.

    Parameters
    ----------
    weights : path of the file, or of the folder that holds it
    language_model : folder or hub name
        Where configuration and tokenizer of the backbone are; its weights are not read, the checkpoint holds them.

    Raises
    ------
    ModelError
        As `open_released`.
    """
    text_config, tokenizer = base_config(language_model), base_tokenizer(language_model)
    text_config.vocab_size = len(tokenizer)
    released = open_released(weights, text_config)
    add_tokens(tokenizer, released.config.parts.resampler.latents)
    prefix = f"{EMBEDDED}."
    lm_state = base_state({k.removeprefix(prefix): released.read(k).to(dtype) for k in released.shapes if _is_lm(k)})
    lm = base_of(text_config, lm_state, dtype)
    released.config.text_config = lm.config
    with torch.device("meta"):
        model = PETRG3D(released.config, language_model=lm)
    overlay(model, HeldTensors({k: released.read(k) for k in released.shapes if is_ours(k)}), dtype)
    return model.eval(), tokenizer


def _is_lm(name: str) -> bool:
    return not is_ours(name)


def released_state(model: PETRG3D) -> dict[str, Tensor]:
    """A network's tensors under the released names, the word table twice.

    Raises
    ------
    ModelError
        If the network is of another design than the released layout can hold.
    """
    state = {their_name(name): tensor for name, tensor in model.state_dict().items()}
    return {**state, DUPLICATE: model.get_input_embeddings().weight.detach()}


def write_released(model: PETRG3D, file: Path) -> None:
    """Write `released_state` as one safetensors file.

    Raises
    ------
    ModelError
        As `released_state`.
    """
    state = {name: tensor.contiguous().clone() for name, tensor in released_state(model).items()}  # none shares memory
    with output_directory(file.parent) as aside, writing():
        save_file(state, aside / file.name)
