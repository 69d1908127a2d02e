"""A system's reports for a benchmark: a CSV file or a folder."""

from __future__ import annotations

import os
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.cases.meta import ID_NAMES, find_column
from petrg.evaluate.cases.read import PREDICTION_NAMES
from petrg.evaluate.cases.tables import read_rows
from petrg.evaluate.labels.texts import read_label_texts

__all__ = ["read_predictions"]

_NAMES = (*PREDICTION_NAMES, "report", "text")


def read_predictions(path: Path, *, column: str | None = None, id_column: str | None = None) -> dict[str, str | None]:
    """Reports by id; None where a row or file has none.

    Parameters
    ----------
    path : Path
        A CSV file, or a folder of ``ID.txt`` or ``ID.json``.
    column : str, optional
        The table's column of reports; default the first known name (``Cleaned_Pred_report``, ``prediction``, ``report``
        …), else the only column besides the id. A column of references is never a default.
    id_column : str, optional
        Default the first known name of ids, else the first column.

    Raises
    ------
    ScoreError
        If the source or the column cannot be found, or an id lacks or stands twice.
    """
    path = Path(path)
    if os.path.isdir(path) or column is not None:
        return read_label_texts(path, column=column, id_column=id_column)
    columns, _ = read_rows(path)
    ids = id_column or find_column(columns, ID_NAMES) or columns[0]
    others = [name for name in columns if name != ids]
    chosen = find_column(others, _NAMES) or (others[0] if len(others) == 1 else None)
    if chosen is None:
        raise ScoreError(
            f"none of the columns {', '.join(columns)} is known to hold reports",
            "a column of the system's reports",
            "name it by --prediction-column",
        )
    return read_label_texts(path, column=chosen, id_column=id_column)
