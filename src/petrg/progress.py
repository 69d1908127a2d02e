"""How long work reports where it is; the command line draws it, the library never prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["Progress", "silent", "track"]

T = TypeVar("T")


class Progress(Protocol):
    """How long work reports where it is."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called as work advances.

        Parameters
        ----------
        step : str
            What is being done, e.g. ``"reading PET"``; never a patient's identity.
        done, total : int
            How far it is; ``total`` 0 where it is not known.
        """


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""


def track(items: Sequence[T] | Iterable[T], step: str, progress: Progress, total: int = 0) -> Iterator[T]:
    """Yield ``items`` and report each.

    >>> seen = []
    >>> list(track("ab", "reading", lambda *a: seen.append(a))), seen
    (['a', 'b'], [('reading', 1, 2), ('reading', 2, 2)])
    """
    total = total or (len(items) if isinstance(items, Sequence) else 0)
    for done, item in enumerate(items, 1):
        yield item
        progress(step, done, total)
