"""One disagreement between a report and the image, the record or itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Code", "Mismatch", "differs", "shown"]

Code = Literal["study", "patient", "number", "text", "unit", "side", "place", "region", "source", "claim"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What a report states and what was found instead; holds nothing of the patient's identity.

    Parameters
    ----------
    code : str
        What disagrees: ``study`` and ``patient`` (the report is of another one), ``number``, ``text``, ``unit``,
        ``side``, ``place`` (voxel, slice, UID), ``region``, ``source`` (a lesion missing or unknown), ``claim``.
    at : str
        Where in the report, e.g. ``"findings.liver[0]"`` or ``"record.L1.suv_max"``.
    stated, found : str

    Examples
    --------
    >>> str(Mismatch("number", "record.L1.suv_max", "7.91", "7.90"))
    'record.L1.suv_max: the report states 7.91, the study shows 7.90'
    >>> str(Mismatch("study", "PET", "its voxels", "others"))
    'this report is of another study: PET, the report states its voxels, the study shows others'
    """

    code: Code
    at: str
    stated: str
    found: str

    def __str__(self) -> str:
        heads = {"study": "this report is of another study: ", "patient": "this report names another patient: "}
        head = heads.get(self.code)
        return (
            f"{head or ''}{self.at}{',' if head else ':'} the report states {self.stated}, the study shows {self.found}"
        )


def differs(stated: float | None, found: float | None, relative: float = 1e-4, absolute: float = 1e-6) -> bool:
    """Whether two readings of one number disagree; None agrees with None only.

    >>> differs(7.9107, 7.9107001), differs(7.9, 8.0), differs(None, 0.0)
    (False, True, True)
    """
    if stated is None or found is None:
        return stated is not found
    return abs(stated - found) > max(absolute, relative * max(abs(stated), abs(found)))


def shown(value: float | None) -> str:
    """A value as a mismatch prints it.

    >>> shown(7.91071234), shown(None)
    ('7.91071', 'no value')
    """
    return "no value" if value is None else f"{value:.6g}"
