"""The 3D vision transformer that CT and PET go through."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from petrg.model.config import VisionConfig
from petrg.model.positions import Positions

__all__ = ["Attention", "Block", "ConvStem", "FeedForward", "Kept", "LinearStem", "ViT3D", "keep_patches", "patches"]


class Kept(NamedTuple):
    """The patches of each row that are looked at; the others (air) are left out.

    ``at`` (b, m) int, ascending; ``there`` (b, m) bool, False where a shorter row is filled up, None where none is.
    """

    at: Tensor
    there: Tensor | None


def keep_patches(wanted: Tensor) -> Kept:
    """What ``wanted`` (b, n) bool asks for; a row without any keeps its first patch.

    >>> keep_patches(torch.tensor([[True, False, True], [False, True, False]]))
    Kept(at=tensor([[0, 2],
            [1, 0]]), there=tensor([[ True,  True],
            [ True, False]]))
    """
    wanted = wanted.clone()
    wanted[:, 0] |= ~wanted.any(dim=1)
    count = wanted.sum(dim=1)
    at = wanted.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, : int(count.max())]
    there = torch.arange(at.shape[1], device=at.device) < count[:, None]
    return Kept(at.where(there, 0), None if bool(there.all()) else there)


def patches(volumes: Tensor, patch: tuple[int, int, int]) -> Tensor:
    """Cut (b, c, d0, d1, d2) into (b, n, p0 * p1 * p2 * c): the last axis fastest, channel fastest inside a patch.

    >>> patches(torch.arange(8.0).view(1, 1, 2, 2, 2), (1, 1, 2)).tolist()
    [[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]]
    """
    b, c, *shape = volumes.shape
    n0, n1, n2 = (size // p for size, p in zip(shape, patch, strict=True))
    p0, p1, p2 = patch
    cut = volumes.view(b, c, n0, p0, n1, p1, n2, p2).permute(0, 2, 4, 6, 3, 5, 7, 1)
    return cut.reshape(b, n0 * n1 * n2, p0 * p1 * p2 * c)


class LinearStem(nn.Module):
    """Patches to tokens: LayerNorm, Linear, LayerNorm.

    A volume of one channel stands for ``channels`` equal ones: mean and variance of equal channels are those of
    one, so the weights are summed over channels and two thirds of the work falls away (Linear is linear).
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.patch, self.channels = config.patch, config.channels
        width = config.channels * config.patch[0] * config.patch[1] * config.patch[2]
        self.norm_in = nn.LayerNorm(width) if config.normalise_patches else None
        self.linear = nn.Linear(width, config.dim)
        self.norm_out = nn.LayerNorm(config.dim)

    def forward(self, volumes: Tensor, kept: Kept | None = None) -> Tensor:
        """(b, c or 1, d0, d1, d2) -> (b, n, dim), or (b, m, dim) of the patches ``kept``."""
        cut = patches(volumes, self.patch)
        if kept is not None:
            cut = cut.gather(1, kept.at[:, :, None].expand(-1, -1, cut.shape[-1]))
        if volumes.shape[1] == self.channels:
            return self.norm_out(self.linear(cut if self.norm_in is None else self.norm_in(cut)))
        weight, bias = self._folded()
        if self.norm_in is not None:
            cut = F.layer_norm(cut, cut.shape[-1:], eps=self.norm_in.eps)
        return self.norm_out(F.linear(cut, weight.to(cut.dtype), bias.to(cut.dtype)))

    def _folded(self) -> tuple[Tensor, Tensor]:
        """Weight (dim, width / channels) and bias (dim) for one channel, the affine part of ``norm_in`` in them."""
        weight: Tensor = self.linear.weight
        bias: Tensor = self.linear.bias
        if self.norm_in is not None:
            weight, bias = weight * self.norm_in.weight, bias + weight @ self.norm_in.bias
        return weight.view(len(weight), -1, self.channels).sum(-1), bias


