"""The closed vocabularies of a report."""

from __future__ import annotations

from enum import IntEnum, StrEnum

__all__ = ["FindingKind", "Modality", "Structure", "Uptake"]


class Uptake(IntEnum):
    """PET class of a region (PETRG-Score); Deauville 4 goes to HIGH."""

    HIGH = 1
    EQUIVOCAL = 2
    PHYSIOLOGIC = 3
    REDUCED = 4
    NORMAL = 5


class Structure(IntEnum):
    """CT class of a region (PETRG-Score)."""

    ENLARGED_NODES = 1
    FOCAL_LESION = 2
    LUNG_CHANGE = 3
    THICKENING = 4
    CALCIFICATION = 5
    BONE_LESION = 6
    OTHER = 7
    NORMAL = 8


class Modality(StrEnum):
    """DICOM's names of the two modalities."""

    PET = "PT"
    CT = "CT"


class FindingKind(StrEnum):
    """What can be searched for in a region, and so what a healthy sentence may deny.

    A sentence that denies a kind may be written only where that kind was searched.
    """

    FOCAL_UPTAKE = "focal-uptake"
    DIFFUSE_UPTAKE = "diffuse-uptake"
    REDUCED_UPTAKE = "reduced-uptake"
    ENLARGED_NODES = "enlarged-nodes"
    FOCAL_LESION = "focal-lesion"
    LUNG_CHANGE = "lung-change"
    THICKENING = "thickening"
    CALCIFICATION = "calcification"
    BONE_LESION = "bone-lesion"
    EFFUSION = "effusion"
    DILATATION = "dilatation"
    MORPHOLOGY = "morphology"  # size and shape of the organ

    @property
    def modality(self) -> Modality:
        """The modality that shows it.

        >>> FindingKind.EFFUSION.modality.value
        'CT'
        """
        pet = {FindingKind.FOCAL_UPTAKE, FindingKind.DIFFUSE_UPTAKE, FindingKind.REDUCED_UPTAKE}
        return Modality.PET if self in pet else Modality.CT
