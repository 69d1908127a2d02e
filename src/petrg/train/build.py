"""The network that a run starts from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from petrg.errors import ModelError
from petrg.files import output_directory
from petrg.model.base import base_tokenizer
from petrg.model.config import Network, PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.recipe import Recipe
from petrg.model.start import start
from petrg.model.tensors import open_tensors
from petrg.model.weights import fetch, read_config
from petrg.train.config import TrainConfig
from petrg.train.parallel import world
from petrg.train.parts import freeze
from petrg.train.scratch import new_language_model, new_tokenizer

__all__ = ["build"]

_VISION = ("vision.", "pet_vision.")


def build(config: TrainConfig, texts: Iterable[str], tokenizer: Path | None = None) -> tuple[PETRG3D, PETRG3DProcessor]:
    """Network and processor, the trained parts in float32 and everything else frozen.

    Parameters
    ----------
    texts : iterable of str
        What a tokenizer is learned from, where the language model is made from scratch.
    tokenizer : Path, optional
        Where one that is learned is kept, and found again: a resumed run has the words it began with.

    Raises
    ------
    ModelError
        If weights or base cannot be had, are of another recipe, or lack a part that is to be trained.
    """
    torch.manual_seed(config.seed)
    recipe = config.typed_recipe
    if config.model.weights is not None:
        network = PETRG3D.from_pretrained(config.model.weights, recipe=recipe, base=config.model.base)
        processor = PETRG3DProcessor.from_pretrained(config.model.weights, recipe=recipe)
    elif config.model.base is not None:
        network, processor = start(
            config.model.base,
            revision=config.model.revision,
            network=_network(config),
            recipe=recipe,
            dtype=None if config.model.dtype == "auto" else config.model.dtype,
        )
    else:
        network, processor = _from_scratch(config, recipe, texts, tokenizer)
    if config.model.vision not in (None, "random"):
        _take_vision(network, str(config.model.vision))
    freeze(network, config.parts)
    for parameter in network.parameters():
        if parameter.requires_grad:  # adapters follow the type of what they adapt
            parameter.data = parameter.data.float()
    return network, processor


def _from_scratch(
    config: TrainConfig, recipe: Recipe, texts: Iterable[str], saved: Path | None
) -> tuple[PETRG3D, PETRG3DProcessor]:
    shape = config.model.scratch
    assert shape is not None
    if saved is not None and saved.is_dir():
        words: Any = base_tokenizer(saved)
    else:
        words = new_tokenizer(texts, shape.vocabulary)
        if saved is not None and world()[1] == 0:
            with output_directory(saved) as aside:
                words.save_pretrained(aside)
    lm = new_language_model(shape, words)
    made = PETRG3DConfig(network=_network(config), recipe=recipe, text_config=lm.config)
    processor = PETRG3DProcessor.of(made, words)
    return PETRG3D(made, language_model=lm), processor


def _network(config: TrainConfig) -> Network:
    """The network's shape, without adapters where nothing would train them."""
    network = config.model.network
    return network if "lora" in config.parts else network.model_copy(update={"lora": None})


def _take_vision(network: PETRG3D, source: str) -> None:
    """Put the image encoder of other weights into ``network``, strictly; its domain goes with it."""
    folder = fetch(source)
    theirs = read_config(folder)
    if theirs.parts.vision != network.config.parts.vision:
        raise ModelError(
            "model.vision is an image encoder of another shape", "the shape of model.network.vision", "make them equal"
        )
    tensors = open_tensors(folder)
    names = {name for name in network.state_dict() if name.startswith(_VISION)}
    found = {name for name in tensors.shapes if name.startswith(_VISION)}
    if names != found:
        raise ModelError("model.vision lacks a tensor or has others", "the whole image encoder", "fetch it again")
    network.load_state_dict({name: tensors.read(name).float() for name in names}, strict=False)
    network.config.domain = theirs.domain
