"""Bladder, womb and ovaries or prostate and seminal vesicles, outer genitals, gluteal muscles."""

from __future__ import annotations

from petrg.phantom.frame import Frame, Tissue, rotation
from petrg.phantom.scene import Item
from petrg.phantom.spec import Spec, stream

__all__ = ["muscles", "organs"]


def muscles(spec: Spec, frame: Frame) -> list[Item]:
    """Gluteal muscles with the fat between them, seat fat, thigh compartments."""
    p, items = spec.physiology, []
    items.append(frame.ellipsoid((0, 88, 866), (6, 13, 56), Tissue(-100, p.fat, "")))
    for side, name in ((1, "left"), (-1, "right")):
        items.append(frame.ellipsoid((side * 62, 66, 872), (30, 16, 34), Tissue(-95, p.fat, "")))
        big = rotation((side * 0.8, -0.25, -0.5), (side * 0.5, 0.2, 0.85))
        items.append(
            frame.ellipsoid((side * 76, 84, 900), (62, 58, 19), Tissue(55, p.muscle, f"gluteus_maximus_{name}"), big)
        )
        mid = rotation((side * 75, -112, 0), (side * 18, 0, 60))
        items.append(
            frame.ellipsoid((side * 108, 26, 955), (54, 50, 14), Tissue(55, p.muscle, f"gluteus_medius_{name}"), mid)
        )
        items += frame.line([(side * 60, -34, 820), (side * 62, -20, 560)], 9, Tissue(-90, p.fat))
        items += frame.line([(side * 104, 30, 790), (side * 92, 34, 560)], 6, Tissue(-80, p.fat))
    return items


def organs(spec: Spec, frame: Frame) -> list[Item]:
    """The pelvic organs of the patient's sex; the bladder as full as the seed says."""
    p = spec.physiology
    fill = float(stream(spec.seed, "bladder").uniform(0.75, 1.25))
    urine = Tissue(6, p.bladder, "urinary_bladder")
    wall = Tissue(35, 1.5, "urinary_bladder")
    size = (32 * fill, 26 * fill, 23 * fill)
    at = (0, -26, 866 + 20 * fill)
    bladder = [frame.ellipsoid(at, tuple(s + 2.5 for s in size), wall), frame.ellipsoid(at, size, urine)]  # type: ignore[arg-type]
    return (_female if spec.sex == "F" else _male)(spec, frame) + bladder


def _female(spec: Spec, frame: Frame) -> list[Item]:
    p = spec.physiology
    womb = Tissue(50, 0.75 * p.uterus, "")
    tilt = rotation((0.0, -0.8, 0.6), (1, 0, 0))
    return [
        frame.ellipsoid((0, 20, 902), (40, 26, 22), womb, tilt),
        frame.ellipsoid((0, 16, 906), (24, 8, 4), Tissue(40, p.uterus), tilt),
        *frame.line([(0, 32, 884), (0, 24, 830)], [13, 9], Tissue(48, 1.2, "")),
        frame.ellipsoid((38, 14, 908), (14, 10, 9), Tissue(30, 1.3, "")),
        frame.ellipsoid((-38, 14, 908), (14, 10, 9), Tissue(30, 1.3, "")),
    ]


def _male(spec: Spec, frame: Frame) -> list[Item]:
    p = spec.physiology
    items = [
        frame.ellipsoid((0, 2, 848), (23, 17, 17), Tissue(42, p.prostate, "prostate")),
        *frame.line([(0, 0, 850), (0, -18, 806)], 4, Tissue(45, 1.8, "")),
    ]
    for side in (1, -1):
        items += frame.line([(side * 6, 22, 868), (side * 30, 24, 878)], [6, 4], Tissue(35, 1.2, ""))
        items.append(frame.ellipsoid((side * 17, -66, 778), (21, 24, 28), Tissue(20, 0.9, "")))
        items.append(frame.ellipsoid((side * 17, -66, 776), (12, 14, 20), Tissue(35, p.testis)))
    items += frame.line([(0, -60, 826), (0, -98, 806), (0, -104, 770)], [12, 13, 13], Tissue(45, 0.9, ""))
    return items
