"""Whose images these are, of which visit; compared without ever being printed."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from pydicom.dataset import Dataset

from petrg.errors import StudyError
from petrg.imaging.context import Context, Sex
from petrg.imaging.dicom.header import Slice, raw_identity
from petrg.imaging.dicom.values import string, text
from petrg.imaging.study import Identity

__all__ = ["context_of", "expect_one_patient", "identifying", "identity_of", "list_studies", "one_study", "study_id"]

_ID, _NAME, _BIRTH = 0x00100020, 0x00100010, 0x00100030


def study_id(slices: Sequence[Slice]) -> str:
    """``study-`` and 12 hex digits of the hash of the Study Instance UID, else of what stands in for it.

    The UID itself may hold a date or a place, the hash does not.
    """
    first = min(slices, key=lambda s: (s.study_uid or "", s.series_uid or "", s.frame_of_reference or ""))
    uid = first.study_uid or first.series_uid or first.frame_of_reference or ""
    return "study-" + hashlib.sha256(uid.encode()).hexdigest()[:12]


def list_studies(slices: Sequence[Slice]) -> list[str | None]:
    """Study Instance UIDs in the order of their first image's time; None stands for an empty UID."""
    first: dict[str | None, str] = {}
    for s in slices:
        first[s.study_uid] = min(first.get(s.study_uid, "~"), s.acquired or "~")
    return sorted(first, key=lambda uid: (first[uid], uid or ""))


def one_study(slices: Sequence[Slice], study: str | int | None) -> list[Slice]:
    """The images of the one study, or of the one chosen by number (from 1) or UID.

    Raises
    ------
    StudyError
        If there are several and none is chosen, or the choice names none.
    """
    uids = list_studies(slices)
    if study is None:
        if len(uids) > 1:
            expect_one_patient(slices)
            raise StudyError(f"{len(uids)} studies: {_listing(slices, uids)}", "one study", "choose one with --study N")
        return list(slices)
    wanted = str(study).strip()
    chosen = wanted if wanted in uids else None
    if chosen is None and wanted.isdecimal() and 1 <= int(wanted) <= len(uids):
        chosen = uids[int(wanted) - 1]
    elif chosen is None:
        raise StudyError(
            "no study by that number or UID", f"--study 1 to {len(uids)}: {_listing(slices, uids)}", "see petrg inspect"
        )
    return [s for s in slices if s.study_uid == chosen]


def _listing(slices: Sequence[Slice], uids: Sequence[str | None]) -> str:
    counts = Counter((s.study_uid, s.modality) for s in slices)
    rows = []
    for i, uid in enumerate(uids[:9], 1):
        held = " + ".join(f"{counts[uid, m]} {m}" for m in ("CT", "PT") if counts[uid, m])
        rows.append(f"{i} ({held} images)")
    return ", ".join(rows) + (f" and {len(uids) - 9} more" if len(uids) > 9 else "")


def expect_one_patient(slices: Sequence[Slice]) -> None:
    """Refuse images whose patient ID, birth date or name differ; absent values agree with any.

    Raises
    ------
    StudyError
        Saying what differs, never the values.
    """
    if len(raw_identity(slices)) < 2:
        return
    seen = {next(iter(raw_identity([s]))): s for s in slices}.values()
    for what, values in (
        ("patient IDs", {string(s.dataset, _ID) and (text(s.dataset, _ID) or "").casefold() for s in seen}),
        ("birth dates", {re.sub(r"\D", "", string(s.dataset, _BIRTH) or "") or None for s in seen}),
    ):
        if len(values - {None}) > 1:
            raise _two_patients(what)
    names = [name for s in seen if any(name := _name(s.dataset))]
    if any(not _agree(a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
        raise _two_patients("patient names")


def _two_patients(what: str) -> StudyError:
    return StudyError(
        f"two patients: the images differ in {what}",
        "images of one patient",
        "give each patient's folder, or --study N",
    )


def _name(ds: Dataset) -> tuple[str, ...]:
    """The alphabetic, ideographic and phonetic groups of a name, without case, width or empty parts."""
    groups = unicodedata.normalize("NFKC", text(ds, _NAME) or "").casefold().split("=")
    return tuple(" ".join(re.split(r"[\^\s]+", group)).strip() for group in groups[:3])


def _agree(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two names agree in one group both have; names that share no group tell nothing.

    A console may write in the alphabetic group what another writes in the ideographic one.
    """
    shared = [(x, y) for x, y in zip(a, b, strict=False) if x and y]
    return not shared or bool({x for x in a if x} & {y for y in b if y})


def identity_of(slices: Sequence[Slice]) -> Identity:
    """The identity as the headers write it: for each value the first image that has one."""
    seen = {id(s.dataset): s.dataset for s in (slices[0], slices[-1])}.values()

    def first(tag: int) -> str | None:
        return next((value for ds in seen if (value := text(ds, tag))), None)

    return Identity(
        name=first(_NAME),
        patient_id=first(_ID),
        birth_date=first(_BIRTH),
        accession_number=first(0x00080050),
        study_date=first(0x00080020),
    )


def identifying(slices: Sequence[Slice]) -> frozenset[str]:
    """Every name, identifier, birth and study date that any header holds."""
    seen = {next(iter(raw_identity([s]))): s.dataset for s in slices}.values()
    tags = (_ID, _NAME, _BIRTH, 0x00080050, 0x00080020)
    return frozenset(value for ds in seen for tag in tags if (value := text(ds, tag)))


def context_of(
    slices: Sequence[Slice], tracer: str | None, tracer_from: str = "header", *, sex_given: Sex | None = None
) -> Context:
    """Tracer, sex and age as far as the headers hold them, a sex that is given first; each marked with its source."""
    values: dict[str, object] = {"tracer": tracer}
    for ds in {id(s.dataset): s.dataset for s in (slices[0], slices[-1])}.values():
        sex = (string(ds, 0x00100040) or "").upper()
        if sex in Sex.__members__.values():
            values.setdefault("sex", Sex(sex))
        age = _age(ds)
        if age is not None and 0 <= age < 130:
            values.setdefault("age_years", age)
    known = {k: v for k, v in values.items() if v is not None}
    sources = dict.fromkeys(known, "header") | ({"tracer": tracer_from} if tracer is not None else {})
    if sex_given is not None:
        known["sex"], sources["sex"] = sex_given, "user"
    return Context.model_validate({**known, "sources": sources})


_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}


def _age(ds: Dataset) -> float | None:
    """Years by Patient's Age (0010,1010), else from birth date to study date."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", (string(ds, 0x00101010) or "").upper())
    if match:
        return round(int(match[1]) / _PER_YEAR[match[2]], 2)
    dates = [re.sub(r"\D", "", string(ds, t) or "") for t in (_BIRTH, 0x00080020)]
    if any(len(d) != 8 for d in dates):
        return None
    born, seen = ((int(d[:4]), int(d[4:6]), int(d[6:])) for d in dates)
    return float(seen[0] - born[0] - (seen[1:] < born[1:]))
