"""cases.csv: a row a case, a column a metric; the id column is called as in the input."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

__all__ = ["CaseTable", "Value"]

Value: TypeAlias = float | int | str | None


@dataclass(frozen=True)
class CaseTable:
    """Scores case by case.

    Parameters
    ----------
    id_column : str
    ids : sequence of str
    columns : mapping of name -> one value a case
        None where a case has no value: an empty cell.
    """

    id_column: str
    ids: Sequence[str]
    columns: Mapping[str, Sequence[Value]]

    def to_csv(self) -> str:
        """CSV in UTF-8 with all digits of a number; a name that the id column has already gets a trailing underscore.

        Ids stand as they were read, one that begins with ``=`` or ``+`` too: they are the user's keys, and a quote put
        before them, as a spreadsheet's guard against formulas wants, would join with no table of his.

        Examples
        --------
        >>> print(CaseTable("id", ["a"], {"BLEU-4[char 1]": [0.5], "Lesions": [2.0], "note": [None]}).to_csv(), end="")
        id,BLEU-4[char 1],Lesions,note
        a,0.5,2,
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow([self.id_column, *(f"{name}_" if name == self.id_column else name for name in self.columns)])
        for key, *values in zip(self.ids, *self.columns.values(), strict=True):
            table.writerow([key, *map(_cell, values)])
        return text.getvalue()


def _cell(value: Value) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if not np.isfinite(value):
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
