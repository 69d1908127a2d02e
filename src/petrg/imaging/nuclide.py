"""Half-lives of the positron emitters in use, and the names headers give them."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["F18", "HALF_LIFE_S", "is_fdg", "nuclide_of_half_life", "nuclide_of_name", "nuclide_of_tracer"]

F18 = "F-18"

HALF_LIFE_S: Mapping[str, float] = {
    "C-11": 1221.8,
    "N-13": 597.9,
    "O-15": 122.24,
    F18: 6586.2,
    "Cu-64": 45724.0,
    "Ga-68": 4062.6,
    "Rb-82": 76.4,
    "Zr-89": 282276.0,
    "I-124": 360806.0,
}
"""Physical half-life, s (DDEP / ENSDF)."""

TOLERANCE = 0.02
"""Headers write 6588 for 6586.2 and 4080 for 4062.6; 2 % keeps those and no two nuclides meet."""

_CODES = {
    "C-105A1": "C-11", "C-107A1": "N-13", "C-B1038": "O-15", "C-111A1": F18, "C-127A2": "Cu-64",
    "C-131A3": "Ga-68", "C-159A2": "Rb-82", "C-168A4": "Zr-89", "C-114A5": "I-124",
    "40565003": "C-11", "21576001": "N-13", "129504001": "O-15", "77004003": F18, "3932008": "Cu-64",
    "35337001": "Ga-68", "79197006": "Rb-82", "63360001": "Zr-89", "40937006": "I-124",
}  # fmt: skip  # SRT and SNOMED CT, DICOM CID 4020


def nuclide_of_name(*names: str | None) -> str | None:
    """Nuclide that the first of ``names`` holding one means: a code value, "18F", "F^18^", "Fluorine-18".

    >>> nuclide_of_name(None, "^18^Fluorine"), nuclide_of_name("C-131A3"), nuclide_of_name("Solution")
    ('F-18', 'Ga-68', None)
    """
    for name in names:
        if not name:
            continue
        if name in _CODES:
            return _CODES[name]
        for nuclide, pattern in _PATTERNS.items():
            if pattern.search(name):
                return nuclide
    return None


_WORDS = {
    "C": "carbon",
    "N": "nitrogen",
    "O": "oxygen",
    "F": "fluorine",
    "Cu": "copper",
    "Ga": "gallium",
    "Rb": "rubidium",
    "Zr": "zirconium",
    "I": "iodine",
}


def _pattern(nuclide: str) -> re.Pattern[str]:
    """The mass before or after the element, as symbol (18F, F^18^, 68GA) or word (Fluorine-18)."""
    element, mass = nuclide.split("-")
    name = rf"(?:(?i:{_WORDS[element]})|{element}(?![a-z])|{element.upper()}(?![A-Za-z]))"
    after = rf"(?:(?i:{_WORDS[element]})|(?<![A-Za-z])(?:{element}|{element.upper()}))"
    gap = r"[^A-Za-z0-9]{0,3}"
    return re.compile(rf"(?<!\d){mass}{gap}{name}|{after}{gap}{mass}(?!\d)")


_PATTERNS = {nuclide: _pattern(nuclide) for nuclide in HALF_LIFE_S}


def nuclide_of_half_life(half_life_s: float | None) -> str | None:
    """The nuclide whose half-life this is, within 2 %.

    >>> nuclide_of_half_life(6588.0), nuclide_of_half_life(109.8)
    ('F-18', None)
    """
    near = [name for name, own in HALF_LIFE_S.items() if half_life_s and abs(half_life_s - own) <= TOLERANCE * own]
    return near[0] if near else None


def is_fdg(tracer: str | None) -> bool:
    """Whether a tracer's name means FDG.

    >>> is_fdg("FDG -- fluorodeoxyglucose"), is_fdg("F-18 FDG"), is_fdg("FLT"), is_fdg(None)
    (True, True, False, False)
    """
    return bool(tracer and re.search(r"FDG|FLU[OR]+[- ]?DEOXY[- ]?(D[- ]?)?GLUCOSE", tracer.upper()))


def nuclide_of_tracer(tracer: str | None) -> str | None:
    """The nuclide a tracer's name says or, for FDG, implies.

    >>> nuclide_of_tracer("FDG"), nuclide_of_tracer("68Ga-DOTATATE"), nuclide_of_tracer("choline")
    ('F-18', 'Ga-68', None)
    """
    return F18 if is_fdg(tracer) else nuclide_of_name(tracer)
