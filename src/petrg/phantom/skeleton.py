"""Bones: the spine vertebra by vertebra, ribs, sternum, shoulder girdle, pelvis, limbs, skull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from petrg.phantom.body import arm_line
from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import Item
from petrg.phantom.spec import Spec

__all__ = [
    "SPINE",
    "Vertebra",
    "cage",
    "limb_bones",
    "pelvis_bones",
    "shoulder_girdle",
    "skull",
    "spine",
    "thorax_bones",
]


@dataclass(frozen=True, slots=True)
class Vertebra:
    """Centre of the body (y, z), half height, half width and half depth, mm of the body frame."""

    name: str
    y: float
    z: float
    half: float
    a: float
    b: float


def _column() -> tuple[Vertebra, ...]:
    levels = [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(1, 13)] + [f"L{i}" for i in range(1, 6)]
    heights = [13.6] * 7 + [float(h) for h in np.linspace(19.0, 27.5, 12)] + [33.0, 34.0, 34.5, 34.5, 34.0]
    curve_z, curve_y = (
        (975, 1010, 1070, 1150, 1230, 1330, 1420, 1440, 1490, 1540),
        (50, 40, 34, 42, 54, 50, 30, 22, 8, 8),
    )
    out: list[Vertebra] = []
    top = 1542.0
    for name, height in zip(levels, heights, strict=True):
        z = top - height / 2.0
        share = len(out) / 23.0
        y = float(np.interp(z, curve_z, curve_y))
        out.append(Vertebra(name, y, z, 0.42 * height, 11.0 + 13.0 * share, 9.0 + 8.5 * share))
        top -= height
    return tuple(out)


SPINE = _column()
"""C1 to L5, head to foot."""


_CORD_END = 1105.0  # the cord ends at L1 or L2


def spine(spec: Spec, frame: Frame) -> list[Item]:
    """Vertebrae with arches and processes, discs between them, sacrum, canal and cord."""
    p, items = spec.physiology, []
    discs = [(v.z, 0.0, v.y, 0.94 * v.a, 0.94 * v.b) for v in reversed(SPINE)]
    items.append(frame.stack(discs, Tissue(75, 0.7, ""), power=2.5))
    for v in SPINE:
        name = f"vertebrae_{v.name}"
        bone = Tissue(330, p.marrow, name)
        back = v.y + v.b
        wide = v.a + (9.0 if v.name[0] == "C" else 15.0)
        items += frame.line([(-wide, back + 9, v.z), (wide, back + 9, v.z)], 4.2, bone)
        long = {"C": 26.0, "T": 36.0, "L": 40.0}[v.name[0]]
        items += frame.line(
            [(0, back + 15, v.z), (0, back + long, v.z - (14 if v.name[0] == "T" else 5))], [5, 3.5], bone
        )
        items.append(_vertebral_body(frame, v, 0.0, Tissue(420, p.marrow, name)))
        items.append(_vertebral_body(frame, v, -1.8, Tissue(190, p.marrow)))
    items += _sacrum(spec, frame)
    canal = [(v.z, 0.0, v.y + v.b + 8.0, 8.0, 8.0) for v in reversed(SPINE)]
    items.append(frame.stack([(960.0, 0.0, 72.0, 7.0, 7.0), *canal], Tissue(12, 0.6, "")))
    cord = [(z, x, y, 5.0, 5.0) for z, x, y, _, _ in canal if z > _CORD_END]
    items.append(frame.stack(cord, Tissue(38, 0.9 + 0.45 * p.blood, "spinal_cord")))
    return items


def _vertebral_body(frame: Frame, v: Vertebra, grow: float, tissue: Tissue) -> Item:
    h, a, b = v.half + grow * 0.7, v.a + grow, v.b + grow
    rows = [(v.z - h, 0.0, v.y, a, b), (v.z, 0.0, v.y, 0.93 * a, 0.95 * b), (v.z + h, 0.0, v.y, a, b)]
    return frame.stack(rows, tissue, power=2.5)


def _sacrum(spec: Spec, frame: Frame) -> list[Item]:
    marrow = spec.physiology.marrow
    rows = [(862, 0, 84, 8, 5), (900, 0, 84, 24, 9), (935, 0, 74, 42, 14), (962, 0, 62, 52, 18), (972, 0, 58, 44, 16)]
    inner = [(z, x, y, a - 2, b - 2) for z, x, y, a, b in rows]
    return [
        frame.stack(rows, Tissue(380, marrow, "sacrum"), power=2.3),
        frame.stack(inner, Tissue(160, marrow), power=2.3),
        *frame.line([(0, 84, 864), (0, 74, 836)], [6, 4], Tissue(300, 0.9 * marrow, "sacrum")),
    ]


RIB_CAGE = (
    (1125, 120, 80, 6),
    (1200, 124, 86, 4),
    (1270, 122, 86, 4),
    (1330, 108, 76, 8),
    (1370, 84, 58, 16),
    (1405, 56, 40, 22),
)
"""Rows z, half width, half depth, centre y of the middle of the ribs, mm of the body frame."""


def cage(z: float) -> tuple[float, float, float]:
    """Half width, half depth and centre y of the rib cage at a height."""
    knots, a, b, cy = zip(*RIB_CAGE, strict=True)
    return float(np.interp(z, knots, a)), float(np.interp(z, knots, b)), float(np.interp(z, knots, cy))


def thorax_bones(spec: Spec, frame: Frame) -> list[Item]:
    """Twelve ribs a side, costal cartilage in front, sternum."""
    p, items = spec.physiology, []
    thoracic = [v for v in SPINE if v.name[0] == "T"]
    for number, v in enumerate(thoracic, 1):
        drop = (22.0, 40.0, 56.0)[min(number - 1, 2)] + (10.0 if number > 3 else 0.0)
        a, b, cy = cage(v.z - 0.5 * drop)
        gap = (20.0, 24, 26, 28, 32, 40, 50, 62, 74, 88, 110, 116)[number - 1]
        half = (2.8, 5.2)
        for side, name in ((1, "left"), (-1, "right")):
            label = f"rib_{name}_{number}"
            bone = Tissue(430, 0.75 * p.marrow, label)
            items.append(frame.rib((0, cy, v.z + 4), a, b, drop, bone, gap=gap, side=side, half=half))
    plate = rotation((1, 0, 0), (0, -0.12, -1))
    items.append(frame.ellipsoid((0, -76, 1300), (17, 68, 5.5), Tissue(330, 0.8 * p.marrow, "sternum"), plate))
    items.append(frame.ellipsoid((0, -64, 1366), (26, 24, 6), Tissue(330, 0.8 * p.marrow, "sternum"), plate))
    return items


def shoulder_girdle(spec: Spec, frame: Frame) -> list[Item]:
    """Clavicles and scapulae; both rise a little with the arms."""
    marrow, items = spec.physiology.marrow, []
    lift = 14.0 if spec.arms == "up" else 0.0
    for side, name in ((1, "left"), (-1, "right")):
        clavicle = Tissue(480, 0.7 * marrow, f"clavicula_{name}")
        line = [
            (side * 16, -56, 1382),
            (side * 60, -58, 1392 + lift / 2),
            (side * 105, -36, 1398 + lift),
            (side * 148, -10, 1400 + lift),
        ]
        items += frame.line(line, 6.0, clavicle)
        blade = rotation((side * 0.8, -0.6, 0.0), (side * 0.15, 0.0, 1.0))
        bone = Tissue(380, 0.7 * marrow, f"scapula_{name}")
        items.append(frame.ellipsoid((side * 112, 76, 1318 + lift), (42, 66, 4.5), bone, blade))
        items += frame.line([(side * 80, 86, 1362 + lift), (side * 152, 36, 1392 + lift)], [5, 8], bone)
        items.append(frame.ball((side * 146, 26, 1368), 11, bone))
    return items


def limb_bones(spec: Spec, frame: Frame) -> list[Item]:
    """Humeri, forearms, femora: cortex, marrow, round heads."""
    marrow, items = spec.physiology.marrow, []
    for side, name in ((1, "left"), (-1, "right")):
        shoulder, elbow, wrist = arm_line(spec, side)
        items += _long_bone(frame, shoulder, elbow, 11.0, f"humerus_{name}", marrow)
        items.append(
            frame.ball(
                (shoulder[0] - side * 6, shoulder[1], shoulder[2]), 22, Tissue(320, 0.7 * marrow, f"humerus_{name}")
            )
        )
        items += frame.line([elbow, wrist], [8.0, 6.0], Tissue(900, 0.3, ""))
        femur = f"femur_{name}"
        top, knee = (side * 124, 10, 855), (side * 92, 8, 480)
        items += _long_bone(frame, top, knee, 14.5, femur, marrow)
        spongy = Tissue(320, 0.6 * marrow, femur)
        items += frame.line([(side * 88, 4, 884), (side * 122, 10, 858)], [14, 17], spongy)
        items.append(frame.ball((side * 128, 16, 862), 17, spongy))
    return items


def _long_bone(
    frame: Frame, a: tuple[float, float, float], b: tuple[float, float, float], radius: float, label: str, marrow: float
) -> list[Item]:
    yellow = Tissue(0, 0.35 * marrow)
    return [
        *frame.line([a, b], radius, Tissue(1150, 0.35 * marrow, label)),
        *frame.line([a, b], 0.55 * radius, yellow),
    ]


def pelvis_bones(spec: Spec, frame: Frame) -> list[Item]:
    """Iliac wings, acetabula, ischia and pubic arches; painted before the femora."""
    marrow, items = spec.physiology.marrow, []
    for side, name in ((1, "left"), (-1, "right")):
        label = f"hip_{name}"
        cortex, spongy = Tissue(430, 0.8 * marrow, label), Tissue(180, 0.8 * marrow)
        wing = rotation((side * 75, -112, 0), (side * 18, 0, 60))
        for grow, tissue in ((0.0, cortex), (-2.2, spongy)):
            items.append(frame.ellipsoid((side * 84, 18, 966), (68 + grow, 62 + grow, 7.5 + grow), tissue, wing))
            items += frame.line([(side * 52, 68, 945), (side * 84, 20, 905)], [12 + grow, 17 + grow], tissue)
        items.append(frame.ball((side * 88, 6, 884), 33, cortex))
        items.append(frame.ball((side * 88, 6, 884), 29.5, spongy))
        items.append(frame.ball((side * 88, 4, 884), 24.5, Tissue(40, 0.7, "")))
        items += frame.line([(side * 78, 34, 870), (side * 58, 48, 826)], [15, 13], cortex)
        items += frame.line([(side * 74, -14, 888), (side * 12, -48, 856)], [10, 9], cortex)
        items += frame.line([(side * 11, -46, 850), (side * 54, 40, 826)], [7, 8], cortex)
        items.append(frame.ball((side * 88, 4, 884), 22.5, Tissue(450, 0.6 * marrow, f"femur_{name}")))
        items.append(frame.ball((side * 88, 4, 884), 20.5, Tissue(290, 0.6 * marrow)))
    items += frame.line([(-6, -48, 854), (6, -48, 854)], 8.0, Tissue(90, 0.6, ""))
    return items


def skull(spec: Spec, frame: Frame) -> list[Item]:
    """Vault, base, facial bones, mandible, teeth; brain and air spaces are painted into it."""
    bone = Tissue(850, 0.9, "skull")
    diploe = Tissue(500, 1.0, "skull")
    items = [
        frame.ellipsoid((0, -4, 1614), (72.5, 91, 84), bone),
        frame.ellipsoid((0, -4, 1614), (70, 88.5, 81.5), diploe),
        frame.ellipsoid((0, -4, 1614), (68.5, 87, 80), bone),
        frame.ellipsoid((0, 8, 1546), (54, 68, 18), Tissue(450, 0.9, "skull")),
        frame.ellipsoid((0, -66, 1560), (46, 32, 34), Tissue(380, 0.9, "skull")),
    ]
    jaw = [(51, -18, 1538), (49, -22, 1505), (34, -66, 1490), (0, -92, 1488)]
    for side in (1, -1):
        line = [(side * x, y, z) for x, y, z in jaw]
        items += frame.line(line, [6, 6, 7, 8], Tissue(700, 0.9, "skull"))
        arch = [(side * 24, -64), (side * 18, -80), (side * 0, -88)]
        items += frame.line([(x, y, 1506) for x, y in arch], 6.0, Tissue(1500, 0.8, "skull"))
        cheek = [(side * 56, -22, 1560), (side * 50, -66, 1556), (side * 34, -82, 1560)]
        items += frame.line(cheek, 4.5, Tissue(600, 0.9, "skull"))
    return items
