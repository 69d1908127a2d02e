"""DICOM files into one CT and one PET of one patient's one visit, with all that was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from petrg.errors import Problem, StudyError, SuvError
from petrg.imaging.context import Context
from petrg.imaging.dicom.choose import Choice, choose
from petrg.imaging.dicom.header import Passed, Slice, read_header
from petrg.imaging.dicom.patient import context_of, expect_one_patient, identity_of, one_study, study_id
from petrg.imaging.dicom.scan import Found, Source
from petrg.imaging.dicom.series import Part, parts_of
from petrg.imaging.dicom.volumes import Loaded, load_ct, load_pet
from petrg.imaging.quantity import Quantity
from petrg.imaging.study import FoundSeries, Identity, PassedOver
from petrg.imaging.suv import Given
from petrg.progress import Progress, track

__all__ = ["Options", "Reading", "Refuse", "read_dicom"]

Refuse = Callable[[StudyError], None]
"""What to do where the study cannot be used: raise the error, or note it and go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user chose. Series by UID, by number, or ``none`` to leave one out; a study by number or UID."""

    given: Given = field(default_factory=Given)
    quantity: Quantity = Quantity.SUV_BW
    ct_series: str | int | None = None
    pet_series: str | int | None = None
    study: str | int | None = None


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a path held, as far as it could be read."""

    id: str = ""
    ct: Loaded | None = None
    pet: Loaded | None = None
    identity: Identity = field(default_factory=Identity)
    context: Context = field(default_factory=Context)
    found: tuple[FoundSeries, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def read_dicom(files: Found, options: Options, refuse: Refuse, progress: Progress) -> Reading:
    """Read what ``files`` hold; each reason to refuse goes through ``refuse``."""
    slices, passed = _headers(files.candidates, progress)
    reading = Reading()
    series_seen, reading.passed_over = _passed_over(passed, files)
    reading.found = tuple(series_seen)
    reading.problems += _header_problems(passed)
    with _to(refuse):
        if not slices:
            raise _nothing(files, passed)
        chosen = one_study(slices, options.study)
        expect_one_patient(chosen)
        parts = parts_of(chosen)
        ct, pet = choose(parts, ct=options.ct_series, pet=options.pet_series)
        reading.id, reading.identity = study_id(chosen), identity_of(chosen)
        reading.found = (*_found(ct, "ct"), *_found(pet, "pet"), *series_seen)
        with _to(refuse):
            reading.problems += _frames(ct, pet)
        if ct.taken:
            with _to(refuse):
                reading.ct = load_ct(ct.taken, progress)
        if pet.taken:
            with _to(refuse):
                _expect_corrected(pet.taken)
                reading.pet = load_pet(pet.taken, options.quantity, options.given, progress)
        reading.context = context_of(chosen, reading.pet.scale.tracer if reading.pet and reading.pet.scale else None)
        for loaded in (reading.ct, reading.pet):
            reading.problems += loaded.problems if loaded else ()
    return reading


@contextmanager
def _to(refuse: Refuse) -> Iterator[None]:
    try:
        yield
    except StudyError as error:
        refuse(error)


def _headers(sources: Sequence[Source], progress: Progress) -> tuple[list[Slice], list[Passed]]:
    slices: list[Slice] = []
    passed: list[Passed] = []
    for source in track(sources, "reading headers", progress):
        found = read_header(source)
        if isinstance(found, Passed):
            passed.append(found)
        else:
            slices += found
    return slices, passed


def _nothing(files: Found, passed: Sequence[Passed]) -> StudyError:
    if not passed and not files.passed_over:
        return StudyError("an empty folder", "a folder of DICOM or NIfTI files", "check the path")
    total = len(passed) + sum(p.files for p in files.passed_over)
    return StudyError(
        f"no CT or PET image among {total} file{'s' * (total > 1)}",
        "a PET/CT study in DICOM or NIfTI",
        "check the path",
    )


_NOT_IMAGES = ("RT", "segmentation", "structured", "presentation", "registration", "DICOMDIR", "DICOM without")


def _passed_over(passed: Sequence[Passed], files: Found) -> tuple[list[FoundSeries], tuple[PassedOver, ...]]:
    """Series of images that are neither CT nor PET; and all other files, counted by reason."""
    series = Counter(p for p in passed if p.series_uid and not p.reason.startswith(_NOT_IMAGES))
    reasons = Counter(p.reason for p in passed if p not in series)
    for over in files.passed_over:
        reasons[over.reason] += over.files
    if files.nifti:
        reasons["NIfTI beside DICOM: the DICOM is read"] += len(files.nifti)
    found = [
        FoundSeries(
            uid=p.series_uid, modality=p.modality, description=p.description, number=p.number, images=n, reason=p.reason
        )
        for p, n in series.items()
    ]
    return found, tuple(PassedOver(n, why) for why, n in sorted(reasons.items()))


def _header_problems(passed: Sequence[Passed]) -> list[Problem]:
    broken = sum(p.reason.startswith("truncated") for p in passed)
    if not broken:
        return []
    text = f"{broken} DICOM file{'s are' if broken > 1 else ' is'} truncated or corrupt and could not be read"
    return [Problem("corrupt-files", text)]


def _found(choice: Choice, role: str) -> list[FoundSeries]:
    rows = [(p, role, choice.reason) for p in choice.taken] + [(p, None, why) for p, why in choice.others]
    return [
        FoundSeries(
            uid=p.uid,
            modality=p.modality,
            description=p.first.description,
            number=p.number,
            images=len(p.slices),
            role=taken,
            reason=why,
        )
        for p, taken, why in rows
    ]


def _frames(ct: Choice, pet: Choice) -> list[Problem]:
    """Refuse a CT and a PET in different frames of reference; note it where a frame is not named."""
    if not ct.taken or not pet.taken:
        return []
    frames = ct.taken[0].frame_of_reference, pet.taken[0].frame_of_reference
    if None in frames:
        return [
            Problem("frame-of-reference-absent", "CT or PET names no frame of reference; their match is not assured")
        ]
    if frames[0] != frames[1]:
        raise StudyError(
            "CT and PET in different frames of reference",
            "both in one, so that places agree",
            "choose a matching CT with --ct-series, or leave it out with --ct-series none",
        )
    low, high = ct.taken[0].span_mm[0], ct.taken[-1].span_mm[1]
    start, end = pet.taken[0].span_mm[0], pet.taken[-1].span_mm[1]
    if min(high, end) <= max(low, start):
        return [Problem("no-overlap", "CT and PET do not overlap along the body")]
    longer = max(low - start, 0.0) + max(end - high, 0.0)
    if longer > 10:
        return [Problem("pet-longer-than-ct", f"the PET reaches {longer:.0f} mm beyond the CT along the body")]
    return []


def _expect_corrected(parts: Sequence[Part]) -> None:
    if any(p.corrected is False for p in parts):
        raise SuvError(
            "only PET without attenuation correction (NAC)",
            "an attenuation-corrected PET",
            "export the AC series, or choose it with --pet-series",
        )
