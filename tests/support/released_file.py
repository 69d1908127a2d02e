"""A released checkpoint in small: the released design, thin, on a random language model of the first family."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from families import write_family

from petrg.model import PETRG3D
from petrg.model.config import LoraSpec, Network, ResamplerConfig, VisionConfig
from petrg.model.released_weights import write_released
from petrg.model.start import start

RELEASED = Network(  # what shapes cannot tell is as released
    vision=VisionConfig(dim=12, depth=2, heads=1, mlp_dim=16),
    resampler=ResamplerConfig(latents=4, depth=2, heads=1, mlp_ratio=2),
    lora=LoraSpec(rank=2),
)


class Checkpoint(NamedTuple):
    """The network, its file, the folder of its backbone."""

    model: PETRG3D
    file: Path
    base: Path


def write_checkpoint(home: Path) -> Checkpoint:
    """Random values everywhere, adapters included."""
    base = write_family("qwen3", home / "base")
    torch.manual_seed(5)
    model, _ = start(base, network=RELEASED, recipe="petrg3d-2025", domain="patients")
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    write_released(model, home / "model.safetensors")
    return Checkpoint(model.eval(), home / "model.safetensors", base)
