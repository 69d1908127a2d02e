"""How often a system's reports have faults, how long they are and how much they repeat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from petrg.evaluate.cases.case import Cases, Sex
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.find import find_faults
from petrg.evaluate.faults.hardly_read import HARDLY, read_share
from petrg.evaluate.faults.pieces import Pieces, units
from petrg.evaluate.faults.repetition import repeated_sentences, seq_rep
from petrg.evaluate.scores import Count, Metric
from petrg.evaluate.statistics.statistic import Floats, Ints, Tally, mean_of, ratio

__all__ = ["METRICS", "FaultFamily", "FindFaults"]

FindFaults: TypeAlias = Callable[[str, Sex | None], tuple[Fault, ...]]
"""A text and the patient's sex -> its faults."""

_EMPTY = (Fault(FaultKind.EMPTY, (), "no report"),)


def _find(text: str, sex: Sex | None) -> tuple[Fault, ...]:
    return find_faults(text, sex=sex)


@dataclass(frozen=True)
class FaultFamily:
    """The faults, lengths and repetition of the predictions of ``cases``; a missing prediction counts as empty.

    Parameters
    ----------
    cases : Cases
    find : callable, optional
        Text and sex -> faults; default :func:`find_faults` as it stands. It is asked once for each text and sex.
    read_share : callable
        Text -> share of its sentences from which petrg's reader read something, see :func:`read_share`.
    """

    cases: Cases
    find: FindFaults = _find
    read_share: Callable[[str], float | None] = read_share

    @cached_property
    def faults(self) -> tuple[tuple[Fault, ...], ...]:
        """The faults of each prediction, in the order of the cases."""
        known: dict[tuple[str, Sex | None], tuple[Fault, ...]] = {}
        rows: list[tuple[Fault, ...]] = []
        for case in self.cases.cases:
            if case.prediction is None:
                rows.append(_EMPTY)
                continue
            key = (case.prediction, case.sex)
            if key not in known:
                known[key] = self.find(case.prediction, case.sex)
            rows.append(known[key])
        return tuple(rows)

    @cached_property
    def columns(self) -> Mapping[str, Floats]:
        """One number a case (n,) by column of cases.csv; NaN where there is none."""
        predictions, references = self.cases.predictions, self.cases.references
        rows: dict[str, Floats] = {
            "characters": _each(predictions, _characters),
            "reference characters": _each(references, _characters),
            "tokens": _each(predictions, _tokens),
            "reference tokens": _each(references, _tokens),
            "seq-rep-4": _each(predictions, seq_rep, missing=np.nan),
            "reference seq-rep-4": _each(references, seq_rep, missing=np.nan),
            "repeated sentences": _each(predictions, lambda t: repeated_sentences(Pieces(t)), missing=np.nan),
        }
        for kind in FaultKind:
            rows[kind.value] = np.array([sum(f.kind is kind for f in faults) for faults in self.faults], dtype=float)
        return rows

    def statistics(self) -> Mapping[str, Tally]:
        """Every metric of :data:`METRICS` by key."""
        c = self.columns
        found = {
            "Fault-Any": mean_of(np.array([float(bool(faults)) for faults in self.faults])),
            "Contradictions": mean_of(c[FaultKind.CONTRADICTION.value]),
        }
        for kind in FaultKind:
            found[f"Fault-{kind.value}"] = mean_of((c[kind.value] > 0).astype(float))
        found["Length-Characters"] = _share(c["characters"], c["reference characters"])
        found["Length-Tokens"] = _share(c["tokens"], c["reference tokens"])
        found["Repetition"] = mean_of(c["seq-rep-4"])
        found["Repetition-Excess"] = mean_of(c["seq-rep-4"] - c["reference seq-rep-4"])
        found["Repeated-Sentences"] = mean_of(c["repeated sentences"])
        return found

    def counts(self) -> tuple[Count, ...]:
        """Reports that the reader hardly read: their labels are silence, scored as normal, whatever they say."""
        given = [text for text in self.cases.predictions if text is not None]
        shares = [share for text in given if (share := self.read_share(text)) is not None]
        title = f"predictions of which the reader read under {100 * HARDLY:.0f} % of the sentences"
        return (Count(key="hardly-read", title=title, value=sum(s < HARDLY for s in shares), of=len(given)),)

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Nothing: a report keeps its faults, whoever it is given to (those by sex are permuted within one sex)."""
        return {}


def _tokens(text: str) -> int:
    return len(units(text))


def _characters(text: str) -> int:
    return sum(not c.isspace() for c in text)


def _each(texts: Collection[str | None], of: Callable[[str], float | None], missing: float = 0.0) -> Floats:
    values = [missing if text is None else of(text) for text in texts]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _share(part: Floats, whole: Floats) -> Tally:
    return Tally(np.stack([part, whole], axis=1), lambda sums: ratio(sums[..., 0], sums[..., 1]))


def _rate(kind: FaultKind, definition: str) -> Metric:
    return Metric(
        key=f"Fault-{kind.value}",
        title=f"reports with fault: {kind.words}",
        group="faults",
        low=0.0,
        high=1.0,
        better="lower",
        definition=f"share of reports in which {definition}",
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        key="Fault-Any",
        title="reports with any fault",
        group="faults",
        low=0.0,
        high=1.0,
        better="lower",
        definition="share of reports with at least one fault of any kind below; petrg's rules, no reference needed",
        headline=True,
    ),
    Metric(
        key="Contradictions",
        title="contradictions per report",
        group="faults",
        low=0.0,
        better="lower",
        definition="mean number of places of which a report denies what it affirms elsewhere (same site, side, kind)",
    ),
    _rate(FaultKind.CONTRADICTION, "something is denied here and affirmed there"),
    _rate(FaultKind.OTHER_SEX, "an organ of the other sex is named (sex unknown: organs of both sexes)"),
    _rate(FaultKind.NOT_SCANNED, "signal, echo or another thing is described that only a modality not scanned shows"),
    _rate(
        FaultKind.UNIT,
        "a size is > 40 cm, < 0.5 mm or has no unit, a whole organ is too small, an SUV > 100 or in cm",
    ),
    _rate(
        FaultKind.REPETITION, "words loop, a sentence is said twice running, or 20 % are sentences that stood before"
    ),
    _rate(FaultKind.CUT_OFF, "the last sentence has no end"),
    _rate(FaultKind.RUN_ON, "text follows the mark of the end, or the report begins once more"),
    _rate(FaultKind.EMPTY, "there is no word, or which are missing"),
    _rate(FaultKind.PLACEHOLDER, "a slot was left unfilled"),
    _rate(
        FaultKind.HIDDEN,
        "characters are not seen (zero width, direction) or scripts that look alike are mixed in words",
    ),
    Metric(
        key="Length-Characters",
        title="length in characters / reference",
        group="faults",
        low=0.0,
        better="neither",
        definition="characters but blanks of all reports over those of all references; a missing report has none",
    ),
    Metric(
        key="Length-Tokens",
        title="length in tokens / reference",
        group="faults",
        low=0.0,
        better="neither",
        definition="tokens of all reports over those of all references; a missing report has none",
    ),
    Metric(
        key="Repetition",
        title="repetition (seq-rep-4)",
        group="faults",
        low=0.0,
        high=1.0,
        better="lower",
        definition="mean of 1 - distinct / all 4-grams (words, CJK characters) of a report; Welleck et al., ICLR 2020",
    ),
    Metric(
        key="Repetition-Excess",
        title="repetition above the reference's",
        group="faults",
        low=-1.0,
        high=1.0,
        better="lower",
        definition="mean difference of seq-rep-4 between report and reference; reports repeat set phrases by nature",
    ),
    Metric(
        key="Repeated-Sentences",
        title="repeated sentences",
        group="faults",
        low=0.0,
        high=1.0,
        better="lower",
        definition="mean share of a report's characters in sentences that stood before in it; petrg's own",
    ),
)
