"""In which order cases are learned: rows of like length together, drawn anew each epoch from seed and epoch alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from petrg.train.seeds import generator

__all__ = ["BucketedBatches"]

_BUCKET = 32  # micro-batches among which rows are sorted by length


class BucketedBatches:
    """Micro-batches of one process: lists of (epoch, index of the case).

    Every process sees as many; where the cases do not divide, some are seen twice in an epoch. The micro-batches of n
    processes, taken in turn, are those of one.
    """

    def __init__(self, lengths: Sequence[int], cases: int, seed: int, *, processes: int = 1, process: int = 0) -> None:
        self.lengths, self.cases, self.seed = np.asarray(lengths), cases, seed
        self.processes, self.process, self.epoch = processes, process, 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of ``epoch`` next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(math.ceil(len(self.lengths) / self.cases) / self.processes)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        mine = self.all(self.epoch)
        total = len(self) * self.processes
        mine = [mine[k % len(mine)] for k in range(total)][self.process :: self.processes]
        for batch in mine:
            yield [(self.epoch, index) for index in batch]

    def all(self, epoch: int) -> list[list[int]]:
        """The micro-batches of an epoch, of all processes, in order."""
        rng = generator(self.seed, epoch, "order")
        order = rng.permutation(len(self.lengths))
        size = self.cases * _BUCKET
        batches: list[list[int]] = []
        for start in range(0, len(order), size):
            bucket = order[start : start + size]
            bucket = bucket[np.argsort(self.lengths[bucket], kind="stable")]
            batches += [bucket[k : k + self.cases].tolist() for k in range(0, len(bucket), self.cases)]
        return [batches[k] for k in rng.permutation(len(batches))]
