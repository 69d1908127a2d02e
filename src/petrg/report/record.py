"""The record: everything that was measured, with units and where it was read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.report.classes import FindingKind, Modality
from petrg.report.model import Model

__all__ = [
    "Assessment",
    "AssessmentState",
    "CtRead",
    "InputFact",
    "Lesion",
    "LesionStatus",
    "Note",
    "Record",
    "Reference",
    "References",
    "RegionCandidate",
    "RegionGuess",
    "Threshold",
    "Totals",
    "Where",
]

Mm3 = Annotated[tuple[float, float, float], Field(description="x, y, z in mm, LPS+")]
Index3 = Annotated[tuple[int, int, int], Field(description="z, y, x index on the native grid, from 0")]


class LesionStatus(StrEnum):
    """What a focus is taken for; only ``lesion`` counts in totals."""

    LESION = "lesion"
    PHYSIOLOGIC = "physiologic"
    INDETERMINATE = "indeterminate"


class AssessmentState(StrEnum):
    """Whether a kind of finding was looked for in a region."""

    SEARCHED = "searched"
    NOT_SEARCHED = "not-searched"
    OUT_OF_FIELD = "out-of-field"


class Threshold(StrEnum):
    """The named rule that delineates a lesion (Boellaard, JNM 2024;65:1343 for SUV >= 4)."""

    FIXED_4 = "SUV>=4.0"
    FIXED_2_5 = "SUV>=2.5"
    PERCENT_41 = "41% of SUVmax"
    MAJORITY = "majority vote"
    MASK = "given mask"


class Where(Model):
    """The voxel a number was read at."""

    modality: Modality
    index: Index3
    mm: Mm3
    slice_number: Annotated[int, Field(description="from 1, head first, as the page counts them")]
    instance_number: int | None = None
    sop_uid: str | None = None


class RegionCandidate(Model):
    """A region and how probable it is."""

    id: Region
    probability: Annotated[float, Field(ge=0, le=1)]


class RegionGuess(RegionCandidate):
    """The most probable region and its rivals, most probable first (the first is the guess itself)."""

    candidates: tuple[RegionCandidate, ...] = ()


class CtRead(Model):
    """What the native CT shows at a lesion; HU over the voxels whose centre lies in it."""

    hu_mean: float
    hu_sd: float
    hu_min: float
    hu_max: float
    voxels: int
    where: Where


class Lesion(Model):
    """One focus; every number is read on the native grid of its modality.

    ``suv_peak`` is the highest mean over a 1 cm3 sphere centred on a voxel of the lesion, null where
    it leaves the scan. ``mtv_ml`` and ``tlg_g`` are null where no voxel meets ``threshold``.
    ``volume_ml`` is that of the delineated voxels or of the given mask. ``axes_mm`` is the longest
    axial diameter and the longest one perpendicular to it in the same slice.
    """

    id: str
    status: LesionStatus
    reason: Annotated[str, Field(description="the rule that gave the status")] = ""
    region: RegionGuess
    nodal_group: NodalGroup | None = None
    side: Side | None = None
    centre_mm: Mm3
    hottest: Where
    slices: Annotated[tuple[int, int], Field(description="first and last PET slice number, from 1")]
    suv_max: float
    suv_mean: float | None = None
    suv_peak: float | None = None
    peak_4voxel: float | None = None
    threshold: Threshold
    mtv_ml: float | None = None
    tlg_g: float | None = None
    volume_ml: float | None = None
    axes_mm: tuple[float, float] | None = None
    ct: CtRead | None = None
    mask: Annotated[str | None, Field(description="name of the given mask's segment, if any")] = None


class Reference(Model):
    """A reference region on the native PET: liver (3 cm sphere) or blood pool (1 x 2 cm in the aorta)."""

    suv_mean: float
    suv_sd: float
    suv_max: float
    volume_ml: float
    voxels: int
    centre_mm: Mm3
    radius_mm: float
    length_mm: Annotated[float | None, Field(description="of the cylinder; null for a sphere")] = None
    slice_number: int
    method: str


class References(Model):
    """The reference regions; null where not found, never guessed."""

    liver: Reference | None = None
    blood_pool: Reference | None = None


class Totals(Model):
    """Over foci of status ``lesion`` only."""

    lesions: int
    mtv_ml: float | None
    tlg_g: float | None
    suv_max: float | None


class Assessment(Model):
    """Whether one kind of finding was searched for in one region, how, and down to what."""

    region: Region
    kind: FindingKind
    state: AssessmentState
    method: str = ""
    detection_limit: Annotated[str | None, Field(description="e.g. 'SUV 3.1, radius 6 mm'")] = None
    limit_suv: Annotated[
        float | None, Field(description="SUV from which a focus was sought, rounded up to the decimal that is printed")
    ] = None
    limit_mm: Annotated[float | None, Field(description="diameter from which a focus was sought, mm")] = None
    located: Annotated[float | None, Field(ge=0, le=1, description="probability that the region was located")] = None
    reason: str = ""


class InputFact(Model):
    """One input volume and its fingerprint."""

    modality: Modality
    series_uid: str | None
    sha256: Annotated[str, Field(description="of the voxels as float32, little-endian, [z, y, x]")]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine: Annotated[tuple[tuple[float, ...], ...], Field(description="4 x 4, index z, y, x to LPS mm")]
    suv_branch: str | None = None
    suv_factor_g_per_bq: float | None = None


class Note(Model):
    """A problem the reader should know of."""

    code: str
    text: str


class Record(Model):
    """Everything measured on one study (schema 1)."""

    schema_version: Literal[1] = 1
    study_id: str
    petrg_version: str
    tracer: str | None = None
    inputs: tuple[InputFact, ...]
    threshold: Threshold
    detection: Annotated[str, Field(description="the rule that found the candidates, with its values")]
    anatomy: Annotated[str, Field(description="how regions were located, e.g. 'landmarks-1' or the label map's name")]
    lesions: tuple[Lesion, ...] = ()
    references: References = References()
    totals: Totals
    assessed: tuple[Assessment, ...] = ()
    problems: tuple[Note, ...] = ()

    def lesion(self, lesion_id: str) -> Lesion:
        """The lesion of that id; KeyError if there is none."""
        for lesion in self.lesions:
            if lesion.id == lesion_id:
                return lesion
        raise KeyError(lesion_id)

    def assessment(self, region: Region, kind: FindingKind) -> Assessment | None:
        """How ``kind`` was assessed in ``region``; None where the record is silent."""
        return next((a for a in self.assessed if a.region is region and a.kind is kind), None)
