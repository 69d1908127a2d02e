"""A reading -> the label of every region, each with where and by which rule it was read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from petrg.anatomy import Region
from petrg.language.reading.grounded import At, Grounded
from petrg.language.reading.reader import Reading
from petrg.report import Label, Span, Structure, Uptake
from petrg.report.labels import label_of, label_region

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
    at: tuple[At, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """The characters it was read from, those of its place first."""
        return tuple(Span(start=start, end=end) for start, end in self.at)


class LabelEvidence(NamedTuple):
    """The label of one region and the evidence of its three parts; ``suv`` is None where none is named."""

    label: Label
    pet: Evidence
    ct: Evidence
    suv: Evidence | None = None


_SILENT = Evidence(Basis.SILENT, "silence")
_REGIONS = tuple(Region)
_STATED, _IMPLIED = Basis.STATED, Basis.IMPLIED
_NORMAL, _UNCHANGED = Uptake.NORMAL, Structure.NORMAL
_NOTHING = LabelEvidence(Label(), _SILENT, _SILENT)


def labels(reading: Reading) -> dict[Region, LabelEvidence]:
    """The 24 labels of a reading with their evidence, in report order.

    Examples
    --------
    >>> from petrg.language.reading import read
    >>> liver = labels(read("肝右叶见低密度结节，放射性摄取增高，SUVmax：8.1。"))[Region.LIVER]
    >>> liver.label.pet.name, liver.label.ct.name, liver.label.suv_max, liver.pet.rule
    ('HIGH', 'FOCAL_LESION', 8.1, 'uptake.high')
    """
    by_region: dict[Region, list[Grounded]] = {}
    for grounded in reading.grounded:
        by_region.setdefault(label_region(grounded), []).append(grounded)
    return {region: _evidence(by_region[region]) if region in by_region else _NOTHING for region in _REGIONS}


def _evidence(group: Sequence[Grounded]) -> LabelEvidence:
    label = label_of(group)
    pet = ct = _SILENT
    suv = None
    for g in group:
        at, uptake, structure, pet_rule, ct_rule, negated, suv_max = g[1:8]
        basis = _IMPLIED if g.implied else _STATED
        if uptake is not None and label.pet is (_NORMAL if negated else uptake) and _first(pet, basis):
            pet = Evidence(basis, pet_rule, at)
        if structure is not None and label.ct is (_UNCHANGED if negated else structure) and _first(ct, basis):
            ct = Evidence(basis, ct_rule, at)
        if suv_max is not None and suv is None and suv_max == label.suv_max and not negated:
            suv = Evidence(basis, "suv.max", at)
    return LabelEvidence(label, pet, ct, suv)


def _first(evidence: Evidence, basis: Basis) -> bool:
    return evidence is _SILENT or (evidence.basis is _IMPLIED and basis is _STATED)
