"""A benchmark read from its folder: verified first, then references, patients, template and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.benchmark.content import expect_whole
from petrg.evaluate.benchmark.description import DESCRIPTION, Description, read_description
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.cases.meta import Patient, read_meta
from petrg.evaluate.cases.tables import read_rows
from petrg.evaluate.cases.template import Template, read_template
from petrg.evaluate.labels.files import read_labels
from petrg.evaluate.labels.label_set import LabelSet

__all__ = ["LABELS", "META", "REFERENCES", "SYSTEMS", "TEMPLATE", "Benchmark", "open_benchmark"]

REFERENCES = "references.csv"
META = "meta.csv"
TEMPLATE = "template.json"
LABELS = "labels"
SYSTEMS = "systems"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A benchmark whose files are those that were made.

    Parameters
    ----------
    description : Description
    references : mapping of id -> report
        In the order of the file.
    patients : mapping of id -> Patient
        Of those that the table of patients names.
    template : Template or None
    labels : LabelSet or None
        Of the references.
    """

    description: Description
    references: Mapping[str, str]
    patients: Mapping[str, Patient]
    template: Template | None
    labels: LabelSet | None

    def cases(self, predictions: Mapping[str, str | None], sources: Mapping[str, str]) -> Cases:
        """The benchmark's cases with a system's reports; None where it gave none.

        Parameters
        ----------
        predictions : mapping of id -> report
        sources : mapping of role -> sha256
            Of the predictions; the benchmark's hash is added.

        Raises
        ------
        ScoreError
            If a prediction is of no case of the benchmark, or there is none of any.
        """
        unknown = [row for row, key in enumerate(predictions, 1) if key not in self.references]
        if unknown:
            raise ScoreError(
                f"{len(unknown)} of {len(predictions)} predictions are of no case of {self.description.name}, "
                f"the first in row {unknown[0]}",
                "the ids of references.csv",
                "check --id-column, or take those rows away",
            )
        if not any(predictions.values()):
            raise ScoreError("no case has a prediction", "a report in some row", "check --prediction-column")
        cases = []
        for key, text in self.references.items():
            known = self.patients.get(key, Patient())
            cases.append(
                Case(
                    id=key,
                    reference=text,
                    prediction=predictions.get(key),
                    sex=known.sex,
                    hospital=known.hospital,
                    patient=known.patient or key,
                )
            )
        return Cases(cases=tuple(cases), sources={"benchmark": self.description.hash, **sources})


def open_benchmark(directory: Path, *, images: bool = False) -> Benchmark:
    """Verify the benchmark in ``directory`` and read it.

    Parameters
    ----------
    images : bool
        Verify the images too.

    Raises
    ------
    ScoreError
        If the folder is no benchmark, a file of it was changed, added or lost, or its parts do not fit each other.
    """
    directory = Path(directory)
    description = read_description(directory)
    expect_whole(directory, description, images=images)
    _, rows = read_rows(directory / REFERENCES)
    references = {row["id"]: row["reference"] for row in rows if row.get("id") and row.get("reference")}
    if len(references) != description.cases:
        raise ScoreError(
            f"references.csv has {len(references)} cases",
            f"{description.cases}, as {DESCRIPTION} says",
            "make the benchmark anew",
        )
    meta, template, labels = (directory / name for name in (META, TEMPLATE, LABELS))
    found = read_labels(labels, strict=True) if labels.is_dir() else None
    if found is not None and (lacking := references.keys() - found.cases.keys()):
        raise ScoreError(
            f"labels of {len(lacking)} cases are missing", "labels of every reference", "make the benchmark anew"
        )
    return Benchmark(
        description=description,
        references={str(key): str(text) for key, text in references.items()},
        patients=read_meta(meta, id_column="id") if meta.is_file() else {},
        template=read_template(template) if template.is_file() else None,
        labels=found,
    )
