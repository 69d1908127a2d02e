"""What a verb shows: text on stdout; progress, warnings and errors on stderr, as JSON lines for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import typer

from petrg.cli.visible import as_json, visible
from petrg.errors import InputError, Problem
from petrg.progress import Progress

if TYPE_CHECKING:
    from petrg.report.record import Note

__all__ = ["complain", "ended", "error", "event", "machine", "progress_bar", "say", "text_stream", "warn", "warn_more"]

machine: ContextVar[bool] = ContextVar("machine", default=False)
"""Whether ``--log-json`` was given to the running verb."""

ended: ContextVar[bool] = ContextVar("ended", default=False)
"""Whether the line that a failed verb ends with was printed."""

_STARTED = time.monotonic()
_SHOW_AFTER_S = 1.0
_EVERY_S = 0.1


def say(text: str = "") -> None:
    """Print ``text`` on stdout; here and below nothing printed is obeyed by a terminal (`petrg.cli.visible`)."""
    typer.echo(visible(text))


def event(name: str, **facts: Any) -> None:
    """One JSON object on stderr where ``--log-json`` was given, else nothing."""
    if machine.get():
        elapsed = round(time.monotonic() - _STARTED, 3)
        line = json.dumps({"event": name, **facts, "elapsed": elapsed}, ensure_ascii=False)
        typer.echo(as_json(line), err=True)


def warn(problem: Problem | Note) -> None:
    """A problem of the study that did not stop the work."""
    if machine.get():
        event("problem", code=problem.code, text=problem.text)
    else:
        typer.echo(visible(f"petrg: warning: {problem.text}"), err=True)


def warn_more(problems: Iterable[Problem | Note], *, beyond: Iterable[Problem]) -> None:
    """Warn of the ``problems`` that were not already said of the study, ``beyond``."""
    said = {problem.text for problem in beyond}
    for problem in problems:
        if problem.text not in said:
            warn(problem)


def complain(line: str) -> None:
    """One thing that is wrong, before the error that ends the verb."""
    if machine.get():
        event("mismatch", text=line)
    else:
        typer.echo(visible(f"petrg: {line}"), err=True)


def error(failure: BaseException, line: str, exit_code: int) -> None:
    """The one line a failed verb ends with."""
    ended.set(True)
    if not machine.get():
        typer.echo(visible(f"petrg: {line}"), err=True)
        return
    parts = (failure.found, failure.expected, failure.do) if isinstance(failure, InputError) else (line, "", "")
    kind = type(failure).__name__
    event("error", kind=kind, error=dict(zip(("found", "expected", "do"), parts, strict=True)), exit_code=exit_code)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield what work calls as it advances.

    A bar appears on a terminal after one second; with ``--log-json`` each step sends events, at most
    ten a second and always its last.
    """
    if machine.get():
        yield _events()
    elif _watched():
        with _bar() as bar:
            yield bar
    else:
        yield lambda step, done, total: None


@contextmanager
def text_stream() -> Iterator[Callable[[str], None] | None]:
    """Yield what takes a text piece by piece as it is written, or None where nobody reads along.

    It goes to the terminal behind stderr and nowhere else: no file or log ever gets a report's text this way.
    """
    if machine.get() or not _watched():
        yield None
        return
    told = False

    def write(text: str) -> None:
        nonlocal told
        told = True
        typer.echo(visible(text), nl=False, err=True)

    try:
        yield write
    finally:
        if told:
            typer.echo(err=True)


def _watched() -> bool:
    """Whether stderr is a terminal; a closed one (``2>&-``) is None."""
    return sys.stderr is not None and sys.stderr.isatty()


def _events() -> Progress:
    sent = ("", 0.0)

    def progress(step: str, done: int, total: int) -> None:
        nonlocal sent
        now = time.monotonic()
        if step != sent[0] or now - sent[1] >= _EVERY_S or done == total:
            sent = (step, now)
            event("progress", step=step, done=done, total=total)

    return progress


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    begun = time.monotonic()
    task = bar.add_task("", total=None)
    shown = False

    def progress(step: str, done: int, total: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - begun >= _SHOW_AFTER_S:
            bar.start()
            shown = True
        bar.update(task, description=visible(step), completed=done, total=total or None)

    try:
        yield progress
    finally:
        if shown:
            bar.stop()
