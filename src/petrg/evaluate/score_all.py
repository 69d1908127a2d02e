"""Everything a user needs to know of a system's reports: scores, intervals, controls, tests, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from petrg import __version__
from petrg.errors import ScoreError
from petrg.evaluate.by_case import case_table, worst_of
from petrg.evaluate.case_table import CaseTable
from petrg.evaluate.cases import Cases
from petrg.evaluate.class_tables import class_rows, confusions, region_rows
from petrg.evaluate.classes import ClassFamily
from petrg.evaluate.comparisons import paired_tests, permutation_tests
from petrg.evaluate.counts import counts_of
from petrg.evaluate.kinds import (
    ClassKind,
    FaultsKind,
    Kind,
    Labeller,
    LesionKind,
    Readings,
    RecordKind,
    SuvKind,
    TextKind,
    label_texts,
    with_labels,
)
from petrg.evaluate.label_set import LabelSet
from petrg.evaluate.read_template import Template
from petrg.evaluate.rows import Dealt, Draws, ScoredRow, dealt_rows, scored_row
from petrg.evaluate.scores import Metric, Scores
from petrg.evaluate.sentences import sentences
from petrg.evaluate.statistic import Floats
from petrg.evaluate.systems import Reports, always_normal, by_id, second_reader, system, template_copied
from petrg.progress import Progress, silent
from petrg.report import Record

if TYPE_CHECKING:
    from petrg.evaluate.text import Tokenizer

__all__ = ["Given", "Scored", "score_all", "score_labels", "score_texts"]


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
    """

    template: Template | None = None
    second_reader: Sequence[str | None] | None = None
    against: Sequence[str | None] | None = None
    records: Mapping[str, Record] = field(default_factory=dict)


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


def score_all(
    cases: Cases,
    *,
    tokenizer: Tokenizer,
    labeller: Labeller | None = None,
    language: str = "auto",
    reference_labels: LabelSet | None = None,
    prediction_labels: LabelSet | None = None,
    given: Given | None = None,
    draws: Draws | None = None,
    title: str = "system",
    progress: Progress = silent,
) -> Scored:
    """Score texts, labels and numbers of ``cases`` in one go.

    Parameters
    ----------
    cases : Cases
    tokenizer : Tokenizer
        Of the text metrics.
    labeller : callable, optional
        Texts by id -> LabelSet, for references, predictions and controls alike; default petrg's own reader.
    language : str
        Of the reader, ``auto`` or a lexicon's code.
    reference_labels, prediction_labels : LabelSet, optional
        Labels given as files, both or neither; then no text is labelled, and lesions are not scored, since they are
        read by petrg's reader.
    given : Given, optional
        Template, second reader, other system, records.
    draws : Draws, optional
    title : str
        What the system is called.

    Returns
    -------
    Scored

    Raises
    ------
    ScoreError
        If labels are of two labellers or only one side's are given.
    """
    given, draws = given or Given(), draws or Draws()
    readings = Readings(language)
    if (reference_labels is None) != (prediction_labels is None):
        raise ScoreError("labels of one side only", "those of references and predictions, or none", "give both")
    own = reference_labels is None and labeller is None
    if reference_labels is None:
        progress("reading reports", 0, 0)
        labeller = labeller or _own_labeller(language)
        reference_labels = label_texts(by_id(cases, cases.references), labeller)
        _expect_all(reference_labels, cases)
    kinds: list[Kind] = [TextKind(tokenizer.name), ClassKind(reference_labels)]
    if own:
        kinds += [LesionKind(readings), SuvKind(reference_labels)]
        kinds += [RecordKind(readings, given.records)] if given.records else []
    else:
        kinds += [SuvKind(reference_labels)]
    kinds += [FaultsKind(readings)]
    made = system(title, cases.predictions, prediction_labels)
    return _score(
        cases, made, kinds, given, draws, reference_labels, labeller, tokenizer=tokenizer.label, progress=progress
    )


def score_texts(
    cases: Cases,
    *,
    tokenizer: Tokenizer,
    given: Given | None = None,
    draws: Draws | None = None,
    title: str = "system",
    progress: Progress = silent,
) -> Scored:
    """Score texts alone; parameters as in :func:`score_all`."""
    made = system(title, cases.predictions)
    return _score(
        cases,
        made,
        [TextKind(tokenizer.name)],
        given or Given(),
        draws or Draws(),
        None,
        None,
        tokenizer=tokenizer.label,
        progress=progress,
    )


