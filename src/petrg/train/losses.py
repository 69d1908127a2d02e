"""Losses beside the text's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from petrg.train.heads import Heads, latents_of
from petrg.train.images import UNKNOWN

__all__ = ["attention_loss", "latent_loss", "patch_loss"]


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """The mean over what is known; 0 where nothing is."""
    known = (wanted != UNKNOWN).sum()
    total = F.cross_entropy(logits.flatten(0, -2).float(), wanted.flatten(), ignore_index=UNKNOWN, reduction="sum")
    return total / known.clamp(min=1)


def patch_loss(heads: Heads, tokens: Sequence[Tensor], regions: Tensor) -> Tensor:
    """Which region each patch lies in, asked of each modality's tokens (b, m, dim); ``regions`` (b, m)."""
    assert heads.patch is not None
    return torch.stack([_cross_entropy(heads.patch(t.to(heads.patch.weight.dtype)), regions) for t in tokens]).mean()


def latent_loss(heads: Heads, ct: Tensor | None, pet: Tensor | None, classes: Tensor) -> Tensor:
    """Uptake and structure of each region, asked of its latents of both modalities; ``classes`` (b, 24, 2).

    An absent modality is 0, so what it alone shows stays unknown to the head, as it is to the text.
    """
    assert heads.uptake is not None
    assert heads.structure is not None
    like = next(x for x in (ct, pet) if x is not None)
    both = torch.cat([heads.of_regions(torch.zeros_like(like) if x is None else x) for x in (ct, pet)], dim=-1)
    both = both.to(heads.uptake.weight.dtype)
    return _cross_entropy(heads.uptake(both), classes[..., 0]) + _cross_entropy(heads.structure(both), classes[..., 1])


def attention_loss(looked: Sequence[Tensor], lesions: Tensor, regions: Tensor) -> Tensor:
    """How little the latents of a region look at its lesions.

    Parameters
    ----------
    looked : sequence of (b, heads, latents, m)
        Log attention weights of each layer.
    lesions : (b, lesions, m) bool
        The patches that hold some of each.
    regions : (b, lesions) int
        Region of each; -1 where it is not known: then any latent may look. Below that there is no lesion.

    Returns
    -------
    Tensor
        Mean over lesions of -log of the share of attention on the lesion's patches, the share averaged over the
        last layer's heads and over the region's latents (over the one that looks most where the region is unknown).
    """
    weights = torch.stack([layer.float() for layer in looked[-1:]]).exp().mean(dim=(0, 2))  # (b, latents, m)
    share = torch.einsum("bnm,blm->bnl", lesions.to(weights.dtype), weights)
    per_lesion = []
    for row in range(len(regions)):
        for lesion, region in enumerate(regions[row].tolist()):
            if region < -1 or not bool(lesions[row, lesion].any()):
                continue
            own = share[row, lesion]
            mine = own.max() if region == -1 else own[latents_of(region, len(own))].mean()
            per_lesion.append(-mine.clamp(min=1e-9).log())
    return torch.stack(per_lesion).mean() if per_lesion else share.sum() * 0.0
