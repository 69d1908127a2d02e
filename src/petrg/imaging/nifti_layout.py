"""Which NIfTI files make one case, by the names that research layouts use.

nnU-Net and PETRG (``<id>_0000``, ``<id>_0001``), autoPET (``CT, CTres, PET, SUV, SEG``), PETWB-REP
(``CT_RAW, PET_RAW, CT_NORM, PET_SUV``), LION and MOOSE (``CT_*``, ``PT_*``), BIDS-PET
(``sub-*_pet`` with a JSON beside it). Names decide; nothing is guessed from them beyond these rules.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Case", "Named", "cases_in", "id_of", "shown", "stem_of", "without_name"]

_AUTOPET = {"CT": "ct", "CTres": "ct-on-pet", "PET": "activity", "SUV": "suv", "SEG": "mask"}
_PETWB = {"CT_RAW": "ct", "PET_RAW": "activity", "CT_NORM": "normalised", "PET_SUV": "suv"}
_MASK = re.compile(r"(?:^|[_\W])(?:mask|seg|segmentation|labels?|label_?map|lesions?|anatomy|roi)(?:[_\W]|$)", re.I)
_REASONS = {
    "mask": "a mask or label map, no image",
    "normalised": "normalised values, not HU",
    "nac": "not attenuation-corrected",
    "dynamic": "dynamic PET",
    "other": "its name says neither CT nor PET",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A NIfTI file and the part its name gives it; ``home`` tells two cases of one id apart."""

    path: Path = field(repr=False)
    layout: str
    case: str
    role: str
    home: Path | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """Why it is no image of the case; empty where it is one."""
        return _REASONS.get(self.role, "")


@dataclass(frozen=True, slots=True)
class Case:
    """The files of one case."""

    id: str
    layout: str
    files: tuple[Named, ...]

    def of(self, *roles: str) -> list[Named]:
        """Files of the first of ``roles`` that any file has."""
        for role in roles:
            found = [file for file in self.files if file.role == role]
            if found:
                return found
        return []


_NAMED = "named"


def id_of(files: Sequence[Named]) -> str:
    """A stable id for files outside every layout; their own names may hold an identity."""
    return "nifti-" + hashlib.sha256("/".join(stem_of(file.path) for file in files).encode()).hexdigest()[:8]


_WORDS = {
    "autopet", "brain", "case", "ct", "data", "dlbcl", "fdg", "hecktor", "id", "image", "img", "lung", "lymphoma",
    "nifti", "pat", "patient", "pet", "petct", "petrg", "phantom", "psma", "pt", "record", "report", "sample", "scan",
    "series", "ses", "session", "study", "sub", "subj", "subject", "test", "train", "val", "valid",
}  # fmt: skip


def without_name(case: str) -> str:
    """A case id as it may stand in messages, tables and file names: itself, or a hash where it may be a person's name.

    >>> without_name("case7"), without_name("PETCT_0011f3deaf"), without_name("1234"), without_name("Li_Na-1961")
    ('case7', 'PETCT_0011f3deaf', '1234', 'nifti-1c9e9325')
    """
    runs = re.findall(r"[^\W\d_]+", case.lower())
    if all(run in _WORDS or (run.isascii() and len(run) == 1) or re.fullmatch("[a-f]+", run) for run in runs):
        return case
    return "nifti-" + hashlib.sha256(case.encode()).hexdigest()[:8]


def stem_of(path: Path) -> str:
    """The name without .nii or .nii.gz.

    >>> stem_of(Path("a/case7_0001.nii.gz"))
    'case7_0001'
    """
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.I)


