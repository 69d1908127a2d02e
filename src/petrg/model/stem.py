"""Volumes to tokens: which patches are looked at, and the two ways of making a token of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from petrg.model.config import VisionConfig

__all__ = ["ConvStem", "Kept", "LinearStem", "keep_patches", "patches"]

_PIECE = 1 << 22  # values of a volume that are cut at a time


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


def patches(volumes: Tensor, patch: tuple[int, int, int], at: Tensor | None = None) -> Iterator[Tensor]:
    """Cut (b, c, d0, d1, d2) into pieces (b, some patches, p0 * p1 * p2 * c) that follow each other.

    Patches have the last axis fastest, and inside a patch channel is fastest. Nothing else of the volume is copied:
    with ``at`` (b, m) only those patches of each row.

    >>> whole = torch.arange(16.0).view(1, 1, 4, 2, 2)
    >>> torch.cat(list(patches(whole, (2, 2, 1))), dim=1).tolist()
    [[[0.0, 2.0, 4.0, 6.0], [1.0, 3.0, 5.0, 7.0], [8.0, 10.0, 12.0, 14.0], [9.0, 11.0, 13.0, 15.0]]]
    >>> [piece.tolist() for piece in patches(whole, (2, 2, 1), torch.tensor([[2]]))]
    [[[[8.0, 10.0, 12.0, 14.0]]]]
    """
    b, c, *shape = volumes.shape
    n0, n1, n2 = (size // p for size, p in zip(shape, patch, strict=True))
    p0, p1, p2 = patch
    cut = volumes.view(b, c, n0, p0, n1, p1, n2, p2).permute(0, 2, 4, 6, 3, 5, 7, 1)
    some = max(1, _PIECE // (p0 * p1 * p2 * c))
    if at is None:
        for slab in cut.split(max(1, some // (n1 * n2)), dim=1):
            yield slab.reshape(b, -1, p0 * p1 * p2 * c)
        return
    row = torch.arange(b, device=at.device)[:, None]
    for i in at.split(some, dim=1):
        yield cut[row, i // (n1 * n2), i // n2 % n1, i % n2].flatten(2)


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
        pieces = patches(volumes, self.patch, None if kept is None else kept.at)
        if volumes.shape[1] == self.channels:
            seen = [self.norm_out(self.linear(cut if self.norm_in is None else self.norm_in(cut))) for cut in pieces]
        else:
            weight, bias = (t.to(volumes.dtype) for t in self._folded())
            seen = [self.norm_out(F.linear(self._levelled(cut), weight, bias)) for cut in pieces]
        return torch.cat(seen, dim=1)

    def _levelled(self, cut: Tensor) -> Tensor:
        return cut if self.norm_in is None else F.layer_norm(cut, cut.shape[-1:], eps=self.norm_in.eps)

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
        self.reach = _reach(strides, config.patch)
        self.norm_out = nn.LayerNorm(config.dim)
        for layer in self.layers:
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, volumes: Tensor, kept: Kept | None = None) -> Tensor:
        """(b, c or 1, d0, d1, d2) -> (b, n, dim), or (b, m, dim) of the patches ``kept``.

        Only the box round the patches that are looked at goes through the convolutions, with as many patches beyond
        it as they reach, so that each value is that of the whole volume.
        """
        if kept is None:
            return self.norm_out(self._convolved(volumes).flatten(2).transpose(1, 2))
        grid = tuple(size // p for size, p in zip(volumes.shape[2:], self.patch, strict=True))
        box, inside = _box(kept, grid, self.reach)
        part = volumes[:, :, *(slice(s.start * p, s.stop * p) for s, p in zip(box, self.patch, strict=True))]
        tokens = self._convolved(part).flatten(2)
        tokens = tokens.gather(2, inside[:, None].expand(-1, tokens.shape[1], -1))
        return self.norm_out(tokens.transpose(1, 2))

    def _convolved(self, volumes: Tensor) -> Tensor:
        """(b, c or 1, d0, d1, d2) -> (b, dim, n0, n1, n2); equal channels are one with their weights summed."""
        first: nn.Conv3d = self.layers[0]  # type: ignore[assignment]
        if volumes.shape[1] == self.channels:
            return self.layers(volumes)
        weight = first.weight.sum(dim=1, keepdim=True)
        return self.layers[1:](F.conv3d(volumes, weight, first.bias, first.stride, first.padding))


def _box(kept: Kept, grid: tuple[int, ...], reach: tuple[int, int, int]) -> tuple[list[slice], Tensor]:
    """The patches of the grid within ``reach`` of those that are looked at, and the place of each in that box.

    >>> box, inside = _box(Kept(torch.tensor([[13, 14]]), None), (3, 3, 3), (0, 0, 1))
    >>> box, inside.tolist()
    ([slice(1, 2, None), slice(1, 2, None), slice(0, 3, None)], [[1, 2]])
    """
    _, n1, n2 = grid
    index = torch.stack((kept.at // (n1 * n2), kept.at // n2 % n1, kept.at % n2), dim=-1)
    real = index.flatten(0, 1) if kept.there is None else index[kept.there]
    least, most = real.amin(dim=0).tolist(), real.amax(dim=0).tolist()
    box = [slice(max(0, a - r), min(n, b + 1 + r)) for a, b, n, r in zip(least, most, grid, reach, strict=True)]
    z, y, x = (index[..., axis] - part.start for axis, part in enumerate(box))
    sides = [part.stop - part.start for part in box]
    inside = (z * sides[1] + y) * sides[2] + x
    return box, inside if kept.there is None else inside.where(kept.there, 0)


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


def _reach(strides: list[tuple[int, int, int]], patch: tuple[int, int, int]) -> tuple[int, int, int]:
    """How many patches beyond its own a token of `ConvStem` sees, at most, along each axis.

    >>> _reach(_strides((8, 8, 4)), (8, 8, 4)), _reach(_strides((4, 2, 1)), (4, 2, 1))
    ((1, 1, 2), (1, 2, 2))
    """
    out = []
    for axis, side in enumerate(patch):
        low, high, step = 0, 0, 1  # voxels of the volume that one value of the layer sees, from its first one
        for stride in strides:
            s = stride[axis]
            low, high, step = low + step, high + step * (max(3, s) - 2), step * s
        out.append(max(-(-low // side), -(-max(0, high - side + 1) // side)))
    return out[0], out[1], out[2]
