"""Brain, eyes, sinuses, pharynx, salivary glands, larynx, thyroid, vessels of the neck."""

from __future__ import annotations

from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import AIR_HU, Item
from petrg.phantom.spec import Spec

__all__ = ["brain", "face", "neck"]


def brain(spec: Spec, frame: Frame) -> list[Item]:
    """Cortex, white matter, deep nuclei, ventricles, cerebellum, stem."""
    p = spec.physiology
    grey = Tissue(37, p.brain_grey, "brain")
    white = Tissue(29, p.brain_white, "brain")
    items = [
        frame.ellipsoid((0, -4, 1619), (65.5, 84, 73), Tissue(8, 1.5, "brain")),
        frame.ellipsoid((0, 38, 1566), (51, 40, 29), Tissue(8, 1.5, "brain")),
        frame.ellipsoid((0, -4, 1620), (63, 81, 69), grey),
        frame.ellipsoid((0, 40, 1565), (48, 36, 26), Tissue(37, 0.85 * p.brain_grey, "brain")),
        *frame.line([(0, 6, 1585), (0, 12, 1545)], [15, 10], Tissue(33, 0.6 * p.brain_grey, "brain")),
    ]
    for side in (1, -1):
        items += [
            frame.ellipsoid((side * 28, -6, 1628), (21, 58, 36), white),
            frame.ellipsoid((side * 38, -8, 1600), (12, 40, 14), white),
            frame.ellipsoid((side * 16, -28, 1614), (8, 17, 13), grey),
            frame.ellipsoid((side * 11, 2, 1612), (8, 13, 9), grey),
            frame.ellipsoid((side * 10, -10, 1628), (6, 30, 11), Tissue(6, 0.8, "brain")),
        ]
    items.append(frame.ellipsoid((0, -4, 1640), (1.8, 80, 46), Tissue(20, 0.75 * p.brain_grey, "brain")))
    return items


def face(spec: Spec, frame: Frame) -> list[Item]:
    """Orbits, nasal cavity, sinuses, tongue, pharynx, tonsils, salivary glands."""
    p = spec.physiology
    air = Tissue(AIR_HU, 0.2, "")
    items = [
        frame.ellipsoid((0, -58, 1510), (21, 28, 17), Tissue(55, 1.2, "")),
        frame.ellipsoid((0, -62, 1488), (16, 18, 7), Tissue(60, 1.5, "")),
        frame.ellipsoid((0, -40, 1562), (13, 12, 9), air),
        frame.ellipsoid((0, -74, 1578), (10, 16, 11), air),
        frame.ellipsoid((0, -91, 1606), (16, 4, 10), air),
        frame.ellipsoid((0, -76, 1548), (13, 24, 16), air),
        frame.ellipsoid((0, -76, 1548), (1.2, 24, 16), Tissue(120, 0.9, "")),
    ]
    for side in (1, -1):
        items += [
            frame.ellipsoid((side * 6, -76, 1543), (3, 19, 6), Tissue(45, 1.6, "")),
            frame.ellipsoid((side * 29, -62, 1547), (13, 15, 15), air),
            frame.ellipsoid((side * 31, -66, 1582), (18, 24, 17), Tissue(-85, 0.5, "")),
            *frame.line([(side * 30, -62, 1582), (side * 14, -36, 1580)], 2.5, Tissue(35, 1.5)),
            *frame.line([(side * 41, -72, 1582), (side * 18, -38, 1580)], 2.0, Tissue(50, 2.6)),
            *frame.line([(side * 20, -72, 1582), (side * 14, -38, 1580)], 2.0, Tissue(50, 2.6)),
            frame.ball((side * 31, -78, 1582), 12, Tissue(12, 0.9)),
            frame.ellipsoid((side * 54, -14, 1528), (11, 19, 24), Tissue(5, p.salivary, "")),
            frame.ellipsoid((side * 34, -42, 1487), (10, 15, 10), Tissue(35, 1.1 * p.salivary, "")),
        ]
    throat = [(0, -34, 1558), (0, -28, 1530), (0, -26, 1500), (0, -28, 1476)]
    items += frame.line(throat, 13, Tissue(50, 0.45 * p.tonsil + 0.8, ""))
    items += frame.line(throat, 7.5, air)
    for side in (1, -1):
        items.append(frame.ellipsoid((side * 17, -34, 1512), (7, 9, 13), Tissue(55, p.tonsil, "")))
    return items


def neck(spec: Spec, frame: Frame) -> list[Item]:
    """Neck fat planes, muscles, great vessels, larynx, trachea's top, thyroid, gullet."""
    p, items = spec.physiology, []
    items += frame.line([(0, -16, 1525), (0, -10, 1440)], [34, 38], Tissue(-85, p.fat, ""))
    for side, name in ((1, "left"), (-1, "right")):
        items += frame.line(
            [(side * 50, 22, 1530), (side * 34, -24, 1470), (side * 18, -46, 1402)], [9, 12, 8], Tissue(55, p.muscle)
        )
        items += frame.line([(side * 24, 8, 1540), (side * 24, 6, 1430)], 11, Tissue(55, p.muscle))
        carotid = Tissue(45, p.blood, f"common_carotid_artery_{name}")
        items += frame.line([(side * 28, -8, 1520), (side * 24, -14, 1440), (side * 18, -12, 1385)], 3.8, carotid)
        items += frame.line(
            [(side * 38, -6, 1525), (side * 34, -14, 1440), (side * 30, -24, 1390)], 5.5, Tissue(45, p.blood, "")
        )
        items.append(frame.ellipsoid((side * 17, -28, 1432), (8.5, 10, 22), Tissue(105, p.thyroid, "thyroid_gland")))
        if p.brown_fat is not None:
            items += frame.line(
                [(side * 40, 2, 1420), (side * 75, -8, 1398), (side * 92, 0, 1376)], [8, 9, 6], Tissue(-90, p.brown_fat)
            )
            for z in (1395, 1350, 1300, 1250):
                items.append(frame.ball((side * 30, 66, z), 7, Tissue(-80, 0.7 * p.brown_fat)))
    items += frame.line([(0, -8, 1470), (2, 4, 1430), (2, 20, 1390)], 6.5, Tissue(45, 1.5, "esophagus"))
    items.append(frame.ellipsoid((0, -30, 1464), (19, 17, 20), Tissue(70, 0.6 * p.larynx, "")))
    tilt = rotation((1, 0, 0), (0, 1, 0.3))
    items.append(frame.ellipsoid((0, -28, 1458), (15, 14, 7), Tissue(60, p.larynx, ""), tilt))
    items += frame.line([(0, -28, 1478), (0, -30, 1452)], [8, 6.5], Tissue(AIR_HU, 0.3, ""))
    items += frame.line([(0, -30, 1500), (0, -42, 1478)], [3, 4], Tissue(180, 0.8))
    return items
