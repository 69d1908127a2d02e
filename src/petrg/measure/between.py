"""What lies between segmented organs: lymph nodes and soft tissue, by what is near."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from petrg.anatomy import NodalGroup, Region
from petrg.measure.anatomy import Guess

__all__ = ["between_organs"]

Near = Mapping[str, float]
"""Distance in mm to each part within reach."""


def between_organs(near: Near, left_mm: float) -> Guess:
    """The region of a place that lies in no segmented part.

    Parameters
    ----------
    near : mapping of str to float
        Distance in mm to every part within 45 mm.
    left_mm : float
        To the patient's left of the midsagittal plane.

    Examples
    --------
    >>> guess = between_organs({"aorta": 8.0, "vertebrae_L2": 15.0, "small_bowel": 20.0}, 4.0)
    >>> guess.regions[0][0].value, guess.nodal_group.value
    ('retroperitoneum', 'para-aortic')
    """
    side = "left" if left_mm > 0 else "right"
    for region, probability, group, holds in _RULES:
        if holds(near, left_mm):
            named = NodalGroup(group.format(side=side)) if group else None
            return Guess(((region, probability),), named, None)
    if not near:
        return Guess(((Region.MUSCLE_SUBCUTIS, 0.3),))
    return Guess(((Region.MUSCLE_SUBCUTIS, 0.5),))


def _to(near: Near, *starts: str) -> float:
    return min((d for name, d in near.items() if name.startswith(starts)), default=99.0)


Rule = tuple[Region, float, str | None, Callable[[Near, float], bool]]

_LUMBAR = tuple(f"vertebrae_L{k}" for k in range(1, 6))
_LOW_THORACIC = ("vertebrae_T11", "vertebrae_T12", *_LUMBAR)
_CERVICAL = tuple(f"vertebrae_C{k}" for k in range(1, 8))

_RULES: tuple[Rule, ...] = (
    (Region.BRAIN, 0.85, None, lambda n, _: _to(n, "brain") < 6),
    (
        Region.MEDIASTINUM_HILA,
        0.8,
        "hilum-{side}",
        lambda n, x: _to(n, "pulmonary_vein") < 15 and 20 < abs(x) < 60 and _to(n, "lung") < 12,
    ),
    (
        Region.MEDIASTINUM_HILA,
        0.85,
        "mediastinum",
        lambda n, x: (
            abs(x) < 45
            and _to(n, "lung") < 45
            and _to(n, "trachea", "aorta", "superior_vena", "brachio", "pulmonary", "esophagus") < 15
            and _to(n, "kidney", "pancreas", *_LUMBAR) > 25
        ),
    ),
    (
        Region.PHARYNX_LARYNX,
        0.6,
        None,
        lambda n, x: abs(x) < 25 and _to(n, *_CERVICAL[:5]) < 30 and _to(n, "thyroid") > 15,
    ),
    (
        Region.NECK_NODES,
        0.8,
        "neck-{side}",
        lambda n, x: (
            abs(x) >= 20
            and (_to(n, *_CERVICAL) < 45 or _to(n, "common_carotid", "thyroid") < 25)
            and _to(n, "lung", "humerus") > 12
        ),
    ),
    (
        Region.PELVIC_INGUINAL_NODES,
        0.82,
        "iliac-{side}",
        lambda n, x: _to(n, "iliac_") < 18 and _to(n, "urinary_bladder", "prostate") > 6,
    ),
    (
        Region.PELVIC_INGUINAL_NODES,
        0.8,
        "inguinal-{side}",
        lambda n, x: (
            abs(x) > 35 and (_to(n, "femur") < 45 or _to(n, "hip_") < 30) and _to(n, "gluteus", "autochthon") > 25
        ),
    ),
    (
        Region.RETROPERITONEUM,
        0.82,
        "para-aortic",
        lambda n, x: _to(n, "aorta", "inferior_vena") < 18 and _to(n, *_LOW_THORACIC) < 30,
    ),
    (
        Region.RETROPERITONEUM,
        0.6,
        None,
        lambda n, x: _to(n, "kidney", "iliopsoas") < 12 and _to(n, *_LOW_THORACIC) < 40,
    ),
    (Region.PELVIC_ORGANS, 0.7, None, lambda n, x: _to(n, "urinary_bladder", "prostate") < 12),
    (
        Region.PERITONEUM,
        0.6,
        "mesenteric",
        lambda n, x: _to(n, "small_bowel", "colon", "stomach", "duodenum") < 20 and _to(n, "rib", "autochthon") > 8,
    ),
    (
        Region.AXILLA_CHEST_WALL,
        0.82,
        "axilla-{side}",
        lambda n, x: abs(x) > 70 and _to(n, "scapula", "humerus", "clavicula") < 35 and _to(n, "rib") < 45,
    ),
    (Region.AXILLA_CHEST_WALL, 0.7, None, lambda n, x: _to(n, "rib", "sternum", "costal") < 15),
    (Region.MUSCLE_SUBCUTIS, 0.6, None, lambda n, x: _to(n, "gluteus", "autochthon", "iliopsoas") < 15),
)
