"""The kinds of score: each makes, of any reports on any of the cases, the scores of its kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Cases, Sex
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.scores import Metric
from petrg.evaluate.statistics.statistic import Family
from petrg.evaluate.systems import NORMAL, Reports, by_id
from petrg.report import Record

if TYPE_CHECKING:
    from petrg.evaluate.faults import Fault
    from petrg.evaluate.findings.record_numbers import Said
    from petrg.evaluate.findings.sites import Lesions
    from petrg.evaluate.text.tokens import TokenizerName

__all__ = [
    "ClassKind",
    "FaultsKind",
    "Kind",
    "Labeller",
    "LesionKind",
    "Noted",
    "Readings",
    "RecordKind",
    "SuvKind",
    "TextKind",
    "label_texts",
    "with_labels",
]

Labeller = Callable[[Mapping[str, str]], LabelSet]
"""Texts by id -> their labels."""

NO_TEXT = "has no text, only labels"
SCANNED = ("PT", "CT")
"""What is taken to have been scanned where nobody says."""


class Kind(Protocol):
    """One kind of score."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What it scores, in the order of a table."""

    @property
    def name(self) -> str:
        """By which its families are found again."""

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """The scores of ``reports``, whose texts are in the order of ``cases``; a str says why there are none."""


@dataclass(frozen=True)
class TextKind:
    """Text metrics on the tokens of one tokenizer."""

    tokenizer: TokenizerName
    name: ClassVar[str] = "text"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The text metrics, named with the tokenizer."""
        from petrg.evaluate.text.part import text_metrics
        from petrg.evaluate.text.tokens import tokenizer

        return text_metrics(tokenizer(self.tokenizer).label)

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of texts against the references."""
        from petrg.evaluate.text_scores import TextsScored

        if reports.texts is None:
            return NO_TEXT
        return TextsScored(cases.with_predictions(reports.texts), self.tokenizer)


def with_labels(cases: Cases, reports: Reports, reference: str, labeller: Labeller | None) -> Reports:
    """The row with the labels of its texts, where they can be had.

    Parameters
    ----------
    reference : str
        Name and version of the labeller of the references.
    labeller : callable or None
        None where labels are given as files: then a text has none.

    Raises
    ------
    ScoreError
        If its labels are by another labeller than the references'.
    """
    if reports.labels is None and reports.texts is not None and labeller is not None:
        reports = replace(reports, labels=labeller(by_id(cases, reports.texts)))
    if reports.labels is not None and reports.labels.labeller not in (reference, NORMAL):
        raise ScoreError(
            f"the references are labelled by {reference!r}, {reports.title} by {reports.labels.labeller!r}",
            "one labeller for all",
            "label both anew with the same one",
        )
    return reports


def label_texts(texts: Mapping[str, str], labeller: Labeller) -> LabelSet:
    """Labels by id; equal texts, as a copied template is, are read once."""
    first: dict[str, str] = {}
    for key, text in texts.items():
        first.setdefault(text, key)
    found = labeller({key: text for text, key in first.items()})
    told = {key: first[text] for key, text in texts.items() if first[text] in found.cases}
    return replace(
        found,
        cases={key: found.cases[source] for key, source in told.items()},
        texts={key: texts[key] for key in told},
        languages={key: found.languages[source] for key, source in told.items() if source in found.languages},
    )


@dataclass(frozen=True)
class ClassKind:
    """PETRG-Score: classes of the 24 regions."""

    reference: LabelSet
    name: ClassVar[str] = "classes"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Macro-F1, accuracy and kappa of PET and CT."""
        from petrg.evaluate.classes.classes import METRICS

        return METRICS

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of labels against the references' labels."""
        from petrg.evaluate.classes.classes import ClassFamily

        if reports.labels is None:
            return _no_labels(reports)
        return ClassFamily(self.reference, reports.labels, cases.ids)


@dataclass(frozen=True)
class SuvKind:
    """Numbers: SUVmax named against SUVmax named."""

    reference: LabelSet
    name: ClassVar[str] = "numbers"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Correlation, error and agreement of SUVmax."""
        from petrg.evaluate.findings.numbers import METRICS

        return METRICS

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of the numbers in labels against those in the references' labels."""
        from petrg.evaluate.findings.numbers import SuvFamily

        if reports.labels is None:
            return _no_labels(reports)
        return SuvFamily(self.reference, reports.labels, cases.ids)


