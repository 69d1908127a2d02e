"""What every metric needs of one text, worked out once and compared with any other text by arrays.

Words and n-grams are 64-bit hashes (Python's own of the word, times odd constants), so texts need no common vocabulary
and nothing is kept from one text to the next. Two different n-grams of a pair of reports share a hash about once in
10^12 pairs. Hashes differ from run to run; no result does, since only whole numbers are summed in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import intern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from petrg.evaluate.text.bleu import ORDERS
from petrg.evaluate.text.lcs import Masks, lcs_length
from petrg.evaluate.text.porter import stem

__all__ = ["Hashes", "Ints", "Overlap", "Profile", "align_stems", "compare", "order_of", "profile", "shared"]

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

_ROLL = np.uint64(0x9E3779B97F4A7C15)
_REPEAT = np.uint64(0xD1B54A32D192ED03)
_HIGH = np.uint64(2**64 - 4)
_LOW = np.uint64(3)


@dataclass(frozen=True, eq=False)
class Profile:
    """One text.

    Parameters
    ----------
    tokens : list of str
    keys : (g,) uint64, ascending
        Its distinct n-grams of 1 to 4 tokens; the two lowest bits are the order less one.
    counts : (g,) int64
        How often each stands in it.
    marks : (t,) uint64, ascending
        One a token: its word in lower case, and whether it is the last, last but one, ... of that word.
    places : (t,) int64
        Where that token stands.
    stems : dict
        Words in lower case that are not their own stem -> their stem.
    """

    tokens: list[str]
    keys: Hashes
    counts: Ints
    marks: Hashes
    places: Ints
    stems: dict[str, str]

    @property
    def totals(self) -> tuple[int, ...]:
        """How many n-grams of 1 to 4 tokens it holds."""
        return tuple(max(0, len(self.tokens) - order) for order in range(ORDERS))

    @cached_property
    def by_stem(self) -> dict[str, list[int]]:
        """Places of the tokens by the stem of their word."""
        made: dict[str, list[int]] = {}
        for place, token in enumerate(self.tokens):
            word = token.lower()
            made.setdefault(self.stems.get(word, word), []).append(place)
        return made


class Overlap(NamedTuple):
    """What two texts have in common."""

    matches: tuple[int, ...]
    """Clipped matches of 1- to 4-grams."""
    lcs: int
    aligned: int
    """Words that METEOR aligns."""
    chunks: int


def profile(tokens: Sequence[str]) -> Profile:
    """Work out what the metrics need of a text.

    >>> p = profile(["a", "b", "a"])
    >>> p.totals, sorted(p.counts.tolist())
    ((3, 2, 1, 0), [1, 1, 1, 1, 2])
    """
    tokens = [intern(token) for token in tokens]  # one word of many texts is held once
    keys, counts = _grams(_hashes(tokens))
    lowered = [token.lower() for token in tokens]
    marks, places = _marks(_hashes(lowered))
    letters = {word: stem(word) for word in set(lowered) if "a" <= word[-1] <= "z"}
    stems = {word: found for word, found in letters.items() if found != word}
    return Profile(tokens, keys, counts, marks, places, stems)


def compare(reference: Profile, prediction: Profile, masks: Masks | None = None) -> Overlap:
    """What BLEU, ROUGE and METEOR count of a pair.

    Parameters
    ----------
    reference, prediction : Profile
    masks : Masks, optional
        Of the reference's tokens, where it is compared with several predictions in turn; many texts' would be large.

    Examples
    --------
    >>> compare(profile("a b c d".split()), profile("a b d".split()))
    Overlap(matches=(3, 1, 0, 0), lcs=3, aligned=3, chunks=2)
    """
    ours, theirs = shared(prediction.keys, reference.keys)
    both = np.minimum(prediction.counts[ours], reference.counts[theirs])
    matches = np.bincount(order_of(prediction.keys[ours]), weights=both, minlength=ORDERS)
    lcs = lcs_length(masks or Masks(reference.tokens), prediction.tokens) if len(ours) else 0
    return Overlap(tuple(int(m) for m in matches), lcs, *_alignment(reference, prediction))


def shared(ours: Hashes, theirs: Hashes) -> tuple[Ints, Ints]:
    """Indices of equal values in two ascending arrays without repeats."""
    if not len(theirs):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    at = np.searchsorted(theirs, ours)
    at[at == len(theirs)] = 0
    hits = np.flatnonzero(theirs[at] == ours)
    return hits, at[hits]


def order_of(keys: Hashes) -> Ints:
    """Order less one of each n-gram."""
    return (keys & _LOW).astype(np.int64)


def _hashes(tokens: list[str]) -> Hashes:
    return np.fromiter(map(hash, tokens), dtype=np.int64, count=len(tokens)).view(np.uint64)


def _grams(words: Hashes) -> tuple[Hashes, Ints]:
    grams, every = words, []
    for order in range(ORDERS):
        if order:
            grams = grams[:-1] * _ROLL + words[order:]
        every.append((grams & _HIGH) | np.uint64(order))
    keys = np.sort(np.concatenate(every))
    new = np.ones(len(keys), dtype=bool)
    new[1:] = keys[1:] != keys[:-1]
    first = np.flatnonzero(new)
    return keys[first], np.diff(first, append=len(keys))


def _marks(words: Hashes) -> tuple[Hashes, Ints]:
    if not len(words):
        return words, np.empty(0, dtype=np.int64)
    order = np.argsort(words, kind="stable")
    sorted_ = words[order]
    last = np.append(np.flatnonzero(sorted_[1:] != sorted_[:-1]), len(words) - 1)
    after = np.repeat(last, np.diff(last, prepend=-1)) - np.arange(len(words))
    marks = sorted_ + after.astype(np.uint64) * _REPEAT
    again = np.argsort(marks)
    return marks[again], order[again]


def _alignment(reference: Profile, prediction: Profile) -> tuple[int, int]:
    """Aligned words and chunks of METEOR.

    Taking words from the end on and each time the last free equal word pairs the k-th last occurrence in one text with
    the k-th last in the other, so the first stage is a look-up.
    """
    ours, theirs = shared(prediction.marks, reference.marks)
    partner = np.full(len(prediction.tokens), -1)
    partner[prediction.places[ours]] = reference.places[theirs]
    if reference.stems or prediction.stems:
        align_stems(reference, prediction, partner)
    places = np.flatnonzero(partner >= 0)
    if not len(places):
        return 0, 0
    breaks = (np.diff(places) != 1) | (np.diff(partner[places]) != 1)
    return len(places), 1 + int(breaks.sum())


def align_stems(reference: Profile, prediction: Profile, partner: Ints) -> None:
    """METEOR's second stage, on what the first left over: places in the reference, written into ``partner``.

    Only stems that differ from their word in one of the texts can match anew.
    """
    free = np.ones(len(reference.tokens), dtype=bool)
    free[partner[partner >= 0]] = False
    for found in {*reference.stems.values(), *prediction.stems.values()}:
        ours = [place for place in prediction.by_stem.get(found, ()) if partner[place] < 0]
        theirs = [place for place in reference.by_stem.get(found, ()) if free[place]]
        for place, other in zip(reversed(ours), reversed(theirs), strict=False):
            partner[place] = other
