"""From any number of image tokens to a fixed number of latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from petrg.model.config import ResamplerConfig

__all__ = ["CrossAttention", "Resampler", "ResamplerLayer"]


class CrossAttention(nn.Module):
    """Latents look at the image and at themselves; queries from the latents, keys and values from both."""

    def __init__(self, dim: int, config: ResamplerConfig) -> None:
        super().__init__()
        inner = config.heads * config.head_dim
        self.heads = config.heads
        self.norm_media = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(self, x: Tensor, latents: Tensor, mask: Tensor | None, *, look: bool) -> tuple[Tensor, Tensor | None]:
        """What is added to ``latents`` (b, l, dim), and with ``look`` the log weights (b, heads, l, n) on the image."""
        at = self.norm_latents(latents)
        q = self._heads(self.to_q(at))
        k, v = (self._heads(t) for t in self.to_kv(torch.cat((self.norm_media(x), at), dim=1)).chunk(2, dim=-1))
        if mask is not None:
            own = torch.ones(len(x), latents.shape[1], dtype=torch.bool, device=x.device)
            mask = torch.cat((mask, own), dim=1)[:, None, None, :]
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        weights = None
        if look:
            scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
            if mask is not None:
                scores = scores.masked_fill(~mask, float("-inf"))
            weights = scores.log_softmax(dim=-1)[..., : x.shape[1]]
        return self.to_out(seen.transpose(1, 2).flatten(2)), weights

    def _heads(self, t: Tensor) -> Tensor:
        return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class ResamplerLayer(nn.Module):
    """Attention, then a feed-forward without bias."""

    def __init__(self, dim: int, config: ResamplerConfig) -> None:
        super().__init__()
        self.attention = CrossAttention(dim, config)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, config.mlp_ratio * dim, bias=False),
            nn.GELU(),
            nn.Linear(config.mlp_ratio * dim, dim, bias=False),
        )

    def forward(self, x: Tensor, latents: Tensor, mask: Tensor | None, *, look: bool) -> tuple[Tensor, Tensor | None]:
        """Latents after this layer, and with ``look`` its log attention weights on the image."""
        added, weights = self.attention(x, latents, mask, look=look)
        latents = latents + added
        return latents + self.feedforward(latents), weights


class Resampler(nn.Module):
    """A perceiver resampler (Alayrac et al. 2022): ``latents`` learned queries through ``depth`` layers and a norm."""

    def __init__(self, dim: int, config: ResamplerConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(config.latents, dim))
        self.layers = nn.ModuleList(ResamplerLayer(dim, config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, there: Tensor | None = None) -> Tensor:
        """(b, n, dim) -> (b, latents, dim); ``there`` (b, n) bool marks real tokens."""
        return self._run(x, there, look=False)[0]

    def look(self, x: Tensor, there: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `forward`, with the last layer's log attention weights (b, heads, latents, n) on the image tokens."""
        latents, weights = self._run(x, there, look=True)
        assert weights is not None
        return latents, weights

    def _run(self, x: Tensor, there: Tensor | None, *, look: bool) -> tuple[Tensor, Tensor | None]:
        latents, weights = self.latents.to(x.dtype).expand(len(x), -1, -1), None
        for number, layer in enumerate(self.layers, 1):
            latents, weights = layer(x, latents, there, look=look and number == len(self.layers))
        return self.norm(latents), weights
