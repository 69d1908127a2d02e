"""The report: 24 regions of statements, each with the evidence it rests on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from petrg.anatomy import Region
from petrg.report.classes import Modality
from petrg.report.finding import Finding
from petrg.report.model import Model
from petrg.report.record import Note, Record
from petrg.report.slots import Number

__all__ = ["WATERMARK", "Fact", "PatientBlock", "RegionReport", "Report", "Statement", "StatementKind"]

WATERMARK = {"en": "Draft, not for diagnosis, unverified", "zh": "草稿，未经审核，不得用于诊断"}
"""What every output says until a physician signs it."""


class StatementKind(StrEnum):
    """Why a sentence stands in the report."""

    FINDING = "finding"
    INDETERMINATE = "indeterminate"
    PHYSIOLOGIC = "physiologic"
    NORMAL = "normal"
    NOT_ASSESSED = "not-assessed"
    OUT_OF_FIELD = "out-of-field"
    MEASUREMENT = "measurement"
    REMARK = "remark"


class Statement(Model):
    """One sentence, its numbers by character span, and the lesions it speaks of."""

    text: str
    kind: StatementKind
    modality: Modality | None = None
    lesion_ids: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    finding: Finding | None = None

    @model_validator(mode="after")
    def _spans_print_their_values(self) -> Self:
        for number in self.numbers:
            shown = self.text[number.span.start : number.span.end]
            if shown != f"{number.value:.{number.decimals}f}":
                raise ValueError(f"text {shown!r} at {number.span.start} is not the number it is linked to")
        return self


class RegionReport(Model):
    """The statements on one region; never empty: what was not assessed says so."""

    region: Region
    statements: Annotated[tuple[Statement, ...], Field(min_length=1)]

    @property
    def text(self) -> str:
        """The statements as one paragraph."""
        texts = [s.text for s in self.statements]
        return "".join(texts) if texts[0].endswith("。") else " ".join(texts)


class Fact(Model):
    """A row of the acquisition table or of the context; ``source`` is header, user, computed or given."""

    key: str
    value: str | float | None
    unit: str = ""
    source: str = "header"


class PatientBlock(Model):
    """Identity as in the header; every field None in a de-identified report."""

    name: str | None = None
    patient_id: str | None = None
    birth_date: str | None = None
    accession_number: str | None = None
    study_date: str | None = None
    sex: str | None = None
    age_years: float | None = None


class Report(Model):
    """A draft report (schema 1)."""

    schema_version: Literal[1] = 1
    study_id: str
    language: Literal["zh", "en"]
    style: str
    writer: Annotated[str, Field(description="what wrote the sentences, e.g. 'measured-1'")]
    status: Literal["draft, not for diagnosis, unverified"] = "draft, not for diagnosis, unverified"
    deidentified: bool = False
    patient: PatientBlock = PatientBlock()
    context: tuple[Fact, ...] = ()
    acquisition: tuple[Fact, ...] = ()
    indication: tuple[Statement, ...] = ()
    technique: tuple[Statement, ...] = ()
    comparison: tuple[Statement, ...] = ()
    findings: tuple[RegionReport, ...]
    impression: tuple[Statement, ...] = ()
    record: Record
    problems: tuple[Note, ...] = ()
    provenance: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _all_regions_in_order(self) -> Self:
        got = [f.region for f in self.findings]
        if got != list(Region):
            missing = [r.value for r in Region if r not in got]
            raise ValueError(f"findings must hold the 24 regions in order; missing: {missing or 'none, order differs'}")
        return self

    def __getitem__(self, region: Region) -> RegionReport:
        return self.findings[list(Region).index(region)]

    def statements(self) -> tuple[Statement, ...]:
        """Every sentence of the report, in reading order."""
        regions = (s for r in self.findings for s in r.statements)
        return (*self.indication, *self.technique, *self.comparison, *regions, *self.impression)
