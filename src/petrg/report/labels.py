"""Findings -> the label of a region; the one priority table, for truth and for scoring.

Ribs, sternum, clavicles and scapulae. PETRG-Score names "axillae and chest wall" and "pelvic and limb bones" and gives
these bones to neither. Every LLM label of AutoPET-RG-Lym that speaks of them (read on the cases for development) gives
them to the bones, and so does this table, for reading, truth and scoring alike: a bone lesion of the chest wall, or a
finding of one of these bones, is of the label "pelvic and limb bones" (:func:`label_region`). In anatomy, and so in a
measurement and in the sentences of a draft, these bones stay parts of the chest wall, where they lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from petrg.anatomy import Region
from petrg.report.classes import Structure, Uptake
from petrg.report.model import Model

__all__ = [
    "STRUCTURE_PRIORITY",
    "UPTAKE_PRIORITY",
    "Label",
    "Labelled",
    "Stated",
    "authors_entry",
    "label_of",
    "label_region",
    "project",
    "to_authors_json",
]

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


_SILENT = Label()
_RANK = {uptake: rank for rank, uptake in enumerate(UPTAKE_PRIORITY)}
_NOT_SHOWN = (None, Structure.NORMAL)


class Labelled(Protocol):
    """What the authors' file needs of a label: a :class:`Label` has it, and so have labels read from files."""

    @property
    def pet(self) -> Uptake | None:
        """The class on PET."""

    @property
    def ct(self) -> Structure | None:
        """The class on CT."""

    @property
    def suv_max(self) -> float | None:
        """The number named."""

    @property
    def description(self) -> str:
        """The words for the structure."""


class Stated(Protocol):
    """What the table needs of a finding: a :class:`Finding` has it, and so has what becomes one."""

    @property
    def region(self) -> Region:
        """Where."""

    @property
    def site(self) -> str | None:
        """The place within the region."""

    @property
    def uptake(self) -> Uptake | None:
        """On PET."""

    @property
    def structure(self) -> Structure | None:
        """On CT."""

    @property
    def suv_max(self) -> float | None:
        """The number named."""

    @property
    def description(self) -> str:
        """The words for the structure."""

    @property
    def negated(self) -> bool:
        """Whether it is a denial."""


_WALL_BONES = frozenset({"rib", "sternum", "clavicle", "scapula"})


def label_region(finding: Stated) -> Region:
    """The region whose label a finding counts for: its own, but for bones of the chest wall; a denial stays in place.

    Examples
    --------
    >>> from petrg.report import Finding
    >>> rib = Finding(region=Region.AXILLA_CHEST_WALL, site="rib", uptake=Uptake.HIGH)
    >>> label_region(rib).value
    'pelvis-limb-bones'
    """
    if finding.region is not Region.AXILLA_CHEST_WALL or finding.negated:
        return finding.region
    bone = finding.structure is Structure.BONE_LESION or finding.site in _WALL_BONES
    return Region.PELVIS_LIMB_BONES if bone else finding.region


def project(findings: Iterable[Stated]) -> dict[Region, Label]:
    """One label a region, all 24 present, in report order.

    The region takes the most marked class of its findings and the highest SUV named (PETRG-Score: "takes its most
    marked one"). Of several structures, one that takes up tracer goes before those that do not, whatever they are; of
    the rest, in the lung a change of the parenchyma goes before nodules; then by :data:`STRUCTURE_PRIORITY`. A negated
    finding says normal of its modality. Silence stays None; the compat export alone turns it into 5 / 8.

    Examples
    --------
    >>> from petrg.report import Finding
    >>> hot = Finding(region=Region.LIVER, uptake=Uptake.HIGH, suv_max=8.1)
    >>> cyst = Finding(region=Region.LIVER, structure=Structure.FOCAL_LESION, description="cyst")
    >>> label = project([cyst, hot])[Region.LIVER]
    >>> label.pet.name, label.ct.name, label.suv_max, label.description
    ('HIGH', 'FOCAL_LESION', 8.1, 'cyst')
    >>> project([])[Region.SPLEEN].pet is None
    True
    >>> wall = Finding(region=Region.GI_TRACT, structure=Structure.THICKENING, uptake=Uptake.HIGH)
    >>> polyp = Finding(region=Region.GI_TRACT, structure=Structure.FOCAL_LESION, uptake=Uptake.NORMAL)
    >>> project([polyp, wall])[Region.GI_TRACT].ct.name
    'THICKENING'
    """
    by_region: dict[Region, list[Stated]] = {}
    for finding in findings:
        by_region.setdefault(label_region(finding), []).append(finding)
    return {region: label_of(by_region.get(region, ())) for region in Region}


def label_of(findings: Sequence[Stated]) -> Label:
    """The label of one region, given the findings that count for it (:func:`label_region`)."""
    if not findings:
        return _SILENT
    uptakes: set[Uptake] = set()
    suv: float | None = None
    described: dict[str, None] = {}
    for f in findings:
        if f.uptake is not None:
            uptakes.add(Uptake.NORMAL if f.negated else f.uptake)
        if f.negated:
            continue
        if f.suv_max is not None and (suv is None or f.suv_max > suv):
            suv = f.suv_max
        if f.description:
            described[f.description] = None
    return Label(
        pet=min(uptakes, key=_RANK.__getitem__) if uptakes else None,
        ct=_structure(findings),
        suv_max=suv,
        description="; ".join(described),
    )


def _structure(findings: Sequence[Stated]) -> Structure | None:
    """The CT class of a region by the table."""
    shown = [f for f in findings if f.structure not in _NOT_SHOWN and not f.negated]
    if not shown:
        return Structure.NORMAL if any(f.structure is not None for f in findings) else None
    if len(shown) == 1:
        return shown[0].structure
    avid = [f for f in shown if f.uptake is Uptake.HIGH or f.uptake is Uptake.EQUIVOCAL]
    structures = {f.structure for f in avid or shown}
    if Structure.LUNG_CHANGE in structures and shown[0].region is Region.LUNG_PLEURA:
        structures.discard(Structure.FOCAL_LESION)
    return next(s for s in STRUCTURE_PRIORITY if s in structures)


def to_authors_json(labels: Mapping[Region, Label]) -> dict[str, dict[str, str]]:
    """The authors' label file: zh region names, strings; silence becomes normal (5 / 8).

    >>> to_authors_json(project([]))["肝脏"]
    {'pet_status': '5', 'suv': '', 'ct_status': '8', 'ct_description': ''}
    """
    return {region.title("zh"): authors_entry(label) for region, label in labels.items()}


def authors_entry(label: Labelled) -> dict[str, str]:
    """The authors' four strings for one region; silence becomes normal, an SUV has all its digits.

    >>> authors_entry(Label(pet=Uptake.HIGH, suv_max=18.79))
    {'pet_status': '1', 'suv': 'SUVmax: 18.79', 'ct_status': '8', 'ct_description': ''}
    """
    return {
        "pet_status": str(int(label.pet or Uptake.NORMAL)),
        "suv": "" if label.suv_max is None else f"SUVmax: {_digits(label.suv_max)}",
        "ct_status": str(int(label.ct or Structure.NORMAL)),
        "ct_description": label.description,
    }


def _digits(value: float) -> str:
    """All digits of ``value``, at least one decimal, no exponent."""
    return next(shown for n in range(1, 20) if float(shown := f"{value:.{n}f}") == value or n == 19)
