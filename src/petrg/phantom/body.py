"""The outside of the body and its mass: trunk, neck, head, arms, legs, skin and fat under it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from petrg.phantom.frame import Frame, Tissue
from petrg.phantom.scene import Item
from petrg.phantom.spec import Spec

__all__ = ["Row", "arm_line", "back_mm", "breast_y", "frame_of", "frame_width", "outline", "weight_kg"]

Row = tuple[float, float, float, float, float]
"""z, centre x, centre y, half width, half depth, mm of the body frame."""
SKIN = 2.0
TRUNK_POWER = 2.4

# z, centre x, centre y, half width, half depth of the muscle wall of a 1.70 m patient, mm.
_TRUNK: tuple[Row, ...] = (
    (800, 0, 8, 150, 84),
    (850, 0, 4, 160, 92),
    (900, 0, 2, 156, 96),
    (950, 0, 2, 144, 94),
    (1000, 0, 0, 134, 92),
    (1060, 0, 0, 126, 92),
    (1130, 0, 0, 131, 96),
    (1200, 0, -1, 138, 101),
    (1270, 0, -1, 145, 103),
    (1330, 0, 3, 155, 96),
    (1370, 0, 8, 158, 82),
    (1398, 0, 12, 132, 66),
    (1420, 0, 13, 96, 58),
    (1446, 0, 11, 62, 56),
)
_NECK: tuple[Row, ...] = (
    (1425, 0, 10, 62, 57),
    (1455, 0, 10, 55, 57),
    (1500, 0, 8, 56, 62),
    (1545, 0, 12, 62, 68),
)
# Share of the fat depth at each level of the trunk.
_FAT = ((800, 1.1), (850, 1.2), (950, 1.15), (1030, 1.0), (1130, 0.8), (1270, 0.55), (1370, 0.4), (1440, 0.25))
_THIGH: tuple[Row, ...] = (
    (0, 88, 30, 22, 24),
    (60, 88, 30, 30, 34),
    (330, 88, 25, 50, 52),
    (470, 88, 15, 52, 55),
    (600, 90, 10, 64, 68),
    (760, 92, 8, 76, 80),
    (840, 88, 6, 74, 78),
)


def frame_of(spec: Spec) -> Frame:
    """The frame whose body weighs what the BMI asks for: mass is a quadratic of the depth of the fat."""
    lean = 1.0 + 0.007 * (spec.bmi - 23.0)
    wide = 0.985 if spec.sex == "F" else 1.02
    s = spec.height_m / 1.70
    sx, sy = lean * wide * math.sqrt(s), lean * math.sqrt(s)
    head = wide * s**0.35
    at = [weight_kg(Frame(sx, sy, s, head, fat), spec.sex) for fat in (0.0, 20.0, 40.0)]
    second = (at[2] - 2.0 * at[1] + at[0]) / 800.0
    first = (at[1] - at[0]) / 20.0 - 20.0 * second
    excess = max(spec.bmi * spec.height_m**2 - at[0], 0.0)
    fat = (math.sqrt(first**2 + 4.0 * second * excess) - first) / (2.0 * second)
    return Frame(sx, sy, s, head, round(min(max(fat, 1.0), 70.0), 3))


def weight_kg(frame: Frame, sex: str) -> float:
    """Mass of the whole body, feet to vertex, from the areas of its outline.

    Lean tissue 1.06 kg/l, fat 0.92 kg/l, 3.6 l of air in the chest (ICRP 89's round figures).
    """
    fat = frame.fat
    inner = _volume(_TRUNK, TRUNK_POWER, frame, 0.0) + _volume(_NECK, 2.0, frame, 0.0)
    inner += 2.0 * _volume(_THIGH, 2.0, frame, 0.0)
    outer = _volume(_TRUNK, TRUNK_POWER, frame, fat) + _volume(_NECK, 2.0, frame, 0.2 * fat)
    outer += 2.0 * _volume(_THIGH, 2.0, frame, 0.55 * fat)
    head = 4.6e6 * frame.head**2 * frame.sz
    arms = 2.0 * np.pi * frame.sz * (300.0 * (40.0 * frame.scale) ** 2 + 420.0 * (29.0 * frame.scale) ** 2)
    arms_fat = (
        2.0
        * np.pi
        * frame.sz
        * (300.0 * ((40.0 * frame.scale + 0.4 * fat) ** 2) + 420.0 * ((29.0 * frame.scale + 0.3 * fat) ** 2))
    )
    breasts = 1.1e6 if sex == "F" else 0.0
    lean = inner + head + arms - 3.6e6
    soft = outer - inner + arms_fat - arms + breasts
    return float((1.06 * lean + 0.92 * soft) / 1e6)


def _volume(rows: Sequence[Row], power: float, frame: Frame, fat: float) -> float:
    z, _, _, a, b = (np.array(v, float) for v in zip(*rows, strict=True))
    grown = fat * (_share(z) if rows is _TRUNK else 1.0)
    sx, sy = np.array([frame.across(height) for height in z.tolist()]).T
    area = _area_factor(power) * (a * sx + grown) * (b * sy + grown)
    return float(trapezoid(area, z * frame.sz))


def _area_factor(power: float) -> float:
    return 4.0 * math.gamma(1.0 + 1.0 / power) ** 2 / math.gamma(1.0 + 2.0 / power)


def _share(z: NDArray[np.float64] | float) -> NDArray[np.float64]:
    knots, share = zip(*_FAT, strict=True)
    return np.asarray(np.interp(z, knots, share))


def _grown(rows: Sequence[Row], frame: Frame, fat: float) -> list[Row]:
    out = []
    for z, cx, cy, a, b in rows:
        more = fat * float(_share(z))
        out.append((z, cx, cy, a + more / frame.sx, b + more / frame.sy))
    return out


def outline(spec: Spec, frame: Frame) -> list[Item]:
    """Skin, fat and muscle of the whole body; everything else is painted into it."""
    p = spec.physiology
    layers = (
        (0.0, Tissue(30.0, 0.35, "")),
        (-SKIN, Tissue(-100.0, p.fat)),
        (None, Tissue(52.0, p.muscle)),
    )
    items: list[Item] = []
    for inset, tissue in layers:
        depth = frame.fat + (inset or 0.0) if inset is not None else 0.0
        skin = inset or 0.0
        items += [
            frame.stack(_grown(_TRUNK, frame, depth), tissue, power=TRUNK_POWER),
            *_limbs(spec, frame, tissue, depth),
            frame.stack(_NECK, tissue, grow=max(0.25 * depth, 3.0) if inset is not None else 0.0),
            *_head(frame, tissue, skin if inset is not None else -6.0),
            *(_breasts(spec, frame, tissue, skin) if inset is not None else []),
        ]
    return items


def back_mm(frame: Frame) -> float:
    """Return y of the hindmost point of the body, patient mm."""
    trunk = max(cy + b for _, _, cy, _, b in _grown(_TRUNK, frame, frame.fat))
    return max(trunk, 56.0 + 58.0 + frame.fat / frame.scale) * frame.sy


def _limbs(spec: Spec, frame: Frame, tissue: Tissue, depth: float) -> list[Item]:
    items: list[Item] = []
    f, k = frame, depth / frame.scale
    for side in (1, -1):
        rows = [(z, side * cx, cy, a, b) for z, cx, cy, a, b in _THIGH]
        items.append(f.stack(rows, tissue, grow=0.55 * depth))
        items.append(f.ellipsoid((side * 72, 56, 884), (66 + 0.5 * k, 58 + k, 62 + 0.5 * k), tissue))
        shoulder, elbow, wrist = arm_line(spec, side)
        items.append(f.ellipsoid((side * 160, 10, 1366), (46 + 0.4 * k, 46 + 0.4 * k, 50 + 0.3 * k), tissue))
        items += f.line([shoulder, elbow], [40 + 0.4 * k, 34 + 0.4 * k], tissue)
        items += f.line([elbow, wrist], [32 + 0.3 * k, 22 + 0.2 * k], tissue)
    return items


def arm_line(spec: Spec, side: int) -> tuple[tuple[float, float, float], ...]:
    """Shoulder, elbow and wrist of one arm in the body frame."""
    if spec.arms == "up":
        return (side * 172, 8, 1372), (side * 196, -8, 1640), (side * 40, -30, 1800)
    out = frame_width(spec)
    return (side * 172, 10, 1366), (side * (178 + out), 25, 1085), (side * (182 + out), 0, 840)


def frame_width(spec: Spec) -> float:
    """How far a body of that BMI pushes the hanging arms outwards, mm of the body frame."""
    return max(0.0, 2.6 * (spec.bmi - 18.0))


def _head(frame: Frame, tissue: Tissue, inset: float) -> list[Item]:
    k = inset
    return [
        frame.ellipsoid((0, -4, 1606), (77 + k, 96 + k, 95 + k), tissue),
        frame.ellipsoid((0, -48, 1540), (60 + k, 55 + k, 72 + k), tissue),
        frame.ellipsoid((0, -106, 1556), (11 + k / 2, 15 + k / 2, 24 + k / 2), tissue),
    ]


def _breasts(spec: Spec, frame: Frame, tissue: Tissue, inset: float) -> list[Item]:
    if spec.sex != "F":
        return []
    front = breast_y(frame)
    return [frame.ellipsoid((side * 72, front, 1272), (58 + inset, 36 + inset, 56 + inset), tissue) for side in (1, -1)]


def breast_y(frame: Frame) -> float:
    """Y of the breasts' centre: on the chest wall, in the body frame."""
    return -88.0 - 0.4 * frame.fat
