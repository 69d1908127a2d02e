"""How a verb ends: exit code 0, 2 where the input is at fault, 1 where petrg is; one line, no traceback."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import typer

from petrg.cli import screen
from petrg.errors import OutputError, PetrgError

__all__ = ["guard"]

_INTERNAL = "internal error ({kind}) — please report it — rerun with PETRG_DEBUG=1 for the traceback"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _Terminated(BaseException):
    """SIGTERM, raised so that what was begun is cleaned up."""


def guard(verb: Callable[..., None]) -> Callable[..., None]:
    """``verb`` so that every way it can fail ends in one line on stderr and an exit code.

    Exit codes: 2 the input cannot be used or the output not written, 1 an error of petrg itself,
    130 Ctrl-C, 143 SIGTERM. A closed pipe is quiet. With ``PETRG_DEBUG=1`` internal errors keep
    their traceback.
    """

    @wraps(verb)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            with _termination(), _quiet_libraries():
                verb(*args, **kwargs)
        except PetrgError as failure:
            _end(failure, str(failure), failure.exit_code)
        except BrokenPipeError:
            _close_stdout()
            raise typer.Exit(0) from None
        except OSError as failure:
            if failure.errno not in _FULL:
                _internal(failure)
            full = OutputError(
                f"cannot write: {os.strerror(failure.errno or errno.ENOSPC)}",
                "a writable folder with free space",
                "choose another -o or free some space",
            )
            _end(full, str(full), full.exit_code)
        except (KeyboardInterrupt, _Terminated) as failure:
            code = 130 if isinstance(failure, KeyboardInterrupt) else 143
            _end(failure, "stopped — nothing half-written is left", code)
        except (typer.Exit, typer.BadParameter):
            raise
        except Exception as failure:
            _internal(failure)
        finally:
            screen.machine.set(False)

    return run


def _end(failure: BaseException, line: str, code: int) -> None:
    screen.error(failure, line, code)
    raise typer.Exit(code) from None


def _internal(failure: Exception) -> None:
    if os.environ.get("PETRG_DEBUG") == "1":
        raise failure
    _end(failure, _INTERNAL.format(kind=type(failure).__name__), 1)


@contextmanager
def _termination() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that folders written aside are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Silence libraries' warnings and logs: they may quote header values, a patient's name among them."""
    import logging

    if os.environ.get("PETRG_DEBUG") == "1":
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _close_stdout() -> None:
    """Keep the interpreter from complaining at exit about the pipe that its reader closed."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
