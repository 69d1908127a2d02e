"""The texts to label: one column of a table, or a folder of reports."""

from __future__ import annotations

import os
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.cases.read import id_column_of
from petrg.evaluate.cases.tables import ids_of, read_rows
from petrg.evaluate.cases.texts import read_texts

__all__ = ["read_label_texts"]


def read_label_texts(path: Path, *, column: str | None = None, id_column: str | None = None) -> dict[str, str | None]:
    """Texts by id in the order of the file, or of the ids in a folder; None where there is none.

    Parameters
    ----------
    path : Path
        A CSV file, or a folder of ``ID.txt`` or ``ID.json`` (a report of petrg, or ``{"text": …}``).
    column : str, optional
        The column of texts; may be left out where the table has one besides that of the ids.
    id_column : str, optional
        Default: the first known name of ids (``AccNum``, ``id``, ``case`` …), else the first column.

    Raises
    ------
    ScoreError
        If there is no such column, the column is not certain, or an id lacks or stands twice.
    """
    path = Path(path)
    if os.path.isdir(path):
        if column or id_column:
            raise ScoreError(
                "a folder has no columns", "a CSV file with --column", "leave --column and --id-column out"
            )
        return read_texts(path)
    columns, rows = read_rows(path)
    ids = id_column_of(columns, id_column)
    chosen = _text_column([name for name in columns if name != ids], column)
    return {key: row[chosen] for key, row in zip(ids_of(rows, ids), rows, strict=True)}


def _text_column(columns: list[str], wanted: str | None) -> str:
    if wanted is None and len(columns) == 1:
        return columns[0]
    if wanted not in columns:
        found = "several columns" if wanted is None and columns else f"no column {wanted!r}" if wanted else "one column"
        raise ScoreError(f"the table has {found}", f"one of {', '.join(columns) or 'id and text'}", "give --column")
    return wanted
