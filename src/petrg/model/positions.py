"""Where a patch lies, as a vector: learned tables, one an axis."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from petrg.model.config import VisionConfig

__all__ = ["Positions", "stretched"]


def stretched(patches: int, table: int) -> Tensor:
    """Index into a table of ``table`` rows for each of ``patches``, the ends always at the table's ends.

    This is the released model's: computed in float32 and truncated, so a position is relative to the volume.

    >>> stretched(4, 16).tolist(), stretched(1, 16).tolist()
    ([0, 5, 10, 15], [0])
    """
    return torch.linspace(0, table - 1, patches, dtype=torch.float32).long()


def in_mm(patches: int, table: int, centred: bool) -> Tensor:
    """Index for patches of one size in mm: from the middle of the table (``centred``) or from its first row.

    A crop or a taller patient shifts an index and never stretches it. Beyond the table its last row is used.

    >>> in_mm(4, 16, True).tolist(), in_mm(3, 16, False).tolist()
    ([6, 7, 8, 9], [0, 1, 2])
    """
    first = (table - patches) // 2 if centred else 0
    return (torch.arange(patches) + first).clamp(0, table - 1)


class Positions(nn.Module):
    """Position of every patch of a grid, ``dim`` values: a part for each axis, side by side."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.kind = config.position
        sizes = [config.dim // 3 + (axis < config.dim % 3) for axis in range(3)]
        self.tables = nn.ModuleList(nn.Embedding(n, d) for n, d in zip(config.position_tables, sizes, strict=True))

    def forward(self, grid: tuple[int, ...]) -> Tensor:
        """(n0 * n1 * n2, dim), the last axis fastest."""
        rows = []
        for axis, (n, table) in enumerate(zip(grid, self.tables, strict=True)):
            weight: Tensor = table.weight  # type: ignore[assignment]
            index = stretched(n, len(weight)) if self.kind == "stretched" else in_mm(n, len(weight), centred=axis > 0)
            shape = [1, 1, 1, -1]
            shape[axis] = n
            rows.append(weight[index.to(weight.device)].view(shape).expand(*grid, -1))
        return torch.cat(rows, dim=-1).flatten(0, 2)
