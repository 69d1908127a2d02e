"""Changes of an image that leave every word of its report true: moved a little, made noisier, never mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from petrg.errors import ModelError
from petrg.model.recipe import MmInput, Recipe
from petrg.train.config import Augment
from petrg.train.images import Named

__all__ = ["Changes", "changes_of"]

_AIR = {"ct": -1.0, "pet": 0.0, "regions": 0.0, "lesions": 0.0}


@dataclass(frozen=True)
class Changes:
    """Shifts by whole voxels, the same for CT, PET and targets, then Gaussian noise on what is not air.

    Parameters
    ----------
    shift_mm : float
        The farthest along each axis.
    noise : float
        Standard deviation on the scaled image.
    spacing_mm : (z, y, x)
    """

    shift_mm: float
    noise: float
    spacing_mm: tuple[float, float, float]

    def __call__(self, images: Named, rng: np.random.Generator) -> Named:
        """The changed images."""
        most = [int(self.shift_mm // s) for s in self.spacing_mm]
        steps = [int(rng.integers(-m, m + 1)) for m in most]
        out = {name: _moved(t, steps, _AIR[name]) if name in _AIR else t for name, t in images.items()}
        if self.noise:
            for name in ("ct", "pet"):
                drawn = rng.standard_normal(out[name].shape, np.float32)
                body = out[name] != _AIR[name]
                out[name] = out[name] + torch.from_numpy(drawn) * self.noise * body
        return out


def _moved(tensor: torch.Tensor, steps: list[int], filler: float) -> torch.Tensor:
    """Shifted along the last three axes; what comes in is air."""
    out = torch.full_like(tensor, filler)
    to: list[slice] = []
    of: list[slice] = []
    for size, step in zip(tensor.shape[-3:], steps, strict=True):
        to.append(slice(max(step, 0), size + min(step, 0)))
        of.append(slice(max(-step, 0), size - max(step, 0)))
    out[..., to[0], to[1], to[2]] = tensor[..., of[0], of[1], of[2]]
    return out


def changes_of(augment: Augment, recipe: Recipe) -> Changes | None:
    """The changes that a configuration asks for, None for none.

    Raises
    ------
    ModelError
        If the recipe has no grid in mm, or shifts reach beyond the margin round the body.
    """
    if not augment.shift_mm and not augment.noise:
        return None
    if not isinstance(recipe.input, MmInput):
        raise ModelError("augment under a recipe without mm", "a recipe with a grid in mm", "leave augment out")
    if augment.shift_mm > recipe.input.margin_mm:
        raise ModelError(
            f"augment.shift_mm {augment.shift_mm:g}",
            f"at most the recipe's margin round the body, {recipe.input.margin_mm:g} mm",
            "shift less",
        )
    return Changes(augment.shift_mm, augment.noise, recipe.input.spacing_mm)
