"""DICOM files into one CT and one PET of one patient's one visit, with all that was found on the way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from petrg.errors import Problem, StudyError, SuvError
from petrg.imaging.context import Context
from petrg.imaging.dicom.choose import Choice, choose, left_out
from petrg.imaging.dicom.header import Passed, Slice, read_header
from petrg.imaging.dicom.listing import list_series, list_studies_found, passed_over
from petrg.imaging.dicom.patient import context_of, expect_one_patient, identifying, identity_of, one_study, study_id
from petrg.imaging.dicom.pixels import expect_whole
from petrg.imaging.dicom.scan import Found, Source
from petrg.imaging.dicom.series import Part, parts_of
from petrg.imaging.dicom.tracer import tracer_of
from petrg.imaging.dicom.volumes import Loaded, load_ct, load_pet
from petrg.imaging.quantity import Quantity
from petrg.imaging.sanity import apart_problems, balance_problems, ct_problems, pose_problems
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
    identifying: frozenset[str] = field(default=frozenset(), repr=False)


def read_dicom(files: Found, options: Options, refuse: Refuse, progress: Progress) -> Reading:
    """Read what ``files`` hold; each reason to refuse goes through ``refuse``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on values out of the standard; what matters becomes a problem
        return _read(files, options, refuse, progress)


def _read(files: Found, options: Options, refuse: Refuse, progress: Progress) -> Reading:
    slices, passed = _headers(files.candidates, progress)
    reading = Reading()
    others, reading.passed_over = passed_over(passed, files)
    reading.found = (*list_studies_found(slices), *others)
    reading.identifying = identifying(slices)
    reading.problems += _corrupt(passed)
    with _to(refuse):
        if not slices and not others:
            raise _nothing(files, passed)
        chosen = one_study(slices, options.study) if slices else []
        expect_one_patient(chosen)
        ct, pet = choose(parts_of(chosen), ct=options.ct_series, pet=options.pet_series)
        reading.found = (*list_series(ct, "ct"), *list_series(pet, "pet"), *others)
        if chosen:
            reading.id, reading.identity = study_id(chosen), identity_of(chosen)
            reading.context = context_of(chosen, None, sex_given=options.given.sex)
        _read_volumes(reading, ct, pet, chosen, passed, options, refuse, progress)
    return reading


def _read_volumes(
    reading: Reading,
    ct: Choice,
    pet: Choice,
    chosen: Sequence[Slice],
    passed: Sequence[Passed],
    options: Options,
    refuse: Refuse,
    progress: Progress,
) -> None:
    with _to(refuse):
        reading.problems += _frames(ct, pet)
    if ct.taken:
        with _to(refuse):
            _expect_whole(ct, chosen, passed, "CT")
            loaded = load_ct(ct.taken, progress)
            reading.problems += (*loaded.problems, *ct_problems(loaded.volume))
            reading.ct = loaded
    with _to(refuse):
        _expect_pet(reading, pet, options)
        if pet.taken:
            _expect_whole(pet, chosen, passed, "PET")
            reading.pet = _load_pet(pet.taken, options, progress)
            reading.problems += reading.pet.problems
            scale = reading.pet.scale
            given = options.given.tracer is not None
            tracer = scale.tracer if scale and given else tracer_of(pet.taken[0].first.dataset)
            said_by = "user" if given else "header"
            reading.context = context_of(chosen, tracer, said_by, sex_given=options.given.sex)
    if reading.ct is not None and reading.pet is not None:
        reading.problems += apart_problems(reading.ct.volume, reading.pet.volume)
    if not ct.taken and not pet.taken:
        raise _nothing_usable(reading.found)
    lines = [*left_out(ct, "CT"), *left_out(pet, "PET")]
    reading.problems += [Problem("part-left-out", line) for line in lines]


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


