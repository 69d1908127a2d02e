"""Liver, gallbladder, spleen, stomach, pancreas, adrenals, kidneys, bowel, vessels of the belly."""

from __future__ import annotations

import numpy as np

from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import AIR_HU, Item
from petrg.phantom.spec import Spec, stream

__all__ = ["bowel", "cavity", "kidneys", "upper_abdomen", "vessels"]

_CAVITY = (
    (850, 0, -16, 62, 48),
    (880, 0, -16, 72, 54),
    (930, 0, -22, 88, 56),
    (980, 0, -24, 98, 56),
    (1060, 0, -22, 104, 60),
    (1120, 0, -14, 110, 70),
    (1165, 0, -2, 112, 78),
    (1185, 0, 0, 112, 78),
)


def cavity(spec: Spec, frame: Frame) -> list[Item]:
    """Abdominal fat under the diaphragm's domes, psoas, crura."""
    p = spec.physiology
    fat = Tissue(-100, 0.9 * p.fat, "")
    items = [
        frame.ellipsoid((-58, -2, 1160), (62, 78, 92), Tissue(45, 0.9, "")),
        frame.ellipsoid((58, 2, 1155), (58, 76, 88), Tissue(45, 0.9, "")),
        frame.ellipsoid((58, 2, 1155), (55, 73, 85), fat),
        frame.stack([r for r in _CAVITY], fat, power=2.4),
    ]
    for side, name in ((1, "left"), (-1, "right")):
        psoas = Tissue(55, p.muscle, f"iliopsoas_{name}")
        items += frame.line(
            [(side * 26, 40, 1125), (side * 42, 34, 1030), (side * 62, 0, 940), (side * 82, -24, 870)],
            [8, 20, 18, 13],
            psoas,
        )
        items += frame.line([(side * 12, 26, 1190), (side * 16, 30, 1100)], 6, Tissue(55, p.muscle, ""))
        items += frame.line(
            [(side * 34, 74, 1180), (side * 36, 68, 1020), (side * 26, 84, 960)],
            [18, 22, 12],
            Tissue(52, p.muscle, f"autochthon_{name}"),
        )
    return items


def upper_abdomen(spec: Spec, frame: Frame) -> list[Item]:
    """Stomach, spleen, pancreas, adrenals, liver, gallbladder, duodenum."""
    p, items = spec.physiology, []
    j = stream(spec.seed, "upper abdomen").normal(0.0, 1.0, 6)
    stomach = [(46, -4, 1205), (62, -14, 1180), (48, -38, 1140), (14, -46, 1112)]
    items += frame.line(stomach, [26, 32, 24, 14], Tissue(42, p.stomach, "stomach"))
    items += frame.line(stomach, [21, 27, 18, 8], Tissue(22, 0.6, "stomach"))
    items.append(frame.ellipsoid((58, -32, 1188), (15, 8, 20), Tissue(AIR_HU, 0.3, "stomach")))
    tilt = rotation((0.45, 0.85, 0.25), (0.0, -0.3, 1.0))
    items.append(
        frame.ellipsoid((84, 36, 1160), (40 + 2 * j[0], 46 + 3 * j[1], 21), Tissue(50, p.spleen, "spleen"), tilt)
    )
    gland = [(-30, -18, 1092), (-26, -20, 1108), (0, -18, 1118), (34, 0, 1130), (66, 22, 1148)]
    items += frame.line(gland, [12, 13, 9, 9, 7], Tissue(38, p.pancreas, "pancreas"))
    items += _liver(spec, frame, 1.0 + 0.04 * float(np.clip(j[2], -2, 2)))
    duodenum = [(-6, -42, 1112), (-44, -24, 1110), (-46, -8, 1066), (-10, 0, 1056), (24, -8, 1066)]
    items += frame.line(duodenum, 10, Tissue(35, 0.8 * p.small_bowel + 0.4, "duodenum"))
    for side, name, x, z in ((1, "left", 30, 1136), (-1, "right", -28, 1140)):
        adrenal = Tissue(25, p.adrenal, f"adrenal_gland_{name}")
        items += frame.line([(x, 26, z + 10), (x + side * 4, 36, z - 12)], 3.4, adrenal)
        items += frame.line([(x, 26, z + 10), (x - side * 7, 38, z - 10)], 3.0, adrenal)
    return items


def _liver(spec: Spec, frame: Frame, k: float) -> list[Item]:
    p = spec.physiology
    tissue = Tissue(58, p.liver, "liver")
    return [
        frame.ellipsoid((-60, 0, 1166), (56 * k, 70 * k, 78 * k), tissue),
        frame.ellipsoid((-72, 6, 1110), (38 * k, 50 * k, 60 * k), tissue),
        frame.ellipsoid((-14, -28, 1188), (56 * k, 44 * k, 42 * k), tissue),
        frame.ellipsoid((20, -44, 1184), (40 * k, 26 * k, 26 * k), tissue),
        *frame.line([(-14, -12, 1120), (-40, -8, 1160), (-66, -6, 1175)], [7, 6, 4], Tissue(42, 0.9 * p.liver)),
        frame.ellipsoid((-44, -50, 1102), (13, 17, 26), Tissue(8, 0.6, "gallbladder")),
    ]


