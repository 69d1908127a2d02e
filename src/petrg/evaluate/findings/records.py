"""Scores of texts against measurement records: numbers that were measured, lesions that were left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy import Region
from petrg.evaluate.findings.record_numbers import RecordMatch, Said, Source, match_record, reference_suvs
from petrg.evaluate.scores import Count, Metric
from petrg.evaluate.statistics.statistic import Floats, Ints, Tally, ratio
from petrg.report import LesionStatus, Record

__all__ = ["METRICS", "RecordFamily"]

_BIT = {region: 1 << k for k, region in enumerate(Region)}


@dataclass(frozen=True)
class RecordFamily:
    """What texts say against what was measured, on the cases ``ids``, in that order.

    Parameters
    ----------
    predictions : sequence of Said or None
        `said_in_reading` of each prediction; None where it is missing: it says nothing.
    records : mapping of id -> Record
        A case without a record is left out of these scores and counted.
    ids : sequence of str
    """

    predictions: Sequence[Said | None]
    records: Mapping[str, Record]
    ids: Sequence[str]

    @cached_property
    def said(self) -> _Said:
        """All predictions as arrays."""
        return _Said.of(self.predictions)

    def statistics(self) -> Mapping[str, Tally]:
        """Every score by metric key."""
        parts = np.stack([self._rows(i)[i] for i in range(len(self.ids))])
        return {key: Tally(parts, _Ratio(top, bottom)) for key, (top, bottom) in _RATIOS.items()}

    def permuted(self, orders: Ints) -> Mapping[str, Floats]:
        """Every score with the prediction of case ``orders[p, i]`` put to the record of case i, each (p,)."""
        sums = np.zeros((len(orders), 5))
        for i in range(orders.shape[1]):
            sums += self._rows(i)[orders[:, i]]
        return {key: _Ratio(top, bottom)(sums) for key, (top, bottom) in _RATIOS.items()}

    def matches(self) -> dict[str, RecordMatch]:
        """How each case with a record meets it."""
        return {
            case: match_record(said or Said(), self.records[case])
            for case, said in zip(self.ids, self.predictions, strict=True)
            if case in self.records
        }

    def counts(self) -> tuple[Count, ...]:
        """Whose SUVs the texts name, lesions missed, cases without a record."""
        matches = self.matches().values()
        numbers = [n for m in matches for n in m.numbers]
        lesions = sum(m.lesions for m in matches)
        missed = [lesion for m in matches for lesion in m.missed]
        by_source = [
            Count(
                key=f"record-suv-{source.value.replace(' ', '-')}",
                title=f"SUVs named that are of {_WORDS[source]}",
                value=sum(n.source is source for n in numbers),
                of=len(numbers),
            )
            for source in Source
        ]
        return (
            *by_source,
            Count(
                key="record-lesions-unnumbered",
                title="measured lesions whose SUVmax is not named for their region",
                value=len(missed),
                of=lesions,
            ),
            Count(
                key="record-lesions-missed",
                title="measured lesions in a region without an SUV or raised uptake",
                value=sum(not lesion.covered for lesion in missed),
                of=lesions,
            ),
            Count(
                key="record-missing",
                title="cases without a measurement record",
                value=sum(case not in self.records for case in self.ids),
                of=len(self.ids),
            ),
        )

    def case_columns(self) -> Mapping[str, list[float | None]]:
        """Columns of cases.csv, in the order of ``ids``; None where the case has no record."""
        matches = self.matches()
        found = [matches.get(case) for case in self.ids]
        return {
            "Record-SUVs-Named": [None if m is None else len(m.numbers) for m in found],
            "Record-SUVs-Measured": [
                None if m is None else sum(n.source is not Source.NOTHING for n in m.numbers) for m in found
            ],
            "Record-Lesions": [None if m is None else m.lesions for m in found],
            "Record-Lesions-Missed": [None if m is None else sum(not x.covered for x in m.missed) for m in found],
        }

    def _rows(self, i: int) -> Floats:
        """The record of case i against every prediction, by the rules of `match_record`.

        (n, 5): numbers, those measured, those measured in their region; lesions, lesions in no region spoken of.
        """
        record = self.records.get(self.ids[i])
        if record is None:
            return np.zeros((len(self.predictions), 5))
        return self.said.against(record)


@dataclass(frozen=True)
class _Said:
    """Numbers of all predictions in a row; sets of regions are bits."""

    value: Floats
    tolerance: Floats
    regions: Ints
    case: Ints
    covered: Ints

    @classmethod
    def of(cls, predictions: Sequence[Said | None]) -> _Said:
        rows = [(n, case) for case, said in enumerate(predictions) if said is not None for n in said.numbers]
        return cls(
            np.array([n.value for n, _ in rows], dtype=np.float64),
            np.array([n.tolerance for n, _ in rows], dtype=np.float64),
            np.array([_bits(n.regions) for n, _ in rows], dtype=np.intp),
            np.array([case for _, case in rows], dtype=np.intp),
            np.array([_bits((said or Said()).covered) for said in predictions], dtype=np.intp),
        )

    def against(self, record: Record) -> Floats:
        """(n, 5), see `RecordFamily._rows`."""
        at = np.array([_bits((lesion.region.id,)) for lesion in record.lesions], dtype=np.intp)
        near = self._near([lesion.suv_max for lesion in record.lesions])
        here = (near & (self.regions[:, None] & at != 0)).any(axis=1)
        measured = near.any(axis=1) | self._near(reference_suvs(record)).any(axis=1)
        lesions = at[[lesion.status is LesionStatus.LESION for lesion in record.lesions]]
        cases = len(self.covered)
        counts = [np.bincount(self.case, weights=w, minlength=cases) for w in (here * 0 + 1, measured, here)]
        missed = (self.covered[:, None] & lesions == 0).sum(axis=1)
        return np.stack([*counts, np.full(cases, len(lesions)), missed], axis=1).astype(np.float64)

    def _near(self, suvs: Sequence[float]) -> NDArray[np.bool_]:
        return np.abs(self.value[:, None] - np.array(suvs, dtype=np.float64)) <= self.tolerance[:, None]


def _bits(regions: Iterable[Region]) -> int:
    return sum(_BIT[region] for region in regions)


@dataclass(frozen=True)
class _Ratio:
    top: int
    bottom: int

    def __call__(self, sums: Floats) -> Floats:
        return ratio(sums[..., self.top], sums[..., self.bottom])


_WORDS = {
    Source.LESION: "a measured lesion",
    Source.INDETERMINATE: "an indeterminate focus",
    Source.PHYSIOLOGIC: "a physiologic focus",
    Source.REFERENCE: "the liver or the blood pool",
    Source.NOTHING: "nothing measured",
}
_RATIOS = {"Record-SUV-Measured": (1, 0), "Record-SUV-Region": (2, 0), "Record-Lesions-Missed": (4, 3)}


def _metric(key: str, title: str, definition: str, *, lower: bool = False) -> Metric:
    return Metric(
        key=key,
        title=title,
        group="numbers",
        low=0.0,
        high=1.0,
        better="lower" if lower else "higher",
        definition=definition,
    )


METRICS: tuple[Metric, ...] = (
    _metric(
        "Record-SUV-Measured",
        "SUVs that were measured",
        "share of the SUVs named that some focus or reference region of the record has, to the printed decimal",
    ),
    _metric(
        "Record-SUV-Region",
        "SUVs measured in that region",
        "share of the SUVs named that are the SUVmax of a focus in the region they are named for",
    ),
    _metric(
        "Record-Lesions-Missed",
        "Measured lesions missed",
        "share of the record's lesions in a region for which the text has no SUV and no raised uptake",
        lower=True,
    ),
)
