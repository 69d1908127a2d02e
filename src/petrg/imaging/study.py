"""A study: a CT in HU, a PET in SUV, and what is known of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from petrg.errors import Problem, StudyError
from petrg.imaging.context import Context
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume

__all__ = ["FoundSeries", "HeaderValue", "Identity", "PassedOver", "Series", "Study", "SuvProvenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the patient is; stands on the report and nowhere else, so its repr is empty."""

    name: str | None = field(default=None, repr=False)
    patient_id: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    study_date: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A value that went into a result and where it came from: ``header`` or ``user``."""

    value: float | str | None
    source: str = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuvProvenance:
    """How SUV was had.

    Parameters
    ----------
    branch : str
        The rule taken, e.g. ``"bqml-start"``, ``"philips-suv-factor"``, ``"gml-bw"``, ``"nifti-suv"``.
    factor_g_per_bq : float or None
        SUVbw (g/ml) per Bq/ml; None where the branch is not a factor on activity.
    sul_factor : float or None
        SUL (Janmahasatian) per SUVbw; None where height, weight or sex is unknown.
    inputs : mapping of str to HeaderValue
        Every value that went in, by DICOM keyword; dates and times only as differences in s.
    """

    branch: str
    factor_g_per_bq: float | None = None
    sul_factor: float | None = None
    inputs: Mapping[str, HeaderValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Facts of the series a volume was read from; tuples run with the volume's z index."""

    uid: str | None
    modality: str  # "CT" or "PT"
    source: str = "dicom"  # or "nifti"
    stored_axes: str | None = None  # of a NIfTI file: what its axes i, j, k run towards, e.g. "RAS"
    study_uid: str | None = None
    frame_of_reference_uid: str | None = None
    number: int | None = None
    description: str | None = None
    sop_uids: tuple[str, ...] = ()
    instance_numbers: tuple[int | None, ...] = ()
    positions_mm: tuple[tuple[float, float, float], ...] = ()  # of the first pixel, as in each header
    manufacturer: str | None = None
    model: str | None = None
    reconstruction: str | None = None
    kernel: str | None = None
    kvp: float | None = None
    patient_position: str | None = None
    units: str | None = None
    corrections: tuple[str, ...] = ()
    decay_correction: str | None = None
    nuclide: str | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    uptake_s: float | None = None  # injection to the start of the scan
    frame_duration_s: float | None = None
    weight_kg: float | None = None
    height_m: float | None = None
    suv: SuvProvenance | None = None  # PET only
    user_entered: tuple[str, ...] = ()  # names of values the user gave


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeries:
    """One series seen in the input: taken as CT or PET, or passed over with the reason."""

    uid: str | None
    modality: str | None
    description: str | None
    number: int | None
    images: int
    role: str | None = None  # "ct", "pet" or None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Files that are no part of any image series: how many and why."""

    files: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One patient, one visit.

    Parameters
    ----------
    id : str
        Stable and without identity: ``study-`` and 12 hex digits of the hash of the Study Instance
        UID, or the case id of a NIfTI file.
    ct : Volume in HU, or None
    pet : Volume in SUVbw (g/ml), in Bq/ml on request, or None
        Each keeps its native grid.
    """

    id: str
    ct: Volume | None = None
    pet: Volume | None = None
    ct_series: Series | None = None
    pet_series: Series | None = None
    identity: Identity = field(default_factory=Identity)
    context: Context = field(default_factory=Context)
    found: tuple[FoundSeries, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        if self.ct is None and self.pet is None:
            raise StudyError("neither CT nor PET", "at least one of them", "point to the folder that holds the images")
        if self.ct is not None:
            self.ct.expect(Quantity.HU)
        if self.pet is not None and self.pet.quantity is not Quantity.ACTIVITY:
            self.pet.expect(Quantity.SUV_BW)

    def suv(self) -> Volume:
        """The PET in SUVbw.

        Raises
        ------
        StudyError
            If there is no PET.
        UnitError
            If it was read as activity.
        """
        if self.pet is None:
            raise StudyError(
                "no PET in the study", "an attenuation-corrected PET", "point to the folder that holds the PET"
            )
        return self.pet.expect(Quantity.SUV_BW)

    def with_context(self, context: Context) -> Study:
        """The study with ``context`` laid over what the header holds; the user's values win."""
        given = {k: getattr(context, k) for k in type(context).model_fields if k != "sources" and k in context.sources}
        sources = {**self.context.sources, **dict.fromkeys(given, "user")}
        return replace(self, context=self.context.model_copy(update={**given, "sources": sources}))
