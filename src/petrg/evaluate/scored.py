"""One job of scoring, from reports and labels to everything that is said of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from petrg import __version__
from petrg.evaluate.by_case import case_table, worst_of
from petrg.evaluate.case_table import CaseTable
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.cases.template import Template
from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.classes.tables import class_rows, confusions, region_rows
from petrg.evaluate.counts import counts_of
from petrg.evaluate.kinds import SCANNED, Kind, Labeller, with_labels
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.rows import Dealt, Draws, ScoredRow, dealt_rows, scored_row
from petrg.evaluate.scores import Scores
from petrg.evaluate.sentences import sentences
from petrg.evaluate.statistics.comparisons import paired_tests, permutation_tests
from petrg.evaluate.statistics.statistic import Floats
from petrg.evaluate.systems import Reports, always_normal, second_reader, system, template_copied
from petrg.progress import Progress, silent
from petrg.report import Record

__all__ = ["Given", "Job", "Scored", "run"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a system's reports are put beside.

    Parameters
    ----------
    template : Template, optional
    second_reader : (n,) of str or None, optional
        Another physician's reports, in the order of the cases.
    against : (n,) of str or None, optional
        Another system's reports; a missing one scores 0, as the system's own do.
    records : mapping of id -> Record
        What was measured, by case.
    modalities : collection of str
        What was scanned, in DICOM's names, see :func:`petrg.evaluate.faults.find_faults`.
    """

    template: Template | None = None
    second_reader: Sequence[str | None] | None = None
    against: Sequence[str | None] | None = None
    records: Mapping[str, Record] = field(default_factory=dict)
    modalities: Collection[str] = SCANNED


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The scores, and what a page and a table of cases need beside them.

    Parameters
    ----------
    scores : Scores
    cases : Cases
    table : CaseTable
    reference_labels, prediction_labels : LabelSet, optional
        Where classes were scored.
    permuted : mapping of metric key -> (draws,) float64
        The system's scores after each permutation among patients of the same sex; empty where not given.
    """

    scores: Scores
    cases: Cases
    table: CaseTable
    reference_labels: LabelSet | None = None
    prediction_labels: LabelSet | None = None
    permuted: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be scored, how, and beside what.

    Parameters
    ----------
    cases : Cases
    system : Reports
    kinds : sequence of Kind
        In the order of a table.
    given : Given
    draws : Draws
    labels : LabelSet, optional
        Of the references, where labels are scored.
    labeller : callable, optional
        Where the texts of controls can be labelled.
    tokenizer : str, optional
        Its label, where texts are scored.
    """

    cases: Cases
    system: Reports
    kinds: Sequence[Kind]
    given: Given = field(default_factory=Given)
    draws: Draws = field(default_factory=Draws)
    labels: LabelSet | None = None
    labeller: Labeller | None = None
    tokenizer: str | None = None


def run(job: Job, progress: Progress = silent) -> Scored:
    """Score the system and its controls, and compare them.

    Raises
    ------
    ScoreError
        If labels are of two labellers, or patients contradict each other.
    """
    rows = _rows(job)
    scored = []
    for done, row in enumerate(rows):
        progress(f"scoring {row.title}", done, len(rows) + 1)
        scored.append(scored_row(row, job.cases, job.kinds, job.draws))
    progress("dealing reports to other patients", len(rows), len(rows) + 1)
    dealt = dealt_rows(rows[0], _references(job), job.cases, job.kinds, job.draws)
    progress("comparing", len(rows) + 1, len(rows) + 1)
    families = scored[0].families
    scores = _scores(job, rows[0], scored, dealt)
    return Scored(
        scores=scores.model_copy(update={"sentences": sentences(scores)}),
        cases=job.cases,
        table=case_table(job.cases, families),
        reference_labels=job.labels,
        prediction_labels=rows[0].labels if job.labels is not None else None,
        permuted=dealt.drawn,
    )


def _rows(job: Job) -> list[Reports]:
    """The system first, then the fixed controls, the second reader, another system; labelled where they can be."""
    texts = job.system.texts is not None
    rows = [job.system, template_copied(job.cases, job.given.template, labels_only=not texts)]
    rows += [always_normal(job.cases)] if job.labels is not None else []
    rows.append(second_reader(job.cases, job.given.second_reader, labels_only=not texts))
    if job.given.against is not None:
        rows.append(system("other system", job.given.against, key="against"))
    if job.labels is None:
        return rows
    return [with_labels(job.cases, row, job.labels.labeller, job.labeller) for row in rows]


def _references(job: Job) -> Reports:
    """The references as if a system had written them."""
    texts = None if job.system.texts is None else job.cases.references
    return Reports(key="reference", title="references", kind="control", how="", texts=texts, labels=job.labels)


def _scores(job: Job, made: Reports, scored: Sequence[ScoredRow], dealt: Dealt) -> Scores:
    """Everything but the sentences."""
    metrics = tuple(metric for kind in job.kinds for metric in kind.metrics)
    patients = job.cases.patients
    tests = list(permutation_tests(dealt, metrics))
    for other in scored[1:]:
        tests += paired_tests(scored[0], other, patients, metrics, job.draws)
    beside = [*(s.row for s in scored[1:]), dealt.permuted, dealt.other]
    beside.sort(key=lambda row: ("control", "reader", "system").index(row.kind))
    families = scored[0].families
    worst, rule = worst_of(job.cases, made, families)
    return Scores(
        petrg=__version__,
        system=made.title,
        cases=len(job.cases),
        patients=len(set(patients)),
        tokenizer=job.tokenizer,
        labeller=None if job.labels is None else job.labels.labeller,
        seed=job.draws.seed,
        bootstrap_draws=job.draws.bootstrap,
        permutations=job.draws.permutations,
        inputs=dict(sorted(job.cases.sources.items())),
        metrics=metrics,
        rows=(scored[0].row, *beside),
        tests=tuple(tests),
        counts=counts_of(job.cases, made, families, dealt, scored),
        **_class_tables(families.get("classes")),
        worst=worst,
        worst_rule=rule,
    )


def _class_tables(family: object) -> dict[str, Any]:
    if not isinstance(family, ClassFamily):
        return {}
    return {"classes": class_rows(family), "confusions": confusions(family), "regions": region_rows(family)}