def kidneys(spec: Spec, frame: Frame) -> list[Item]:
    """Cortex, sinus fat, urine in the renal pelvis and, here and there, in the ureters."""
    p, items = spec.physiology, []
    rng = stream(spec.seed, "ureters")
    for side, name, z in ((1, "left", 1096), (-1, "right", 1084)):
        tilt = rotation((side * 0.28, 0.12, -1.0), (side * 0.8, 0.6, 0.0))
        kidney = Tissue(36, p.kidney_cortex, f"kidney_{name}")
        items.append(frame.ellipsoid((side * 62, 38, z), (66, 40, 36), Tissue(-105, p.fat, ""), tilt))
        items.append(frame.ellipsoid((side * 64, 36, z), (54, 30, 25), kidney, tilt))
        items.append(frame.ellipsoid((side * 52, 30, z), (22, 13, 12), Tissue(-60, 1.2), tilt))
        items.append(frame.ellipsoid((side * 49, 28, z - 2), (13, 9, 7), Tissue(10, p.kidney_pelvis), tilt))
        for up in (-26, 0, 26):
            items.append(frame.ball((side * 60 - side * 0.2 * up, 34, z + up), 5.5, Tissue(20, 0.5 * p.kidney_pelvis)))
        course = [
            (side * 46, 28, z - 8),
            (side * 38, 20, 1020),
            (side * 40, 10, 970),
            (side * 52, 26, 910),
            (side * 24, 10, 872),
        ]
        items += frame.line(course, 2.8, Tissue(15, 1.2))
        for share in rng.uniform(0.15, 0.95, int(rng.integers(0, 4))):
            t = np.linspace(0, 1, len(course))
            at = [
                tuple(float(np.interp(v, t, [c[i] for c in course])) for i in range(3))
                for v in (share - 0.04, share + 0.04)
            ]
            items += frame.line([(q[0], q[1], q[2]) for q in at], 3.2, Tissue(15, p.ureter))
    return items


def bowel(spec: Spec, frame: Frame) -> list[Item]:
    """Loops of small bowel and the frame of the colon with stool and gas."""
    p, items = spec.physiology, []
    rng = stream(spec.seed, "bowel")
    for row, z in enumerate((1062, 1036, 1010, 984, 958, 934)):
        shift = 10.0 if row % 2 else -10.0
        for x in (-52, -26, 0, 26, 52):
            dx, dy, dz = rng.normal(0.0, 5.0, 3)
            c = (x + shift + dx, -44 + dy + abs(x) * 0.12, z + dz)
            long, high = rng.uniform(13, 19), rng.uniform(9.5, 12)
            suv = p.small_bowel * float(rng.uniform(0.6, 1.3))
            items.append(frame.ellipsoid(c, (long, 14, high), Tissue(38, suv, "small_bowel")))
            items.append(
                frame.ellipsoid(c, (long - 5, 8, high - 4), Tissue(float(rng.uniform(0, 30)), 0.8 * suv, "small_bowel"))
            )
    parts = (
        [(-80, 8, 985), (-88, 14, 1030), (-86, 10, 1068)],
        [
            (-86, 10, 1068),
            (-70, -30, 1084),
            (-30, -64, 1072),
            (0, -70, 1064),
            (34, -66, 1076),
            (72, -30, 1110),
            (88, 10, 1122),
        ],
        [(88, 10, 1122), (94, 22, 1080), (92, 16, 1010), (80, 2, 960)],
        [(80, 2, 960), (50, 0, 930), (22, 22, 944), (6, 46, 938), (0, 60, 918), (0, 56, 880), (0, 52, 842)],
    )
    for part in parts:
        suv = p.colon * float(rng.uniform(0.7, 1.2))
        items += frame.line(part, 16.5, Tissue(40, suv, "colon"))
        for a, b in zip(part, part[1:], strict=False):
            stool = float(rng.uniform(-80, 30))
            items += frame.line([a, b], 12.5, Tissue(stool, 0.6 * suv, "colon"))
            if rng.random() < 0.45:
                at = tuple((u + v) / 2.0 for u, v in zip(a, b, strict=True))
                items.append(frame.ellipsoid((at[0], at[1] - 5, at[2]), (9, 6, 9), Tissue(AIR_HU, 0.3, "colon")))
    return items


def vessels(spec: Spec, frame: Frame) -> list[Item]:
    """Inferior vena cava, portal vein, iliac and femoral vessels; the aorta comes with the chest."""
    p, items = spec.physiology, []
    cava = [(-16, 14, 1010), (-20, 16, 1090), (-22, 10, 1150), (-22, -2, 1215), (-20, -8, 1240)]
    items += frame.line(cava, [9, 10, 11, 11, 11], Tissue(40, p.blood, "inferior_vena_cava"))
    items += frame.line(
        [(-2, -8, 1104), (-14, -12, 1125), (-36, -10, 1150)], 6.5, Tissue(42, p.blood, "portal_vein_and_splenic_vein")
    )
    for side, name in ((1, "left"), (-1, "right")):
        course = [
            (side * 4, 12, 1022),
            (side * 34, 18, 960),
            (side * 58, -10, 910),
            (side * 66, -52, 868),
            (side * 68, -50, 800),
            (side * 74, -36, 700),
        ]
        items += frame.line(course, [6, 5.5, 5, 5, 4.5, 4], Tissue(42, p.blood, f"iliac_artery_{name}"))
        vein = [(x - side * 10, y + 8, z) for x, y, z in course]
        items += frame.line(vein, [7, 6.5, 6, 6, 5.5, 5], Tissue(40, p.blood, f"iliac_vena_{name}"))
    return items
