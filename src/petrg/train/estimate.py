"""What a run will need, before it starts: memory, disk and time, from the network's shape and this machine's pace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from petrg.model.network import PETRG3D
from petrg.train.config import TrainConfig
from petrg.train.parallel import world
from petrg.train.parts import trained
from petrg.train.trainer import steps_of
from petrg.train.watch import lasting

__all__ = ["Estimate", "estimate", "pace"]

_SIZE, _TIMES = 1024, 4
_REACHED = 0.4


@dataclass(frozen=True)
class Estimate:
    """Bytes and seconds; a rough guess, told as such."""

    parameters: int
    trained: int
    weights_bytes: int
    optimiser_bytes: int
    activations_bytes: int
    disk_bytes: int
    steps: int
    flop_of_step: float
    flop_per_s: float

    @property
    def memory_bytes(self) -> int:
        """Of one process: weights, gradients, optimiser and activations."""
        return self.weights_bytes + self.optimiser_bytes + self.activations_bytes

    @property
    def seconds(self) -> float:
        """The steps alone; a step reaches about 0.4 of the pace of large matrices."""
        return self.steps * self.flop_of_step / (_REACHED * self.flop_per_s)

    def lines(self) -> tuple[str, ...]:
        """For people."""
        giga = 1e9
        return (
            f"{self.parameters:,} parameters, {self.trained:,} of them trained",
            f"memory, about {self.memory_bytes / giga:.2f} GB a process: weights {self.weights_bytes / giga:.2f}, "
            f"gradients and optimiser {self.optimiser_bytes / giga:.2f}, "
            f"activations {self.activations_bytes / giga:.2f}",
            f"disk, about {self.disk_bytes / giga:.2f} GB for cached images",
            f"time, about {lasting(self.seconds)} for {self.steps} steps at {_REACHED:g} of "
            f"{self.flop_per_s / giga:.0f} GFLOP/s, validation apart",
        )


def estimate(
    config: TrainConfig, network: PETRG3D, lengths: Sequence[int], micro_batches: int, patches: Sequence[int]
) -> Estimate:
    """What the run of ``network`` on rows of ``lengths`` tokens needs.

    Parameters
    ----------
    micro_batches : int
        Of one process in an epoch.
    patches : sequence of int
        Image tokens of each modality, of every case.

    Notes
    -----
    2 FLOP a parameter and token forward, as many for the gradient of what it gets, as many again for that of what is
    trained, once more forward where activations are computed anew. Attention's own share is left out.
    """
    parameters = list(network.parameters())
    learned = [p for _, p in trained(network)]
    _, steps = steps_of(config, micro_batches)
    size, text = config.batches.cases, float(np.mean(lengths))
    bytes_each = 2 if config.precision == "bf16" else 4
    shared = world()[0] if config.parallel == "fsdp2" else 1
    states = world()[0] if config.parallel in ("fsdp2", "zero2") else 1
    weights = sum(p.numel() * p.element_size() for p in parameters)
    return Estimate(
        parameters=sum(p.numel() for p in parameters),
        trained=sum(p.numel() for p in learned),
        weights_bytes=weights // shared,
        optimiser_bytes=sum(p.numel() * 12 for p in learned) // states,
        activations_bytes=int(_activations(config, network, size * max(lengths), size * _most(patches)) * bytes_each),
        disk_bytes=_disk(config, network, patches, bytes_each),
        steps=steps,
        flop_of_step=_flop(config, network, size * text, size * float(np.mean(patches or [0])))
        * config.batches.accumulation,
        flop_per_s=pace(parameters[0].device, torch.bfloat16 if config.precision == "bf16" else torch.float32),
    )


def _most(patches: Sequence[int]) -> int:
    return max(patches, default=0)


def _flop(config: TrainConfig, network: PETRG3D, text: float, image: float) -> float:
    """Of a micro-batch of so many text and image tokens."""
    lm = sum(p.numel() for p in network.language_model.parameters())
    vision = sum(p.numel() for p in network.vision.parameters())
    resampler = sum(p.numel() for p in network.ct_resampler.parameters())
    trained_lm = "language_model" in config.parts
    times = 2 + 2 + 2 * trained_lm + 2 * config.checkpointing
    seen = 0.0 if config.text_only else 2 * 6.0 * resampler * image * (0.3 if "resamplers" in config.parts else 0.1)
    encoded = 2 * 6.0 * vision * image if config.vision == "trained" else 0.0
    return times * lm * text + seen + encoded


def _activations(config: TrainConfig, network: PETRG3D, text: int, image: int) -> float:
    """Values that wait for the backward pass."""
    lm = network.config.text_config
    layers = getattr(lm, "num_hidden_layers", 1)
    inner = getattr(lm, "intermediate_size", 4 * lm.hidden_size)
    one = text * (8 * lm.hidden_size + 3 * inner)
    held = layers * text * lm.hidden_size + one if config.checkpointing else layers * one
    parts = network.config.parts
    vision = 2 * image * parts.vision.depth * (8 * parts.vision.dim + 2 * parts.vision.mlp_dim)
    looked = 2 * image * parts.resampler.depth * 4 * parts.vision.dim
    logits = 2 * text * lm.vocab_size
    return held + logits + (0 if config.text_only else looked) + (vision if config.vision == "trained" else 0)


def _disk(config: TrainConfig, network: PETRG3D, patches: Sequence[int], bytes_each: int) -> int:
    parts = network.config.parts
    if config.vision == "frozen-cached":
        return 2 * sum(patches) * parts.vision.dim * bytes_each
    voxels = int(np.prod(parts.vision.patch))
    return sum(patches) * voxels * 4 * (parts.vision.channels + 1)


def pace(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP a second of this device on matrices of 1024, the best of a few."""
    a = torch.ones(_SIZE, _SIZE, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(_TIMES):
        began = time.perf_counter()
        product = a @ a
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
        del product
    return 2 * _SIZE**3 / best
