"""A system's reports scored against a benchmark, beside the benchmark's controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from petrg.errors import ScoreError
from petrg.evaluate.benchmark.folder import Benchmark
from petrg.evaluate.kinds import Labeller, label_texts
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.rows import Draws
from petrg.evaluate.score_all import Given, Scored, score_all
from petrg.evaluate.scores import Row
from petrg.evaluate.sentences import sentences
from petrg.evaluate.text import tokenizer
from petrg.language.reading import version
from petrg.progress import Progress, silent

__all__ = ["LabelsBy", "score_benchmark", "truth_labeller"]

LabelsBy = Literal["benchmark", "reader"]


def score_benchmark(
    benchmark: Benchmark,
    predictions: Mapping[str, str | None],
    *,
    name: str,
    sources: Mapping[str, str],
    tokenizer_name: str | None = None,
    labels_by: LabelsBy = "benchmark",
    prediction_labels: LabelSet | None = None,
    draws: Draws | None = None,
    progress: Progress = silent,
) -> Scored:
    """Score reports of the benchmark's cases.

    Labels of both sides are by one labeller, and the scores name it:

    - ``prediction_labels`` given: against the benchmark's labels, which must be of the same labeller;
    - the benchmark holds the truth of digital patients, ``labels_by="benchmark"``: against the truth, the predictions
      read by petrg's reader, and the labeller is named as both;
    - else petrg's reader on both sides. Only then are lesions scored: a label does not say where a lesion is.

    Parameters
    ----------
    benchmark : Benchmark
    predictions : mapping of id -> report or None
        A case that is absent counts as missing.
    name : str
        What the system is called.
    sources : mapping of role -> sha256
        Of the predictions' files.
    tokenizer_name : str, optional
        Default the benchmark's.
    labels_by : "benchmark" or "reader"
        Whether a truth is used where there is one.
    prediction_labels : LabelSet, optional
        Labels of the predictions, given as files.

    Raises
    ------
    ScoreError
        If a prediction is of no case, none is of any, or labels are of two labellers.
    """
    description = benchmark.description
    cases = benchmark.cases(predictions, sources)
    reference_labels, own = None, None
    if prediction_labels is not None:
        reference_labels = _labels_of(benchmark)
    elif description.labels == "truth" and labels_by == "benchmark":
        own = truth_labeller(benchmark)
    scored = score_all(
        cases,
        tokenizer=tokenizer(tokenizer_name or description.tokenizer),
        labeller=own,
        language=description.language,
        reference_labels=reference_labels,
        prediction_labels=prediction_labels,
        given=Given(template=benchmark.template),
        draws=draws,
        title=name,
        progress=progress,
    )
    rows = tuple(row if row.given else row.model_copy(update={"reason": _reason(row)}) for row in scored.scores.rows)
    scores = scored.scores.model_copy(update={"rows": rows})
    return replace(scored, scores=scores.model_copy(update={"sentences": sentences(scores)}))


_LACKS = {"--meta": "sexes", "--template": "template", "--second-reader": "second reader"}
"""What a benchmark lacks, by the option that gives it to `petrg score all`."""


def _reason(row: Row) -> str:
    """Why a row is not given, where no option can give it."""
    lacking = next((what for option, what in _LACKS.items() if row.reason.endswith(f"give {option}")), None)
    return row.reason if lacking is None else f"the benchmark has no {lacking}"


def truth_labeller(benchmark: Benchmark) -> Labeller:
    """The truth where a case has the benchmark's own reference, petrg's reader for every other text; named as both.

    By case, not by words: references of two patients may be worded alike where a style leaves out what differs.
    """
    truth, references = _labels_of(benchmark), benchmark.references
    name = f"{truth.labeller}; predictions by {version()}"
    language = benchmark.description.language

    def label(texts: Mapping[str, str]) -> LabelSet:
        own = {key for key, text in texts.items() if references.get(key) == text}
        others = {key: text for key, text in texts.items() if key not in own}
        read = label_texts(others, lambda distinct: extract(distinct, language))
        told = {key: truth.cases[key] if key in own else read.cases.get(key) for key in texts}
        return LabelSet(
            labeller=name,
            cases={key: cells for key, cells in told.items() if cells is not None},
            texts=dict(texts),
            languages=read.languages,
        )

    return label


def _labels_of(benchmark: Benchmark) -> LabelSet:
    if benchmark.labels is None:
        raise ScoreError(
            f"{benchmark.description.name} has no labels of the references",
            "labels of both sides by one labeller",
            "leave --prediction-labels out, so that petrg's reader labels both",
        )
    return benchmark.labels
