"""A reading -> the label of every region, each with where and by which rule it was read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from petrg.anatomy import Region
from petrg.language.reading.lesions import Grounded
from petrg.language.reading.reader import Reading
from petrg.report import Finding, Label, Span, Structure, Uptake, project

__all__ = ["Basis", "Evidence", "LabelEvidence", "labels"]


class Basis(StrEnum):
    """How a label came about."""

    STATED = "stated"
    IMPLIED = "implied"
    SILENT = "silent"


class Evidence(NamedTuple):
    """Why one class or number is what it is; a silent one has no spans.

    Rules of an uptake: ``high``, ``mild``, ``reduced``, ``physiologic``, ``denied``, ``normal``, ``bare`` (an uptake
    named, no more), ``abnormal``, ``uneven``, ``comparison``, ``deauville-4``, ``low-suv`` (increased, but not above
    the liver's own), ``suv`` (a number alone), ``explained``, ``malignant``, each after ``uptake.``; of a structure
    its concept after ``structure.``, ``structure.denied`` or ``structure.normal``; ``normal.bare`` for both.
    """

    basis: Basis
    rule: str
    spans: tuple[Span, ...] = ()


class LabelEvidence(NamedTuple):
    """The label of one region and the evidence of its three parts; ``suv`` is None where none is named."""

    label: Label
    pet: Evidence
    ct: Evidence
    suv: Evidence | None = None


_SILENT = Evidence(Basis.SILENT, "silence")


def labels(reading: Reading) -> dict[Region, LabelEvidence]:
    """The 24 labels of a reading with their evidence, in report order.

    Examples
    --------
    >>> from petrg.language.reading import read
    >>> liver = labels(read("肝右叶见低密度结节，放射性摄取增高，SUVmax：8.1。"))[Region.LIVER]
    >>> liver.label.pet.name, liver.label.ct.name, liver.label.suv_max, liver.pet.rule
    ('HIGH', 'FOCAL_LESION', 8.1, 'uptake.high')
    """
    projected = project(_marked(reading.findings))
    by_region: dict[Region, list[Grounded]] = {region: [] for region in Region}
    for grounded in reading.grounded:
        by_region[grounded.finding.region].append(grounded)
    return {region: _evidence(label, by_region[region]) for region, label in projected.items()}


def _marked(findings: Sequence[Finding]) -> list[Finding]:
    """Findings with the CT class of a region left to its most marked finding.

    Where a region has several structures, one with uptake goes before those without; of the rest, in the
    lung a change of the parenchyma goes before nodules, as the authors' labels have it.
    """
    shown: dict[Region, list[Finding]] = {}
    for f in findings:
        structure = f.structure
        if structure is not None and structure is not Structure.NORMAL and not f.negated:
            shown.setdefault(f.region, []).append(f)
    less: set[int] = set()
    for region, group in shown.items():
        if len(group) == 1:
            continue
        avid = [f for f in group if f.uptake is Uptake.HIGH or f.uptake is Uptake.EQUIVOCAL]
        if avid:
            less.update(id(f) for f in group if not any(f is a for a in avid))
        if region is Region.LUNG_PLEURA and any(f.structure is Structure.LUNG_CHANGE for f in avid or group):
            less.update(id(f) for f in group if f.structure is Structure.FOCAL_LESION)
    if not less:
        return list(findings)
    return [f.model_copy(update={"structure": None}) if id(f) in less else f for f in findings]


def _evidence(label: Label, group: list[Grounded]) -> LabelEvidence:
    pet = ct = _SILENT
    suv = None
    for g in group:
        f = g.finding
        basis = Basis.IMPLIED if g.implied else Basis.STATED
        if f.uptake is not None and label.pet is (Uptake.NORMAL if f.negated else f.uptake) and _first(pet, basis):
            pet = Evidence(basis, g.pet_rule, f.spans)
        if (
            f.structure is not None
            and label.ct is (Structure.NORMAL if f.negated else f.structure)
            and _first(ct, basis)
        ):
            ct = Evidence(basis, g.ct_rule, f.spans)
        if suv is None and f.suv_max is not None and f.suv_max == label.suv_max and not f.negated:
            suv = Evidence(basis, "suv.max", f.spans)
    return LabelEvidence(label, pet, ct, suv)


def _first(evidence: Evidence, basis: Basis) -> bool:
    return evidence.basis is Basis.SILENT or (evidence.basis is Basis.IMPLIED and basis is Basis.STATED)