class ConvStem(nn.Module):
    """Volumes to tokens through strided 3 x 3 x 3 convolutions, halving each axis until a patch is one voxel.

    What learns from scratch learns sooner behind convolutions than behind one linear map (Xiao et al. 2021, "Early
    convolutions help transformers see better"); they start after Kaiming and a LayerNorm follows.
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.patch, self.channels = config.patch, config.channels
        strides = _strides(config.patch)
        widths = [max(16, config.dim >> (len(strides) - 1 - k)) for k in range(len(strides))]
        layers: list[nn.Module] = []
        before = config.channels
        for stride, width in zip(strides, widths, strict=True):
            a, b, c = (max(3, s) for s in stride)
            layers += [nn.Conv3d(before, width, (a, b, c), stride, padding=1), nn.GELU()]
            before = width
        self.layers = nn.Sequential(*layers, nn.Conv3d(before, config.dim, 1))
        self.norm_out = nn.LayerNorm(config.dim)
        for layer in self.layers:
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, volumes: Tensor, kept: Kept | None = None) -> Tensor:
        """(b, c or 1, d0, d1, d2) -> (b, n, dim), or (b, m, dim) of the patches ``kept``."""
        whole = volumes.expand(-1, self.channels, -1, -1, -1)
        tokens = self.layers(whole).flatten(2).transpose(1, 2)
        if kept is not None:
            tokens = tokens.gather(1, kept.at[:, :, None].expand(-1, -1, tokens.shape[-1]))
        return self.norm_out(tokens)


def _strides(patch: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Strides of each layer, whose products are the patch.

    >>> _strides((8, 8, 4)), _strides((6, 2, 1))
    ([(2, 2, 2), (2, 2, 2), (2, 2, 1)], [(2, 2, 1), (3, 1, 1)])
    """
    strides: list[tuple[int, int, int]] = []
    left = patch
    while max(left) > 1:
        a, b, c = (2 if n % 2 == 0 else n for n in left)
        strides.append((a, b, c))
        left = (left[0] // a, left[1] // b, left[2] // c)
    return strides or [(1, 1, 1)]


class Attention(nn.Module):
    """Pre-norm multi-head self-attention; the matrix of weights is never stored."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        inner = config.heads * config.head_dim
        self.heads, self.dropout = config.heads, config.dropout
        self.norm = nn.LayerNorm(config.dim)
        self.qkv = nn.Linear(config.dim, 3 * inner, bias=False)
        self.out = nn.Linear(inner, config.dim)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``x`` plus what its tokens attend to; ``mask`` (b, 1, 1, n) bool is True where a token is real."""
        b, n, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate)
        return x + self.drop(self.out(seen.transpose(1, 2).reshape(b, n, -1)))


class FeedForward(nn.Module):
    """Pre-norm two-layer perceptron with exact GELU."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim)
        self.up = nn.Linear(config.dim, config.mlp_dim)
        self.down = nn.Linear(config.mlp_dim, config.dim)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` plus its transformation."""
        return x + self.drop(self.down(self.drop(F.gelu(self.up(self.norm(x))))))


class Block(nn.Module):
    """One layer."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feedforward = FeedForward(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(b, n, dim) -> (b, n, dim)."""
        return self.feedforward(self.attention(x, mask))


class ViT3D(nn.Module):
    """Volumes to tokens; no class token and no final norm, as released."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = LinearStem(config) if config.stem == "linear" else ConvStem(config)
        self.positions = Positions(config)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))

    def forward(self, volumes: Tensor, kept: Kept | None = None) -> Tensor:
        """Encode volumes of one grid.

        Parameters
        ----------
        volumes : (b, c or 1, d0, d1, d2)
            Each side a multiple of the patch.
        kept : Kept, optional
            The patches that are looked at.

        Returns
        -------
        (b, n or m, dim)
        """
        return self.encode(self.embed(volumes, kept), kept)

    def embed(self, volumes: Tensor, kept: Kept | None = None) -> Tensor:
        """Patches and their positions, before any layer: (b, n or m, dim)."""
        grid = tuple(size // p for size, p in zip(volumes.shape[2:], self.config.patch, strict=True))
        place = self.positions(grid)
        return self.drop(self.stem(volumes, kept) + (place if kept is None else place[kept.at]))

    def encode(self, tokens: Tensor, kept: Kept | None = None) -> Tensor:
        """Embedded patches through the layers, (b, n, dim) -> (b, n, dim)."""
        mask = None if kept is None or kept.there is None else kept.there[:, None, None, :]
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens
