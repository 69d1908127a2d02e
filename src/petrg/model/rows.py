"""Rows of tokens side by side as one batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from petrg.model.prompt import IGNORED, Encoded

__all__ = ["side_by_side"]


def side_by_side(rows: Sequence[Encoded], pad: int, *, left: bool = False) -> dict[str, Tensor]:
    """Rows filled up to the longest of them, never further: on the right to learn from, on the left to write after.

    Returns
    -------
    dict
        ``input_ids``, ``attention_mask`` and ``labels``, each (rows, longest) int64.
    """
    width = max(len(row.ids) for row in rows)

    def filled(values: Sequence[Sequence[int]], filler: int) -> Tensor:
        pads = [[filler] * (width - len(v)) for v in values]
        return torch.tensor([[*p, *v] if left else [*v, *p] for v, p in zip(values, pads, strict=True)])

    return {
        "input_ids": filled([row.ids for row in rows], pad),
        "attention_mask": filled([[1] * len(row.ids) for row in rows], 0),
        "labels": filled([row.labels for row in rows], IGNORED),
    }
