"""Findings -> the label of a region; the one priority table, for truth and for scoring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from petrg.anatomy import Region
from petrg.report.classes import Structure, Uptake
from petrg.report.finding import Finding
from petrg.report.model import Model

__all__ = ["STRUCTURE_PRIORITY", "UPTAKE_PRIORITY", "Label", "project", "to_authors_json"]

UPTAKE_PRIORITY = (Uptake.HIGH, Uptake.EQUIVOCAL, Uptake.REDUCED, Uptake.PHYSIOLOGIC, Uptake.NORMAL)
"""Most marked first; a region with several findings takes the first that any of them has."""

STRUCTURE_PRIORITY = (
    Structure.ENLARGED_NODES,
    Structure.FOCAL_LESION,
    Structure.BONE_LESION,
    Structure.LUNG_CHANGE,
    Structure.THICKENING,
    Structure.OTHER,
    Structure.CALCIFICATION,
    Structure.NORMAL,
)
"""Most marked first. The paper gives no order; this one is ours."""


class Label(Model):
    """The label of one region; None where nothing was said or assessed."""

    pet: Uptake | None = None
    ct: Structure | None = None
    suv_max: float | None = None
    description: str = ""


def project(findings: Iterable[Finding]) -> dict[Region, Label]:
    """One label a region, all 24 present, in report order.

    The region takes the most marked class of its findings and the highest SUV named
    (PETRG-Score: "takes its most marked one"). A negated finding says normal of its modality.
    Silence stays None; the compat export alone turns it into 5 / 8.

    Examples
    --------
    >>> hot = Finding(region=Region.LIVER, uptake=Uptake.HIGH, suv_max=8.1)
    >>> cyst = Finding(region=Region.LIVER, structure=Structure.FOCAL_LESION, description="cyst")
    >>> label = project([cyst, hot])[Region.LIVER]
    >>> label.pet.name, label.ct.name, label.suv_max, label.description
    ('HIGH', 'FOCAL_LESION', 8.1, 'cyst')
    >>> project([])[Region.SPLEEN].pet is None
    True
    """
    by_region: dict[Region, list[Finding]] = {region: [] for region in Region}
    for finding in findings:
        by_region[finding.region].append(finding)
    return {region: _label(group) for region, group in by_region.items()}


def _label(findings: list[Finding]) -> Label:
    uptakes = {Uptake.NORMAL if f.negated else f.uptake for f in findings if f.uptake is not None}
    structures = {Structure.NORMAL if f.negated else f.structure for f in findings if f.structure is not None}
    stated = [f for f in findings if not f.negated]
    return Label(
        pet=next((u for u in UPTAKE_PRIORITY if u in uptakes), None),
        ct=next((s for s in STRUCTURE_PRIORITY if s in structures), None),
        suv_max=max((f.suv_max for f in stated if f.suv_max is not None), default=None),
        description="; ".join(dict.fromkeys(f.description for f in stated if f.description)),
    )


def to_authors_json(labels: Mapping[Region, Label]) -> dict[str, dict[str, str]]:
    """The authors' label file: zh region names, strings; silence becomes normal (5 / 8).

    >>> to_authors_json(project([]))["肝脏"]
    {'pet_status': '5', 'suv': '', 'ct_status': '8', 'ct_description': ''}
    """
    return {
        region.title("zh"): {
            "pet_status": str(int(label.pet or Uptake.NORMAL)),
            "suv": "" if label.suv_max is None else f"SUVmax: {label.suv_max:.1f}",
            "ct_status": str(int(label.ct or Structure.NORMAL)),
            "ct_description": label.description,
        }
        for region, label in labels.items()
    }
