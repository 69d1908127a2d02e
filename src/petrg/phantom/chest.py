"""Lungs, airways, heart, great vessels, gullet, breast glands."""

from __future__ import annotations

from petrg.phantom.body import breast_y
from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import AIR_HU, Item
from petrg.phantom.skeleton import RIB_CAGE
from petrg.phantom.spec import Spec, stream

__all__ = ["AORTA", "airways_and_vessels", "breasts", "effusion", "heart", "lungs"]

AORTA = (
    (8, -22, 1272),
    (-8, -24, 1310),
    (-6, -18, 1338),
    (6, 2, 1352),
    (20, 26, 1348),
    (26, 36, 1328),
    (25, 40, 1290),
    (22, 40, 1230),
    (17, 38, 1180),
    (9, 28, 1140),
    (6, 16, 1090),
    (4, 12, 1020),
)
"""Centre line of the aorta from the valve to the bifurcation, mm of the body frame."""


Row = tuple[float, float, float, float, float]


def _pleura() -> list[Row]:
    """Rows of the inside of the rib cage."""
    rows = [(z, 0.0, cy, a - 6.5, b - 6.5) for z, a, b, cy in RIB_CAGE]
    return [*rows, (1421.0, 0.0, 22.0, 38.0, 26.0)]


def lungs(spec: Spec, frame: Frame) -> list[Item]:
    """The chest cavity's fat, then both lungs lobe by lobe up to the ribs and the mediastinum."""
    p, inside = spec.physiology, _pleura()
    around = [(z + (3.0 if z > 1420 else 0.0), x, y, a + 2.0, b + 2.0) for z, x, y, a, b in inside]
    items = [frame.stack(around, Tissue(-60, 0.75, ""), power=2.15)]
    for side, name in ((1, "left"), (-1, "right")):
        lower = Tissue(-830, 1.15 * p.lung, f"lung_lower_lobe_{name}")
        upper = Tissue(-860, p.lung, f"lung_upper_lobe_{name}")
        items.append(frame.stack(inside, lower, power=2.15, side=side, beyond=_EDGE))
        top = [r for r in inside if r[0] >= 1270]
        items.append(frame.stack(top, upper, power=2.15, side=side, beyond=_EDGE[2:]))
        items += _front_lobe(frame, inside, side, upper if side > 0 else Tissue(-855, p.lung, "lung_middle_lobe_right"))
    return items


_EDGE = (24, 26, 26, 24, 22, 16, 14)  # where a lung meets the mediastinum at each row of the cage, mm from the midline


def effusion(spec: Spec, frame: Frame, side: int, of: Tissue) -> Item:
    """Fluid in one pleural space of a patient on the back: lowest at the base, its level by the seed."""
    level = float(stream(spec.seed, "effusion").uniform(15.0, 42.0))
    rows = [r for r in _pleura() if r[0] <= 1330]
    behind = [level - 8.0, level, level + 16.0, level + 60.0]
    return frame.stack(rows, of, power=2.15, side=side, beyond=_EDGE[: len(rows)], behind=behind)


def _front_lobe(frame: Frame, rows: list[Row], side: int, of: Tissue) -> list[Item]:
    front = [(z, side * 0.5 * a, y - 0.52 * b, 0.5 * a, 0.46 * b) for z, _, y, a, b in rows if z <= 1270]
    return [frame.stack(front, of, power=3.0, side=side, beyond=(24, 26, 26))]


_LUNG_VESSELS = (
    (90, 0, 1350), (95, 45, 1260), (85, -30, 1270), (70, 30, 1205),
    (75, -45, 1320), (60, 10, 1385), (68, 58, 1310), (98, -8, 1235),
)  # fmt: skip


