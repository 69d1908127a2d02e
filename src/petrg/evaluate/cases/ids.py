"""Case ids that name files: what a file cannot be called is refused before anything is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from petrg.errors import ScoreError

__all__ = ["expect_file_names"]

_LONGEST = 200
"""Bytes of UTF-8; file systems take 255, endings included."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SIGNS = frozenset('<>:"|?*')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""What Windows takes for a device, whatever its ending; a colon there names a hidden stream of another file."""


def expect_file_names(ids: Iterable[str]) -> None:
    """Refuse ids that cannot each be the name of a file of its own on any common file system.

    Raises
    ------
    ScoreError
        At the first id, by its place in ``ids`` from 1, that is empty, too long, begins with a dot, holds a path
        separator, one of ``<>:"|?*`` or a character that is not seen, is a device of Windows such as CON, or differs
        from an earlier one by case alone.

    Examples
    --------
    >>> expect_file_names(["A-1", "A-2"])
    >>> expect_file_names(["A-1", "a-1"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    petrg.errors.ScoreError: the id of row 2 is that of row 1, ... — expected an id that can name a file — ...
    """
    seen: dict[str, int] = {}
    for row, case_id in enumerate(ids, 1):
        fault = _fault(case_id)
        if not fault:
            first = seen.setdefault(unicodedata.normalize("NFC", case_id).casefold(), row)
            fault = "" if first == row else f"is that of row {first}, case of letters apart"
        if fault:
            raise ScoreError(f"the id of row {row} {fault}", "an id that can name a file", "give the case another id")


def _fault(case_id: str) -> str:
    if not case_id.strip():
        return "is empty"
    if case_id != case_id.strip():
        return "begins or ends with a space"
    if case_id.startswith("."):
        return "begins with a dot"
    if "/" in case_id or "\\" in case_id:
        return "holds a path separator"
    if _SIGNS & set(case_id):
        return f"holds one of {' '.join(sorted(_SIGNS))}"
    if case_id.split(".")[0].strip().casefold() in _DEVICES:
        return "is the name of a device"
    if any(unicodedata.category(letter) in _HIDDEN for letter in case_id):
        return "holds a character that is not seen"
    if len(case_id.encode()) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    return ""
