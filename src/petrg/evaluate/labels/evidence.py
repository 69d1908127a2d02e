"""Beside every label file, where each label was read: ``evidence/<id>.json`` and ``evidence/labeller.toml``."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from petrg import __version__
from petrg.anatomy import Region
from petrg.errors import ReportError, ScoreError
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.evaluate.toml import TomlValue, to_toml
from petrg.report import Span, Structure, Uptake
from petrg.report.model import Model

__all__ = [
    "CaseEvidence",
    "PartEvidence",
    "RegionEvidence",
    "cell_of",
    "evidence_of",
    "labeller_toml",
    "read_evidence",
    "read_labeller",
]


class PartEvidence(Model):
    """Why one class or number is what it is; ``value`` None where nothing was said."""

    value: int | float | None = None
    basis: Annotated[str, Field(description="stated, implied, silent; empty where the labeller does not tell")] = ""
    rule: str = ""
    spans: tuple[Span, ...] = ()
    quotes: Annotated[tuple[str, ...], Field(description="the characters at the spans, where the text is known")] = ()

    def spots(self) -> tuple[Spot, ...]:
        """The spans as a cell holds them."""
        return tuple(Spot(span.start, span.end) for span in self.spans)


class RegionEvidence(Model):
    """The evidence of a region's uptake, structure and SUV."""

    pet: PartEvidence = PartEvidence()
    ct: PartEvidence = PartEvidence()
    suv: PartEvidence = PartEvidence()


class CaseEvidence(Model):
    """The evidence of one case (schema 1)."""

    schema_version: Literal[1] = 1
    language: str = ""
    text_sha256: Annotated[str, Field(description="of the text read, in UTF-8; empty where it is not known")] = ""
    regions: dict[Region, RegionEvidence]


def evidence_of(cells: Mapping[Region, Cell], text: str | None, language: str) -> CaseEvidence:
    """What is known of why each cell is what it is; quotes only where the ``text`` is given."""
    return CaseEvidence(
        language=language,
        text_sha256="" if text is None else hashlib.sha256(text.encode()).hexdigest(),
        regions={region: _region(cell, text) for region, cell in cells.items()},
    )


def _region(cell: Cell, text: str | None) -> RegionEvidence:
    values = (cell.pet, cell.ct, cell.suv_max)
    parts = [
        PartEvidence(
            value=value if value is None or isinstance(value, float) else int(value),
            basis=basis,
            rule=rule,
            spans=tuple(Span(start=s.start, end=s.end) for s in spots),
            quotes=() if text is None else tuple(text[s.start : s.end] for s in spots),
        )
        for value, basis, rule, spots in zip(values, cell.basis, cell.rules, cell.spots, strict=True)
    ]
    return RegionEvidence(pet=parts[0], ct=parts[1], suv=parts[2])


def cell_of(evidence: RegionEvidence, description: str) -> Cell:
    """The cell that the evidence was made of.

    Raises
    ------
    ValueError
        If a value is no class.
    """
    pet, ct, suv = evidence.pet, evidence.ct, evidence.suv
    return Cell(
        pet=None if pet.value is None else Uptake(pet.value),  # type: ignore[arg-type]  # 1.5 is a ValueError
        ct=None if ct.value is None else Structure(ct.value),  # type: ignore[arg-type]
        suv_max=None if suv.value is None else float(suv.value),
        description=description,
        basis=(pet.basis, ct.basis, suv.basis),
        rules=(pet.rule, ct.rule, suv.rule),
        spots=(pet.spots(), ct.spots(), suv.spots()),
    )


def labeller_toml(labels: LabelSet) -> str:
    """Who labelled, with what, in which languages, and which texts.

    >>> labels = LabelSet(labeller="petrg-reading 1", cases={"a": {}}, languages={"a": "zh"})
    >>> print(labeller_toml(labels).split("petrg =")[0])
    labeller = "petrg-reading 1"
    name = "petrg-reading"
    version = "1"
    languages = [
      "zh",
    ]
    cases = 1
    <BLANKLINE>
    """
    name, _, version = labels.labeller.partition(" ")
    facts: dict[str, TomlValue] = {
        "labeller": labels.labeller,
        "name": name,
        "version": version,
        "languages": sorted(set(labels.languages.values())),
        "cases": len(labels.cases),
        "petrg": __version__,
    }
    known = {key: labels.texts[key] for key in labels.cases if key in labels.texts}
    facts["text_sha256"] = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in known.items()}
    return to_toml(facts)


def read_labeller(path: Path) -> tuple[str, dict[str, str]]:
    """Labeller and sha256 of texts by id, of an ``evidence/labeller.toml``; ("given", {}) where there is none.

    Raises
    ------
    ScoreError
        If the file is there and does not say.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "given", {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unsaid() from error
    name, hashes = facts.get("labeller"), facts.get("text_sha256", {})
    if not isinstance(name, str) or not name.strip() or not _all_text(hashes):
        raise _unsaid()
    return name, hashes


def read_evidence(folder: Path, ids: Iterable[str]) -> dict[str, CaseEvidence]:
    """The evidence files of ``ids`` beside a folder of labels; those that are not there are left out.

    Raises
    ------
    ScoreError
        If one breaks its schema.
    """
    paths = {key: folder / "evidence" / f"{key}.json" for key in ids} if folder.is_dir() else {}
    try:
        return {key: CaseEvidence.read(path) for key, path in paths.items() if path.is_file()}
    except ReportError as error:
        raise ScoreError(
            "an evidence file breaks its schema", "what `petrg labels extract` wrote", "extract the labels anew"
        ) from error


def _all_text(hashes: object) -> bool:
    return isinstance(hashes, dict) and all(isinstance(value, str) for value in _values(hashes))


def _values(table: Mapping[object, object]) -> Iterable[object]:
    return table.values()


def _unsaid() -> ScoreError:
    return ScoreError(
        "evidence/labeller.toml does not name the labeller",
        "the file that `petrg labels extract` wrote",
        "extract the labels anew, or remove the file",
    )
