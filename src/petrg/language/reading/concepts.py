"""What CT shows, as concepts without a language, and the class each has in each region.

The class is PETRG-Score's (petrg-score, "Classes"); where one word means another class in another
tissue (a low density is a focus in the liver, a bone lesion in a vertebra), the table says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from petrg.anatomy import Region
from petrg.report import Structure

__all__ = ["BONE_REGIONS", "CONCEPTS", "NODELESS", "NODE_REGIONS", "structure_of"]

_NODES, _FOCAL, _LUNG, _THICK = (
    Structure.ENLARGED_NODES,
    Structure.FOCAL_LESION,
    Structure.LUNG_CHANGE,
    Structure.THICKENING,
)
_CALC, _BONE, _OTHER = Structure.CALCIFICATION, Structure.BONE_LESION, Structure.OTHER

BONE_REGIONS = frozenset({Region.SPINE, Region.PELVIS_LIMB_BONES})
"""Regions made of bone."""

NODE_REGIONS = frozenset(
    {
        Region.NECK_NODES,
        Region.MEDIASTINUM_HILA,
        Region.AXILLA_CHEST_WALL,
        Region.RETROPERITONEUM,
        Region.PELVIC_INGUINAL_NODES,
    }
)
"""Regions in which an unnamed soft-tissue nodule is a node."""

NODELESS = BONE_REGIONS | {Region.BRAIN, Region.LIVER, Region.BILIARY, Region.KIDNEYS, Region.ADRENALS}
"""Regions without lymph nodes: named in a list of places with nodes, they have none."""

_STONE_REGIONS = frozenset(
    {Region.KIDNEYS, Region.BILIARY, Region.PELVIC_ORGANS, Region.SPLEEN, Region.LIVER, Region.PANCREAS}
    | {Region.THYROID_SALIVARY, Region.HEART, Region.BREAST, Region.ADRENALS}
)

CONCEPTS: Mapping[str, Structure] = {
    "node": _NODES,
    "nodule": _FOCAL,
    "mass": _FOCAL,
    "lesion": _FOCAL,
    "soft-tissue": _FOCAL,
    "cyst": _FOCAL,
    "fat-focus": _FOCAL,
    "low-density": _FOCAL,
    "high-density": _OTHER,
    "dense": _CALC,
    "density": _OTHER,
    "fluid": _OTHER,
    "patch": _OTHER,
    "strand": _OTHER,
    "lucency": _OTHER,
    "lung-change": _LUNG,
    "ground-glass": _LUNG,
    "thickening": _THICK,
    "swelling": _OTHER,
    "calcification": _CALC,
    "stone": _CALC,
    "bone-lesion": _BONE,
    "osteoporosis": _BONE,
    "degenerative": _OTHER,
    "effusion": _OTHER,
    "dilatation": _OTHER,
    "enlargement": _OTHER,
    "atrophy": _OTHER,
    "surgery": _OTHER,
    "device": _OTHER,
    "displacement": _OTHER,
    "other": _OTHER,
}
"""Concept -> its class where nothing in :func:`structure_of` says otherwise."""

_IN_LUNG = dict.fromkeys(("low-density", "high-density", "density", "patch", "strand", "lucency"), _LUNG)
_IN_BONE = dict.fromkeys(
    (
        *("low-density", "high-density", "dense", "density", "lesion", "nodule", "soft-tissue", "lucency", "mass"),
        *("thickening", "patch", "strand", "calcification", "cyst", "swelling"),
    ),
    _BONE,
)


@cache
def structure_of(concept: str, region: Region, *, nodular: bool = False) -> Structure:
    """The CT class of ``concept`` in ``region``; ``nodular`` where a density is said to be of that shape.

    Examples
    --------
    >>> structure_of("low-density", Region.LIVER).name, structure_of("low-density", Region.SPINE).name
    ('FOCAL_LESION', 'BONE_LESION')
    >>> structure_of("soft-tissue", Region.NECK_NODES).name
    'ENLARGED_NODES'
    """
    if region is Region.LUNG_PLEURA:
        if nodular and concept in _IN_LUNG:
            return _FOCAL
        return _IN_LUNG.get(concept, CONCEPTS[concept])
    if concept in ("lung-change", "ground-glass"):
        return _OTHER
    if region in BONE_REGIONS:
        return _IN_BONE.get(concept, CONCEPTS[concept])
    if region in NODE_REGIONS and concept in ("soft-tissue", "nodule"):
        return _NODES
    if concept == "enlargement" and region in (Region.NECK_NODES, Region.PELVIC_INGUINAL_NODES):
        return _NODES
    if nodular and concept == "density":
        return _FOCAL
    if region is Region.BRAIN and concept == "low-density":
        return _FOCAL if nodular else _OTHER
    if region is Region.PHARYNX_LARYNX and concept == "swelling":
        return _THICK
    if region is Region.ADRENALS and concept == "dense" and nodular:
        return _FOCAL
    if concept == "high-density":
        if nodular and region not in (Region.KIDNEYS, Region.BILIARY):
            return _FOCAL
        return _CALC if region in (Region.KIDNEYS, Region.BILIARY) else _OTHER
    if concept == "dense":
        return _CALC if region in _STONE_REGIONS else _OTHER
    if concept == "fluid" and region in (Region.LIVER, Region.SPLEEN, Region.PANCREAS, Region.KIDNEYS, Region.BREAST):
        return _FOCAL
    return CONCEPTS[concept]
