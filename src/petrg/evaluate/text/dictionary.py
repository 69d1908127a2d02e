"""jieba's dictionary as a few arrays, kept in petrg's own cache folder so that it loads in milliseconds."""

from __future__ import annotations

import io
import math
import os
import warnings
import zipfile
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from petrg.errors import MissingExtra, OutputError
from petrg.files import write_file

__all__ = ["BLOCK", "FIRST_HAN", "JIEBA", "Dictionary", "cache_folder", "jieba_version", "load", "read_words"]

JIEBA = "0.42.1"
BLOCK = "\u4e00-\u9fd5a-zA-Z0-9+#&._%\\-"
"""Inside of the class of characters that jieba cuts by its dictionary; every other character is a token."""
FIRST_HAN, LAST_HAN = 0x4E00, 0x9FD5
_FORMAT = 1
_STATES = "BEMS"


@dataclass(frozen=True)
class Dictionary:
    """A trie over the words of the dictionary, and the model of words that it does not hold.

    Node 0 is the root; node k is the k-th beginning of words, by length and then by code points.

    Parameters
    ----------
    letters : (65536,) int64
        Code point -> number of the letter, 0 for one that no word holds or that is not cut by the dictionary.
    keys : (k - 1,) int64, ascending
        Node of the parent x number of letters + letter, for the nodes from 1 on.
    weights : (k,) float64
        log(frequency) - log(sum of frequencies); NaN for a beginning that is no word.
    unknown : float
        Weight of a single character that is no word: -log(sum of frequencies).
    emission : (20950, 4) float64
        Log probability of each Han character in the states begin, end, middle, single.
    start : (4,) float64
    moves : (4, 4) float64
        Log probability of the step from state to state.
    """

    letters: NDArray[np.int64]
    keys: NDArray[np.int64]
    weights: NDArray[np.float64]
    unknown: float
    emission: NDArray[np.float64]
    start: NDArray[np.float64]
    moves: NDArray[np.float64]

    @property
    def alphabet(self) -> int:
        """Number of letters, 0 for "none" included."""
        return int(self.letters.max()) + 1


def jieba_version() -> str:
    """Version of the installed jieba.

    Raises
    ------
    MissingExtra
        If it is not installed, or is another version than the one whose rules :mod:`petrg.evaluate.text.words` follows.
    """
    try:
        found = version("jieba") if _home() else ""
    except PackageNotFoundError:
        found = ""
    if found != JIEBA:
        raise MissingExtra("Chinese word tokens", f"jieba=={JIEBA}" if found else "jieba", "score")
    return found


