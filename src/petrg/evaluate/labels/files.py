"""Label files, the authors' JSON: one a case in a folder, or one object of all cases."""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.cases.ids import expect_file_names
from petrg.evaluate.labels.evidence import (
    CaseEvidence,
    PartEvidence,
    RegionEvidence,
    evidence_of,
    labeller_toml,
    read_evidence,
    read_labeller,
)
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.files import output_directory
from petrg.report import Structure, Uptake, authors_entry

__all__ = [
    "class_of",
    "expect_no_others",
    "object_of",
    "parse_suv",
    "read_labels",
    "regions_of",
    "write_labels",
]

_EVIDENCE = "evidence"

C = TypeVar("C", bound=IntEnum)


def read_labels(path: Path, *, strict: bool = False) -> LabelSet:
    """Labels of a folder (one JSON a case, its name the id) or of one JSON object, ``{id: {region: …}}``.

    Regions are known by their zh title, the key of the authors' files; full-width or not, and the en title or id,
    do as well. Classes are the strings "1".."5" and "1".."8"; the integers of the same value are accepted. A null
    is "not assessed" (None, scored as normal and counted). Anything else, an absent key among it, is a fault
    (`Cell.pet_fault`, `Cell.ct_fault`). A region that is not there, or is no object, is absent. Where
    ``evidence/<id>.json`` agrees with the label, it tells the basis, the rule and the spans, and that a "normal"
    was silence (None); where a label was changed by hand, the label counts.

    Parameters
    ----------
    path : Path
    strict : bool
        Refuse what cannot be read as labels at all, as for references. Else such a case has no region: all wrong.

    Raises
    ------
    ScoreError
        If ``path`` cannot be read or no case holds labels; with ``strict``, at the first case that holds none.
    """
    path = Path(path)
    if os.path.isdir(path):
        return _read_folder(path, strict=strict)
    document = _load(path)
    if document is None:
        raise ScoreError("the label file is no JSON object", "labels of the 24 regions", "check the file")
    if regions_of(document):
        document = {path.stem: document}
    unread = [row for row, value in enumerate(document.values(), 1) if not _is_labels(value)]
    if not document or (unread and (strict or len(unread) == len(document))):
        raise _no_labels(f"case {unread[0]} of the label file" if unread else "the label file")
    return LabelSet(labeller="given", cases={key: _cells(value, None) for key, value in document.items()})


def _read_folder(folder: Path, *, strict: bool) -> LabelSet:
    paths = _label_files(folder)
    if not paths:
        raise ScoreError("the folder holds no label file", "one JSON a case", "check the path")
    expect_file_names(path.stem for path in paths)
    labeller, _ = read_labeller(folder / _EVIDENCE / "labeller.toml")
    evidences = read_evidence(folder, (path.stem for path in paths))
    cases: dict[str, dict[Region, Cell]] = {}
    languages: dict[str, str] = {}
    for row, path in enumerate(paths, 1):
        document = _load(path)
        if not _is_labels(document):
            if strict:
                raise _no_labels(f"label file {row} of the folder, by name,")
            cases[path.stem] = {}
            continue
        evidence = evidences.get(path.stem)
        cases[path.stem] = _cells(document, evidence)
        if evidence is not None and evidence.language:
            languages[path.stem] = evidence.language
    if not any(cases.values()):
        raise _no_labels("every JSON file of the folder")
    return LabelSet(labeller=labeller, cases=cases, languages=languages)


def _label_files(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() == ".json" and path.is_file()]
    except OSError as error:
        raise ScoreError(f"cannot read the labels: {error.strerror}", "a folder or a file", "check the path") from error
    return sorted(path for path in found if not path.name.startswith("."))


def _no_labels(what: str) -> ScoreError:
    return ScoreError(f"{what} holds no labels", "the 24 regions with pet_status and ct_status", "write it anew")


