"""In how many references each n-gram stands, and CIDEr-D from it; memory does not grow with the texts.

CIDEr needs all references before it can weigh the first n-gram. What a case needs later (its hashes and counts, not its
text) waits in a temporary file; the table of references holds 16 bytes for each distinct n-gram, and
takes up to 100 while it grows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from petrg.errors import OutputError
from petrg.evaluate.text.cider import ORDERS, SCALE, length_penalty
from petrg.evaluate.text.profile import Hashes, Ints, Profile, order_of, shared

__all__ = ["DocumentFrequency", "Waiting", "cider_of", "norms"]

Floats = NDArray[np.float64]

_PENDING = 1 << 16
_IN_MEMORY = 8 << 20
_FEW = 1024


class DocumentFrequency:
    """Counts, for every n-gram, the references that hold it."""

    def __init__(self) -> None:
        self.references = 0
        self._keys: Hashes = np.empty(0, dtype=np.uint64)
        self._seen: Ints = np.empty(0, dtype=np.int64)
        self._pending: list[Hashes] = []
        self._waiting = 0

    def add(self, reference: Profile) -> None:
        """Count one more reference."""
        self.references += 1
        self._pending.append(reference.keys)
        self._waiting += len(reference.keys)
        if self._waiting > max(_PENDING, len(self._keys)):
            self._merge()

    @property
    def tells(self) -> bool:
        """Whether any n-gram is rarer than the others; not of one reference, nor of equal ones: all weights are 0."""
        self._merge()
        return bool((self._seen < self.references).any())

    def seen(self, keys: Hashes) -> Ints:
        """How many references hold each n-gram; 1 for one that none holds, as pycocoevalcap has it."""
        self._merge()
        if not len(self._keys):
            return np.ones(len(keys), dtype=np.int64)
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        return np.where(self._keys[at] == keys, self._seen[at], 1)

    def weighted(self, slots: Ints, count: int, kinds: Ints, which: Ints, values: NDArray[np.generic]) -> Floats:
        """Sums of ``values`` x squared weight, by slot.

        An n-gram's weight is log(references / references that hold it). Whole numbers are summed for each kind of
        n-gram first, so the result does not depend on the order of the n-grams, which differs from run to run.

        Parameters
        ----------
        slots : (m,) int, below ``count``
        kinds : (k,) int
            Numbers of references.
        which : (m,) int
            Index into ``kinds`` of each n-gram.
        values : (m,) whole numbers
        """
        sums = np.bincount(slots * len(kinds) + which, weights=values, minlength=count * len(kinds))
        squares = np.log(max(1, self.references) / kinds) ** 2
        return np.asarray((sums.reshape(count, len(kinds)) * squares).sum(axis=1), dtype=np.float64)

    def _merge(self) -> None:
        if not self._pending:
            return
        new, counts = np.unique(np.concatenate(self._pending), return_counts=True)
        ours, theirs = shared(new, self._keys)
        self._seen[theirs] += counts[ours]
        fresh = np.ones(len(new), dtype=bool)
        fresh[ours] = False
        keys = np.concatenate([self._keys, new[fresh]])
        order = np.argsort(keys)
        self._keys, self._seen = keys[order], np.concatenate([self._seen, counts[fresh]])[order]
        self._pending, self._waiting = [], 0


def cider_of(reference: Profile, prediction: Profile, frequency: DocumentFrequency) -> float:
    """CIDEr-D of a pair once all references are counted; see :func:`petrg.evaluate.text.cider.cider_d`."""
    penalty = length_penalty(prediction.totals[1], reference.totals[1])
    if penalty == 0:
        return 0.0
    arrays = (reference.keys, reference.counts, prediction.keys, prediction.counts)
    return penalty * _cosine(*arrays, frequency)


def norms(keys: Hashes, counts: Ints, frequency: DocumentFrequency) -> Floats:
    """(4,) lengths of the weighted vectors of 1- to 4-grams of a text."""
    kinds, which = _kinds(frequency.seen(keys), frequency.references)
    return np.sqrt(frequency.weighted(order_of(keys), ORDERS, kinds, which, counts**2))


def _kinds(seen: Ints, references: int) -> tuple[Ints, Ints]:
    """Numbers of references, and the index into them of each n-gram; where they are few, all from 1 on."""
    if references <= _FEW:
        return np.arange(1, max(1, references) + 1), seen - 1
    kinds, which = np.unique(seen, return_inverse=True)
    return kinds, which


def _cosine(reference: Hashes, wanted: Ints, prediction: Hashes, given: Ints, frequency: DocumentFrequency) -> float:
    """10 x the mean over orders of the clipped cosine, without the penalty for length."""
    ours, theirs = shared(prediction, reference)
    common = prediction[ours]
    kinds, which = _kinds(frequency.seen(common), frequency.references)
    both = np.minimum(given[ours], wanted[theirs]) * wanted[theirs]
    dots = frequency.weighted(order_of(common), ORDERS, kinds, which, both)
    length = norms(prediction, given, frequency) * norms(reference, wanted, frequency)
    return float(SCALE * np.divide(dots, length, out=np.zeros(ORDERS), where=length > 0).mean())


class Waiting:
    """Pairs that wait for the last reference, in a temporary file once they are many.

    It holds hashes and counts, no text, and has no name in the file system.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, reference: Profile, prediction: Profile) -> None:
        """Keep what CIDEr-D will need of a pair.

        Raises
        ------
        OutputError
            If the folder of temporary files is full or cannot be written.
        """
        penalty = length_penalty(prediction.totals[1], reference.totals[1])
        parts = (reference.keys, reference.counts, prediction.keys, prediction.counts) if penalty > 0 else ()
        sizes = [len(part) for part in parts] or [0, 0, 0, 0]
        try:
            self._file.write(
                np.array([penalty], dtype=np.float64).tobytes() + np.array(sizes, dtype=np.int64).tobytes()
            )
            for part in parts:
                self._file.write(part.tobytes())
        except OSError as error:
            raise OutputError(
                f"cannot write a temporary file: {error.strerror}",
                "a folder of temporary files with free space",
                "free some space or set TMPDIR",
            ) from error

    def scores(self, frequency: DocumentFrequency) -> Iterator[float]:
        """CIDEr-D of the pairs in the order they were put."""
        self._file.seek(0)
        while head := self._file.read(40):
            penalty = float(np.frombuffer(head[:8])[0])
            sizes = np.frombuffer(head[8:], dtype=np.int64).tolist()
            raw = [self._file.read(8 * size) for size in sizes]
            theirs, ours = (np.frombuffer(raw[part], dtype=np.uint64) for part in (0, 2))
            wanted, given = (np.frombuffer(raw[part], dtype=np.int64) for part in (1, 3))
            yield penalty * _cosine(theirs, wanted, ours, given, frequency) if penalty else 0.0
