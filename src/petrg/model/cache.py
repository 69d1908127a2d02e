"""Tensors on disk by what they were made from, so that frozen features are computed once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from petrg.errors import OutputError

__all__ = ["TensorCache", "cache_key", "weights_hash"]

_DIGEST = 32  # bytes of the file's own hash, behind its tensors


def cache_key(**made_from: Any) -> str:
    """A name for what is made from ``made_from`` (values of JSON); any change gives another.

    >>> cache_key(content="a", recipe={"x": 1}) == cache_key(recipe={"x": 1}, content="a")
    True
    """
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def weights_hash(module: nn.Module) -> str:
    """Hash of every tensor of ``module``, its name and its type."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().flatten()
        digest.update(memoryview(plain.view(torch.uint8).numpy()))
    return digest.hexdigest()


class TensorCache:
    """A folder of named tensors, a file a key, shared by any number of processes.

    A file appears whole or not at all, and is only believed while its own hash is right.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Where ``key`` is or would be."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def find(self, key: str) -> dict[str, Tensor] | None:
        """The tensors of ``key``; None where they are absent or damaged."""
        try:
            raw = self.path(key).read_bytes()
        except OSError:
            return None
        held, own = raw[:-_DIGEST], raw[-_DIGEST:]
        if hashlib.sha256(held).digest() != own:
            return None
        try:
            return load(held)
        except SafetensorError:
            return None

    def keep(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Put the tensors of ``key`` there.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        raw = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        path, aside = self.path(key), ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(prefix=".petrg-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.write(hashlib.sha256(raw).digest())
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        except OSError as error:
            if aside and os.path.exists(aside):
                os.unlink(aside)
            raise OutputError(
                f"cached features cannot be written: {error.strerror}",
                "a writable folder with free space",
                "give cache",
            ) from error