def _load(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where the file holds none, or a key twice, which would hide one of two answers."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ScoreError(f"cannot read the labels: {error.strerror}", "a folder or a file", "check the path") from error
    except UnicodeDecodeError:
        return None
    try:
        document = json.loads(text, object_pairs_hook=object_of)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand once (``object_pairs_hook`` of json).

    Raises
    ------
    ValueError
        At a key that stands twice.
    """
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _is_labels(value: object) -> bool:
    return isinstance(value, dict) and bool(regions_of(value))


def regions_of(document: Mapping[str, Any]) -> dict[Region, Any]:
    """The regions that a case's object names; of two names of one region the first."""
    found: dict[Region, Any] = {}
    for key, value in document.items():
        region = _titles().get(_plain(key))
        if region is not None and isinstance(value, dict):
            found.setdefault(region, value)
    return found


@cache
def _titles() -> dict[str, Region]:
    return {_plain(title): r for r in Region for title in (r.title("zh"), r.title("en"), r.value)}


def _plain(title: str) -> str:
    return "".join(unicodedata.normalize("NFKC", title).split()).casefold()


def _cells(document: object, evidence: CaseEvidence | None) -> dict[Region, Cell]:
    if not isinstance(document, dict):
        return {}
    known = {} if evidence is None else evidence.regions
    found = regions_of(document)
    return {region: _cell(found[region], known.get(region)) for region in Region if region in found}


def _cell(entry: Mapping[str, Any], evidence: RegionEvidence | None) -> Cell:
    pet, ct = class_of(Uptake, entry.get("pet_status")), class_of(Structure, entry.get("ct_status"))
    suv, said = parse_suv(entry.get("suv")), entry.get("ct_description")
    cell = Cell(
        pet=pet,
        ct=ct,
        suv_max=suv,
        description=_text(said) if isinstance(said, str) else "",
        pet_fault=pet is None and entry.get("pet_status", "") is not None,
        ct_fault=ct is None and entry.get("ct_status", "") is not None,
    )
    return cell if evidence is None else _explained(cell, evidence)


def _explained(cell: Cell, evidence: RegionEvidence) -> Cell:
    """The cell with the evidence of those parts that still hold what was read."""
    parts = [
        part if _same(value, part, normal) else PartEvidence()
        for value, part, normal in (
            (cell.pet, evidence.pet, Uptake.NORMAL),
            (cell.ct, evidence.ct, Structure.NORMAL),
            (cell.suv_max, evidence.suv, None),
        )
    ]
    silent_pet = cell.pet is Uptake.NORMAL and parts[0] is evidence.pet and parts[0].value is None
    silent_ct = cell.ct is Structure.NORMAL and parts[1] is evidence.ct and parts[1].value is None
    pet, ct, suv = parts
    return cell._replace(
        pet=None if silent_pet else cell.pet,
        ct=None if silent_ct else cell.ct,
        basis=(pet.basis, ct.basis, suv.basis),
        rules=(pet.rule, ct.rule, suv.rule),
        spots=(pet.spots(), ct.spots(), suv.spots()),
    )


def _same(value: float | None, part: PartEvidence, silence: int | None) -> bool:
    return value == part.value or (part.value is None and value == silence)


def class_of(classes: type[C], value: object) -> C | None:
    """The class that a label names, as a digit in a string or as an integer; None for anything else.

    >>> class_of(Uptake, "1"), class_of(Uptake, 1), class_of(Uptake, "6"), class_of(Uptake, True)
    (<Uptake.HIGH: 1>, <Uptake.HIGH: 1>, None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10 else ""
    digits = value.strip() if isinstance(value, str) else ""
    return next((one for one in classes if digits == str(int(one))), None)


_NUMBER = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?|\.\d+)(?![\d]|\s*(?:mm|cm|ml|%|[×x*]\s*\d))")
_DECIMAL_COMMA = re.compile(r"(?<![\d,])(\d+),(\d{1,2})(?![\d,])")
_GRADE = re.compile(r"deauville ?(?:score)? ?[:=]? ?\d")


def parse_suv(value: object) -> float | None:
    """The highest SUV of a label's ``suv``, text or number; None where it names none.

    Sizes, percentages and Deauville grades are no SUV; "4,5" is 4.5 where no point stands in the text.

    Examples
    --------
    >>> [parse_suv(v) for v in ("SUVmax: 4.5", "SUVmax：４．５", "约3.2-6.7", "4,5", "SUVmax 2.1, 12 mm", 4, "", "无")]
    [4.5, 4.5, 6.7, 4.5, 2.1, 4.0, None, None]
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e6 and math.isfinite(value) and value >= 0 else None
    if not isinstance(value, str):
        return None
    text = _GRADE.sub(" ", " ".join(unicodedata.normalize("NFKC", value).casefold().split()))
    if "." not in text:
        text = _DECIMAL_COMMA.sub(r"\1.\2", text)
    numbers = [float(found) for found in _NUMBER.findall(text) if len(found) < 16]
    return max(numbers, default=None)


def _text(said: str) -> str:
    """The text without half characters (JSON can hold them, UTF-8 cannot)."""
    return said.encode("utf-8", "replace").decode("utf-8")


def write_labels(labels: LabelSet, directory: Path) -> None:
    """Write every case's label file, its evidence, and who labelled: all or none.

    Files of the same cases are replaced.

    Raises
    ------
    ScoreError
        If an id cannot name a file, or the folder holds labels of other cases, which would be taken for this run's.
    OutputError
        If the folder cannot be written.
    """
    directory = Path(directory)
    expect_file_names(labels.cases)
    expect_no_others(directory, labels.cases)
    with output_directory(directory) as aside:
        (aside / _EVIDENCE).mkdir()
        for key, cells in labels.cases.items():
            text, language = labels.texts.get(key), labels.languages.get(key, "")
            entries = {region.title("zh"): _entry(cells[region]) for region in Region if region in cells}
            dumped = json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
            (aside / f"{key}.json").write_text(dumped, encoding="utf-8")
            (aside / _EVIDENCE / f"{key}.json").write_text(
                evidence_of(cells, text, language).to_json(), encoding="utf-8"
            )
        (aside / _EVIDENCE / "labeller.toml").write_text(labeller_toml(labels), encoding="utf-8")


def _entry(cell: Cell) -> dict[str, str]:
    """The authors' four strings; a fault is empty, so that it is read as a fault again."""
    entry = authors_entry(cell)
    if cell.pet_fault:
        entry["pet_status"] = ""
    if cell.ct_fault:
        entry["ct_status"] = ""
    return entry


def expect_no_others(directory: Path, ids: Iterable[str]) -> None:
    """Refuse a folder that holds label files of other cases than ``ids``.

    Raises
    ------
    ScoreError
        With their number.
    """
    own = set(ids)
    folders = [folder for folder in (directory, directory / _EVIDENCE) if folder.is_dir()]
    others = {path.stem for folder in folders for path in _label_files(folder)} - own
    if others:
        raise ScoreError(
            f"the output folder holds {len(others)} JSON files of other cases, of an earlier run maybe",
            "an empty folder, or one of the same cases",
            "choose another -o, or remove them",
        )
