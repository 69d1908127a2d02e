"""Several requests at once, in threads that stop with their consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from petrg.errors import PetrgError

__all__ = ["each"]

T = TypeVar("T")
R = TypeVar("R")


def each(
    items: Sequence[T], work: Callable[[T], R], workers: int, stop: threading.Event | None = None
) -> Iterator[tuple[int, R | PetrgError]]:
    """Yield (index, ``work(item)``) as each is done; a `PetrgError` is yielded, any other error raised.

    Once ``stop`` is set no further item is begun, and the iterator ends when those in flight are done. When the
    consumer leaves early, Ctrl-C included, the threads are left to end by themselves; they keep no program alive.

    Parameters
    ----------
    workers : int
        At most so many at a time, at least 1.

    Examples
    --------
    >>> sorted(each("ab", str.upper, workers=2))
    [(0, 'A'), (1, 'B')]
    """
    stop = threading.Event() if stop is None else stop
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, R | BaseException] | None] = queue.SimpleQueue()
    for index in range(len(items)):
        todo.put(index)

    def run() -> None:
        while not stop.is_set():
            try:
                index = todo.get_nowait()
            except queue.Empty:
                break
            try:
                done.put((index, work(items[index])))
            except BaseException as error:  # handed over to the consumer, who raises what is no PetrgError
                done.put((index, error))
        done.put(None)

    running = max(1, min(workers, len(items)))
    for _ in range(running):
        threading.Thread(target=run, daemon=True).start()
    try:
        while running:
            finished = done.get()
            if finished is None:
                running -= 1
                continue
            index, result = finished
            if isinstance(result, BaseException) and not isinstance(result, PetrgError):
                raise result
            yield index, result
    finally:
        stop.set()
