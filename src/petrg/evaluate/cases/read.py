"""Pairs of reports from a table or from two folders, with what is known of their patients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.cases.meta import ID_NAMES, find_column, read_meta
from petrg.evaluate.cases.tables import ids_of, read_rows
from petrg.evaluate.cases.texts import digest, read_texts

__all__ = [
    "PREDICTION_NAMES",
    "REFERENCE_NAMES",
    "id_column_of",
    "label_cases",
    "read_cases",
    "read_others",
    "with_meta",
]

REFERENCE_NAMES = ("gt_report", "reference", "reference_report", "ground_truth", "gt", "ref")
PREDICTION_NAMES = ("cleaned_pred_report", "prediction", "predicted_report", "prediction_report", "pred_report", "pred")


def read_cases(
    reports: Path,
    predictions: Path | None = None,
    *,
    id_column: str | None = None,
    reference_column: str | None = None,
    prediction_column: str | None = None,
    meta: Path | None = None,
) -> Cases:
    """Read pairs of reference and prediction.

    Parameters
    ----------
    reports : Path
        A CSV file, or a folder of references where ``predictions`` is the folder of predictions of the same names.
    id_column, reference_column, prediction_column : str, optional
        Columns of the table. Defaults: the first of ``ID_NAMES`` that is there, else the first column; the first of
        :data:`REFERENCE_NAMES` and of :data:`PREDICTION_NAMES`.
    meta : Path, optional
        Sexes, hospitals and patients by id (:func:`petrg.evaluate.cases.meta.read_meta`).

    Returns
    -------
    Cases
        In the order of the file, or of the ids in a folder. A prediction that is absent is None.

    Raises
    ------
    ScoreError
        If a column or a reference lacks, an id stands twice, or a prediction has no reference.
    """
    if predictions is None:
        if os.path.isdir(reports):
            raise ScoreError(
                "one folder of reports", "two, of references and of predictions, or a CSV file", "give both folders"
            )
        cases = _from_table(reports, id_column, reference_column, prediction_column)
    else:
        cases = _from_folders(reports, predictions)
    return cases if meta is None else with_meta(cases, meta)


def _from_table(path: Path, id_column: str | None, reference: str | None, prediction: str | None) -> Cases:
    columns, rows = read_rows(path)
    references = _column(columns, reference, REFERENCE_NAMES, "--reference-column")
    predictions = _column(columns, prediction, PREDICTION_NAMES, "--prediction-column")
    ids = id_column_of(columns, id_column)
    if len({ids, references, predictions}) < 3:
        raise ScoreError(
            f"ids, references and predictions are read from {ids}, {references} and {predictions}",
            "three columns",
            "name them by --id-column, --reference-column and --prediction-column",
        )
    keys = ids_of(rows, ids)
    cases = []
    for number, (key, row) in enumerate(zip(keys, rows, strict=True), 1):
        text = row[references]
        if text is None:
            raise ScoreError(f"row {number} has no reference report", "one in every row", "add it or leave the row out")
        cases.append(Case(id=key, reference=text, prediction=row[predictions], patient=key))
    return Cases(cases=tuple(cases), id_column=ids, sources={"reports": digest(path)})


def _from_folders(references: Path, predictions: Path) -> Cases:
    known, written = read_texts(references), read_texts(predictions)
    if extra := len(written.keys() - known.keys()):
        raise ScoreError(
            f"{extra} of {len(written)} predictions have no reference of their name",
            "a reference for every prediction",
            "check the folders, references first, or take those predictions away",
        )
    cases = []
    for number, (key, text) in enumerate(known.items(), 1):
        if text is None:
            raise ScoreError(f"reference {number} of the folder is empty", "a report", "add it or take the file away")
        cases.append(Case(id=key, reference=text, prediction=written.get(key), patient=key))
    return Cases(cases=tuple(cases), sources={"references": digest(references), "predictions": digest(predictions)})


def label_cases(ids: Iterable[str], reference: Path, prediction: Path, *, meta: Path | None = None) -> Cases:
    """Cases of which labels alone are known, in the order of ``ids``; their texts are empty.

    Raises
    ------
    ScoreError
        As :func:`with_meta`.
    """
    cases = tuple(Case(id=key, reference="", prediction=None, patient=key) for key in ids)
    made = Cases(cases=cases, sources={"references": digest(reference), "predictions": digest(prediction)})
    return made if meta is None else with_meta(made, meta)


def with_meta(cases: Cases, path: Path) -> Cases:
    """The cases with sex, hospital and patient from the table at ``path``; its other rows are counted.

    Raises
    ------
    ScoreError
        If the table cannot be used or names none of the cases.
    """
    known = read_meta(path, id_column=cases.id_column)
    if not known.keys() & set(cases.ids):
        raise ScoreError(
            "the table of patients names none of the cases",
            f"the reports' ids in its column {cases.id_column} or in its first",
            "check both files",
        )
    told = []
    for case in cases.cases:
        row = known.get(case.id)
        told.append(
            case if row is None else replace(case, sex=row.sex, hospital=row.hospital, patient=row.patient or case.id)
        )
    left_out = len(known.keys() - set(cases.ids))
    return replace(cases, cases=tuple(told), sources={**cases.sources, "meta": digest(path)}, left_out=left_out)


def read_others(
    source: str, reports: Path, cases: Cases, *, column: str | None = None, option: str
) -> tuple[tuple[str | None, ...], dict[str, str]]:
    """The reports of another system or reader on the same cases.

    Parameters
    ----------
    source : str
        A column of the table ``reports``, another CSV file, or a folder of reports.
    column : str, optional
        The column of that CSV file; default the first of :data:`PREDICTION_NAMES`, else the only column besides the id.
    option : str
        The option it was named by, for errors, e.g. ``--against``.

    Returns
    -------
    texts : tuple of str or None
        In the order of ``cases``; None where it has none.
    sources : {role: sha256}

    Raises
    ------
    ScoreError
        If the source cannot be read or holds a report of none of the cases.
    """
    path = Path(source)
    if os.path.isdir(path):
        texts: Mapping[str, str | None] = read_texts(path)
    elif os.path.isfile(path):
        texts = _column_of_table(path, column, cases.id_column, option)
    elif os.path.isfile(reports) and source in read_rows(reports)[0]:
        path, texts = reports, _column_of_table(reports, source, cases.id_column, option)
    else:
        raise ScoreError(
            f"{option} names neither a file, a folder nor a column of the reports",
            "one of them",
            "check its spelling",
        )
    found = tuple(texts.get(key) for key in cases.ids)
    if not any(found):
        raise ScoreError(f"the reports of {option} are of none of the cases", "the same ids", "check both files")
    return found, {option.lstrip("-"): digest(path)}


def _column_of_table(path: Path, column: str | None, id_column: str, option: str) -> dict[str, str | None]:
    columns, rows = read_rows(path)
    ids = id_column if id_column in columns else id_column_of(columns, None)
    others = [name for name in columns if name != ids]
    if column is None:
        column = others[0] if len(others) == 1 else None
    chosen = _column(columns, column, PREDICTION_NAMES, f"{option}-column")
    return {key: row[chosen] for key, row in zip(ids_of(rows, ids), rows, strict=True)}


def id_column_of(columns: Sequence[str], wanted: str | None) -> str:
    """The column of ids: ``wanted``, else the first known name, else the first column."""
    return _column(columns, wanted, (), "--id-column") if wanted else find_column(columns, ID_NAMES) or columns[0]


def _column(columns: Sequence[str], wanted: str | None, names: Sequence[str], option: str) -> str:
    found = (wanted if wanted in columns else None) if wanted is not None else find_column(columns, names)
    if found is None:
        which = f"no column {wanted!r}" if wanted is not None else f"none of {', '.join(names)}"
        raise ScoreError(f"the table has {which}", f"one of its columns {', '.join(columns)}", f"name it by {option}")
    return found
