"""How much of a truth petrg's reader finds again in the references worded from it."""

from __future__ import annotations

from dataclasses import dataclass

from petrg.errors import ScoreError
from petrg.evaluate.benchmark.folder import Benchmark
from petrg.evaluate.classes.codes import CT, PET, codes_of
from petrg.evaluate.labels.extract import extract

__all__ = ["ReadBack", "read_back"]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Labels (PET and CT of every region of every case) that the reader finds as the truth has them.

    Abnormal are all classes but "normal": PET 1 to 4, CT 1 to 7.
    """

    abnormal: int
    abnormal_same: int
    normal: int
    normal_same: int

    @property
    def share(self) -> float | None:
        """Of the abnormal labels; None where there is none."""
        return self.abnormal_same / self.abnormal if self.abnormal else None


def read_back(benchmark: Benchmark) -> ReadBack:
    """Read the references with petrg's reader and hold the labels against the benchmark's own.

    Raises
    ------
    ScoreError
        If the benchmark has no labels.
    """
    if benchmark.labels is None:
        raise ScoreError(f"{benchmark.description.name} has no labels", "labels of the references", "use another one")
    read = extract(benchmark.references, benchmark.description.language)
    ids = list(benchmark.references)
    counts = [0, 0, 0, 0]
    for scale in (PET, CT):
        truth = codes_of(benchmark.labels, ids, scale, reference=True).codes
        same = codes_of(read, ids, scale, reference=False).codes == truth
        abnormal = truth != scale.count - 1
        for at, value in enumerate((abnormal, abnormal & same, ~abnormal, ~abnormal & same)):
            counts[at] += int(value.sum())
    return ReadBack(*counts)
