"""Values to pixels: windows, colours, fusion, and pixels to data URIs."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["data_uri", "fuse", "grey", "hot"]

Rgb = NDArray[np.uint8]
Values = NDArray[Any]

# black, red, yellow, white: the hot-metal scale of nuclear medicine, one row per knot: value, r, g, b
_HOT = np.array([[0.0, 0, 0, 0], [0.35, 200, 20, 0], [0.7, 255, 190, 0], [1.0, 255, 255, 235]])


def _scaled(values: Values, low: float, high: float) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = np.clip((np.asarray(values, np.float32) - low) / (high - low), 0.0, 1.0)
    return scaled


def grey(values: Values, low: float, high: float, *, inverse: bool = False) -> Rgb:
    """Grey picture (h, w, 3) of ``values`` (h, w); ``low`` is black, ``high`` white, or the inverse.

    >>> grey(np.array([[0.0, 5.0, 10.0, 99.0]]), 0, 10, inverse=True)[0, :, 0].tolist()
    [255, 128, 0, 0]
    """
    level = _scaled(values, low, high)
    level = np.rint((1 - level if inverse else level) * 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=-1)


def hot(values: Values, low: float, high: float) -> Rgb:
    """Hot-metal picture (h, w, 3) of ``values`` (h, w): black at ``low``, white at ``high``."""
    level = _scaled(values, low, high)
    channels = [np.interp(level, _HOT[:, 0], _HOT[:, k]) for k in (1, 2, 3)]
    picture: Rgb = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return picture


def fuse(base: Rgb, values: Values, low: float, high: float) -> Rgb:
    """``values`` in hot metal over ``base`` (h, w, 3); cold places let the base through, hot ones hide most of it."""
    opacity = 0.75 * np.sqrt(_scaled(values, low, high))[..., None]
    mixed = base.astype(np.float32) * (1 - opacity) + hot(values, low, high) * opacity
    return np.rint(mixed).astype(np.uint8)


def data_uri(pixels: Rgb) -> str:
    """The picture as ``data:image/webp;base64,…``, for pages that fetch nothing."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=84, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
