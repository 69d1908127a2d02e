"""One reference against many predictions at once, for permutations: the counts that :func:`compare` gives pair by pair.

An index from n-gram to the predictions that hold it finds all common n-grams of a reference together; the same index
over METEOR's marks aligns it with all; and the longest common subsequences run side by side in one long bit vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from petrg.evaluate.text.cider import ORDERS, SCALE, SIGMA
from petrg.evaluate.text.document_frequency import DocumentFrequency, norms
from petrg.evaluate.text.profile import Hashes, Ints, Profile, align_stems, order_of, shared

__all__ = ["Crowd", "Index", "crowd", "lcs_matrix"]

Floats = NDArray[np.float64]

_BITS = 1 << 15


@dataclass(frozen=True, eq=False)
class Index:
    """From a key to every place of a list of keys where it stands.

    Parameters
    ----------
    keys : (k,) uint64, ascending
    begins : (k + 1,) int
        Where each key's places begin in ``places``.
    places : (m,) int
    """

    keys: Hashes
    begins: Ints
    places: Ints

    def meet(self, keys: Hashes) -> tuple[Ints, Ints]:
        """Index into ``keys`` and place in the list, for every place that holds one of ``keys`` (ascending)."""
        mine, at = shared(keys, self.keys)
        counts = self.begins[at + 1] - self.begins[at]
        before = np.cumsum(counts) - counts
        flat = np.repeat(self.begins[at] - before, counts) + np.arange(counts.sum())
        return np.repeat(mine, counts), self.places[flat]


def _index(keys: Hashes) -> Index:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    new = np.ones(len(keys), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return Index(ordered[new], np.append(np.flatnonzero(new), len(keys)), order)


@dataclass(frozen=True, eq=False)
class Crowd:
    """n texts, indexed.

    Parameters
    ----------
    texts : sequence of Profile
    frequency : DocumentFrequency
        Of all references.
    grams, marks : Index
        Over the n-grams and the marks of all texts, one text after the other.
    owners : (m,) int
        Text of each n-gram.
    starts : (n + 1,) int
        Where the tokens of each text begin among the tokens of all.
    """

    texts: Sequence[Profile]
    frequency: DocumentFrequency
    grams: Index
    marks: Index
    owners: Ints
    starts: Ints

    @cached_property
    def _counts(self) -> Floats:
        return np.concatenate([text.counts for text in self.texts]).astype(np.float64)

    @cached_property
    def _tokens(self) -> Ints:
        """Place of each mark among the tokens of all texts."""
        return np.concatenate([text.places + start for text, start in zip(self.texts, self.starts, strict=False)])

    @cached_property
    def _token_owners(self) -> Ints:
        return np.repeat(np.arange(len(self.texts)), np.diff(self.starts))

    @cached_property
    def _totals(self) -> Floats:
        return np.array([text.totals for text in self.texts], dtype=np.float64)

    @cached_property
    def _stemmed(self) -> tuple[int, ...]:
        return tuple(i for i, text in enumerate(self.texts) if text.stems)

    @cached_property
    def _norms(self) -> Floats:
        """(4, n) lengths of the texts' weighted vectors."""
        return np.stack([norms(text.keys, text.counts, self.frequency) for text in self.texts], axis=1)

    def against(self, reference: Profile, lcs: Ints) -> tuple[Floats, Floats]:
        """Counts (n, 13) as in :func:`petrg.evaluate.text.score.counts_of`, and CIDEr-D (n,).

        Parameters
        ----------
        reference : Profile
        lcs : (n,) int
            Its longest common subsequence with each text.
        """
        mine, entry = self.grams.meet(reference.keys)
        slots = order_of(reference.keys)[mine] * len(self.texts) + self.owners[entry]
        given = self._counts[entry]
        matches = self._per_text(slots, np.minimum(reference.counts[mine], given)).T
        aligned, chunks = self._aligned(reference)
        lengths = np.diff(self.starts)
        columns = (lcs, aligned, chunks, lengths, np.full(len(lengths), len(reference.tokens)))
        rows = np.concatenate([matches, self._totals, np.stack(columns, axis=1)], axis=1)
        return rows, self._cider(reference, mine, slots, given)

    def _per_text(self, slots: Ints, values: NDArray[np.generic]) -> Floats:
        count = len(self.texts)
        sums = np.bincount(slots, weights=values, minlength=ORDERS * count)
        return sums.astype(np.float64).reshape(ORDERS, count)

    def _cider(self, reference: Profile, mine: Ints, slots: Ints, given: Floats) -> Floats:
        kinds, which = np.unique(self.frequency.seen(reference.keys), return_inverse=True)
        wanted = reference.counts[mine]
        both = np.minimum(given, wanted) * wanted
        dots = self.frequency.weighted(slots, ORDERS * len(self.texts), kinds, which[mine], both).reshape(ORDERS, -1)
        length = self._norms * norms(reference.keys, reference.counts, self.frequency)[:, None]
        cosines = np.divide(dots, length, out=np.zeros_like(dots), where=length > 0).mean(axis=0)
        difference = self._totals[:, 1] - reference.totals[1]
        return np.asarray(SCALE * cosines * np.exp(-(difference**2) / (2 * SIGMA**2)))

    def _aligned(self, reference: Profile) -> tuple[Ints, Ints]:
        """Words that METEOR aligns with each text, and chunks."""
        mine, entry = self.marks.meet(reference.marks)
        partner = np.full(self.starts[-1], -1)
        partner[self._tokens[entry]] = reference.places[mine]
        for i in range(len(self.texts)) if reference.stems else self._stemmed:
            align_stems(reference, self.texts[i], partner[self.starts[i] : self.starts[i + 1]])
        places = np.flatnonzero(partner >= 0)
        owners = self._token_owners[places]
        fresh = np.ones(len(places), dtype=bool)
        fresh[1:] = (np.diff(places) != 1) | (np.diff(partner[places]) != 1) | (np.diff(owners) != 0)
        count = len(self.texts)
        return np.bincount(owners, minlength=count), np.bincount(owners[fresh], minlength=count)


