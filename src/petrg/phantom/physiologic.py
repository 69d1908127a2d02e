"""What is normal in each region and whether the region lies in the field."""

from __future__ import annotations

from petrg.anatomy import Region
from petrg.phantom.spec import COVERAGES, Spec
from petrg.report.classes import Structure, Uptake
from petrg.report.finding import Finding

__all__ = ["in_field", "normal_findings"]

# Main extent of a region along z of the body frame, mm; half of it must be in the field.
_EXTENT: dict[Region, tuple[float, float]] = {
    Region.BRAIN: (1540, 1690),
    Region.ORBIT_SINUS: (1530, 1600),
    Region.PHARYNX_LARYNX: (1450, 1560),
    Region.THYROID_SALIVARY: (1412, 1552),
    Region.NECK_NODES: (1405, 1525),
    Region.LUNG_PLEURA: (1140, 1415),
    Region.MEDIASTINUM_HILA: (1230, 1390),
    Region.HEART: (1205, 1300),
    Region.AXILLA_CHEST_WALL: (1150, 1400),
    Region.BREAST: (1220, 1325),
    Region.LIVER: (1060, 1245),
    Region.BILIARY: (1075, 1140),
    Region.SPLEEN: (1115, 1205),
    Region.PANCREAS: (1080, 1155),
    Region.KIDNEYS: (1030, 1150),
    Region.ADRENALS: (1120, 1150),
    Region.GI_TRACT: (860, 1200),
    Region.RETROPERITONEUM: (1000, 1160),
    Region.PERITONEUM: (900, 1160),
    Region.PELVIC_ORGANS: (835, 920),
    Region.PELVIC_INGUINAL_NODES: (810, 990),
}


def in_field(spec: Spec, region: Region) -> bool:
    """Whether the scan covers enough of ``region`` to speak of it; bones and muscle always."""
    if region not in _EXTENT:
        return region is not Region.SPINE or spec.coverage != "thigh"
    low, high = COVERAGES[spec.coverage]
    bottom, top = _EXTENT[region]
    return min(high, top) - max(low, bottom) >= 0.5 * (top - bottom)


def normal_findings(spec: Spec) -> tuple[Finding, ...]:
    """One finding a region: physiologic where a healthy tissue outshines the liver, else normal; CT normal."""
    p = spec.physiology
    hot = {
        Region.BRAIN: p.brain_grey,
        Region.PHARYNX_LARYNX: max(p.tonsil, p.larynx),
        Region.THYROID_SALIVARY: 1.1 * p.salivary,
        Region.HEART: p.myocardium,
        Region.KIDNEYS: p.kidney_pelvis,
        Region.GI_TRACT: max(p.stomach, p.small_bowel, p.colon),
        Region.PELVIC_ORGANS: p.bladder,
        Region.MUSCLE_SUBCUTIS: p.brown_fat or 0.0,
    }
    return tuple(
        Finding(
            region=region,
            uptake=Uptake.PHYSIOLOGIC if hot.get(region, 0.0) > p.liver else Uptake.NORMAL,
            structure=Structure.NORMAL,
        )
        for region in Region
    )
