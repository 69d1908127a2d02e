"""A released checkpoint to a folder of ours, tensor by tensor, so that memory stays small."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationConfig

from petrg.errors import ModelError
from petrg.files import output_directory
from petrg.model.base import base_config, base_name, base_tokenizer, fingerprint, is_base
from petrg.model.card import Card
from petrg.model.config import PETRG3DConfig
from petrg.model.processor import PETRG3DProcessor
from petrg.model.released import BASE, qwen3_8b
from petrg.model.released_weights import Released, open_released
from petrg.model.tensors import INDEX, SINGLE, open_tensors, write_shards
from petrg.model.weights import EMBEDDED, is_ours, remove_stale, write_values
from petrg.progress import Progress, silent

__all__ = ["Converted", "convert_released", "dtype_of"]

_LANGUAGE_MODEL = "llm"  # where a released folder may hold the backbone
_TABLE = "model.embed_tokens.weight"


class Converted(NamedTuple):
    """What was written.

    ``base_checked`` says whether the backbone was at hand and is the one in the file; False where it was not at hand.
    """

    tensors: int
    bytes: int
    dtype: str
    base: str
    base_checked: bool
    has_tokenizer: bool


def dtype_of(name: str | None) -> torch.dtype | None:
    """A type of torch by its name; None stays None."""
    return None if name is None else {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def convert_released(
    released: Path,
    out: Path,
    *,
    base: Path | str | None = None,
    dtype: torch.dtype | None = None,
    full: bool = False,
    progress: Progress = silent,
) -> Converted:
    """Write a released checkpoint as a folder that `PETRG3D.from_pretrained` opens.

    Parameters
    ----------
    released : file or folder
        A state dict of the released layout, as safetensors or in torch's own format.
    base : folder or hub name, optional
        The backbone; ``llm`` beside the file or Qwen/Qwen3-8B where not given. Configuration and tokenizer come from
        it. Where the default cannot be reached its known configuration is taken, and the tokenizer left to the base.
    dtype : optional
        Of our tensors; that of the file where None.
    full : bool
        Whether the language model goes in too.

    Raises
    ------
    ModelError
        If the file is not whole, or the language model in it is not ``base``.
    """
    where, text_config, tokenizer = _backbone(released, base)
    source = open_released(released, text_config)
    lm = _LanguageModel(source)
    config = source.config
    config.base_model, config.embeds_base = where, full
    config.base_revision = getattr(text_config, "_commit_hash", None)
    config.base_fingerprint = fingerprint(lm)
    checked = False if full else _expect_base(where, config, lm.shapes)
    processor = None if tokenizer is None else PETRG3DProcessor.of(config, tokenizer)
    ours = sorted(name for name in source.shapes if is_ours(name))
    generation = _generation(where)
    with output_directory(out) as aside:
        write_shards(aside, source, names=ours, dtype=dtype, progress=partial(progress, "converting"))
        if full:
            (aside / EMBEDDED).mkdir()
            kept = partial(progress, "writing the language model")
            write_shards(aside / EMBEDDED, lm, dtype=dtype, progress=kept)
            text_config.save_pretrained(aside / EMBEDDED)
            if generation is not None:
                generation.save_pretrained(aside / EMBEDDED)
        write_values(aside, config, processor, _card(released), generation)
        written = {path.relative_to(aside) for path in aside.rglob("*")}
    remove_stale(out, written)
    size = sum(f.stat().st_size for f in out.rglob("*.safetensors"))
    types = {str(dtype or source.dtype(name)).removeprefix("torch.") for name in ours}
    return Converted(len(ours), size, " and ".join(sorted(types)), where, checked, tokenizer is not None)


class _LanguageModel:
    """The language model inside a released checkpoint, under its plain names."""

    def __init__(self, source: Released) -> None:
        self._source = source
        prefix = f"{EMBEDDED}."
        self._names = {
            plain: name
            for name in source.shapes
            if not is_ours(name) and (plain := base_name(name.removeprefix(prefix))) is not None
        }
        self.shapes = {plain: source.shapes[name] for plain, name in self._names.items()}

    def dtype(self, name: str) -> torch.dtype:
        return self._source.dtype(self._names[name])

    def read(self, name: str, first: int = 0, last: int | None = None) -> Tensor:
        return self._source.read(self._names[name], first, last)


def _backbone(released: Path, base: Path | str | None) -> tuple[str, Any, Any]:
    """Where the backbone is, its configuration with the table's size after the cut, its tokenizer if at hand."""
    beside = (released if released.is_dir() else released.parent) / _LANGUAGE_MODEL
    where = base if base is not None else beside if (beside / "config.json").is_file() else BASE
    try:
        text_config, tokenizer = base_config(where), base_tokenizer(where)
    except ModelError:
        if where != BASE or base is not None:
            raise
        return BASE, qwen3_8b(), None
    text_config.vocab_size = len(tokenizer)
    return str(Path(where).resolve()) if Path(where).is_dir() else str(where), text_config, tokenizer


def _expect_base(where: str, config: PETRG3DConfig, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the backbone's weights are at hand; refuse them where they are not those in the file."""
    folder = Path(where)
    if not ((folder / SINGLE).is_file() or (folder / INDEX).is_file()):
        return False
    if not is_base(open_tensors(folder), shapes, _TABLE, config.base_fingerprint):
        raise ModelError(
            "the language model in the checkpoint is not the base given",
            "the one it was trained on, tensor for tensor",
            "give another --base, or keep the checkpoint's own with --full",
        )
    return True


def _generation(where: str) -> Any:
    try:
        return GenerationConfig.from_pretrained(where)
    except (OSError, ValueError):
        return None


def _card(released: Path) -> Card:
    return Card(source=f"converted from a released PETRG-3D checkpoint ({released.name})")
