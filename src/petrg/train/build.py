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
from petrg.train.config import TrainConfig, expect_region_latents
from petrg.train.domain import joined
from petrg.train.parallel import world
from petrg.train.parts import freeze
from petrg.train.scratch import new_language_model, new_tokenizer

__all__ = ["build", "expect_start", "network_of"]

_VISION = ("vision.", "pet_vision.")


def expect_start(config: TrainConfig) -> None:
    """Refuse weights to start from that cannot be read, before any work is done for them."""
    for source in (config.model.weights, config.model.vision):
        if source not in (None, "random"):
            folder = fetch(str(source))
            read_config(folder)
            open_tensors(folder)


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
        If weights or base cannot be had, are of another recipe, or lack a part that is to be trained; if the image
        encoder stays frozen and nothing has ever trained it, unless ``model.vision`` says so.
    """
    torch.manual_seed(config.seed)
    recipe = config.typed_recipe
    if config.model.weights is not None:
        network = PETRG3D.from_pretrained(config.model.weights, recipe=recipe)
        expect_region_latents(config.losses, network.config.parts)
        processor = PETRG3DProcessor.from_pretrained(config.model.weights, recipe=recipe)
    elif config.model.base is not None:
        network, processor = start(
            config.model.base,
            revision=config.model.revision,
            network=network_of(config),
            recipe=recipe,
            dtype=None if config.model.dtype == "auto" else config.model.dtype,
        )
    else:
        network, processor = _from_scratch(config, recipe, texts, tokenizer)
    if config.model.vision not in (None, "random"):
        _take_vision(network, str(config.model.vision))
    _expect_sight(config, network)
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
    made = PETRG3DConfig(network=network_of(config), recipe=recipe, text_config=lm.config)
    processor = PETRG3DProcessor.of(made, words)
    return PETRG3D(made, language_model=lm), processor


def network_of(config: TrainConfig) -> Network:
    """The shape of a new network, without adapters where nothing would train them."""
    network = config.model.network
    if network is None:
        raise ValueError("weights have a network of their own")
    return network if "lora" in config.parts else network.model_copy(update={"lora": None})


def _expect_sight(config: TrainConfig, network: PETRG3D) -> None:
    """Refuse a frozen encoder that never saw an image, that of a run on texts alone say."""
    blind = network.config.domain == "untrained" and config.model.vision != "random"
    if blind and config.vision == "frozen-cached" and not config.text_only:
        raise ModelError(
            "the image encoder stays frozen and nothing has ever trained it",
            "one that was trained",
            "train it (vision = 'trained'), or give model.vision, a folder of weights that have seen images",
        )


def _take_vision(network: PETRG3D, source: str) -> None:
    """Put the image encoder of other weights into ``network``, strictly; its domain goes with it."""
    folder = fetch(source)
    theirs = read_config(folder)
    if theirs.typed_recipe.input != network.config.typed_recipe.input:
        raise ModelError(
            f"model.vision is an image encoder of recipe {theirs.typed_recipe.name}, which shows images another way",
            "one that was trained on images as this recipe shows them",
            "take the encoder of other weights",
        )
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
    network.config.domain = joined(network.config.domain, theirs.domain)
