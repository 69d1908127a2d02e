"""Liver, gallbladder, spleen, stomach, pancreas, adrenals, kidneys, bowel, vessels of the belly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import AIR_HU, Item
from petrg.phantom.spec import Spec, stream

__all__ = ["bowel", "cavity", "kidneys", "liver_and_spleen", "stomach_and_pancreas", "vessels"]

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
        frame.stack(_CAVITY, fat, power=2.4),
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


def liver_and_spleen(spec: Spec, frame: Frame) -> list[Item]:
    """Liver with its hilum, gallbladder, spleen; sizes by the seed."""
    p = spec.physiology
    j = np.clip(stream(spec.seed, "upper abdomen").normal(0.0, 1.0, 4), -2.0, 2.0)
    k = 1.0 + 0.03 * float(j[0])
    tissue = Tissue(58, p.liver, "liver")
    tilt = rotation((0.35, 0.9, 0.2), (0.0, -0.25, 1.0))
    spleen = (42 + 3 * float(j[1]), 48 + 5 * float(j[2]), 22 + 2 * float(j[3]))
    return [
        frame.ellipsoid((84, 34, 1162), spleen, Tissue(50, p.spleen, "spleen"), tilt),
        frame.ellipsoid((-60, 0, 1168), (55 * k, 70 * k, 76 * k), tissue),
        frame.ellipsoid((-76, -10, 1112), (33 * k, 46 * k, 58 * k), tissue),
        frame.ellipsoid((-14, -28, 1188), (56 * k, 44 * k, 40 * k), tissue),
        frame.ellipsoid((20, -44, 1182), (40 * k, 26 * k, 26 * k), tissue),
        *frame.line([(-14, -12, 1120), (-40, -8, 1160), (-66, -6, 1175)], [7, 6, 4], Tissue(42, 0.9 * p.liver)),
        frame.ellipsoid((-44, -52, 1100), (13, 17, 26), Tissue(8, 0.6, "gallbladder")),
    ]


def stomach_and_pancreas(spec: Spec, frame: Frame) -> list[Item]:
    """Stomach with its bubble, pancreas, duodenum, adrenals."""
    p, items = spec.physiology, []
    stomach = [(46, -4, 1205), (62, -14, 1180), (48, -40, 1140), (14, -50, 1112)]
    items += frame.line(stomach, [26, 32, 25, 15], Tissue(42, p.stomach, "stomach"))
    items += frame.line(stomach, [21, 27, 19, 9], Tissue(22, 0.6, "stomach"))
    items.append(frame.ellipsoid((58, -32, 1188), (16, 9, 20), Tissue(AIR_HU, 0.3, "stomach")))
    gland = [(-30, -18, 1092), (-26, -20, 1108), (0, -18, 1118), (34, 0, 1130), (66, 20, 1146)]
    items += frame.line(gland, [12, 13, 9, 9, 7], Tissue(38, p.pancreas, "pancreas"))
    duodenum = [(-6, -42, 1112), (-42, -26, 1110), (-44, -10, 1066), (-10, -2, 1056), (24, -10, 1066)]
    items += frame.line(duodenum, 10, Tissue(35, 0.8 * p.small_bowel + 0.4, "duodenum"))
    for side, name, x, z in ((1, "left", 30, 1148), (-1, "right", -28, 1148)):
        adrenal = Tissue(25, p.adrenal, f"adrenal_gland_{name}")
        items += frame.line([(x, 26, z + 10), (x + side * 4, 36, z - 12)], 3.4, adrenal)
        items += frame.line([(x, 26, z + 10), (x - side * 7, 38, z - 10)], 3.0, adrenal)
    return items


def kidneys(spec: Spec, frame: Frame) -> list[Item]:
    """Cortex, sinus fat, urine in the renal pelvis and, here and there, in the ureters."""
    p, items = spec.physiology, []
    rng = stream(spec.seed, "ureters")
    for side, name, z in ((1, "left", 1096), (-1, "right", 1084)):
        tilt = rotation((side * 0.28, 0.12, -1.0), (side * 0.8, 0.6, 0.0))
        kidney = Tissue(36, p.kidney_cortex, f"kidney_{name}")
        items.append(frame.ellipsoid((side * 60, 38, z - 4), (62, 37, 33), Tissue(-105, p.fat, ""), tilt))
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
    for row, z in enumerate((1060, 1036, 1012, 988, 964, 940, 918)):
        for column, x in enumerate(range(-62, 63, 31)):
            dx, dy, dz = rng.normal(0.0, 3.5, 3)
            depth = -30.0 if (row + column) % 2 else -56.0
            centre = (0.9 * x + (8 if row % 2 else -8) + dx, depth + dy + 0.002 * x * x, z + dz)
            turn = rng.uniform(-0.6, 0.6)
            axes = rotation((1.0, float(turn), float(rng.uniform(-0.5, 0.5))), (0.0, 0.3, 1.0))
            long, thick = float(rng.uniform(17, 24)), float(rng.uniform(11, 14.5))
            suv = p.small_bowel * float(rng.uniform(0.6, 1.3))
            wall, inner = Tissue(42, suv, "small_bowel"), Tissue(float(rng.uniform(0, 28)), 0.75 * suv, "small_bowel")
            items.append(frame.ellipsoid(centre, (long, thick, thick), wall, axes))
            items.append(frame.ellipsoid(centre, (long - 4, thick - 3.5, thick - 3.5), inner, axes))
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
        for a, b in pairwise(part):
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
