"""What callers in Hugging Face's manner may ask of loading and saving; what cannot be done is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from petrg.errors import ModelError

__all__ = ["HUB", "as_bytes", "as_dtype", "as_place", "either", "expect_known"]

HUB = ("cache_dir", "force_download", "local_files_only", "token")
"""How files come from the hub."""
_SO_IN_ANY_CASE: dict[str, bool] = {
    "low_cpu_mem_usage": True,
    "push_to_hub": False,
    "safe_serialization": True,
    "trust_remote_code": False,
    "use_safetensors": True,
    "weights_only": True,
}
_OF_AUTO_CLASSES = ("adapter_kwargs", "code_revision")  # of what we do not have; their others begin with "_"
_INSTEAD = {
    "push_to_hub": "save, then call push_to_hub() or upload the folder",
    "subfolder": "fetch the folder, and give its path",
}


def expect_known(call: str, others: Mapping[str, Any], known: str) -> None:
    """Refuse arguments that nobody here knows.

    None is no argument, and so is what holds in any case (``trust_remote_code=False``) or comes from the Auto classes.

    Raises
    ------
    ModelError
        If one is left.
    """
    asked = sorted(
        name
        for name, value in others.items()
        if value is not None
        and not (name.startswith("_") or name in _OF_AUTO_CLASSES)
        and value is not _SO_IN_ANY_CASE.get(name)
    )
    if asked:
        raise ModelError(f"{call} was given {', '.join(asked)}", known, _INSTEAD.get(asked[0], "leave it out"))


def either(**names: Any) -> Any:
    """The value of an argument that has two names.

    >>> either(dtype="bfloat16", torch_dtype=None)
    'bfloat16'

    Raises
    ------
    ModelError
        If both were given, and differ.
    """
    given = {name: value for name, value in names.items() if value is not None}
    if len({str(value).removeprefix("torch.") for value in given.values()}) > 1:
        raise ModelError(f"both {' and '.join(given)} were given", "one of them", "leave one out")
    return next(iter(given.values()), None)


def as_dtype(given: torch.dtype | str | None) -> torch.dtype | None:
    """A type of torch; None where it is that of the files.

    >>> as_dtype("bfloat16"), as_dtype("auto")
    (torch.bfloat16, None)
    """
    if given is None or given == "auto":
        return None
    found = given if isinstance(given, torch.dtype) else getattr(torch, str(given), None)
    if not isinstance(found, torch.dtype):
        raise ModelError(f"no type {given!r}", "float32, bfloat16 or auto", "give one of them")
    return found


def as_place(given: Any) -> torch.device | None:
    """The one device for all tensors; None where they stay on the CPU.

    A map in Hugging Face's manner that names one device for all is that device; one that spreads them is refused.

    >>> as_place("cpu"), as_place({"": "cpu"})
    (device(type='cpu'), device(type='cpu'))
    """
    if given is None:
        return None
    try:
        return torch.device(given[""] if isinstance(given, dict) and set(given) == {""} else given)
    except (RuntimeError, TypeError) as error:
        raise ModelError(
            f"device_map {str(given)[:40]!r}", "one device for all, as cpu or cuda:0", "give it"
        ) from error


def as_bytes(size: int | str) -> int:
    """A size in bytes.

    >>> as_bytes("5GB"), as_bytes(3000)
    (5000000000, 3000)
    """
    found = re.fullmatch(r"(\d+) ?([KMGT]?)B?", str(size), re.IGNORECASE)
    if not found or int(found[1]) == 0:
        raise ModelError(f"no size {size!r}", "bytes, or a string as 5GB", "correct max_shard_size")
    return int(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " ")
