"""The released checkpoint's tensors with Qwen3-8B, frozen: their names, their shapes, our names."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = ["DUPLICATE", "ReleasedKey", "released_keys", "renamed_patterns"]

DUPLICATE = "embedding_layer.weight"
"""The language model's table once more; it must equal the other."""
_LANGUAGE_MODEL = ("lang_model.base_model.model.", "language_model.")


class ReleasedKey(NamedTuple):
    """A tensor's shape, and its name in our network; None for the table that is stored twice."""

    shape: tuple[int, ...]
    ours: str | None


@cache
def released_keys() -> dict[str, ReleasedKey]:
    """All 831 by their released names, as ``released_keys.toml`` has them."""
    return {
        (group["theirs"] + name).format(n=n): ReleasedKey(tuple(shape), (group["ours"] + ours).format(n=n) or None)
        for group in _frozen()["group"]
        for n in range(group["times"])
        for name, shape, ours in group["tensors"]
    }


def renamed_patterns() -> list[tuple[str, str]]:
    """Released names and ours; ``{n}`` stands for the number of a layer, ``{rest}`` for whatever follows.

    Of the language model only the prefix: each family names its layers its own way.
    """
    theirs, ours = _LANGUAGE_MODEL
    pairs = [
        (group["theirs"] + name, group["ours"] + own)
        for group in _frozen()["group"]
        for name, _, own in group["tensors"]
        if own and not (group["theirs"] + name).startswith(theirs)
    ]
    return [(theirs + "{rest}", ours + "{rest}"), *pairs]


@cache
def _frozen() -> dict[str, Any]:
    return tomllib.loads(files("petrg.model").joinpath("released_keys.toml").read_text(encoding="utf-8"))
