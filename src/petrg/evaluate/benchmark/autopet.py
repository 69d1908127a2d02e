"""AutoPET-RG-Lym, from the files of its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.benchmark.description import Description
from petrg.evaluate.benchmark.make import Content, Published, write_benchmark
from petrg.evaluate.benchmark.sexes import contradicted
from petrg.evaluate.cases.meta import Patient, read_meta
from petrg.evaluate.cases.tables import read_rows
from petrg.evaluate.cases.template import Template, read_template
from petrg.evaluate.cases.texts import digest
from petrg.evaluate.labels.files import read_labels
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.labels.texts import read_label_texts

__all__ = ["CASES", "LICENCE", "NAME", "SYSTEM", "import_autopet"]

NAME = "autopet-rg-lym"
CASES = 135
"""In the full release."""
LICENCE = "Apache-2.0"
SYSTEM = "petrg-3d-qwen3-8b"

_REPORTS, _META, _TEMPLATE, _PREDICTED = "reports.csv", "meta.csv", "template.json", "prediction_labels.json"
_LABELLED = ("reference_labels.json", "reference_labels", "labels.json", "labels")
"""Where labels of the references are looked for, first come first."""
_ID, _REFERENCE, _RAW, _CLEANED = "AccNum", "GT_report", "Pred_report", "Cleaned_Pred_report"


@dataclass
class _Found:
    """What the source holds, and what there is to say of it."""

    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)


def import_autopet(
    source: Path, directory: Path, *, licence: str = "", citation: str = "", version: str = "1", labeller: str = ""
) -> Description:
    """Make the benchmark from ``reports.csv``, ``meta.csv``, ``template.json`` and label files in ``source``.

    ``reports.csv`` has the columns ``AccNum``, ``GT_report`` and, of the released system, ``Pred_report`` and
    ``Cleaned_Pred_report``; others, ``Question`` for one, are passed over. Labels of the references are taken from
    ``reference_labels.json`` or a folder ``reference_labels`` or ``labels``; ``prediction_labels.json`` holds labels
    of the released system's reports and goes with these to ``systems/``, since labels of predictions are no truth.
    All but the reports may lack, and is then named among what is missing.

    Parameters
    ----------
    source : Path
        A folder.
    directory : Path
        Absent or empty.
    licence, citation : str
        As they shall stand in the description; licence by default that of the release.
    version : str
        Of the benchmark.
    labeller : str
        Who made the labels of the references, where their folder does not say.

    Raises
    ------
    ScoreError
        If there are no reports, a reference lacks, an id stands twice, or no id of a table is one of the reports.
    """
    source = Path(source)
    found = _Found()
    references, systems = _reports(source, found)
    patients = _patients(source, references, found)
    template = _template(source, references, patients, found)
    labels = _labels(source, references, found, labeller)
    if not citation:
        found.missing.append("a citation: give --citation")
    return write_benchmark(
        directory,
        Content(references=references, patients=patients, template=template, labels=labels, systems=systems),
        name=NAME,
        version=version,
        title="AutoPET-RG-Lym",
        language="zh",
        tokenizer="jieba",
        licence=licence or LICENCE,
        citation=citation,
        labels="none" if labels is None else "labeller",
        made_by=f"import {NAME}",
        missing=tuple(found.missing),
        notes=tuple(found.notes),
        sources=found.sources,
    )


def _reports(source: Path, found: _Found) -> tuple[dict[str, str], list[Published]]:
    path = source / _REPORTS
    columns, _ = read_rows(path)
    for needed in (_ID, _REFERENCE):
        if needed not in columns:
            raise ScoreError(
                f"{_REPORTS} has no column {needed!r}", f"{_ID}, {_REFERENCE}, {_RAW}, {_CLEANED}", "check the source"
            )
    found.sources[_REPORTS] = digest(path)
    by_column = {
        c: read_label_texts(path, column=c, id_column=_ID) for c in (_REFERENCE, _RAW, _CLEANED) if c in columns
    }
    references = {}
    for row, (key, text) in enumerate(by_column[_REFERENCE].items(), 1):
        if text is None:
            raise ScoreError(f"row {row} of {_REPORTS} has no {_REFERENCE}", "one in every row", "check the source")
        references[key] = text
    if len(references) != CASES:
        found.missing.append(f"cases: {len(references)} of {CASES} cases")
    told = [c for c in (_CLEANED, _RAW) if c in by_column]
    if not told:
        found.missing.append(f"reports of the released system: no column {_CLEANED} or {_RAW}")
        return references, []
    blank = sum(text is None for text in by_column[told[0]].values())
    if blank:
        found.missing.append(f"reports of the released system for {blank} of {len(references)} cases")
    rows = [(key, *(by_column[column][key] or "" for column in told)) for key in references]
    names = {_CLEANED: "report", _RAW: "raw_report" if _CLEANED in told else "report"}
    predicted = _predicted_labels(source, references, found)
    return references, [Published(name=SYSTEM, columns=("id", *(names[c] for c in told)), rows=rows, labels=predicted)]


def _predicted_labels(source: Path, references: Mapping[str, str], found: _Found) -> bytes | None:
    path = source / _PREDICTED
    if not path.is_file():
        found.missing.append(f"labels of the released system's reports: no {_PREDICTED}")
        return None
    labels = read_labels(path)
    _expect_some(labels.cases, references, _PREDICTED)
    _compare(labels.cases, references, f"{_PREDICTED}, the released system's labels,", found)
    found.notes.append(
        f"{_PREDICTED} labels the released system's reports, not the references: kept in systems/{SYSTEM}/"
    )
    found.sources[_PREDICTED] = digest(path)
    return path.read_bytes()


def _patients(source: Path, references: Mapping[str, str], found: _Found) -> dict[str, Patient]:
    path = source / _META
    if not path.is_file():
        found.missing.append(f"sexes and hospitals: no {_META}; no control that needs a sex can be formed")
        return {}
    known = read_meta(path, id_column=_ID)
    _expect_some(known, references, _META)
    _compare(known, references, _META, found)
    found.sources[_META] = digest(path)
    patients = {key: known[key] for key in references if key in known}
    if unknown := sum(patient.sex is None for patient in patients.values()):
        found.missing.append(f"sex of {unknown} of {len(references)} cases")
    if wrong := contradicted(references, patients):
        found.notes.append(
            f"warning: {len(wrong)} of {len(references)} references name an organ of the other sex than {_META} says"
        )
    return patients


def _template(
    source: Path, references: Mapping[str, str], patients: Mapping[str, Patient], found: _Found
) -> bytes | None:
    path = source / _TEMPLATE
    if not path.is_file():
        found.missing.append(f"healthy template: no {_TEMPLATE}")
        return None
    template = read_template(path)
    found.sources[_TEMPLATE] = digest(path)
    lacking = sum(not _covered(template, patients.get(key, Patient())) for key in references)
    if lacking:
        found.missing.append(
            f"healthy template for {lacking} of {len(references)} cases: none of their hospital and sex"
        )
    return path.read_bytes()


def _covered(template: Template, patient: Patient) -> bool:
    from petrg.evaluate.cases.case import Case

    case = Case(id="", reference="", prediction=None, sex=patient.sex, hospital=patient.hospital)
    return template.of(case) is not None


def _labels(source: Path, references: Mapping[str, str], found: _Found, labeller: str) -> LabelSet | None:
    path = next((source / name for name in _LABELLED if (source / name).exists()), None)
    if path is None:
        found.missing.append("labels of the references: both sides will be read by one labeller")
        return None
    labels = read_labels(path, strict=True)
    _expect_some(labels.cases, references, path.name)
    _compare(labels.cases, references, path.name, found)
    if lacking := references.keys() - labels.cases.keys():
        found.missing.append(f"labels of {len(lacking)} references, so those of the others are left out too")
        return None
    found.sources[path.name] = digest(path)
    return LabelSet(
        labeller=labeller or labels.labeller,
        cases={key: labels.cases[key] for key in references},
        languages=labels.languages,
    )


def _expect_some(known: Mapping[str, object], references: Mapping[str, str], name: str) -> None:
    if not known.keys() & references.keys():
        raise ScoreError(f"{name} names none of the cases of {_REPORTS}", "the same ids", "check the source")


def _compare(known: Mapping[str, object], references: Mapping[str, str], name: str, found: _Found) -> None:
    if extra := len(known.keys() - references.keys()):
        found.notes.append(f"{name} names {extra} cases that {_REPORTS} does not have; they are left out")
    if lacking := len(references.keys() - known.keys()):
        found.missing.append(f"{lacking} of {len(references)} cases in {name}")
