"""More processes than one: what was asked for is what is done, or an error."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from petrg.errors import ModelError
from petrg.train.config import TrainConfig

__all__ = ["expect_processes", "full", "gathered", "is_sharded", "put", "shard", "world", "zero2"]


def world() -> tuple[int, int]:
    """How many processes torchrun started, and which of them this is."""
    return int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))


def expect_processes(config: TrainConfig) -> None:
    """Refuse a way of going parallel that cannot be had here.

    Raises
    ------
    ModelError
        If processes and ``parallel`` do not agree, or ZeRO-2 lacks deepspeed or a GPU.
    """
    processes, _ = world()
    if config.parallel == "none" and processes > 1:
        raise ModelError(f"{processes} processes, parallel = 'none'", "one process", "set parallel = 'ddp' or 'fsdp2'")
    if config.parallel in ("ddp", "fsdp2") and processes < 2:
        raise ModelError(
            f"parallel = {config.parallel!r} in one process",
            "a process for each device",
            "run: torchrun --nproc-per-node N -m petrg.cli.main train …, or set parallel = 'none'",
        )
    if config.parallel == "zero2":
        if importlib.util.find_spec("deepspeed") is None:
            raise ModelError(
                "parallel = 'zero2' without deepspeed",
                "the package deepspeed",
                "run: pip install deepspeed, or take fsdp2",
            )
        if not torch.cuda.is_available():
            raise ModelError("parallel = 'zero2' without a GPU", "a GPU for each process", "set parallel = 'none'")


def zero2(config: TrainConfig) -> dict[str, Any]:
    """DeepSpeed's configuration for ZeRO stage 2: optimiser and gradients are shared out, weights are not."""
    return {
        "zero_optimization": {
            "stage": 2,
            "overlap_comm": True,
            "contiguous_gradients": True,
            "reduce_scatter": True,
            "allgather_partitions": True,
        },
        "bf16": {"enabled": config.precision == "bf16"},
        "gradient_clipping": config.optimiser.clip,
        "gradient_accumulation_steps": config.batches.accumulation,
        "train_micro_batch_size_per_gpu": config.batches.cases,
        "zero_allow_untested_optimizer": True,
    }


def shard(learner: Any, *, bf16: bool, device: str) -> None:
    """Share out every parameter over all processes by FSDP2, in place, and compute as one process would.

    Each layer of the language model is a group, so that one of them at a time is whole; what of the language model lies
    in no layer (table, norm, head) is another; all of ours is the outermost. A group is gathered at once and holds one
    type, so adapters in float32 in a frozen layer in bfloat16 are a group of their own. Parameters keep their type:
    ``bf16`` is autocast here as it is with one process.

    Raises
    ------
    ModelError
        If a parameter is not a DTensor afterwards.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device, (world()[0],))
    lm = learner.network.language_model
    layers = _layers(lm)
    for layer in layers:
        for group in _of_one_type(layer.modules())[1:]:
            fully_shard(group, mesh=mesh)
        fully_shard(layer, mesh=mesh)
    inner = {id(m) for layer in layers for m in layer.modules()}
    for group in _of_one_type(m for m in lm.modules() if id(m) not in inner):
        fully_shard(group, mesh=mesh)
    fully_shard(learner, mesh=mesh)
    whole = [name for name, parameter in learner.named_parameters() if not is_sharded(parameter)]
    if whole:
        raise ModelError(
            f"{len(whole)} parameters are not shared out by FSDP2, {whole[0]} among them",
            "every parameter a DTensor",
            "set parallel = 'ddp', or report this",
        )
    if bf16:
        learner.forward = torch.autocast(device, torch.bfloat16)(learner.forward)
    learner._is_accelerate_prepared = True  # or accelerate wraps it in DDP


def _of_one_type(modules: Iterable[nn.Module]) -> list[list[nn.Module]]:
    """Modules with parameters of their own, by the parameters' type; the type of most values first."""
    groups: dict[torch.dtype, list[nn.Module]] = {}
    values: Counter[torch.dtype] = Counter()
    for module in modules:
        for parameter in module.parameters(recurse=False):
            groups.setdefault(parameter.dtype, [])
            values[parameter.dtype] += parameter.numel()
            if module not in groups[parameter.dtype]:
                groups[parameter.dtype].append(module)
    return [groups[dtype] for dtype, _ in values.most_common()]


def _layers(lm: nn.Module) -> list[nn.Module]:
    """The decoder layers: the longest list of modules."""
    lists = [list(m) for m in lm.modules() if isinstance(m, nn.ModuleList)]
    return max(lists, key=len, default=[])


def is_sharded(tensor: Tensor) -> bool:
    """Whether a tensor is shared out over processes."""
    from torch.distributed.tensor import DTensor

    return isinstance(tensor, DTensor)


def full(tensor: Tensor) -> Tensor:
    """The whole of a tensor that may be shared out; all processes must ask."""
    if torch.distributed.is_available() and is_sharded(tensor):
        whole: Tensor = tensor.full_tensor()  # type: ignore[attr-defined]
        return whole
    return tensor


@torch.no_grad()
def put(target: Tensor, whole: Tensor) -> None:
    """Copy ``whole`` into a tensor that may be shared out."""
    if torch.distributed.is_available() and is_sharded(target):
        from torch.distributed.tensor import distribute_tensor

        mesh, places = target.device_mesh, target.placements  # type: ignore[attr-defined]
        whole = distribute_tensor(whole.to(target.device, target.dtype), mesh, places)
    target.copy_(whole)


@contextmanager
def gathered(learner: Any) -> Iterator[None]:
    """Within, all of ours is whole, so that parts of the network can be used by themselves."""
    if not hasattr(learner, "unshard"):
        yield
        return
    learner.unshard()
    try:
        yield
    finally:
        learner.reshard()
