"""The language model that a network stands on: loaded whole or not at all, its table cut to the tokenizer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from petrg.errors import ModelError
from petrg.model.tensors import Tensors

__all__ = [
    "LOAD_FAULTS",
    "base_config",
    "base_name",
    "base_of",
    "base_state",
    "base_tokenizer",
    "fingerprint",
    "is_base",
    "load_base",
    "quiet",
    "resize",
    "unreadable",
]

LOAD_FAULTS = (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError)
"""What transformers raises where a model cannot be had."""


def base_name(name: str) -> str | None:
    """The name a tensor has without adapters; None for an adapter's own.

    >>> base_name("model.layers.0.self_attn.q_proj.base_layer.weight")
    'model.layers.0.self_attn.q_proj.weight'
    >>> base_name("model.layers.0.self_attn.q_proj.lora_A.default.weight")
    """
    return None if ".lora_" in name else name.replace(".base_layer.", ".")


def base_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a language model without its adapters, under their plain names."""
    return {plain: tensor for name, tensor in state.items() if (plain := base_name(name)) is not None}


def base_config(name: str | Path, revision: str | None = None, **hub: Any) -> Any:
    """A language model's configuration.

    Raises
    ------
    ModelError
        If there is none at ``name``.
    """
    try:
        made = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False, **hub)
    except LOAD_FAULTS as error:
        raise unreadable(name, error) from error
    if getattr(made, "hidden_size", None) is None:
        raise unreadable(name, ValueError(f"it holds a {made.model_type} model"))
    return made


def base_tokenizer(name: str | Path, revision: str | None = None, **hub: Any) -> Any:
    """A language model's tokenizer.

    Raises
    ------
    ModelError
        If there is none at ``name``.
    """
    try:
        return AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False, **hub)
    except LOAD_FAULTS as error:
        raise unreadable(name, error, "tokenizer") from error


def load_base(
    name: str | Path,
    *,
    revision: str | None = None,
    size: int | None = None,
    dtype: torch.dtype | str | None = None,
    **hub: Any,
) -> Any:
    """A language model with every tensor from its file.

    Parameters
    ----------
    name : folder or hub id
    size : int, optional
        Rows of its table afterwards (`resize`).
    dtype : optional
        That of the file where None.

    Raises
    ------
    ModelError
        If it cannot be had, or a tensor is missing, unknown or of another shape: nothing is filled at random.
    """
    how: dict[str, Any] = {"trust_remote_code": False, "weights_only": True, "output_loading_info": True, **hub}
    loader: Any = AutoModelForCausalLM
    try:
        with quiet():
            lm, info = loader.from_pretrained(name, revision=revision, dtype=dtype or "auto", **how)
    except LOAD_FAULTS as error:
        raise unreadable(name, error) from error
    _expect_whole(info)
    return lm if size is None else resize(lm, size)


def base_of(config: Any, state: Mapping[str, Tensor], dtype: torch.dtype) -> Any:
    """A language model from its configuration and tensors in memory (plain names), strictly.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown or of another shape.
    """
    with torch.device("meta"):
        kind: Any = type(AutoModelForCausalLM.from_config(config))
    try:
        with quiet():
            lm, info = kind.from_pretrained(
                None, config=config, state_dict=dict(state), dtype=dtype, output_loading_info=True
            )
    except LOAD_FAULTS as error:
        raise unreadable("the checkpoint", error) from error
    _expect_whole(info)
    return lm


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own bars: the library never prints."""
    shown = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers.utils.logging.enable_progress_bar()


def _expect_whole(info: Mapping[str, Any]) -> None:
    faults = [
        f"{fault} {', '.join(map(str, sorted(info[key], key=str)[:3]))}"
        for fault, key in (("missing", "missing_keys"), ("unknown", "unexpected_keys"), ("reshaped", "mismatched_keys"))
        if info.get(key)
    ]
    if faults:
        raise ModelError(
            f"the language model's weights are not whole: {'; '.join(faults)}", "every tensor once", "fetch it again"
        )


def resize(lm: Any, size: int) -> Any:
    """Cut a language model's table and head to ``size`` rows, those of its tokenizer; in place.

    Raises
    ------
    ModelError
        If it has fewer: rows that it never learned are not made up.
    """
    rows = lm.get_input_embeddings().weight.shape[0]
    if rows < size:
        raise ModelError(
            f"the tokenizer has {size} tokens, the language model {rows} rows",
            "a row for every token",
            "take the tokenizer that belongs to it",
        )
    if rows > size:
        lm.resize_token_embeddings(size, mean_resizing=False)
    return lm


def fingerprint(tensors: Tensors) -> str:
    """What tells one language model from another: eight stretches of 256 values of each tensor, hashed.

    The same for float32 and bfloat16 copies of a model. ``tensors`` have plain names (`base_state`).
    """
    digest = hashlib.sha256()
    for name, shape in sorted(tensors.shapes.items()):
        digest.update(f"{name}{list(shape)}".encode())
        count = min(8, shape[0]) if shape else 0
        for k in range(count):
            row = k * shape[0] // count
            part = tensors.read(name, row, row + 1).flatten()[:256].to("cpu", torch.bfloat16)
            digest.update(part.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Cut:
    """A language model's tensors as they are once its table is cut to its tokenizer; a tied head is the table."""

    source: Tensors
    shapes: Mapping[str, tuple[int, ...]]
    table: str

    def there(self, name: str) -> str:
        """The name in the file."""
        return name if name in self.source.shapes else self.table

    def fits(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether the file has that tensor; the table, and a head of its rows, may have more of them."""
        found, rows = (tuple(self.source.shapes.get(key, ())) for key in (self.there(name), self.table))
        return found == shape or (found[1:] == shape[1:] and found[:1] == rows[:1] and found[:1] > shape[:1])

    def dtype(self, name: str) -> torch.dtype:
        """The type of one."""
        return self.source.dtype(self.there(name))

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        """One tensor, or its rows ``first`` to ``last``."""
        return self.source.read(self.there(name), first, last)


def is_base(source: Tensors, shapes: Mapping[str, tuple[int, ...]], table: str, wanted: str | None) -> bool:
    """Whether published tensors are the language model of fingerprint ``wanted``; a few values of each are read.

    Parameters
    ----------
    source : Tensors
        As published: with more rows in the table than its tokenizer has, without the head if that is the table; what
        the model does not have (older files hold frequencies) counts for nothing.
    shapes : mapping
        Of the model once its table is cut.
    table : str
        The table's name.
    wanted : str, optional
        None takes any model of these shapes.
    """
    cut = _Cut(source, shapes, table)
    return all(cut.fits(*each) for each in shapes.items()) and wanted in (None, fingerprint(cut))


def unreadable(name: str | Path, error: Exception, what: str = "language model") -> ModelError:
    """The one error for a language model that cannot be had from ``name``."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    place = "the folder given" if Path(name).is_absolute() else repr(str(name))
    return ModelError(
        f"no {what} can be had from {place} ({type(error).__name__}: {said[0][:120]})",
        "a folder or hub name of a causal language model",
        "give --base FOLDER, or fetch it where there is a network",
    )