def _no_labels(reports: Reports) -> str:
    return "its text was not labelled by the labeller of the labels given" if reports.texts else "has no labels"


class Noted(NamedTuple):
    """What is scored of a text: its lesions, and the SUVs it names."""

    lesions: Lesions
    said: Said


@dataclass(frozen=True)
class Readings:
    """What petrg's reader notes of texts. Readings themselves are large and are not kept.

    Parameters
    ----------
    language : str
        Of the reader, ``auto`` or a lexicon's code.
    modalities : collection of str
        What was scanned, see :func:`petrg.evaluate.faults.find_faults`.
    known : mapping of text -> Noted
    shares : mapping of text -> share of its sentences that were read
    """

    language: str
    modalities: Collection[str] = SCANNED
    known: dict[str, Noted] = field(default_factory=dict)
    shares: dict[str, float | None] = field(default_factory=dict)

    def __call__(self, text: str) -> Noted:
        """What is scored of ``text``; it is read at the first time."""
        from petrg.evaluate.findings.record_numbers import said_in_reading
        from petrg.evaluate.findings.sites import lesions_of
        from petrg.language.reading import read

        if text not in self.known:
            reading = read(text, self.language)
            self.known[text] = Noted(lesions_of(reading.grounded), said_in_reading(reading))
        return self.known[text]

    def faults(self, text: str, sex: Sex | None) -> tuple[Fault, ...]:
        """What is wrong with ``text`` as the report of a patient of this sex."""
        from petrg.evaluate.faults import find_faults
        from petrg.evaluate.faults.hardly_read import read_share
        from petrg.language.reading import read

        reading = read(text, self.language)
        self.shares[text] = read_share(text, reading)
        return find_faults(text, reading, sex=sex, modalities=self.modalities)

    def read_share(self, text: str) -> float | None:
        """The share of the sentences of ``text`` that were read, of one whose faults were asked for."""
        return self.shares.get(text)


@dataclass(frozen=True)
class LesionKind:
    """Lesions found, invented, on the other side, by petrg's reader."""

    readings: Readings
    name: ClassVar[str] = "lesions"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Recall, precision, false findings and side errors."""
        from petrg.evaluate.findings.lesions import METRICS

        return METRICS

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of the findings of texts against the references' findings."""
        from petrg.evaluate.findings.lesions import LesionFamily
        from petrg.evaluate.findings.sites import Lesions

        references = [self.readings(text).lesions for text in cases.references]
        predictions: list[Lesions | None]
        if reports.texts is not None:
            predictions = [None if text is None else self.readings(text).lesions for text in reports.texts]
        elif reports.labels is not None and reports.labels.labeller == NORMAL:
            predictions = [Lesions() for _ in references]
        else:
            return NO_TEXT
        return LesionFamily(references, predictions, cases.ids)


@dataclass(frozen=True)
class RecordKind:
    """Numbers of texts against what was measured."""

    readings: Readings
    records: Mapping[str, Record]
    name: ClassVar[str] = "record"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """SUVs that were measured, lesions that were missed."""
        from petrg.evaluate.findings.records import METRICS

        return METRICS

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of texts against the records of the cases that have one."""
        from petrg.evaluate.findings.record_numbers import Said
        from petrg.evaluate.findings.records import RecordFamily

        said: list[Said | None]
        if reports.texts is not None:
            said = [None if text is None else self.readings(text).said for text in reports.texts]
        elif reports.labels is not None and reports.labels.labeller == NORMAL:
            said = [Said() for _ in cases.ids]
        else:
            return NO_TEXT
        return RecordFamily(said, self.records, cases.ids)


@dataclass(frozen=True)
class FaultsKind:
    """What is wrong with reports by themselves, how long they are and how much they repeat."""

    readings: Readings
    name: ClassVar[str] = "faults"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Rates of faults, length, repetition."""
        from petrg.evaluate.faults import METRICS

        return METRICS

    def family(self, cases: Cases, reports: Reports) -> Family | str:
        """Of texts; the references give the length only."""
        from petrg.evaluate.faults import FaultFamily

        if reports.texts is None:
            return NO_TEXT
        return FaultFamily(cases.with_predictions(reports.texts), self.readings.faults, self.readings.read_share)