def cache_folder() -> Path | None:
    """Where petrg keeps what can be made again: $XDG_CACHE_HOME/petrg, else ~/.cache/petrg; None without a home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if given and os.path.isabs(given):
        return Path(given) / "petrg"
    try:
        return Path.home() / ".cache" / "petrg"
    except RuntimeError:
        return None


def load() -> Dictionary:
    """The dictionary of the installed jieba, from the cache where that holds it, else read anew and kept.

    Raises
    ------
    MissingExtra
        If jieba is not installed.
    """
    home = _home()
    jieba_version()
    assert home is not None
    status = (home / "dict.txt").stat()
    stamp = np.array([_FORMAT, status.st_size, status.st_mtime_ns])
    folder = cache_folder()
    path = folder / f"jieba-{JIEBA}.npz" if folder else None
    kept = _cached(path, stamp) if path else None
    if kept is not None:
        return kept
    arrays = _arrays(home)
    if path:
        _keep(path, {**arrays, "stamp": stamp})
    return _from_arrays(arrays)


def read_words(path: Path) -> tuple[dict[str, int], int]:
    """Words of a jieba dictionary with their frequencies, and the sum of all frequencies in the file."""
    words: dict[str, int] = {}
    total = 0
    for line in path.read_bytes().splitlines():
        word, count = line.strip().decode("utf-8").split(" ")[:2]
        words[word] = int(count)
        total += int(count)
    return words, total


def _home() -> Path | None:
    spec = find_spec("jieba")
    return Path(spec.origin).parent if spec and spec.origin else None


def _cached(path: Path, stamp: NDArray[np.int64]) -> Dictionary | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):  # a bare array in its place
                return None
            arrays = {name: file[name] for name in file.files}
        return _from_arrays(arrays) if np.array_equal(arrays.pop("stamp"), stamp) and _is_whole(arrays) else None
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
        return None


def _is_whole(arrays: dict[str, NDArray[np.generic]]) -> bool:
    """Whether the arrays have the shapes, kinds and ranges of a :class:`Dictionary`."""
    nodes = len(arrays["keys"]) + 1
    shapes = {
        "letters": ((65536,), "iu"),
        "keys": ((nodes - 1,), "iu"),
        "weights": ((nodes,), "f"),
        "unknown": ((), "f"),
        "emission": ((LAST_HAN - FIRST_HAN + 1, len(_STATES)), "f"),
        "start": ((len(_STATES),), "f"),
        "moves": ((len(_STATES), len(_STATES)), "f"),
    }
    if any(
        arrays[name].shape != shape or arrays[name].dtype.kind not in kinds for name, (shape, kinds) in shapes.items()
    ):
        return False
    letters, keys = arrays["letters"].astype(np.int64), arrays["keys"].astype(np.int64)
    return bool(letters.min() >= 0 and (np.diff(keys) > 0).all() and (not len(keys) or keys[0] >= 0))


def _keep(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    raw = io.BytesIO()
    np.savez(raw, **arrays)  # type: ignore[arg-type]
    try:
        write_file(path, raw.getvalue())
    except OutputError:
        return  # a home that cannot be written costs a second a run, no more


def _from_arrays(arrays: dict[str, NDArray[np.generic]]) -> Dictionary:
    return Dictionary(
        letters=arrays["letters"].astype(np.int64),
        keys=arrays["keys"].astype(np.int64, copy=False),
        weights=arrays["weights"].astype(np.float64, copy=False),
        unknown=float(arrays["unknown"]),
        emission=arrays["emission"].astype(np.float64, copy=False),
        start=arrays["start"].astype(np.float64),
        moves=arrays["moves"].astype(np.float64),
    )


def _arrays(home: Path) -> dict[str, NDArray[np.generic]]:
    counts, total = read_words(home / "dict.txt")
    words = sorted(counts)
    letters, keys, nodes = _trie(words)
    weights = np.full(len(keys) + 1, np.nan)
    log_total = math.log(total)
    # jieba subtracts the logarithms in this order; another order would change ties
    weights[nodes] = [math.log(counts[word]) - log_total if counts[word] else math.nan for word in words]
    emission, start, moves = _model()
    return {
        "letters": letters.astype(np.uint16),
        "keys": keys,
        "weights": weights,
        "unknown": np.array(math.log(1) - log_total),
        "emission": emission,
        "start": start,
        "moves": moves,
    }


def _trie(words: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Letters, keys, and the node of each of the sorted ``words``."""
    table = np.array(words).view(np.uint32).reshape(len(words), -1).astype(np.int64)
    used = np.unique(table)
    used = used[(used > 0) & (used < 65536)]
    letters = np.zeros(65536, dtype=np.int64)
    letters[used] = np.arange(1, len(used) + 1)
    coded = np.where(table < 65536, letters[np.minimum(table, 65535)], 0)
    lengths = np.array([len(word) for word in words])
    size = len(used) + 1
    fresh = np.ones(len(words), dtype=bool)  # this word's beginning differs from that of the word before
    fresh[1:] = False
    parent = np.zeros(len(words), dtype=np.int64)
    nodes = np.zeros(len(words), dtype=np.int64)
    keys: list[NDArray[np.int64]] = []
    last = 0
    for place in range(table.shape[1]):
        there = lengths > place
        fresh[1:] |= table[1:, place] != table[:-1, place]
        new = fresh & there
        keys.append(parent[new] * size + coded[new, place])
        parent = last + np.cumsum(new)
        last += int(new.sum())
        nodes = np.where(lengths == place + 1, parent, nodes)
    return letters, np.concatenate(keys), nodes


def _model() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities of jieba's model of unknown words, which its package holds as Python modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's own escapes and its use of pkg_resources
        emit, start, moves = (import_module(f"jieba.finalseg.prob_{part}").P for part in ("emit", "start", "trans"))
    never = -3.14e100
    han = [chr(code) for code in range(FIRST_HAN, LAST_HAN + 1)]
    emission = np.array([[emit[state].get(letter, never) for state in _STATES] for letter in han])
    steps = np.array([[moves[a].get(b, never) for b in _STATES] for a in _STATES])
    return emission, np.array([start[state] for state in _STATES]), steps
