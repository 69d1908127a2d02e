"""The released checkpoint: its names, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from petrg.errors import ModelError
from petrg.model.config import LoraSpec, Network, ResamplerConfig, VisionConfig

__all__ = ["check_shapes", "network_of", "our_name"]

_VISION = r"embedding_layer\.vision_encoder\."
_LAYER = _VISION + r"transformer\.layers\.(\d+)\."
_RULES = tuple(
    (re.compile(pattern), ours)
    for pattern, ours in (
        (r"lang_model\.base_model\.model\.(.*)", r"language_model.\1"),
        (_VISION + r"to_patch_embedding\.1\.(.*)", r"vision.stem.norm_in.\1"),
        (_VISION + r"to_patch_embedding\.2\.(.*)", r"vision.stem.linear.\1"),
        (_VISION + r"to_patch_embedding\.3\.(.*)", r"vision.stem.norm_out.\1"),
        (_VISION + r"pos_embedding\.row_embed\.weight", "vision.positions.tables.0.weight"),
        (_VISION + r"pos_embedding\.col_embed\.weight", "vision.positions.tables.1.weight"),
        (_VISION + r"pos_embedding\.dep_embed\.weight", "vision.positions.tables.2.weight"),
        (_LAYER + r"0\.norm\.(.*)", r"vision.blocks.\1.attention.norm.\2"),
        (_LAYER + r"0\.fn\.to_qkv\.(.*)", r"vision.blocks.\1.attention.qkv.\2"),
        (_LAYER + r"0\.fn\.to_out\.0\.(.*)", r"vision.blocks.\1.attention.out.\2"),
        (_LAYER + r"1\.norm\.(.*)", r"vision.blocks.\1.feedforward.norm.\2"),
        (_LAYER + r"1\.fn\.net\.0\.(.*)", r"vision.blocks.\1.feedforward.up.\2"),
        (_LAYER + r"1\.fn\.net\.3\.(.*)", r"vision.blocks.\1.feedforward.down.\2"),
        (r"embedding_layer\.perceiver\.layers\.(\d+)\.0\.(.*)", r"ct_resampler.layers.\1.attention.\2"),
        (r"embedding_layer\.perceiver\.layers\.(\d+)\.1\.(.*)", r"ct_resampler.layers.\1.feedforward.\2"),
        (r"embedding_layer\.perceiver\.(.*)", r"ct_resampler.\1"),
        (r"embedding_layer\.pet_perceiver\.layers\.(\d+)\.0\.(.*)", r"pet_resampler.layers.\1.attention.\2"),
        (r"embedding_layer\.pet_perceiver\.layers\.(\d+)\.1\.(.*)", r"pet_resampler.layers.\1.feedforward.\2"),
        (r"embedding_layer\.pet_perceiver\.(.*)", r"pet_resampler.\1"),
        (r"embedding_layer\.fc\.(.*)", r"ct_projection.\1"),
        (r"embedding_layer\.pet_fc\.(.*)", r"pet_projection.\1"),
        (r"embedding_layer\.(image|pet|region|template)_token_weight", r"token_rows.\1"),
    )
)

DUPLICATE = "embedding_layer.weight"
"""The language model's table once more; it must equal the other."""


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
    for pattern, ours in _RULES:
        if found := pattern.fullmatch(released):
            return found.expand(ours)
    raise ModelError(
        f"tensor {released!r} is none of the released model's", "a released checkpoint", "check which file it is"
    )


def check_shapes(found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names and shapes.

    Raises
    ------
    ModelError
        If they differ; the first three of each kind are named.
    """
    faults = [f"missing {k}" for k in sorted(wanted.keys() - found.keys())][:3]
    faults += [f"unknown {k}" for k in sorted(found.keys() - wanted.keys())][:3]
    faults += [
        f"{k} is {list(found[k])}, not {list(wanted[k])}"
        for k in sorted(wanted.keys() & found.keys())
        if found[k] != wanted[k]
    ][:3]
    if faults:
        raise ModelError("; ".join(faults), "the tensors of this configuration", "take the weights that belong to it")


def network_of(shapes: Mapping[str, tuple[int, ...]]) -> Network:
    """The network's shape, read off a checkpoint's tensor shapes (our names).

    What shapes cannot tell (64 values a head, patches of 32 x 32 x 4 voxels, three channels, the LoRA's alpha) is the
    released design's.
    """
    vision, resampler, lora = VisionConfig(), ResamplerConfig(), LoraSpec()
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
        lora=lora.model_copy(
            update={"rank": next(s[0] for k, s in shapes.items() if k.endswith("lora_A.default.weight"))}
        ),
    )


def _layers(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return 1 + max(int(k[len(prefix) :].partition(".")[0]) for k in shapes if k.startswith(prefix))
