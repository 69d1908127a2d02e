"""What is known of the patients: sex, hospital, which studies belong to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Sex
from petrg.evaluate.cases.tables import ids_of, read_rows

__all__ = ["ID_NAMES", "Patient", "find_column", "parse_sex", "read_meta"]

ID_NAMES = ("accnum", "id", "case", "caseid", "studyid", "accession", "accessionnumber", "reportid")
_SEX_NAMES = ("sex", "gender", "patientsex", "性别")
_HOSPITAL_NAMES = ("hospital", "centre", "center", "site", "institution", "医院", "中心")
_PATIENT_NAMES = ("patient", "patientid", "subject", "subjectid", "患者")

_SEXES: Mapping[str, Sex] = {
    **dict.fromkeys(("f", "female", "woman", "女", "女性"), "F"),
    **dict.fromkeys(("m", "male", "man", "男", "男性"), "M"),
}
_UNKNOWN = {"u", "unknown", "o", "other", "未知", "不详"}


@dataclass(frozen=True, slots=True)
class Patient:
    """What a row of the table says; None where it says nothing."""

    sex: Sex | None = None
    hospital: str | None = None
    patient: str | None = None


def read_meta(path: Path, *, id_column: str | None = None) -> dict[str, Patient]:
    """Patients by case id, from a table with the columns id, sex, hospital and patient (the last two may lack).

    Parameters
    ----------
    id_column : str, optional
        Its name in the reports' table, looked for here first; else the names of :data:`ID_NAMES`, else the
        first column.

    Raises
    ------
    ScoreError
        If the table cannot be read, has no column of sexes, an id twice or none, or a sex that is no known word.
    """
    columns, rows = read_rows(path)
    ids = id_column if id_column in columns else find_column(columns, ID_NAMES) or columns[0]
    sexes = find_column(columns, _SEX_NAMES)
    if sexes is None:
        raise ScoreError(
            f"the table of patients has the columns {', '.join(columns)}",
            "one named sex",
            "name the column of sexes sex",
        )
    hospitals, patients = find_column(columns, _HOSPITAL_NAMES), find_column(columns, _PATIENT_NAMES)
    keys = ids_of(rows, ids, where=" of the table of patients", do="correct the row")
    return {
        key: Patient(parse_sex(row[sexes], number), _cell(row, hospitals), _cell(row, patients))
        for number, (key, row) in enumerate(zip(keys, rows, strict=True), 1)
    }


def parse_sex(cell: str | None, row: int) -> Sex | None:
    """The sex that a cell names; None where it is absent or says unknown or other.

    Numbers are refused: 1 is male in ISO 5218 and female in many tables.

    Raises
    ------
    ScoreError
        If the cell is no known word.

    Examples
    --------
    >>> parse_sex("Female", 1), parse_sex("男", 2), parse_sex(None, 3), parse_sex("O", 4)
    ('F', 'M', None, None)
    >>> parse_sex("1", 5)
    Traceback (most recent call last):
        ...
    petrg.errors.ScoreError: row 5 of the table of patients has a sex that cannot be read — expected F, M, female, \
male, 女, 男, or nothing where it is unknown — write it so; numbers mean different things in different tables
    """
    word = (cell or "").strip().casefold()
    if not word or word in _UNKNOWN:
        return None
    if word not in _SEXES:
        raise ScoreError(
            f"row {row} of the table of patients has a sex that cannot be read",
            "F, M, female, male, 女, 男, or nothing where it is unknown",
            "write it so; numbers mean different things in different tables",
        )
    return _SEXES[word]


def find_column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of ``names`` that is a column, whatever its case, blanks, hyphens and underscores; None if none is.

    >>> find_column(["AccNum", "GT_report"], ("id", "accnum"))
    'AccNum'
    """
    plain = {_plain(column): column for column in reversed(columns)}
    return next((plain[_plain(name)] for name in names if _plain(name) in plain), None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " _-.")


def _cell(row: Mapping[str, str | None], column: str | None) -> str | None:
    cell = row[column] if column else None
    return cell.strip() if cell else None
