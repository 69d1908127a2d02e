"""The released checkpoint: its names and ours, its shapes, and the network that a file's shapes belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import Qwen3Config

from petrg.errors import ModelError
from petrg.model.config import LoraSpec, Network, PETRG3DConfig, ResamplerConfig, VisionConfig
from petrg.model.network import PETRG3D
from petrg.model.released_keys import DUPLICATE, released_keys, renamed_patterns

__all__ = [
    "BASE",
    "RECIPE",
    "check_shapes",
    "design_shapes",
    "network_of",
    "our_name",
    "qwen3_8b",
    "released_shapes",
    "their_name",
]

RECIPE = "petrg3d-2025"
BASE = "Qwen/Qwen3-8B"
Shape = tuple[int, ...]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\{n\}", r"(?P<n>\d+)").replace(r"\{rest\}", r"(?P<rest>.+)"))


_TO_OURS = tuple((_pattern(theirs), ours) for theirs, ours in renamed_patterns())
_TO_THEIRS = tuple((_pattern(ours), theirs) for theirs, ours in renamed_patterns())


def our_name(released: str) -> str | None:
    """Our name of a released tensor; None for the table that is stored twice.

    Raises
    ------
    ModelError
        If the released model has no such tensor.

    Examples
    --------
    >>> our_name("embedding_layer.pet_perceiver.layers.0.0.to_q.weight")
    'pet_resampler.layers.0.attention.to_q.weight'
    """
    if released == DUPLICATE:
        return None
    if (ours := _renamed(released, _TO_OURS)) is None:
        raise _unknown(released, "the released model's", "check which file it is")
    return ours


def their_name(ours: str) -> str:
    """The released name of one of our tensors.

    Raises
    ------
    ModelError
        If the released model has none: separate transformers, another stem.

    Examples
    --------
    >>> their_name("pet_resampler.layers.0.attention.to_q.weight")
    'embedding_layer.pet_perceiver.layers.0.0.to_q.weight'
    """
    if (theirs := _renamed(ours, _TO_THEIRS)) is None:
        raise _unknown(ours, "those that the released layout has a place for", "take the released design")
    return theirs


def _renamed(name: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str | None:
    for pattern, template in rules:
        if found := pattern.fullmatch(name):
            return template.format(**found.groupdict())
    return None


def _unknown(name: str, whose: str, do: str) -> ModelError:
    return ModelError(f"tensor {name!r} is none of {whose}", "a released checkpoint", do)


def qwen3_8b(size: int = 151669) -> Qwen3Config:
    """The configuration of the released model's backbone, its table cut to ``size`` rows."""
    return Qwen3Config(
        vocab_size=size,
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40960,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=False,
        bos_token_id=151643,
        eos_token_id=151645,
        dtype="bfloat16",
    )


def released_shapes(network: Network | None = None, text_config: Any = None) -> dict[str, Shape]:
    """Every tensor that a released checkpoint must have, and its shape.

    Parameters
    ----------
    network : Network, optional
        The released one where None.
    text_config : optional
        The backbone's configuration; Qwen3-8B's where None.

    Returns
    -------
    dict
        With both as released the frozen list (`petrg.model.released_keys`), which no version of a library changes;
        else what the design gives.
    """
    network, text_config = network or Network(), text_config or qwen3_8b()
    if network == Network() and _layout(text_config) == _layout(qwen3_8b()):
        return {name: key.shape for name, key in released_keys().items()}
    return design_shapes(network, text_config)


def design_shapes(network: Network, text_config: Any) -> dict[str, Shape]:
    """Every tensor of a network and its shape under the released names, from the network itself."""
    config = PETRG3DConfig(network=network, recipe=RECIPE, text_config=text_config)
    with torch.device("meta"):
        model = PETRG3D(config)
    shapes = {their_name(name): tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    return {**shapes, DUPLICATE: (config.text_config.vocab_size, config.text_config.hidden_size)}


def _layout(text_config: Any) -> list[Any]:
    """What decides the tensors of a Qwen3."""
    names = ("model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "head_dim")
    more = ("num_attention_heads", "num_key_value_heads", "tie_word_embeddings", "attention_bias")
    return [getattr(text_config, name, None) for name in (*names, *more)]


def check_shapes(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> None:
    """Compare names and shapes.

    Raises
    ------
    ModelError
        If they differ; how many, and the first three of each kind by name.
    """
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    other = [k for k in sorted(wanted.keys() & found.keys()) if tuple(found[k]) != tuple(wanted[k])]
    faults = [
        f"{len(names)} {kind}: {', '.join(map(say, names[:3]))}"
        for kind, names, say in (
            ("missing", missing, lambda k: f"{k} {list(wanted[k])}"),
            ("unknown", unknown, lambda k: f"{k} {list(found[k])}"),
            ("of another shape", other, lambda k: f"{k} {list(found[k])}, not {list(wanted[k])}"),
        )
        if names
    ]
    if faults:
        raise ModelError(
            f"tensors {'; '.join(faults)}",
            f"the {len(wanted)} of this configuration",
            "take the weights that belong to it, whole",
        )


def network_of(found: Mapping[str, Shape]) -> Network:
    """The network's shape, read off a released checkpoint's tensor shapes (its own names).

    What shapes cannot tell (64 values a head, patches of 32 x 32 x 4 voxels, three channels, the LoRA's alpha) is the
    released design's; where a tensor is missing that would tell, all of it is.
    """
    try:
        return _read_off({ours: shape for name, shape in found.items() if (ours := _renamed(name, _TO_OURS))})
    except (KeyError, ValueError, IndexError, StopIteration):
        return Network()


def _read_off(shapes: Mapping[str, Shape]) -> Network:
    vision, resampler = VisionConfig(), ResamplerConfig()
    dim = shapes["vision.stem.linear.weight"][0]
    return Network(
        vision=vision.model_copy(
            update={
                "dim": dim,
                "depth": _layers(shapes, "vision.blocks."),
                "heads": shapes["vision.blocks.0.attention.qkv.weight"][0] // (3 * vision.head_dim),
                "mlp_dim": shapes["vision.blocks.0.feedforward.up.weight"][0],
                "position_tables": tuple(shapes[f"vision.positions.tables.{k}.weight"][0] for k in range(3)),
            }
        ),
        resampler=resampler.model_copy(
            update={
                "latents": shapes["ct_resampler.latents"][0],
                "depth": _layers(shapes, "ct_resampler.layers."),
                "heads": shapes["ct_resampler.layers.0.attention.to_q.weight"][0] // resampler.head_dim,
                "mlp_ratio": shapes["ct_resampler.layers.0.feedforward.1.weight"][0] // dim,
            }
        ),
        lora=LoraSpec(rank=next(s[0] for k, s in sorted(shapes.items()) if k.endswith("lora_A.default.weight"))),
    )


def _layers(shapes: Mapping[str, Shape], prefix: str) -> int:
    return 1 + max(int(k[len(prefix) :].partition(".")[0]) for k in shapes if k.startswith(prefix))