def crowd(texts: Sequence[Profile], frequency: DocumentFrequency) -> Crowd:
    """Index ``texts``; all references must be counted in ``frequency`` by now."""
    sizes = [len(text.keys) for text in texts]
    starts = np.cumsum([0, *(len(text.tokens) for text in texts)])
    return Crowd(
        texts=texts,
        frequency=frequency,
        grams=_index(np.concatenate([text.keys for text in texts])),
        marks=_index(np.concatenate([text.marks for text in texts])),
        owners=np.repeat(np.arange(len(texts)), sizes),
        starts=starts,
    )


def lcs_matrix(references: Sequence[Profile], texts: Sequence[Profile]) -> Ints:
    """(r, n) lengths of the longest common subsequences; see :func:`petrg.evaluate.text.lcs.lcs_length`.

    The texts lie one after the other in one bit vector, a zero bit between them that stops every carry.

    >>> from petrg.evaluate.text.profile import profile
    >>> lcs_matrix([profile("abcd")], [profile("acd"), profile(""), profile("dc"), profile("xbxd")]).tolist()
    [[3, 0, 1, 2]]
    """
    made = np.zeros((len(references), len(texts)), dtype=np.int64)
    for first, last in _groups([len(text.tokens) for text in texts]):
        group = texts[first:last]
        starts = np.cumsum([0, *(len(text.tokens) + 1 for text in group)])
        masks, full = _joint(group, starts.tolist())
        size = -(-int(starts[-1]) // 8)
        for row, reference in enumerate(references):
            free = full
            for bits in filter(None, map(masks.get, reference.tokens)):
                hits = free & bits
                free = (free + hits | free - hits) & full
            used = np.frombuffer((full ^ free).to_bytes(size, "little"), dtype=np.uint8)
            ends = np.cumsum(np.unpackbits(used, bitorder="little"), dtype=np.int64)[starts[1:] - 1]
            made[row, first:last] = np.diff(ends, prepend=0)
    return made


def _groups(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of about 32,768 tokens together, so that the bits of all words fit into some MB."""
    first = held = 0
    for i, length in enumerate(lengths):
        held += length + 1
        if held >= _BITS or i == len(lengths) - 1:
            yield first, i + 1
            first, held = i + 1, 0


def _joint(texts: Sequence[Profile], starts: Sequence[int]) -> tuple[dict[str, int], int]:
    """Bits of the places of each word in all texts, and the bits of all places."""
    places: dict[str, list[int]] = {}
    full = 0
    for text, start in zip(texts, starts, strict=False):
        full |= ((1 << len(text.tokens)) - 1) << start
        for place, token in enumerate(text.tokens, start):
            places.setdefault(token, []).append(place)
    masks: dict[str, int] = {}
    for token, found in places.items():
        raw = bytearray(found[-1] // 8 + 1)
        for place in found:
            raw[place >> 3] |= 1 << (place & 7)
        masks[token] = int.from_bytes(raw, "little")
    return masks, full
