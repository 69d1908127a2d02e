"""Heads that training alone uses: what a patch or a region's latents are asked; never saved with the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from petrg.model.config import Network
from petrg.report import Structure, Uptake
from petrg.train.cases import REGIONS
from petrg.train.config import Losses

__all__ = ["Heads", "latents_of"]


def latents_of(region: int, latents: int) -> list[int]:
    """The latents that a region has: dealt in turn, so that a report's order is that of the latents.

    Fewer latents than regions are shared.

    >>> latents_of(1, 50), latents_of(23, 8)
    ([1, 25, 49], [7])
    """
    return list(range(region, latents, len(REGIONS))) or [region % latents]


class Heads(nn.Module):
    """Linear maps from the encoder's tokens and from each region's latents to classes."""

    shares: Tensor

    def __init__(self, network: Network, losses: Losses) -> None:
        super().__init__()
        dim, latents = network.vision.dim, network.resampler.latents
        self.patch = nn.Linear(dim, len(REGIONS) + 1) if losses.patch_regions else None
        wanted = bool(losses.latent_regions)
        self.uptake = nn.Linear(2 * dim, len(Uptake)) if wanted else None
        self.structure = nn.Linear(2 * dim, len(Structure)) if wanted else None
        shares = torch.zeros(len(REGIONS), latents)
        for region in range(len(REGIONS)):
            own = latents_of(region, latents)
            shares[region, own] = 1.0 / len(own)
        self.register_buffer("shares", shares, persistent=False)

    def of_regions(self, latents: Tensor) -> Tensor:
        """(b, latents, dim) -> (b, 24, dim): the mean of each region's."""
        return torch.einsum("rl,bld->brd", self.shares.to(latents.dtype), latents)