def score_labels(
    reference: LabelSet,
    prediction: LabelSet,
    cases: Cases,
    *,
    draws: Draws | None = None,
    title: str = "system",
    progress: Progress = silent,
) -> Scored:
    """Score labels alone: PETRG-Score, and the SUVs that labels name.

    Parameters
    ----------
    reference, prediction : LabelSet
        Of one labeller.
    cases : Cases
        Ids and what is known of the patients, in the order to score in; their texts are not looked at.

    Raises
    ------
    ScoreError
        If the labels are of two labellers, or the reference lacks a label.
    """
    made = system(title, None, prediction)
    kinds: list[Kind] = [ClassKind(reference), SuvKind(reference)]
    return _score(cases, made, kinds, Given(), draws or Draws(), reference, None, tokenizer=None, progress=progress)


def _expect_all(labels: LabelSet, cases: Cases) -> None:
    for row, key in enumerate(cases.ids, 1):
        if key not in labels.cases:
            raise ScoreError(
                f"the reference report of case {row} holds no word", "a report", "add it or leave the case out"
            )


def _own_labeller(language: str) -> Labeller:
    from petrg.evaluate.extract import extract

    return lambda texts: extract(texts, language)


def _score(
    cases: Cases,
    made: Reports,
    kinds: Sequence[Kind],
    given: Given,
    draws: Draws,
    labels: LabelSet | None,
    labeller: Labeller | None,
    *,
    tokenizer: str | None,
    progress: Progress,
) -> Scored:
    rows = _rows_of(cases, made, given, labels)
    if labels is not None:
        rows = [with_labels(cases, row, labels.labeller, labeller) for row in rows]
    scored = []
    for done, row in enumerate(rows):
        progress(f"scoring {row.title}", done, len(rows) + 1)
        scored.append(scored_row(row, cases, kinds, draws))
    progress("dealing reports to other patients", len(rows), len(rows) + 1)
    reference = Reports(
        key="reference", title="references", kind="control", how="", texts=cases.references, labels=labels
    )
    if made.texts is None:
        reference = Reports(key="reference", title="references", kind="control", how="", labels=labels)
    dealt = dealt_rows(rows[0], reference, cases, kinds, draws)
    progress("comparing", len(rows) + 1, len(rows) + 1)
    return _gathered(cases, rows[0], kinds, scored, dealt, draws, labels, tokenizer)


def _rows_of(cases: Cases, made: Reports, given: Given, labels: LabelSet | None) -> list[Reports]:
    """The system first, then the fixed controls, the second reader, another system."""
    texts = made.texts is not None
    rows = [made, template_copied(cases, given.template, labels_only=not texts)]
    rows += [always_normal(cases)] if labels is not None else []
    rows.append(second_reader(cases, given.second_reader, labels_only=not texts))
    if given.against is not None:
        rows.append(system("other system", given.against, key="against"))
    return rows


def _gathered(
    cases: Cases,
    made: Reports,
    kinds: Sequence[Kind],
    scored: Sequence[ScoredRow],
    dealt: Dealt,
    draws: Draws,
    labels: LabelSet | None,
    tokenizer: str | None,
) -> Scored:
    metrics: tuple[Metric, ...] = tuple(metric for kind in kinds for metric in kind.metrics)
    patients = [case.patient or case.id for case in cases.cases]
    tests = list(permutation_tests(dealt, metrics))
    for other in scored[1:]:
        tests += paired_tests(scored[0], other, patients, metrics, draws)
    controls = sorted((s.row for s in scored[1:]), key=lambda row: row.kind != "control")
    rows = (scored[0].row, *controls, dealt.permuted, dealt.other)
    families = scored[0].families
    classes = families.get("classes")
    worst, rule = worst_of(cases, made, families)
    scores = Scores(
        petrg=__version__,
        system=made.title,
        cases=len(cases),
        patients=len(set(patients)),
        tokenizer=tokenizer,
        labeller=None if labels is None else labels.labeller,
        seed=draws.seed,
        bootstrap_draws=draws.bootstrap,
        permutations=draws.permutations,
        inputs=dict(sorted(cases.sources.items())),
        metrics=metrics,
        rows=rows,
        tests=tuple(tests),
        counts=counts_of(cases, made, families, dealt, scored),
        classes=class_rows(classes) if isinstance(classes, ClassFamily) else (),
        confusions=confusions(classes) if isinstance(classes, ClassFamily) else (),
        regions=region_rows(classes) if isinstance(classes, ClassFamily) else (),
        worst=worst,
        worst_rule=rule,
    )
    scores = scores.model_copy(update={"sentences": sentences(scores)})
    return Scored(
        scores=scores,
        cases=cases,
        table=case_table(cases, families),
        reference_labels=labels,
        prediction_labels=made.labels if labels is not None else None,
        permuted=dealt.drawn,
    )
