"""Errors petrg raises on purpose, and the problems it reports without raising.

    PetrgError                      anything below
    ├── InputError                  the input cannot be used; exit code 2
    │   ├── StudyError              no single CT and PET of one patient can be read
    │   │   ├── GeometryError       positions do not make one regular grid
    │   │   ├── PixelError          pixel data is missing, truncated or undecodable
    │   │   └── SuvError            SUV cannot be had from this header
    │   ├── UnitError               a volume holds another quantity than needed
    │   ├── MaskError               a lesion mask or label map does not fit the study
    │   ├── ContextError            a clinical context breaks its schema
    │   ├── StyleError              a hospital style breaks its schema
    │   ├── ReportError             a report, record or label file breaks its schema
    │   ├── ScoreError              reports, labels or a benchmark that cannot be scored
    │   ├── RemoteError             a server gave no usable answer
    │   ├── ModelError              weights, a recipe or a training set that cannot be used
    │   ├── CheckError              a report disagrees with the image
    │   └── OutputError             the output cannot be written
    └── MissingExtra                an optional dependency is not installed

Every message is one line: what was found — what was expected — what to do.
None ever holds a patient's name, identifier or date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CheckError",
    "ContextError",
    "GeometryError",
    "InputError",
    "MaskError",
    "MissingExtra",
    "ModelError",
    "OutputError",
    "PetrgError",
    "PixelError",
    "Problem",
    "RemoteError",
    "ReportError",
    "ScoreError",
    "StudyError",
    "StyleError",
    "SuvError",
    "UnitError",
    "first_fault",
]


class PetrgError(Exception):
    """Base of every error petrg raises on purpose."""

    exit_code = 1


class InputError(PetrgError):
    """The input cannot be used.

    Parameters
    ----------
    found, expected, do : str
        The three parts of the line a user reads.

    Examples
    --------
    >>> str(InputError("weight is 0 kg", "a weight above 0 kg", "give --weight-kg"))
    'weight is 0 kg — expected a weight above 0 kg — give --weight-kg'
    """

    exit_code = 2

    def __init__(self, found: str, expected: str, do: str) -> None:
        self.found, self.expected, self.do = (" ".join(part.split()) for part in (found, expected, do))
        super().__init__(f"{self.found} — expected {self.expected} — {self.do}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        return type(self), (self.found, self.expected, self.do)


class StudyError(InputError):
    """The path does not hold one readable PET/CT study of one patient."""


class GeometryError(StudyError):
    """Image positions do not make one regular grid."""


class PixelError(StudyError):
    """Pixel data is missing, truncated or cannot be decoded."""


class SuvError(StudyError):
    """SUV cannot be computed from what the header and the user give."""


class UnitError(InputError):
    """A volume holds another quantity than the operation accepts."""


class MaskError(InputError):
    """A lesion mask or a label map does not fit the study."""


class ContextError(InputError):
    """A clinical context breaks its schema."""


class StyleError(InputError):
    """A hospital style breaks its schema."""


class ReportError(InputError):
    """A report, record or label file breaks its schema."""


class ScoreError(InputError):
    """Reports, label files or a benchmark cannot be scored as given."""


class RemoteError(InputError):
    """A server could not be reached or gave no usable answer."""


class ModelError(InputError):
    """Weights, a recipe, a training configuration or a data set that cannot be used."""


class CheckError(InputError):
    """A report states what the image does not show."""


class OutputError(InputError):
    """The output cannot be written."""


class MissingExtra(PetrgError):
    """An optional dependency is not installed.

    >>> str(MissingExtra("the bench", "monai", "bench"))
    "the bench needs monai — run: pip install 'petrg[bench]'"
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        self.feature, self.package, self.extra = feature, package, extra
        super().__init__(f"{feature} needs {package} — run: pip install 'petrg[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str, str]]:
        return type(self), (self.feature, self.package, self.extra)


_FAULTS = {"extra_forbidden": "unknown key", "missing": "missing"}


def first_fault(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The key and the fault that a schema's validation names first (pydantic's ``ValidationError.errors()``).

    >>> first_fault([{"loc": ("therapy", 0, "nam"), "type": "extra_forbidden", "msg": "Extra inputs are …"}])
    ('therapy.0.nam', 'unknown key')
    """
    first = errors[0]
    return ".".join(map(str, first["loc"])), _FAULTS.get(first["type"], first["msg"])


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader should know that did not stop the work.

    Parameters
    ----------
    code : str
        A stable identifier in kebab-case, for machines.
    text : str
        One line for people; no name, identifier or date of a patient.
    refusal : bool
        True where it would stop every verb but ``inspect``.
    """

    code: str
    text: str
    refusal: bool = False

    def __str__(self) -> str:
        return self.text
