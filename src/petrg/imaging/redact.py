"""Keep a patient's identity out of what is not the report: headers hold it in fields that should not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["hider", "redacted"]

_DATE = re.compile(r"(?<!\d)(19|20)\d\d[-./]?(0[1-9]|1[0-2])[-./]?([0-2]\d|3[01])(?!\d)")
_UID = re.compile(r"(?=.{3,64}\Z)[0-9]+(\.[0-9]+)+")  # without a dot it may be a date or a number of a patient
_OURS = {
    "study_id",
    "reason",
    "text",
    "code",
    "branch",
    "source",
    "sources",
    "quantity",
    "time_point",
    "modality",
    "role",
}
_LARGEST = 1e5  # a number that could be an identifier or a date


def hider(values: Iterable[str | None]) -> Callable[[str], bool]:
    """A function that tells whether free text holds a word of these names and identifiers, or any date.

    Examples
    --------
    >>> holds = hider(["Roe^Jane", "P-0001", None])
    >>> holds("PET WB"), holds("PET of ROE"), holds("P-0001 AC"), holds("20240501")
    (False, True, True, True)
    >>> holds("Roentgen unit")
    False
    >>> [hider(["Xu^Yi"])(free) for free in ("PET XuYi", "yixu", "Xu", "luxury")]
    [True, True, True, False]
    """
    words: set[str] = set()
    for value in values:
        for group in (value or "").casefold().split("="):
            parts = [w for w in re.split(r"[\\^,\s]+", group) if w]
            # a short name counts, a short number does not; names are also run together, in either order
            words |= {w for w in parts if len(w) > 2 or (len(w) == 2 and w.isalpha()) or not w.isascii()}
            words |= {joined for w in (parts, parts[::-1]) if len(joined := "".join(w)) > 3}
    patterns = [
        re.escape(w) if len(w) > 4 or not w.isascii() else rf"(?<![a-z0-9]){re.escape(w)}(?![a-z0-9])" for w in words
    ]
    who = re.compile("|".join(sorted(patterns)) or r"(?!)")
    return lambda free: bool(_DATE.search(free) or who.search(free.casefold()))


def redacted(value: Any, holds: Callable[[str], bool], key: str = "") -> Any:
    """A copy of JSON-like ``value`` in which text and numbers that hold identity are None; UIDs must be UIDs."""
    if key in _OURS:
        return value
    if isinstance(value, dict):
        return {k: redacted(v, holds, str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(v, holds, key) for v in value if not (isinstance(v, str) and holds(v))]
    if isinstance(value, str):
        if key.endswith("uid"):
            return value if _UID.fullmatch(value) else None
        return None if holds(value) else value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= _LARGEST:
        return None if holds(f"{value:.0f}") else value
    return value
