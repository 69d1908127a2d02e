"""Where a network runs and in which numbers."""

from __future__ import annotations

from typing import NamedTuple

import torch

from petrg.errors import ModelError

__all__ = ["Place", "choose_place", "cpu_has_bfloat16"]


class Place(NamedTuple):
    """A device and the type of the tensors on it; ``note`` says where another type was asked for, else is empty."""

    device: torch.device
    dtype: torch.dtype | None
    note: str = ""


def choose_place(device: str = "auto", dtype: str = "auto") -> Place:
    """The device and type to use.

    Parameters
    ----------
    device : str
        "auto" takes the first GPU, else the CPU; or a name that torch knows.
    dtype : "auto", "float32" or "bfloat16"
        "auto" is float32 on a CPU and that of the weights (None) on a GPU. bfloat16 on a CPU without instructions for
        it (AVX512-BF16, AMX) would be slower and no nearer: float32 is taken and ``note`` says so.

    Raises
    ------
    ModelError
        If there is no such device or type.

    Examples
    --------
    >>> choose_place("cpu").dtype
    torch.float32
    """
    if dtype not in ("auto", "float32", "bfloat16"):
        raise ModelError(f"no type {dtype!r}", "auto, float32 or bfloat16", "give one of them")
    chosen = _device(device)
    if dtype == "auto":
        return Place(chosen, torch.float32 if chosen.type == "cpu" else None)
    if dtype == "bfloat16" and chosen.type == "cpu" and not cpu_has_bfloat16():
        return Place(chosen, torch.float32, "this processor has no bfloat16 instructions: float32 is used")
    return Place(chosen, getattr(torch, dtype))


def cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, bool)()) for name in checks)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(
            f"device {name!r} cannot be used ({type(error).__name__})", "auto, cpu or cuda", "give one that is there"
        ) from error
    return device