def airways_and_vessels(spec: Spec, frame: Frame) -> list[Item]:
    """Trachea and bronchi, lung vessels, aorta and its arch, great veins, gullet."""
    p, items = spec.physiology, []
    items += frame.line([(0, -6, 1395), (0, 4, 1350), (0, 6, 1300)], [30, 34, 36], Tissue(-70, 0.8, ""))
    for side in (1, -1):
        hilum = (side * 40, 8, 1290)
        for x, y, z in _LUNG_VESSELS:
            fork, end = (side * (40 + x) / 2, (8 + y) / 2, (1290 + z) / 2), (side * x, y, z)
            items += frame.line([hilum, fork, end], [5.0, 3.2, 1.0], Tissue(25, 0.9))
            items += frame.line([fork, (side * 0.85 * x, y - 16, z + 14)], [2.6, 1.0], Tissue(25, 0.9))
        items += frame.line([(side * 12, -6, 1306), hilum], [12, 9], Tissue(40, p.blood, "pulmonary_vein"))
    items += frame.line([(4, -34, 1280), (8, -26, 1308)], [13, 13], Tissue(42, p.blood, "pulmonary_vein"))
    items += frame.line(
        [(-26, -14, 1385), (-28, -12, 1330), (-26, -16, 1285)], 9, Tissue(42, p.blood, "superior_vena_cava")
    )
    items += frame.line([(-26, -16, 1384), (40, -34, 1388)], 7, Tissue(42, p.blood, "brachiocephalic_vein_left"))
    items += frame.line(AORTA, [14, 15, 14.5, 13.5, 13, 12.5, 12, 11.5, 11.5, 11, 9.5, 9], Tissue(43, p.blood, "aorta"))
    for side, name in ((1, "left"), (-1, "right")):
        artery = Tissue(42, p.blood, f"subclavian_artery_{name}")
        items += frame.line([(side * 10, 2, 1360), (side * 28, 0, 1398), (side * 100, -6, 1385)], 4.5, artery)
    items += frame.line([(-4, -14, 1345), (-16, -10, 1390)], 5.5, Tissue(42, p.blood, "brachiocephalic_trunk"))
    gullet = [(2, 20, 1392), (3, 30, 1330), (4, 32, 1280), (8, 26, 1230), (16, 14, 1196)]
    items += frame.line(gullet, 7.5, Tissue(40, 1.6, "esophagus"))
    items += frame.line(gullet, 2.0, Tissue(-200, 1.2))
    wall = Tissue(60, 1.1, "trachea")
    tree = [[(0, -30, 1455), (0, -18, 1420), (0, 2, 1370), (0, 12, 1326)]]
    tree += [[(0, 12, 1326), (side * 18, 16, 1304), (side * 44, 20, 1284)] for side in (1, -1)]
    for line in tree:
        items += frame.line(line, 9.5 if len(line) == 4 else 7.5, wall)
    for line in tree:
        items += frame.line(line, 7.6 if len(line) == 4 else 5.6, Tissue(AIR_HU, 0.3, "trachea"))
    return items


def heart(spec: Spec, frame: Frame) -> list[Item]:
    """Pericardial fat, chambers full of blood, the left ventricle's muscle from cold to hot."""
    p = spec.physiology
    axis = rotation((0.62, -0.62, -0.48), (0.5, 0.1, 0.6))
    cavity = Tissue(40, p.blood, "heart")
    base = (33, -26, 1250)
    return [
        frame.ellipsoid((16, -30, 1252), (56, 46, 54), Tissue(-80, 0.6, "")),
        frame.ellipsoid((-12, -30, 1258), (32, 34, 40), cavity),
        frame.ellipsoid((12, 0, 1272), (34, 24, 26), cavity),
        frame.ellipsoid((14, -46, 1250), (36, 24, 38), cavity),
        frame.ellipsoid(base, (44, 31, 31), Tissue(48, p.myocardium, "heart"), axis),
        frame.ellipsoid((28, -22, 1254), (36, 20.5, 20.5), cavity, axis),
        frame.ellipsoid((14, -8, 1264), (22, 20, 20), cavity),
        frame.ellipsoid((4, -52, 1244), (24, 14, 26), cavity),
    ]


def breasts(spec: Spec, frame: Frame) -> list[Item]:
    """Gland within the breast's fat, the chest muscle behind it."""
    p, items = spec.physiology, []
    for side in (1, -1):
        items.append(
            frame.ellipsoid(
                (side * 72, breast_y(frame) - 10, 1270),
                (34, 20, 34) if spec.sex == "F" else (10, 4, 10),
                Tissue(15, p.breast),
            )
        )
    return items