def _load_pet(parts: Sequence[Part], options: Options, progress: Progress) -> Loaded:
    loaded = load_pet(parts, options.quantity, options.given, progress)
    loaded = Loaded(loaded.volume, loaded.series, (*loaded.problems, *pose_problems(loaded.volume)), loaded.scale)
    scale = loaded.scale
    if scale is None or scale.weight_kg is None or options.quantity is not Quantity.SUV_BW:
        return loaded
    more = balance_problems(loaded.volume, scale.weight_kg, dose_read_as_mbq=scale.dose_read_as_mbq)
    return Loaded(loaded.volume, loaded.series, (*loaded.problems, *more), scale)


def _nothing(files: Found, passed: Sequence[Passed]) -> StudyError:
    if not passed and not files.passed_over:
        return StudyError("an empty folder", "a folder of DICOM or NIfTI files", "check the path")
    total = len(passed) + sum(p.files for p in files.passed_over)
    broken = sum(p.reason.startswith("truncated") for p in passed)
    found = f"no CT or PET image among {total} file{'s' * (total > 1)}" + f" ({broken} truncated or corrupt)" * (
        broken > 0
    )
    return StudyError(found, "a PET/CT study in DICOM or NIfTI", "check the path")


def _nothing_usable(found: Sequence[FoundSeries]) -> StudyError:
    reasons = "; ".join(dict.fromkeys(f.reason for f in found if f.reason))
    return StudyError(
        f"no series that can be used: {reasons}", "a CT or a PET of two images or more", "export the whole study"
    )


def _corrupt(passed: Sequence[Passed]) -> list[Problem]:
    broken = sum(p.reason.startswith("truncated") for p in passed)
    if not broken:
        return []
    text = f"{broken} DICOM file{'s are' if broken > 1 else ' is'} truncated or corrupt and could not be read"
    return [Problem("corrupt-files", text)]


def _expect_whole(choice: Choice, chosen: Sequence[Slice], passed: Sequence[Passed], what: str) -> None:
    """A truncated image may have lost what puts it into its part, so the whole series is asked."""
    uids = {p.uid for p in choice.taken} - {None}
    taken = {id(s) for p in choice.taken for s in p.slices}
    slices = [s for s in chosen if id(s) in taken or (s.series_uid in uids and not s.pixels.complete)]
    lost = sum(p.reason.startswith("truncated") and p.series_uid in uids for p in passed)
    expect_whole(slices, what, lost)


def _expect_pet(reading: Reading, pet: Choice, options: Options) -> None:
    """Refuse a PET that is there but cannot be SUV: enhanced, or not attenuation-corrected."""
    if any(p.corrected is False for p in pet.taken):
        raise SuvError(
            "only PET without attenuation correction (NAC)"
            if options.pet_series is None
            else "a PET without attenuation correction (NAC) named by --pet-series",
            "an attenuation-corrected PET",
            "export the AC series, or go on without PET by --pet-series none",
        )
    if pet.taken or options.pet_series is not None:
        return
    pets = [f for f in reading.found if f.modality == "PT"]
    if any(f.reason.startswith("enhanced PET") for f in pets):
        raise SuvError(
            "the PET is an enhanced multi-frame object, whose SUV rules differ",
            "single-frame or legacy-converted PET",
            "export it as single images, or go on without PET by --pet-series none",
        )
    if pets:
        reasons = "; ".join(dict.fromkeys(f.reason for f in pets))
        reading.problems.append(Problem("pet-passed-over", f"no PET was taken: {reasons}"))


def _frames(ct: Choice, pet: Choice) -> list[Problem]:
    """Refuse a CT and a PET in different frames of reference; note it where a frame is not named."""
    if not ct.taken or not pet.taken:
        return []
    frames = ct.taken[0].frame_of_reference, pet.taken[0].frame_of_reference
    if None in frames:
        text = "CT or PET names no frame of reference; that their places agree is not assured"
        return [Problem("frame-of-reference-absent", text)]
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
