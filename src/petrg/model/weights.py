"""A network to a folder and back: all that is not the base language model, and the way to that."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from torch import Tensor, nn
from transformers import GenerationConfig
from transformers.utils import GENERATION_CONFIG_NAME

from petrg.errors import ModelError
from petrg.files import output_directory
from petrg.model.asked import HUB, as_bytes, as_dtype, as_place, either, expect_known
from petrg.model.backbone import end_ids
from petrg.model.base import base_state, fingerprint, load_base, quiet
from petrg.model.card import Card, render
from petrg.model.config import PETRG3DConfig
from petrg.model.generate import drawing
from petrg.model.network import PETRG3D
from petrg.model.recipe import Recipe
from petrg.model.released import check_shapes
from petrg.model.tensors import INDEX, SHARD, HeldTensors, Tensors, open_tensors, write_shards, writing

__all__ = [
    "EMBEDDED",
    "base_place",
    "expect_recipe",
    "fetch",
    "fill_ours",
    "generation_config",
    "is_ours",
    "load",
    "overlay",
    "read_config",
    "remove_stale",
    "save",
    "write_values",
]

EMBEDDED = "language_model"  # the folder of an embedded language model, and its prefix among the network's tensors
_FILES = ["*.json", "*.jinja", "*.safetensors", "*.txt", "*.model", "README.md"]


def is_ours(name: str) -> bool:
    """Whether a tensor of the network is none of the base language model's.

    >>> is_ours("vision.drop"), is_ours("language_model.lm_head.weight")
    (True, False)
    >>> is_ours("language_model.model.layers.0.self_attn.q_proj.lora_A.default.weight")
    True
    """
    return not name.startswith(f"{EMBEDDED}.") or ".lora_" in name


def generation_config(recipe: Recipe, ends: list[int], pad: int | None, own: Any) -> GenerationConfig:
    """The recipe's way of decoding, which stops at any of ``ends``.

    ``own`` is the language model's, whose top_k is drawn by (`petrg.model.generate.drawing`); where it is not at hand
    (None) top_k is left to it.
    """
    rule = recipe.generation
    how: dict[str, Any] = {"max_new_tokens": rule.max_new_tokens, "repetition_penalty": rule.repetition_penalty}
    if rule.sample:
        how |= {"do_sample": True, **drawing(own, rule)}
    if own is None:
        how.pop("top_k", None)
    return GenerationConfig(**how, eos_token_id=ends, pad_token_id=ends[0] if pad is None else pad)


def save(
    model: PETRG3D,
    folder: Path,
    *,
    full: bool | None = None,
    processor: Any = None,
    card: Card | None = None,
    state_dict: Mapping[str, Tensor] | None = None,
    max_shard_size: int | str = SHARD,
    is_main_process: bool = True,
    **others: Any,
) -> None:
    """Write a network's folder; all of it or nothing.

    Parameters
    ----------
    full : bool, optional
        Whether the language model goes in; None where it must: there is no base to point to, or it was trained.
    processor : PETRG3DProcessor, optional
        Saved with it.
    card : Card, optional
        What the run was; README.md is written from it.
    state_dict : mapping, optional
        The tensors, where they are gathered from elsewhere (transformers' Trainer gives it).
    max_shard_size : int or str
        Bytes of a file, above which the weights go into several; also in Hugging Face's manner, as "5GB".

    Raises
    ------
    ModelError
        If ``full`` is False and something would be lost, or something else is asked for (``push_to_hub``: the method of
        that name uploads).
    """
    expect_known("save_pretrained", others, "full, processor, card, state_dict or max_shard_size")
    if not is_main_process:
        return
    limit = as_bytes(max_shard_size)
    state = model.state_dict() if state_dict is None else dict(state_dict)
    prefix = f"{EMBEDDED}."
    lm = base_state({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    config, found = copy.deepcopy(model.config), fingerprint(HeldTensors(lm))
    trained = config.base_fingerprint not in (None, found) or any(
        p.requires_grad for name, p in model.named_parameters() if not is_ours(name)
    )
    embed = _must_embed(config, trained, full)
    if processor is not None:
        processor.check(config)
    config.embeds_base, config.base_fingerprint = embed, found
    with output_directory(folder) as aside, writing():
        if embed:
            with quiet():
                model.language_model.save_pretrained(aside / EMBEDDED, state_dict=lm, max_shard_size=limit)
        write_shards(aside, HeldTensors(state), limit=limit, names=[name for name in state if is_ours(name)])
        write_values(aside, config, processor, card, model.language_model.generation_config)
        written = {path.relative_to(aside) for path in aside.rglob("*")}
    remove_stale(folder, written)


def remove_stale(folder: Path, written: set[Path]) -> None:
    """Remove shards of an earlier save that the new one does not replace: they would be two sets of weights."""
    for home in (folder, folder / EMBEDDED):
        for path in (*home.glob("model*.safetensors"), home / INDEX):
            if path.is_file() and path.relative_to(folder) not in written:
                path.unlink()


def write_values(folder: Path, config: PETRG3DConfig, processor: Any, card: Card | None, base_generation: Any) -> None:
    """Everything of a network's folder but tensors."""
    config.architectures = [PETRG3D.__name__]
    config.to_json_file(folder / "config.json", use_diff=False)
    recipe, tokenizer = config.typed_recipe, getattr(processor, "tokenizer", None)
    ends = end_ids(tokenizer, base_generation, config.text_config, only_eos=not recipe.supervision.end_token)
    pad = None if processor is None else processor.pad_id
    pad = config.text_config.pad_token_id if pad is None else pad
    generation_config(recipe, ends, pad, base_generation).save_pretrained(folder)
    if processor is not None:
        processor.save_pretrained(folder)
    (folder / "README.md").write_text(render(card or Card(), config), encoding="utf-8")


def _must_embed(config: PETRG3DConfig, trained: bool, full: bool | None) -> bool:
    """Whether the language model goes in: asked for, without a base to point to, or no longer what the base is."""
    lacks = config.base_model is None or config.embeds_base or trained
    if full is False and lacks:
        raise ModelError(
            "the language model is no published one: nothing can be pointed to",
            "a base language model that others can fetch",
            "save with full=True",
        )
    return lacks if full is None else full


def load(
    where: Path | str,
    *,
    base: Path | str | None = None,
    recipe: str | Mapping[str, Any] | Recipe | None = None,
    dtype: torch.dtype | str | None = None,
    torch_dtype: torch.dtype | str | None = None,
    device: torch.device | str | int | None = None,
    device_map: Any = None,
    revision: str | None = None,
    config: PETRG3DConfig | None = None,
    **others: Any,
) -> PETRG3D:
    """A network from a folder or hub id, in eval mode.

    Parameters
    ----------
    base : folder or hub name, optional
        The base language model, where it lies elsewhere than the weights say.
    recipe : optional
        What the caller means to use them under; refused if it is another than theirs.
    dtype, torch_dtype : optional
        Of every tensor; that of the files where None. One argument under its new and its old name.
    device, device_map : optional
        Where all of it goes. A map that spreads it over several places is refused.
    revision : str, optional
        Of the weights; they say that of their language model themselves.
    cache_dir, force_download, local_files_only, token : optional
        As Hugging Face's own, for the weights and for their language model.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown or of another shape, the recipe is another, the language model is not the one
        they were trained on, or something else is asked for. Nothing is ever filled at random, or passed over.
    """
    hub = {name: value for name in HUB if (value := others.pop(name, None)) is not None}
    expect_known("from_pretrained", others, "base, recipe, dtype, device, revision or config")
    kind = as_dtype(either(dtype=dtype, torch_dtype=torch_dtype))
    place = as_place(either(device=device, device_map=device_map))
    folder = fetch(where, revision, **hub)
    own = read_config(folder) if config is None else config
    expect_recipe(own, recipe)
    with torch.random.fork_rng(devices=[]):  # what is built before it is filled draws numbers
        lm = _language_model(folder, own, base, kind, **hub)
        own.text_config = lm.config
        with torch.device("meta"):
            model = PETRG3D(own, language_model=lm)
    overlay(model, open_tensors(folder), kind)
    if (folder / GENERATION_CONFIG_NAME).is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    if place is not None:
        nn.Module.to(model, place)
    return model.eval()


def fetch(where: Path | str, revision: str | None = None, local_files_only: bool = False, **hub: Any) -> Path:
    """The folder itself, or a copy of the hub's; ``hub`` are the others of `petrg.model.asked.HUB`."""
    if Path(where).is_dir():
        return Path(where)
    try:
        how = {"allow_patterns": _FILES, "local_files_only": local_files_only, **hub}
        return Path(snapshot_download(str(where), revision=revision, **how))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ModelError(
            f"no weights can be had from {str(where)!r} ({type(error).__name__})",
            "a folder or hub id of PETRG-3D weights",
            "check the path, or fetch it where there is a network",
        ) from error


def read_config(folder: Path) -> PETRG3DConfig:
    """The folder's configuration, its network and recipe checked."""
    if not (folder / "config.json").is_file():
        raise ModelError(
            "the folder has no config.json",
            "a folder of PETRG-3D weights",
            "check the path; a released checkpoint goes through petrg convert-weights first",
        )
    try:
        values, _ = PETRG3DConfig.get_config_dict(folder)
        if values.get("model_type") != PETRG3DConfig.model_type:
            raise ModelError(
                f"these are weights of a {values.get('model_type')!r} model",
                f"model_type {PETRG3DConfig.model_type!r}",
                "for released PETRG-3D weights run petrg convert-weights",
            )
        config = PETRG3DConfig.from_dict(values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError("config.json cannot be read", "a configuration of PETRG-3D", "fetch it again") from error
    _ = config.parts, config.typed_recipe
    return config


def expect_recipe(config: PETRG3DConfig, asked: str | Mapping[str, Any] | Recipe | None) -> None:
    """Refuse weights under a recipe that is not theirs."""
    if asked is None:
        return
    wanted, own = Recipe.of(asked), config.typed_recipe
    if wanted != own:
        same = (wanted.name, wanted.version) == (own.name, own.version)
        raise ModelError(
            f"recipe {wanted.name} {wanted.version} asked of weights of {own.name} {own.version}",
            "the recipe they were trained with, value for value" if same else "the recipe they were trained with",
            "leave the recipe out, or take other weights",
        )


def base_place(folder: Path, config: PETRG3DConfig, base: Path | str | None) -> tuple[Path | str, str | None]:
    """Where the language model of the weights in ``folder`` lies, and its revision on the hub.

    Raises
    ------
    ModelError
        If neither they nor ``base`` say.
    """
    if base is None and config.embeds_base:
        return folder / EMBEDDED, None
    if base is None or str(base) == config.base_model:
        if config.base_model is None:
            raise ModelError("the weights name no base language model", "one to stand on", "give base=")
        return config.base_model, config.base_revision
    return base, None


def _language_model(folder: Path, config: PETRG3DConfig, base: Path | str | None, dtype: Any, **hub: Any) -> Any:
    where, revision = base_place(folder, config, base)
    half = dtype is torch.float16  # which rounds so that a model is no longer known by its values: cast afterwards
    size, seen = config.text_config.vocab_size, None if half else dtype
    lm = load_base(where, revision=revision, size=size, dtype=seen, **hub)
    if config.base_fingerprint not in (None, fingerprint(HeldTensors(lm.state_dict()))):
        raise ModelError(
            "the language model is not the one that these weights were trained on",
            f"{config.base_model or 'the embedded one'}, tensor for tensor",
            "give base= that very model",
        )
    for parameter in lm.parameters() if half else ():  # not its rotary frequencies, which stay float32
        parameter.data = parameter.data.to(dtype)
    return lm


def overlay(model: PETRG3D, tensors: Tensors, dtype: torch.dtype | None = None) -> None:
    """`fill_ours` of a network whose language model is whole.

    Raises
    ------
    ModelError
        As there, or if anything stays empty.
    """
    fill_ours(model, tensors, dtype)
    empty = [name for name, tensor in _all_tensors(model) if tensor.is_meta]
    if empty:
        raise ModelError(f"nothing fills {', '.join(empty[:3])}", "every tensor from a file", "fetch the weights again")


def fill_ours(model: PETRG3D, tensors: Tensors, dtype: torch.dtype | None = None) -> None:
    """Put our tensors into a network whose own are empty, strictly.

    Raises
    ------
    ModelError
        If one is missing, unknown or of another shape.
    """
    check_shapes(tensors.shapes, {k: tuple(t.shape) for k, t in model.state_dict().items() if is_ours(k)})
    state = {name: _as(tensors.read(name), dtype) for name in tensors.shapes}
    model.load_state_dict(state, strict=False, assign=True)


def _as(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def _all_tensors(model: PETRG3D) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()
