"""In how many references each n-gram stands, and CIDEr-D from it; memory does not grow with the texts.

CIDEr needs all references before it can weigh the first n-gram. What a case needs later (its hashes and counts, not its
text) waits in a temporary file; the table of references holds 24 bytes for each distinct n-gram.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from petrg.errors import OutputError
from petrg.evaluate.text.cider import ORDERS, SCALE, length_penalty
from petrg.evaluate.text.profile import Hashes, Profile, order_of, shared

__all__ = ["Rarity", "Waiting", "cider_of"]

Floats = NDArray[np.float64]

_PENDING = 1 << 16
_IN_MEMORY = 8 << 20


class Rarity:
    """Counts, for every n-gram, the references that hold it."""

    def __init__(self) -> None:
        self.references = 0
        self._keys: Hashes = np.empty(0, dtype=np.uint64)
        self._seen: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._weights: Floats | None = None
        self._pending: list[Hashes] = []
        self._waiting = 0

    def add(self, reference: Profile) -> None:
        """Count one more reference."""
        self.references += 1
        self._weights = None
        self._pending.append(reference.keys)
        self._waiting += len(reference.keys)
        if self._waiting > max(_PENDING, len(self._keys)):
            self._merge()

    def weights(self, keys: Hashes) -> Floats:
        """log(references / references that hold it, at least 1) of each n-gram; exactly 0 where all hold it."""
        if self._weights is None:
            self._merge()
            self._weights = np.log(self.references / self._seen)
        most = math.log(max(1, self.references))
        if not len(self._keys):
            return np.full(len(keys), most)
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        return np.where(self._keys[at] == keys, self._weights[at], most)

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


def cider_of(reference: Profile, prediction: Profile, rarity: Rarity) -> float:
    """CIDEr-D of a pair once all references are counted; see :func:`petrg.evaluate.text.cider.cider_d`."""
    penalty = length_penalty(prediction.totals[1], reference.totals[1])
    if penalty == 0:
        return 0.0
    arrays = (reference.keys, reference.counts, prediction.keys, prediction.counts)
    return penalty * _weighted(*arrays, rarity)


def _weighted(
    reference: Hashes, wanted: NDArray[np.int64], prediction: Hashes, given: NDArray[np.int64], rarity: Rarity
) -> float:
    theirs, ours = wanted * rarity.weights(reference), given * rarity.weights(prediction)
    a, b = shared(prediction, reference)
    dots = np.bincount(order_of(prediction[a]), np.minimum(ours[a], theirs[b]) * theirs[b], ORDERS)
    squares = [
        np.bincount(order_of(keys), weights**2, ORDERS) for keys, weights in ((prediction, ours), (reference, theirs))
    ]
    norms = np.sqrt(squares[0]) * np.sqrt(squares[1])
    return float(SCALE * np.divide(dots, norms, out=np.zeros(ORDERS), where=norms > 0).mean())


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

    def scores(self, rarity: Rarity) -> Iterator[float]:
        """CIDEr-D of the pairs in the order they were put."""
        self._file.seek(0)
        while head := self._file.read(40):
            penalty = float(np.frombuffer(head[:8])[0])
            sizes = np.frombuffer(head[8:], dtype=np.int64).tolist()
            raw = [self._file.read(8 * size) for size in sizes]
            theirs, ours = (np.frombuffer(raw[part], dtype=np.uint64) for part in (0, 2))
            wanted, given = (np.frombuffer(raw[part], dtype=np.int64) for part in (1, 3))
            yield penalty * _weighted(theirs, wanted, ours, given, rarity) if penalty else 0.0
