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
    images_s: float
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
            f"time, about {lasting(self.images_s)} for images that are not cached yet, and {lasting(self.seconds)} for "
            f"{self.steps} steps at {_REACHED:g} of {self.flop_per_s / giga:.0f} GFLOP/s, validation apart",
        )


def estimate(
    config: TrainConfig,
    network: PETRG3D,
    lengths: Sequence[int],
    micro_batches: int,
    patches: int,
    cases: int,
    reading_s: float,
) -> Estimate:
    """What the run of ``network`` on rows of ``lengths`` tokens needs.

    Parameters
    ----------
    micro_batches : int
        Of one process in an epoch.
    patches : int
        Image tokens of a modality of one case.
    cases : int
        That are learned or validated.
    reading_s : float
        Seconds that one case takes until its images are as the recipe scales them.

    Notes
    -----
    2 FLOP a parameter and token forward, as many for the gradient of what it gets, as many again for that of what is
    trained, once more forward where activations are computed anew; the encoder's attention beside it, since image
    tokens are many. Images are taken as if none were cached, and every process as fast as this one.
    """
    parameters = list(network.parameters())
    learned = [p for _, p in trained(network)]
    _, steps = steps_of(config, micro_batches)
    size, processes = config.batches.cases, world()[0]
    shared = processes if config.parallel == "fsdp2" else 1
    states = processes if config.parallel in ("fsdp2", "zero2") else 1
    own_pace = pace(parameters[0].device, torch.bfloat16 if config.precision == "bf16" else torch.float32)
    encoding_s = 0.0
    if config.vision == "frozen-cached":
        encoding_s = _kept(config) * _encoding(network, patches) / (_REACHED * own_pace)
    return Estimate(
        parameters=sum(p.numel() for p in parameters),
        trained=sum(p.numel() for p in learned),
        weights_bytes=sum(p.numel() * p.element_size() for p in parameters) // shared,
        optimiser_bytes=sum(p.numel() * 12 for p in learned) // states,
        activations_bytes=int(_activations(config, network, size * max(lengths), size * patches)),
        disk_bytes=_disk(config, network, cases * patches),
        images_s=0.0 if config.text_only else cases * (reading_s + encoding_s) / processes,
        steps=steps,
        flop_of_step=size * _flop(config, network, float(np.mean(lengths)), patches) * config.batches.accumulation,
        flop_per_s=own_pace,
    )


def _encoding(network: PETRG3D, patches: int) -> float:
    """FLOP of the image encoder on one modality of one case, forward."""
    shape = network.config.parts.vision
    values = sum(p.numel() for p in network.vision.blocks.parameters())
    attention = shape.depth * 4 * patches**2 * shape.heads * shape.head_dim
    return 2 * values * patches + attention


def _kept(config: TrainConfig) -> int:
    """Sets of features of one case: CT, PET and, where CT is ever left out, PET by itself."""
    return 3 if config.dropout.ct else 2


def _flop(config: TrainConfig, network: PETRG3D, text: float, image: int) -> float:
    """Of one case of so many text and image tokens."""
    lm = sum(p.numel() for p in network.language_model.parameters())
    resampler = sum(p.numel() for p in network.ct_resampler.parameters())
    trained_lm = "language_model" in config.parts
    times = 2 + 2 + 2 * trained_lm + 2 * config.checkpointing
    seen = 0.0 if config.text_only else 2 * 6.0 * resampler * image * (0.3 if "resamplers" in config.parts else 0.1)
    encoded = 3 * 2 * _encoding(network, image) if config.vision == "trained" and not config.text_only else 0.0
    return times * lm * text + seen + encoded


def _activations(config: TrainConfig, network: PETRG3D, text: int, image: int) -> float:
    """Bytes that wait for the backward pass; logits lie there in their own type, and in float32 up to three times."""
    lm, parts = network.config.text_config, network.config.parts
    bytes_each = 2 if config.precision == "bf16" else 4
    layers = getattr(lm, "num_hidden_layers", 1)
    inner = getattr(lm, "intermediate_size", 4 * lm.hidden_size)
    one = text * (14 * lm.hidden_size + 4 * inner)
    held = layers * text * lm.hidden_size + one if config.checkpointing else layers * one
    logits = 12 * text * lm.vocab_size
    if config.text_only:
        return bytes_each * held + logits
    looked = 2 * image * parts.resampler.depth * 4 * parts.vision.dim
    volumes, vision = 0, 0
    if config.vision == "trained":
        volumes = 4 * image * int(np.prod(parts.vision.patch)) * (parts.vision.channels + 1)
        vision = 2 * image * parts.vision.depth * (8 * parts.vision.dim + 2 * parts.vision.mlp_dim)
    return bytes_each * (held + looked + vision) + logits + volumes


def _disk(config: TrainConfig, network: PETRG3D, patches: int) -> int:
    """Of all cases, which have so many patches."""
    shape = network.config.parts.vision
    if config.text_only:
        return 0
    if config.vision == "frozen-cached":
        return _kept(config) * patches * shape.dim * (2 if config.precision == "bf16" else 4)
    return patches * int(np.prod(shape.patch)) * 4 * (shape.channels + 1)


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
