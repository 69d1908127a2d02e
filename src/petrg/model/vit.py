"""The 3D vision transformer that CT and PET go through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from petrg.model.config import VisionConfig
from petrg.model.positions import Positions
from petrg.model.stem import ConvStem, Kept, LinearStem, keep_patches

__all__ = ["Attention", "Block", "FeedForward", "Kept", "ViT3D", "keep_patches"]

_TOKENS = 512  # tokens that go through a perceptron at a time


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
        del q, k, v  # they are the most of what a layer holds
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
        """``x`` plus its transformation; without gradients a few tokens at a time, so that what is between is small."""
        if torch.is_grad_enabled():
            return self._pass(x)
        out = torch.empty_like(x)
        for at in range(0, x.shape[1], _TOKENS):
            out[:, at : at + _TOKENS] = self._pass(x[:, at : at + _TOKENS])
        return out

    def _pass(self, x: Tensor) -> Tensor:
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
        tokens: Tensor = self.stem(volumes, kept)
        tokens += place if kept is None else place[kept.at]
        return self.drop(tokens)

    def encode(self, tokens: Tensor, kept: Kept | None = None) -> Tensor:
        """Embedded patches through the layers, (b, n, dim) -> (b, n, dim)."""
        mask = None if kept is None or kept.there is None else kept.there[:, None, None, :]
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens
