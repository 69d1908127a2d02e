"""Everything a user needs to know of a system's reports: scores, intervals, controls, tests, words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Cases
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
)
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.rows import Draws
from petrg.evaluate.scored import Given, Job, Scored, run
from petrg.evaluate.systems import by_id, system
from petrg.progress import Progress, silent
from petrg.report import Record

if TYPE_CHECKING:
    from petrg.evaluate.text import Tokenizer

__all__ = ["Given", "Scored", "score_all", "score_labels", "score_texts"]


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
        Template, second reader, other system, records, what was scanned.
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
    given = given or Given()
    if (reference_labels is None) != (prediction_labels is None):
        raise ScoreError("labels of one side only", "those of references and predictions, or none", "give both")
    if prediction_labels is not None:
        _expect_any(prediction_labels, cases)
    own = reference_labels is None and labeller is None
    if reference_labels is None:
        progress("reading reports", 0, 0)
        labeller = labeller or _own_labeller(language)
        reference_labels = labeller(by_id(cases, cases.references))
        _expect_all(reference_labels, cases)
    job = Job(
        cases=cases,
        system=system(title, cases.predictions, prediction_labels),
        kinds=_kinds(tokenizer, reference_labels, Readings(language, given.modalities), given.records, own=own),
        given=given,
        draws=draws or Draws(),
        labels=reference_labels,
        labeller=labeller,
        tokenizer=tokenizer.label,
    )
    return run(job, progress)


def _kinds(
    tokenizer: Tokenizer, labels: LabelSet, readings: Readings, records: Mapping[str, Record], *, own: bool
) -> list[Kind]:
    """Kinds of score; what petrg's reader finds in texts is scored only where its labels are (``own``)."""
    kinds: list[Kind] = [TextKind(tokenizer.name), ClassKind(labels)]
    kinds += [LesionKind(readings)] if own else []
    kinds.append(SuvKind(labels))
    kinds += [RecordKind(readings, records)] if records and own else []
    return [*kinds, FaultsKind(readings)]


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
    job = Job(
        cases=cases,
        system=system(title, cases.predictions),
        kinds=[TextKind(tokenizer.name)],
        given=given or Given(),
        draws=draws or Draws(),
        tokenizer=tokenizer.label,
    )
    return run(job, progress)


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
        If the labels are of two labellers, the reference lacks a label, or no predicted case is one of the cases.
    """
    _expect_any(prediction, cases)
    job = Job(
        cases=cases,
        system=system(title, None, prediction),
        kinds=[ClassKind(reference), SuvKind(reference)],
        draws=draws or Draws(),
        labels=reference,
    )
    return run(job, progress)


def _expect_any(labels: LabelSet, cases: Cases) -> None:
    if not any(key in labels.cases for key in cases.ids):
        raise ScoreError(
            f"none of {len(labels.cases)} cases with predicted labels is one of the {len(cases)} references",
            "the same ids on both sides",
            "check the names of the files",
        )


def _expect_all(labels: LabelSet, cases: Cases) -> None:
    for row, key in enumerate(cases.ids, 1):
        if key not in labels.cases:
            raise ScoreError(
                f"the reference report of case {row} holds no word", "a report", "add it or leave the case out"
            )


def _own_labeller(language: str) -> Labeller:
    from petrg.evaluate.labels.extract import extract

    return lambda texts: label_texts(texts, lambda distinct: extract(distinct, language))
