"""CSV files of reports: read whole, with no guess about what a cell means."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from petrg.errors import ScoreError

__all__ = ["Rows", "ids_of", "is_absent", "read_rows"]

Rows = tuple[list[str], list[dict[str, str | None]]]

_ABSENT = frozenset({"", "nan", "none", "null", "na", "n/a", "#n/a", "<na>"})
_SAVE_ANEW = "save the table anew as CSV in UTF-8"
_COMMON_HAN = 0.9
"""Share of a GB18030 file's non-ASCII characters that must be of GB 2312; other encodings misread as it fall below."""

_LONGEST_NAME = 100


def read_rows(path: Path) -> Rows:
    """Columns and rows of a CSV file.

    Bytes are UTF-8, with or without a mark; else GB18030, if 9 of 10 of the characters so read are everyday ones
    (GB 2312), since nearly any bytes can be read as GB18030. Cells are separated by commas. Rows that are blank are
    passed over, so that row 1 is the first that holds something after the column names.

    Returns
    -------
    columns : list of str
        Names, each run of white space in them one space; a column without a name (a table's index) is left out.
    rows : list of {column: cell}
        A cell is its text as it stands, or None where it is absent, blank, or a word by which programs write an
        absent value (``nan``, ``None``, ``null``, ``NA``, ``N/A``, ``#N/A``, ``<NA>``).

    Raises
    ------
    ScoreError
        If the file cannot be read or decoded, holds NUL bytes, another separator, a text where column names should
        be, a column name twice, an open quote, a row with more cells than names, or no row. Messages name rows and
        columns, never a cell.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ScoreError(f"cannot read the table: {error.strerror}", "a CSV file", "check the path") from error
    records = _records(_decode(raw))
    header = _header(records[0] if records else [])
    columns = [name for name in header if name]
    rows = [_row(header, cells, number) for number, cells in enumerate(records[1:], 1)]
    if not rows:
        raise ScoreError("the table holds no row", "at least one case", "check the file")
    return columns, rows


def ids_of(rows: Sequence[Mapping[str, str | None]], column: str, *, where: str = "", do: str = "") -> list[str]:
    """The ids of ``rows``, without blanks around them, in order.

    Parameters
    ----------
    column : str
    where : str
        Whose rows, for the error, e.g. `` of the table of patients``.
    do : str
        What to do, for the error.

    Raises
    ------
    ScoreError
        At the first row that has none, or that of an earlier row.
    """
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        key = (row[column] or "").strip()
        if not key or key in seen:
            fault = f"the id of row {seen[key]}" if key else "no id"
            raise ScoreError(
                f"row {number}{where} has {fault} in its column {column}",
                "each id once",
                do or "correct it or give --id-column",
            )
        seen[key] = number
    return list(seen)


def is_absent(text: str) -> bool:
    """Whether a cell or a file holds nothing: blank, or a word by which programs write an absent value.

    >>> is_absent(" "), is_absent("NaN"), is_absent("nantes")
    (True, True, False)
    """
    return text.strip().casefold() in _ABSENT


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ScoreError("the table is in UTF-16", "UTF-8 or GB18030", _SAVE_ANEW)
    if b"\0" in raw:
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise ScoreError(f"line {line} of the table holds a NUL byte", "text", _SAVE_ANEW)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _gb18030(raw)
        if text is None:
            line = raw[: error.start].count(b"\n") + 1
            raise ScoreError(f"line {line} of the table is no UTF-8", "UTF-8 or GB18030", _SAVE_ANEW) from error
        return text


def _gb18030(raw: bytes) -> str | None:
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = [letter for letter in text if not letter.isascii()]
    common = len("".join(foreign).encode("gb2312", "ignore")) / 2
    return text if common >= _COMMON_HAN * len(foreign) else None


def _records(text: str) -> list[list[str]]:
    """Records that hold something, the column names first."""
    found: list[list[str]] = []
    before = csv.field_size_limit()
    csv.field_size_limit(max(len(text), before))  # else a cell over 131,072 characters is an error
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), strict=True):
            if any(cell.strip() for cell in cells):
                found.append(cells)
    except csv.Error as error:
        raise ScoreError(
            f"{f'row {len(found)}' if found else 'the first row'} of the table breaks the rules of CSV, "
            "as an unpaired quote does",
            "cells separated by commas, quotes doubled inside a quoted cell",
            _SAVE_ANEW,
        ) from error
    finally:
        csv.field_size_limit(before)
    return found


def _header(first: list[str]) -> list[str]:
    header = [" ".join(name.split()) for name in first]
    if not any(header):
        raise ScoreError("the table is empty", "column names in its first row", "check the file")
    for name, mark in ((";", "semicolons"), ("\t", "tabs")):
        if len(first) == 1 and name in first[0].strip():
            raise ScoreError(f"the table's cells are separated by {mark}", "commas", _SAVE_ANEW)
    for number, name in enumerate(header, 1):
        if _is_text(name):
            raise ScoreError(
                f"the first row of the table holds a text in its cell {number}",
                "column names",
                "put a row of names above the first case",
            )
        if not name.isprintable():
            raise ScoreError(
                f"the name of column {number} holds a character that is not seen", "a plain name", "rename it"
            )
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ScoreError(f"column {twice[0]!r} stands twice in the table", "each name once", "rename one of them")
    return header


def _is_text(name: str) -> bool:
    """Whether a cell of the first row is a report, not a name: names are shown in messages, reports must not be."""
    return len(name) > _LONGEST_NAME or "。" in name or (" " in name and name.endswith("."))


def _row(header: list[str], cells: list[str], number: int) -> dict[str, str | None]:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ScoreError(
            f"row {number} has {len(cells)} cells",
            f"at most {len(header)}, one a column",
            "quote cells that hold a comma",
        )
    filled = [*cells, *[""] * (len(header) - len(cells))]
    return {name: None if is_absent(cell) else cell for name, cell in zip(header, filled, strict=False) if name}
