"""Colours of heat maps: one hue from light to dark, so that the order survives colour blindness and a grey printer."""

from __future__ import annotations

__all__ = ["contrast", "shade"]

_STOPS = ((244, 248, 252), (158, 197, 226), (58, 123, 176), (8, 48, 97))
_INK, _PAPER = "#000000", "#ffffff"  # one of the two has a contrast of 4.5 on any ground


def shade(share: float) -> tuple[str, str]:
    """Ground and ink of a cell for a share in 0..1 (clipped); the ink is the one that reads better on the ground.

    >>> shade(0.0), shade(1.0)
    (('#f4f8fc', '#000000'), ('#083061', '#ffffff'))
    """
    at = min(max(share, 0.0), 1.0) * (len(_STOPS) - 1)
    k = min(int(at), len(_STOPS) - 2)
    mixed = (round(a + (at - k) * (b - a)) for a, b in zip(_STOPS[k], _STOPS[k + 1], strict=True))
    ground = "#" + "".join(f"{part:02x}" for part in mixed)
    return ground, max(_INK, _PAPER, key=lambda ink: contrast(ground, ink))


def contrast(first: str, second: str) -> float:
    """Contrast of two ``#rrggbb`` colours by WCAG 2.2, 1..21; text needs 4.5.

    >>> round(contrast("#ffffff", "#000000"), 1)
    21.0
    """
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
