"""Losses beside the text's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from petrg.train.heads import Heads, latents_of
from petrg.train.images import NO_LESION, UNKNOWN

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


def latent_loss(heads: Heads, ct: Tensor | None, pet: Tensor | None, seen: Tensor, classes: Tensor) -> Tensor:
    """Uptake and structure of each region, asked of its latents of both modalities.

    Parameters
    ----------
    ct, pet : (b, latents, dim), or None where no row shows it
    seen : (b, 2) bool
        Whether a row shows CT, PET. What it does not show is 0 to the head whatever its latents are, and is not asked
        for what it alone would tell: no structure without CT, no uptake without PET.
    classes : (b, 24, 2) int
    """
    assert heads.uptake is not None
    assert heads.structure is not None
    like = next(x for x in (ct, pet) if x is not None)
    each = [
        heads.of_regions(torch.zeros_like(like) if x is None else x.masked_fill(~there[:, None, None], 0.0))
        for x, there in zip((ct, pet), seen.T, strict=True)
    ]
    both = torch.cat(each, dim=-1).to(heads.uptake.weight.dtype)
    uptake = classes[..., 0].masked_fill(~seen[:, 1:], UNKNOWN)
    structure = classes[..., 1].masked_fill(~seen[:, :1], UNKNOWN)
    return _cross_entropy(heads.uptake(both), uptake) + _cross_entropy(heads.structure(both), structure)


def attention_loss(looked: Sequence[Tensor], lesions: Tensor, regions: Tensor, seen: Tensor) -> Tensor:
    """How little the latents of a region look at its lesions, in the resamplers' last layers.

    The last layer's look is what reaches the prompt; earlier ones stay free to look around.

    Parameters
    ----------
    looked : sequence of (b, heads, latents, m)
        Log attention weights of the last layer, of each modality that is there.
    lesions : (b, lesions, m) bool
        The patches that hold some of each.
    regions : (b, lesions) int
        Region of each; -1 where it is not known: then any latent may look. Below that there is no lesion.
    seen : (b, modalities) bool
        Whether a row shows each of them; what it does not show is not asked.

    Returns
    -------
    Tensor
        Mean over lesions and modalities of -log of the share of attention on the lesion's patches, the share averaged
        over heads and over the region's latents (over the one that looks most where the region is unknown).
    """
    there = lesions.any(dim=-1) & (regions > NO_LESION)
    per_lesion = []
    for weights, shown in zip(looked, seen.T, strict=True):
        for row in (there & shown[:, None]).any(dim=1).nonzero()[:, 0].tolist():
            mean = weights[row].float().exp().mean(dim=0)  # (latents, m)
            for lesion in there[row].nonzero()[:, 0].tolist():
                share, region = mean[:, lesions[row, lesion]].sum(dim=-1), int(regions[row, lesion])
                mine = share.max() if region == -1 else share[latents_of(region, len(share))].mean()
                per_lesion.append(-mine.clamp(min=1e-9).log())
    return torch.stack(per_lesion).mean() if per_lesion else torch.zeros((), device=lesions.device)
