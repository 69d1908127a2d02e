"""Where a patch lies, as a vector: learned tables, one an axis.

"stretched" is the released model's: relative to the volume. "mm" counts patches of one size in mm, down from the scan's
top and from the middle: a crop at the feet, a wider field or a taller patient moves no index of what was there before.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from petrg.model.config import VisionConfig

__all__ = ["Positions", "from_middle", "from_top", "stretched"]


def stretched(patches: int, table: int) -> Tensor:
    """Index into a table of ``table`` rows for each of ``patches``, the ends always at the table's ends.

    This is the released model's: computed in float32 and truncated, so a position is relative to the volume.

    >>> stretched(4, 16).tolist(), stretched(1, 16).tolist()
    ([0, 5, 10, 15], [0])
    """
    return torch.linspace(0, table - 1, patches, dtype=torch.float32).long()


def from_middle(patches: int, table: int) -> Tensor:
    """Index of patches of one size in mm, counted from the middle of the table; beyond it the end row is used.

    >>> from_middle(4, 16).tolist(), from_middle(3, 2).tolist()
    ([6, 7, 8, 9], [0, 0, 1])
    """
    return (torch.arange(patches) + (table - patches) // 2).clamp(0, table - 1)


def from_top(patches: int, table: int) -> Tensor:
    """Index of patches of one size in mm, counted down from the last, which is the scan's top.

    >>> from_top(3, 16).tolist(), from_top(3, 2).tolist()
    ([2, 1, 0], [1, 1, 0])
    """
    return torch.arange(patches - 1, -1, -1).clamp(max=table - 1)


class Positions(nn.Module):
    """Position of every patch of a grid, ``dim`` values: a part for each axis, side by side."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.kind = config.position
        sizes = [config.dim // 3 + (axis < config.dim % 3) for axis in range(3)]
        self.tables = nn.ModuleList(nn.Embedding(n, d) for n, d in zip(config.position_tables, sizes, strict=True))
        for table in self.tables:
            nn.init.normal_(table.weight, std=config.position_std)  # type: ignore[arg-type]

    def forward(self, grid: tuple[int, ...]) -> Tensor:
        """(n0 * n1 * n2, dim), the last axis fastest."""
        rows = []
        count = (stretched,) * 3 if self.kind == "stretched" else (from_top, from_middle, from_middle)
        for axis, (n, table) in enumerate(zip(grid, self.tables, strict=True)):
            weight: Tensor = table.weight  # type: ignore[assignment]
            index = count[axis](n, len(weight))
            shape = [1, 1, 1, -1]
            shape[axis] = n
            rows.append(weight[index.to(weight.device)].view(shape).expand(*grid, -1))
        return torch.cat(rows, dim=-1).flatten(0, 2)
