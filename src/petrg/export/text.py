"""A report as plain text: what is pasted into a hospital's system."""

from __future__ import annotations

from collections.abc import Iterable

from petrg.export.words import words
from petrg.report import WATERMARK, PatientBlock, Report, Statement

__all__ = ["patient_lines", "patient_rows", "render_text"]

_RULE = "-" * 60


def render_text(report: Report) -> str:
    """The report as text: watermark, patient, sections, the 24 regions with their titles.

    Identity stands as the report holds it; a de-identified report says so instead.

    Examples
    --------
    The first and the last line are the watermark of the report's language, e.g.
    ``Draft, not for diagnosis, unverified``.
    """
    say = words(report.language)
    mark = WATERMARK[report.language]
    sections = [
        _section(say["indication"], report.indication),
        _section(say["technique"], report.technique),
        _section(say["comparison"], report.comparison),
        _findings(report, say["findings"]),
        _section(say["impression"], report.impression),
        _problems(report, say["problems"]),
    ]
    header = "\n".join(patient_lines(report))
    body = f"\n{_RULE}\n".join(section for section in sections if section)
    return f"{mark}\n{_RULE}\n{header}\n{_RULE}\n{body}\n{_RULE}\n{mark}\n"


def patient_rows(patient: PatientBlock, language: str) -> list[tuple[str, str]]:
    """Title and value of each part of the identity that is known, in reading order."""
    say = words(language)
    sex = None if patient.sex is None else say["values"].get(patient.sex, patient.sex)
    age = None if patient.age_years is None else f"{patient.age_years:.0f}"
    values = {
        "name": patient.name,
        "patient_id": patient.patient_id,
        "birth_date": _date(patient.birth_date),
        "sex": sex,
        "age": age,
        "accession_number": patient.accession_number,
        "study_date": _date(patient.study_date),
    }
    return [(say["patient"][key], value) for key, value in values.items() if value]


def patient_lines(report: Report) -> list[str]:
    """The identity as lines; says so where the report is de-identified or the header holds none."""
    say = words(report.language)
    rows = [f"{title}{say['colon']}{value}" for title, value in patient_rows(report.patient, report.language)]
    if report.deidentified:
        return [say["deidentified"], *rows]
    return rows or [say["no_identity"]]


def _date(raw: str | None) -> str | None:
    """A DICOM date as ISO 8601; anything else as it stands."""
    if raw is not None and len(raw) == 8 and raw.isdigit():
        return f"{raw[:4]}-{raw[4:6]}-{raw[6:]}"
    return raw


def _section(title: str, statements: Iterable[Statement]) -> str:
    lines = [statement.text for statement in statements]
    return "\n".join([f"[{title}]", *lines]) if lines else ""


def _findings(report: Report, title: str) -> str:
    colon = words(report.language)["colon"]
    lines = [f"{part.region.title(report.language)}{colon}{part.text}" for part in report.findings]
    return "\n".join([f"[{title}]", *lines])


def _problems(report: Report, title: str) -> str:
    return "\n".join([f"[{title}]", *(f"- {note.text}" for note in report.problems)]) if report.problems else ""
