"""What a report is: classes, findings, the record of measurements, labels, slots, the report itself."""

from petrg.report.classes import FindingKind, Modality, Structure, Uptake
from petrg.report.finding import Finding, Span
from petrg.report.labels import Label, authors_entry, project, to_authors_json
from petrg.report.record import (
    Assessment,
    AssessmentState,
    CtRead,
    InputFact,
    Lesion,
    LesionStatus,
    Note,
    Record,
    Reference,
    References,
    RegionCandidate,
    RegionGuess,
    Threshold,
    Totals,
    Where,
)
from petrg.report.report import WATERMARK, Fact, PatientBlock, RegionReport, Report, Statement, StatementKind
from petrg.report.slots import Number, NumberQuantity, fill, slot

__all__ = [
    "WATERMARK",
    "Assessment",
    "AssessmentState",
    "CtRead",
    "Fact",
    "Finding",
    "FindingKind",
    "InputFact",
    "Label",
    "Lesion",
    "LesionStatus",
    "Modality",
    "Note",
    "Number",
    "NumberQuantity",
    "PatientBlock",
    "Record",
    "Reference",
    "References",
    "RegionCandidate",
    "RegionGuess",
    "RegionReport",
    "Report",
    "Span",
    "Statement",
    "StatementKind",
    "Structure",
    "Threshold",
    "Totals",
    "Uptake",
    "Where",
    "authors_entry",
    "fill",
    "project",
    "slot",
    "to_authors_json",
]
