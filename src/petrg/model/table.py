"""A network without its language model's layers: all that makes a prompt for a server that has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.utils.hub import cached_file

from petrg.errors import ModelError
from petrg.model.base import LOAD_FAULTS, is_base, unreadable
from petrg.model.config import PETRG3DConfig
from petrg.model.export_lm import TOKEN_ROWS
from petrg.model.network import PETRG3D
from petrg.model.tensors import INDEX, SINGLE, SafeTensors, open_tensors
from petrg.model.weights import base_place, fetch, fill_ours, read_config

__all__ = ["load_without_layers"]

_BLOCK = 8192  # rows that are read at a time


def load_without_layers(
    where: Path | str,
    *,
    base: Path | str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
) -> PETRG3D:
    """A network whose language model has its table of words and nothing else: layers and head stay on the meta device.

    Memory is that of the table (151,669 x 4,096 values with Qwen3-8B: 1.2 GB in bfloat16, 2.5 GB in float32) and of
    what is not the language model's. From the hub only the file that holds the table is fetched, where the weights
    name its commit.

    Parameters
    ----------
    base : folder or hub name, optional
        The language model as published, or a folder that `petrg export-lm` wrote from these weights.
    dtype, device
        As `petrg.model.weights.load`.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown or of another shape, or the table is of another language model than these
        weights stand on.
    """
    folder = fetch(where)
    own = read_config(folder)
    place, revision = base_place(folder, own, base)
    with torch.device("meta"):
        lm = AutoModelForCausalLM.from_config(own.text_config)
    table = lm.get_input_embeddings()
    name = next(key for key, parameter in lm.named_parameters() if parameter is table.weight)
    pinned = revision is not None and not Path(place).is_dir()
    source = _tensors(place, revision, name if pinned else None)
    exported = Path(place) / TOKEN_ROWS
    if not pinned and not exported.is_file():
        _expect_same(own, source, {key: tuple(t.shape) for key, t in lm.state_dict().items()}, name)
    _fill(table, source, name, dtype)
    lm.generation_config = _generation_config(place, revision) or lm.generation_config
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = PETRG3D(own, language_model=lm)
    fill_ours(model, open_tensors(folder), dtype)
    if exported.is_file():
        _expect_export(model, exported)
    for part in (table, *(child for key, child in model.named_children() if key != "language_model")):
        part.to(device)
    return model.eval()


def _tensors(place: Path | str, revision: str | None, wanted: str | None) -> SafeTensors:
    """The language model's files: those that hold the tensor ``wanted``, or all."""
    try:
        found = cached_file(place, INDEX, revision=revision, _raise_exceptions_for_missing_entries=False)
        names = [SINGLE]
        if found is not None:
            index = json.loads(Path(found).read_text(encoding="utf-8"))["weight_map"]
            names = sorted(set(index.values())) if wanted is None else [index[wanted]]
        paths = [cached_file(place, name, revision=revision) for name in names]
    except (*LOAD_FAULTS, TypeError) as error:
        raise unreadable(place, error, "table of words") from error
    return SafeTensors.of([Path(str(path)) for path in paths])


def _expect_same(config: PETRG3DConfig, source: SafeTensors, shapes: Mapping[str, tuple[int, ...]], name: str) -> None:
    """Refuse a language model that is not the one the weights stand on."""
    if not is_base(source, shapes, name, config.base_fingerprint):
        raise ModelError(
            "the language model is not the one that these weights were trained on",
            f"{config.base_model or 'the embedded one'}, tensor for tensor, or its export",
            "give --base that very model, or the folder that petrg export-lm wrote",
        )


def _expect_export(model: PETRG3D, file: Path) -> None:
    marks = load_file(file).get("marks")
    if marks is None or not torch.equal(marks, model.token_rows().detach().float().cpu()):
        raise ModelError(
            "the folder is an export of other weights", "the one made from these", "run petrg export-lm anew"
        )


def _fill(table: Any, source: SafeTensors, name: str, dtype: torch.dtype | None) -> None:
    """Read the table's rows, block by block, so that no second copy of it is held."""
    rows, width = table.weight.shape
    there = source.shapes.get(name, (0, 0))
    if there[0] < rows or tuple(there[1:]) != (width,):
        raise ModelError(
            f"the table of words is {list(there)}", f"at least {rows} rows of {width} values", "take the model it is of"
        )
    weight = torch.empty(rows, width, dtype=dtype or source.dtype(name))
    for first in range(0, rows, _BLOCK):
        weight[first : first + _BLOCK] = source.read(name, first, min(first + _BLOCK, rows))
    table.weight = nn.Parameter(weight, requires_grad=False)
    for key, buffer in table.named_buffers():  # Gemma's scale
        if buffer.is_meta:
            setattr(table, key, torch.tensor(table.scalar_embed_scale))


def _generation_config(place: Path | str, revision: str | None) -> GenerationConfig | None:
    """What the language model stops at and draws from, where it says so."""
    try:
        return GenerationConfig.from_pretrained(place, revision=revision or "main")
    except OSError:
        return None
