"""Study to report: measure, word, and link every number to where it was read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import petrg
from petrg.draft.deidentify import deidentified
from petrg.draft.facts import acquisition_facts, context_facts, slot_values
from petrg.draft.measured import WRITER, write_findings, write_impression, write_statement
from petrg.draft.pet_alone import record_without_ct, without_ct
from petrg.draft.preamble import comparison, indication, nothing_else, technique
from petrg.errors import ReportError, StudyError, StyleError
from petrg.imaging import Sex, Study
from petrg.language.style import DEFAULT_STYLES, Style, StyleSex, load_style
from petrg.language.wording import Worded
from petrg.progress import Progress, silent
from petrg.report import Note, PatientBlock, Record, Report, Statement

if TYPE_CHECKING:
    from petrg.imaging.masks import LabelMap, Mask

__all__ = ["draft"]


def draft(
    study: Study,
    *,
    style: str | Path | Style | None = None,
    language: Literal["zh", "en"] = "zh",
    record: Record | None = None,
    masks: Sequence[Mask] | None = None,
    label_map: LabelMap | None = None,
    pet_only: bool = False,
    deidentify: bool = False,
    salt: str | None = None,
    progress: Progress = silent,
) -> Report:
    """Draft a report of ``study`` in which every number was measured and says where.

    Parameters
    ----------
    study : Study
        With a PET in SUVbw.
    style : str, Path or Style, optional
        A hospital's style; the default one of ``language`` where not given. A named style brings its language.
    language : "zh" or "en"
    record : Record, optional
        Measurements made before; else the study is measured now.
    masks, label_map : optional
        Lesions and anatomy from outside, handed to `petrg.measure`.
    pet_only : bool
        Report the PET alone: a CT, if there is one, is set aside, unread, and said to be not assessed.
    deidentify : bool
        Remove identity and remap UIDs (`petrg.draft.deidentify`).
    salt : str, optional
        Of the remapped UIDs; random where not given.
    progress : Progress

    Returns
    -------
    Report

    Raises
    ------
    StyleError
        If the style or the language is none of those there are, or the style breaks its schema.
    StudyError, UnitError
        If there is no PET in SUV, or no CT and not ``pet_only``.
    ReportError
        If ``record`` is of another study.
    """
    study.suv()
    if study.ct is None and not pet_only:
        raise StudyError(
            "no CT in the study",
            "a CT beside the PET",
            "point to the folder that holds it, or give --pet-only",
        )
    chosen = _style(style, language)
    if pet_only:
        study = without_ct(study)
        record = None if record is None else record_without_ct(record)
    if record is None:
        from petrg.measure.measure import measure

        record = measure(study, masks=masks, label_map=label_map, progress=progress)
    if record.study_id != study.id:
        raise ReportError("a record of another study", "the record of this study", "measure this study anew")
    progress("writing", 0, 1)
    report = _write(study, record, chosen)
    report = deidentified(report, study, salt) if deidentify else report
    progress("writing", 1, 1)
    return report


def _style(style: str | Path | Style | None, language: str) -> Style:
    if language not in DEFAULT_STYLES:
        raise StyleError(f"language {language!r}", "zh or en", "name one of these")
    if style is None:
        return load_style(DEFAULT_STYLES[language])
    return style if isinstance(style, Style) else load_style(style)


def _write(study: Study, record: Record, style: Style) -> Report:
    sex, interpreted, ct = _sex(study), study.context.is_fdg, study.ct is not None
    facts = slot_values(study)

    def remarks(worded: Sequence[Worded]) -> tuple[Statement, ...]:
        return tuple(write_statement(w, record, None, facts) for w in worded)

    return Report(
        study_id=study.id,
        language=style.language,
        style=style.name,
        writer=WRITER,
        patient=_patient(study),
        context=context_facts(study.context),
        acquisition=acquisition_facts(study),
        indication=remarks(indication(study, style.language)),
        technique=remarks(technique(study, record, style.language, ct=ct, sex_known=sex is not None)),
        comparison=remarks(comparison(style.language)),
        findings=write_findings(record, style, sex, interpreted=interpreted, ct=ct),
        impression=(
            *write_impression(record, style, interpreted=interpreted),
            *(remarks(nothing_else(record, style.language)) if interpreted else ()),
        ),
        record=record,
        problems=_problems(study, record),
        provenance=_provenance(record, style),
    )


def _sex(study: Study) -> StyleSex | None:
    if study.context.sex is Sex.F:
        return "F"
    return "M" if study.context.sex is Sex.M else None


def _patient(study: Study) -> PatientBlock:
    who, context = study.identity, study.context
    return PatientBlock(
        name=who.name,
        patient_id=who.patient_id,
        birth_date=who.birth_date,
        accession_number=who.accession_number,
        study_date=who.study_date,
        sex=None if context.sex is None else context.sex.value,
        age_years=context.age_years,
    )


def _problems(study: Study, record: Record) -> tuple[Note, ...]:
    notes = [Note(code=p.code, text=p.text) for p in study.problems] + list(record.problems)
    if _sex(study) is None:
        notes.append(Note(code="sex-unknown", text="sex not given: sentences on sex-specific organs are left out"))
    return tuple(dict.fromkeys(notes))


def _provenance(record: Record, style: Style) -> dict[str, str]:
    inputs: dict[str, str] = {}
    for fact in record.inputs:
        key = fact.modality.name.lower()
        inputs[f"{key}_sha256"] = fact.sha256
        if fact.series_uid is not None:
            inputs[f"{key}_series_uid"] = fact.series_uid
    return {
        "petrg": petrg.__version__,
        "writer": WRITER,
        "style": style.name,
        "style_sha256": style.sha256,
        "anatomy": record.anatomy,
        **inputs,
    }
