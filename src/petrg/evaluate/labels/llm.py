"""A language model as labeller, on a server that the user names."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from petrg.anatomy import Region
from petrg.errors import PetrgError, RemoteError
from petrg.evaluate.labels.extract import is_blank
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.evaluate.labels.llm_answer import AnswerFault, read_answer
from petrg.evaluate.labels.llm_cache import cache_key, keep, kept, prepare
from petrg.evaluate.labels.llm_prompt import again, answer_schema, messages, prompt_languages, version
from petrg.language.reading import detect
from petrg.progress import Progress, silent
from petrg.remote import Answer, Question, Server, chat, each
from petrg.remote.client import Format

__all__ = ["Asked", "Usage", "ask", "llm_labeller"]

_FAULTS = 5
"""After so many reports without a usable answer no further one is begun: the model cannot do it."""
_SEED = 0
_KEPT = "; answers so far are kept, so that a new run asks for the rest only"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked and what it took; ``uncounted`` answers came without a count of tokens."""

    requests: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    uncounted: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.cached + other.cached,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.uncounted + other.uncounted,
        )

    def cost(self, price_in: float, price_out: float) -> float:
        """In the currency of the prices, which are per million tokens.

        >>> Usage(tokens_in=2_000_000, tokens_out=500_000).cost(0.5, 2.0)
        2.0
        """
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


@dataclass(frozen=True)
class Asked:
    """What became of every report that says something, in their order."""

    labeller: str
    texts: Mapping[str, str]
    languages: Mapping[str, str]
    cases: Mapping[str, Mapping[Region, Cell]]
    usage: Usage
    faults: Mapping[int, RemoteError] = field(default_factory=dict)
    """Row -> why there is no answer."""
    kept: bool = True
    """Whether the answers are in a cache."""

    def labels(self) -> LabelSet:
        """The labels of all.

        Raises
        ------
        RemoteError
            If a report was not labelled: partial labels would read as "normal" for the rest.
        """
        if len(self.cases) < len(self.texts):
            left = len(self.texts) - len(self.cases)
            row, first = min(self.faults.items())
            raise RemoteError(
                f"{left} of {len(self.texts)} reports have no labels; row {row}: {first.found}",
                first.expected,
                f"{first.do}{_KEPT if self.kept else ''}",
            ) from first
        ordered = {key: self.cases[key] for key in self.texts}
        return LabelSet(labeller=self.labeller, cases=ordered, texts=self.texts, languages=self.languages)


@dataclass(frozen=True)
class _Task:
    row: int
    key: str
    text: str
    language: str


@dataclass(frozen=True)
class _How:
    model: str
    at: Server
    cache: Path | None
    format: Format


def llm_labeller(model: str) -> str:
    """Name and version of the labeller: the model and the prompt."""
    return f"llm {' '.join(model.split())} {version()}"


def ask(
    texts: Mapping[str, str | None],
    model: str,
    at: Server,
    *,
    language: str = "auto",
    workers: int = 4,
    cache: Path | None = None,
    format: Format = "schema",
    progress: Progress = silent,
) -> Asked:
    """Ask a model for the labels of each text that says anything; blank ones are left out.

    An answer that lacks a region or a valid class is asked for once more, with the fault named; after that the report
    has none. A server that cannot be used, or five reports without an answer, end the asking: those in flight are
    finished, what was answered is in the ``cache``.

    Parameters
    ----------
    texts : mapping of id -> text
    model : str
        As the server calls it.
    language : str
        Of the prompt, zh or en; ``auto``: each text's own.
    workers : int
        Requests at a time.
    cache : Path, optional
        A folder of answers (:func:`petrg.evaluate.labels.llm_cache.cache_folder`); None: neither read nor written.

    Raises
    ------
    RemoteError
        If there is no prompt in that language.
    OutputError
        If the cache cannot be written.
    """
    if language not in ("auto", *prompt_languages()):
        raise RemoteError(
            f"no prompt in {language!r}", f"auto, {' or '.join(prompt_languages())}", "give another --language"
        )
    told = [
        _Task(row, key, text, _language(text, language))
        for row, (key, text) in enumerate(texts.items(), 1)
        if text is not None and not is_blank(text)
    ]
    if cache is not None:
        prepare(cache)
    cases, faults, usage = _collect(told, _How(model, at, cache, format), workers, progress)
    return Asked(
        labeller=llm_labeller(model),
        texts={task.key: task.text for task in told},
        languages={task.key: task.language for task in told},
        cases=cases,
        usage=usage,
        faults=faults,
        kept=cache is not None,
    )


def _collect(
    told: list[_Task], how: _How, workers: int, progress: Progress
) -> tuple[dict[str, dict[Region, Cell]], dict[int, RemoteError], Usage]:
    cases: dict[str, dict[Region, Cell]] = {}
    faults: dict[int, RemoteError] = {}
    usage, stop = Usage(), threading.Event()
    for count, (index, result) in enumerate(each(told, lambda task: _label(task, how), workers, stop), 1):
        progress("asking", count, len(told))
        task = told[index]
        if isinstance(result, PetrgError):
            if not isinstance(result, RemoteError):
                raise result
            faults[task.row] = result
            stop.set()
            continue
        cells, used = result
        usage += used
        if isinstance(cells, RemoteError):
            faults[task.row] = cells
            if len(faults) >= _FAULTS:
                stop.set()
        else:
            cases[task.key] = cells
    return cases, faults, usage


def _language(text: str, wanted: str) -> str:
    found = detect(text) if wanted == "auto" else wanted
    return found if found in prompt_languages() else "en"


def _label(task: _Task, how: _How) -> tuple[dict[Region, Cell] | RemoteError, Usage]:
    """The labels of one report, from the cache or the server, or why there are none."""
    key = cache_key(how.model, version(), task.language, task.text)
    if how.cache is not None and (cells := kept(how.cache, key, len(task.text))) is not None:
        return cells, Usage(cached=1)
    asked = messages(task.text, task.language)
    used = Usage()
    fault = ""
    for attempt in range(2):
        answer = chat(how.at, _question(asked, how, _SEED + attempt))
        used += _used(answer)
        try:
            cells = read_answer(answer, task.text)
        except AnswerFault as error:
            fault = str(error)
            asked = _asked_again(asked, answer, fault, task.language)
            continue
        if how.cache is not None:
            keep(how.cache, key, cells, task.language)
        return cells, used
    do = "use a model that answers in JSON, with a longer context, or leave the report out"
    return RemoteError(fault, "an answer on all 24 regions", do), used


def _question(asked: list[dict[str, str]], how: _How, seed: int) -> Question:
    return Question(
        model=how.model,
        messages=asked,
        schema=answer_schema(),
        schema_name="region_labels",
        format=how.format,
        seed=seed,
    )


def _asked_again(asked: list[dict[str, str]], answer: Answer, fault: str, language: str) -> list[dict[str, str]]:
    """The answer goes back with its fault, unless it was refused or cut off: then the question is put anew."""
    if answer.refused or answer.finish_reason == "length" or not answer.text:
        return asked
    return [*asked, {"role": "assistant", "content": answer.text}, again(fault, language)]


def _used(answer: Answer) -> Usage:
    counted = answer.tokens_in is not None and answer.tokens_out is not None
    return Usage(
        requests=1,
        tokens_in=answer.tokens_in or 0,
        tokens_out=answer.tokens_out or 0,
        uncounted=0 if counted else 1,
    )