def cases_in(paths: Iterable[Path], *, named_one_by_one: bool = False) -> tuple[list[Case], list[Named]]:
    """Group NIfTI files into cases; the second list is what belongs to none.

    Parameters
    ----------
    paths : iterable of Path
    named_one_by_one : bool
        The user listed the files: then a name that holds the word CT, or PET, PT or SUV, says its part.
    """
    files = [_named(path, named_one_by_one) for path in sorted(set(paths))]
    groups: dict[tuple[str, str, Path | None], list[Named]] = {}
    for file in files:
        if file.case:
            groups.setdefault((file.layout, file.case, file.home), []).append(file)
    cases = [
        Case(case if layout != "named" else id_of(group), layout, tuple(group))
        for (layout, case, _), group in groups.items()
        if any(file.role in ("ct", "ct-on-pet", "suv", "activity") for file in group)
    ]
    used = {file.path for case in cases for file in case.files}
    return sorted(cases, key=lambda case: case.id), [file for file in files if file.path not in used]


def _named(path: Path, named_one_by_one: bool) -> Named:
    stem = stem_of(path)
    for rule in (_nnunet, _bids, _autopet, _petwb, _lion):
        named = rule(path, stem)
        if named is not None:
            return named
    if _MASK.search(stem):
        return Named(path, "", "", "mask")
    if named_one_by_one:
        words = set(re.split(r"[^a-z]+", stem.lower()))
        if "ct" in words:
            return Named(path, "named", _NAMED, "ct")
        if words & {"pet", "pt", "suv"}:
            return Named(path, "named", _NAMED, "suv")
    return Named(path, "", "", "other")


def _nnunet(path: Path, stem: str) -> Named | None:
    match = re.fullmatch(r"(.+)_(0000|0001)", stem)
    role = "ct" if match and match[2] == "0000" else "suv"
    return Named(path, "nnunet", _clean(match[1]), role, path.parent) if match else None


def _bids(path: Path, stem: str) -> Named | None:
    match = re.fullmatch(r"(sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?)((?:_[a-z]+-[A-Za-z0-9]+)*)_(pet|ct)", stem)
    if not match:
        return None
    reconstruction = re.search(r"_rec-([A-Za-z0-9]+)", match[2])
    kind = reconstruction[1].lower() if reconstruction else ""
    role = (
        "ct" if match[3] == "ct" else "nac" if kind.startswith("nac") else "dynamic" if kind.endswith("dyn") else "bids"
    )
    return Named(path, "bids", match[1], "activity" if role == "bids" else role)


def _autopet(path: Path, stem: str) -> Named | None:
    if stem not in _AUTOPET:
        return None
    study, patient = path.resolve().parent, path.resolve().parent.parent
    return Named(path, "autopet", _clean(f"{patient.name}_{_short(study.name)}"), _AUTOPET[stem], study)


def _short(name: str) -> str:
    """A study folder's name where it is plain, else a hash of it: such names hold dates and protocols."""
    return name if re.fullmatch(r"[A-Za-z]{0,12}[-_]?\d{0,4}", name) else hashlib.sha256(name.encode()).hexdigest()[:6]


def _petwb(path: Path, stem: str) -> Named | None:
    folder = path.resolve().parent
    for part, role in _PETWB.items():
        if folder.name == part:
            return Named(path, "petwb-rep", _clean(folder.parent.name), role, folder.parent)
        if stem == part:
            return Named(path, "petwb-rep", _clean(folder.name), role, folder)
        if stem.endswith("_" + part):
            return Named(path, "petwb-rep", _clean(stem[: -len(part) - 1]), role, folder)
    return None


def _lion(path: Path, stem: str) -> Named | None:
    match = re.match(r"(CT|PT|PET)_", stem)
    if not match:
        return None
    role = "mask" if _MASK.search(stem[len(match[0]) - 1 :]) else "ct" if match[1] == "CT" else "suv"
    home = path.resolve().parent
    return Named(path, "lion", _clean(home.name), role, home)


def _clean(text: str) -> str:
    """A case id that can be a file name."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "case"


def shown(ids: Sequence[str], most: int = 8) -> str:
    """Some ids for a message.

    >>> shown(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = len(ids) - most
    return ", ".join(ids[:most]) + (f" and {rest} more" if rest > 0 else "")
