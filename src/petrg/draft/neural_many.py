"""Many studies, one after the other: the next is read and measured while the network writes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from petrg.draft.neural import NeuralWriter, Prepared, finish, prepare, write
from petrg.errors import PetrgError
from petrg.imaging import Study
from petrg.report import Report

__all__ = ["Written", "draft_each", "draft_many"]

Source = Study | Callable[[], Study]
_Ready = Prepared | PetrgError
_END = object()


class Written(NamedTuple):
    """A study, its report, and the text as the network wrote it."""

    study: Study
    report: Report
    text: str


def draft_many(studies: Iterable[Source], writer: NeuralWriter, **how: Any) -> Iterator[Report | PetrgError]:
    """The reports of `draft_each` alone."""
    for made in draft_each(studies, writer, **how):
        yield made.report if isinstance(made, Written) else made


def draft_each(
    studies: Iterable[Source],
    writer: NeuralWriter,
    *,
    batch: int = 1,
    ahead: int = 2,
    deidentify: bool = False,
    **how: Any,
) -> Iterator[Written | PetrgError]:
    """Reports of ``studies`` in their order; what is wrong with one study is yielded in its place and stops no other.

    A thread reads, measures and prepares up to ``ahead`` batches while the network writes. A report does not depend on
    its batch or order.

    Parameters
    ----------
    studies : iterable of Study, or of callables that read one
    batch : int
        So many are decoded side by side.
    ahead : int
        Batches held ready; each holds its studies' volumes in memory.
    deidentify : bool
        See `petrg.draft.deidentify`.
    **how
        As `petrg.draft.neural.prepare`.

    Yields
    ------
    Written or PetrgError
        An error that is no `PetrgError` is raised.
    """
    if batch < 1 or ahead < 1:
        raise ValueError("batch and ahead are at least 1")
    ready = _read_ahead(studies, lambda study: prepare(study, writer, **how), batch * ahead)
    for group in _batches(ready, batch):
        cases = [case for case in group if isinstance(case, Prepared)]
        texts = iter(_texts(cases, writer))
        for case in group:
            yield case if isinstance(case, PetrgError) else _finished(case, next(texts), writer, deidentify=deidentify)


def _texts(cases: list[Prepared], writer: NeuralWriter) -> list[Any]:
    """What is written on each case; where one of a batch fails, each alone."""
    try:
        return list(write(cases, writer)) if cases else []
    except PetrgError as error:
        return [error] if len(cases) == 1 else list(chain.from_iterable(_texts([case], writer) for case in cases))


def _finished(case: Prepared, drafted: Any, writer: NeuralWriter, *, deidentify: bool) -> Written | PetrgError:
    if isinstance(drafted, PetrgError):
        return drafted
    try:
        return Written(case.study, finish(case, drafted, writer, deidentify=deidentify), drafted.text)
    except PetrgError as error:
        return error


def _batches(ready: Iterator[_Ready], batch: int) -> Iterator[list[_Ready]]:
    group: list[_Ready] = []
    for case in ready:
        group.append(case)
        if len(group) == batch:
            yield group
            group = []
    if group:
        yield group


def _read_ahead(studies: Iterable[Source], work: Callable[[Study], Prepared], ahead: int) -> Iterator[_Ready]:
    """What ``work`` makes of each study, in order, by a thread that stays at most ``ahead`` in front."""
    made: queue.Queue[Any] = queue.Queue(maxsize=ahead)
    stop = threading.Event()

    def hand_over(item: Any) -> bool:
        while not stop.is_set():
            try:
                made.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for source in studies:
                try:
                    item: Any = work(source if isinstance(source, Study) else source())
                except PetrgError as error:
                    item = error
                if not hand_over(item):
                    return
            hand_over(_END)
        except BaseException as error:  # handed over to the consumer, who raises it
            hand_over(_Failed(error))

    threading.Thread(target=run, daemon=True).start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stop.set()


class _Failed:
    """An error that is none of petrg's, on its way to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
