"""Threads: bounded, complete, stopped on demand."""

from __future__ import annotations

import threading
import time

import pytest

from petrg.errors import RemoteError
from petrg.remote import each


def test_every_item_once_and_never_more_at_a_time_than_asked() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return n * n

    assert sorted(each(range(30), work, 3)) == [(n, n * n) for n in range(30)]
    assert most == 3


def test_a_petrg_error_is_a_result_and_any_other_is_raised() -> None:
    def work(n: int) -> int:
        if n == 1:
            raise RemoteError("a", "b", "c")
        return n

    results = dict(each(range(3), work, 2))
    assert isinstance(results[1], RemoteError)
    with pytest.raises(ZeroDivisionError):
        list(each([0], lambda n: 1 // n, 1))


def test_stop_begins_no_more_and_finishes_those_in_flight() -> None:
    begun: list[int] = []
    stop = threading.Event()
    both = threading.Barrier(2)

    def work(n: int) -> int:
        begun.append(n)
        if n < 2:
            both.wait(5)
            if n == 0:
                stop.set()
            else:
                stop.wait(5)
                time.sleep(0.05)
        return n

    assert sorted(index for index, _ in each(range(50), work, 2, stop)) == [0, 1]
    assert sorted(begun) == [0, 1]


def test_nothing_to_do() -> None:
    assert list(each([], str, 4)) == []
