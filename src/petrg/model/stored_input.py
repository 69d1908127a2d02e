"""What the released network is shown: volumes as stored, scaled as its authors scale them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petrg.model.recipe import StoredInput

__all__ = ["scale_ct", "scale_pet", "stored_volumes"]

Array = NDArray[np.float32]


def scale_ct(hu: Array, recipe: StoredInput) -> Array:
    """HU -> clipped and divided, float32.

    >>> scale_ct(np.array([-2000, 0, 500], np.float32), StoredInput()).tolist()
    [-1.0, 0.0, 0.5]
    """
    return np.asarray(np.clip(hu, *recipe.hu) / recipe.hu_unit, dtype=np.float32)


def scale_pet(suv: Array, recipe: StoredInput) -> Array:
    """SUV -> 0..1 by the volume's own percentile and maximum; absolute SUV is lost."""
    x = np.log1p(np.maximum(suv, 0.0))
    high = np.percentile(x, recipe.percentile)
    if high <= 0:
        high = x.max() + 1e-6
    x = np.clip(x, 0.0, high)
    return (x / (x.max() + 1e-6)).astype(np.float32)


def stored_volumes(
    ct_hu: Array, pet_suv: Array, recipe: StoredInput, patch: tuple[int, int, int]
) -> tuple[Array, Array]:
    """CT and PET of one case, (H, W, D) as stored, scaled and padded to whole patches.

    The padding is 0 (water in the scaled CT) at the end of each axis, by as much as the CT needs.

    Returns
    -------
    ct, pet : (H', W', D') float32
    """
    pad = [(0, -size % p) for size, p in zip(ct_hu.shape, patch, strict=True)]
    return np.pad(scale_ct(ct_hu, recipe), pad), np.pad(scale_pet(pet_suv, recipe), pad)
