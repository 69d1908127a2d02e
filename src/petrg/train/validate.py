"""What a network is worth so far: its loss, and the reports it writes scored beside texts that saw no image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.findings.lesions import LesionFamily
from petrg.evaluate.kinds import Readings
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.statistics.intervals import bootstrap, estimate
from petrg.evaluate.statistics.permutation import Pool, exchangeable, others
from petrg.evaluate.statistics.statistic import Family, Statistic
from petrg.model.export_lm import model_ends
from petrg.model.generate import Drafted, generate
from petrg.model.recipe import Generation
from petrg.train.batch import Collate
from petrg.train.cases import TrainCase
from petrg.train.examples import Examples, ask_of
from petrg.train.learner import Learner

__all__ = [
    "CONTROLS",
    "OTHERS",
    "TEMPLATE",
    "Row",
    "Scored",
    "greedy",
    "loss_of",
    "margin",
    "rows_of",
    "score",
    "write_texts",
]

_SCORES = ("Lesion-F1", "Lesion-Recall", "Lesion-Precision", "PET-All", "CT-All")
OTHERS, TEMPLATE = "other patients' reports", "the healthy template"
CONTROLS = (OTHERS, TEMPLATE)
"""Texts that never saw the image. In a `Scored`, "PET-All of the healthy template" is such a control's score."""
_LOW, _HIGH = " at least", " at most"
Scored = dict[str, float | None]
"""Scores by name, their controls and the ends of their intervals beside them; what does not exist is None."""


class Row(NamedTuple):
    """One score of a `Scored`."""

    name: str
    value: float | None
    interval: tuple[float, float] | None
    controls: dict[str, float | None]


def rows_of(found: Mapping[str, float | None]) -> Iterator[Row]:
    """The scores of a validation, each with its interval and its controls; the loss has neither.

    >>> found = {"loss": 2.0, "PET-All": 0.5, "PET-All of the healthy template": 0.4}
    >>> [(row.name, row.controls) for row in rows_of(found)]
    [('loss', {}), ('PET-All', {'the healthy template': 0.4})]
    """
    for name in (n for n in ("loss", "ended", *_SCORES) if n in found):
        low, high = found.get(name + _LOW), found.get(name + _HIGH)
        controls = {c: found[f"{name} of {c}"] for c in CONTROLS if f"{name} of {c}" in found}
        yield Row(name, found[name], None if low is None or high is None else (low, high), controls)


@torch.no_grad()
def loss_of(learner: Learner, examples: Examples, collate: Collate, cases: Sequence[TrainCase]) -> list[float]:
    """The text's loss of each case by itself, shown what the run shows (`Examples.usual`)."""
    device = next(learner.parameters()).device
    found = []
    for case in cases:
        batch = collate([examples.example(case, examples.usual)])
        learner(**{name: tensor.to(device) for name, tensor in batch.items()})
        found.append(float(learner.said["text"]))
    return found


@torch.no_grad()
def write_texts(
    learner: Learner,
    examples: Examples,
    collate: Collate,
    cases: Sequence[TrainCase],
    *,
    images_of: Sequence[TrainCase] | None = None,
    batch: int = 4,
    longest: int | None = None,
) -> list[Drafted]:
    """A report of each case, greedily, shown what the run shows (`Examples.usual`).

    Parameters
    ----------
    images_of : sequence of cases, optional
        Whose images are shown in place of the case's own, for controls.
    longest : int, optional
        Tokens at most; the recipe's where None.
    """
    processor = examples.processor
    how = greedy(processor.typed_recipe.generation, longest)
    ends = model_ends(learner.network, processor)
    out: list[Drafted] = []
    images_of = images_of or cases
    for k in range(0, len(cases), batch):
        prompts = [
            _prompt(learner, examples, collate, case, seen)
            for case, seen in zip(cases[k : k + batch], images_of[k : k + batch], strict=True)
        ]
        out += generate(learner.network, prompts, processor.tokenizer, how, ends=ends)
    return out


def greedy(how: Generation, longest: int | None = None) -> Generation:
    """A recipe's decoding without chance: its penalty and its cut stay.

    >>> greedy(Generation(sample=True, top_p=0.9, repetition_penalty=1.05, cut_at="END"), 99).cut_at
    'END'
    """
    return how.model_copy(
        update={"sample": False, "top_p": 1.0, "temperature": 1.0, "max_new_tokens": longest or how.max_new_tokens}
    )


def _prompt(learner: Learner, examples: Examples, collate: Collate, case: TrainCase, seen: TrainCase) -> Tensor:
    """Embedded prompt (t, hidden) of a case with the images of ``seen``."""
    network = learner.network
    device = next(network.parameters()).device
    what = examples.usual
    ids = torch.tensor([examples.processor.prompt(ask_of(case, what))], device=device)
    if not what.modalities:
        return network.embed(ids, None)[0]
    batch = {name: t.to(device) for name, t in collate([examples.example(seen, what)]).items()}
    return network.embed(ids, learner.rows(batch))[0]


def score(cases: Sequence[TrainCase], texts: Sequence[str | None], draws: int, seed: int, readings: Readings) -> Scored:
    """Scores of written reports against the references, their 95 % intervals, and the same scores of the controls.

    Parameters
    ----------
    draws : int
        Deals of the written reports to other patients (of the same sex, where sexes are known), of which the control
        is the mean, and draws of patients for the intervals.

    Returns
    -------
    Scored
        None where a score does not exist: a control for want of a second patient or of a template, an interval for
        want of patients.
    """
    table, plain = _table(cases, texts), _table(cases, [c.template for c in cases])
    pools = exchangeable(table) or ((Pool(np.arange(len(cases))[:, None]),) if len(cases) > 1 else ())
    orders = others(pools, len(cases), draws, seed)
    templates = {k: s for f in _families(plain, readings) for k, s in f.statistics().items()}
    told = any(c.template for c in cases)
    found: Scored = {}
    for family in _families(table, readings):
        statistics = {k: s for k, s in family.statistics().items() if k in _SCORES}
        permuted: Mapping[str, Any] = family.permuted(orders) if pools else {}
        for key, (value, interval) in _estimates(statistics, table.patients, draws, seed).items():
            found[key] = value
            found[key + _LOW], found[key + _HIGH] = interval
            found[f"{key} of {OTHERS}"] = _mean(permuted[key]) if key in permuted else None
            found[f"{key} of {TEMPLATE}"] = _number(_whole(templates[key], len(cases))) if told else None
    return found


def _table(cases: Sequence[TrainCase], texts: Sequence[str | None]) -> Cases:
    return Cases(
        cases=tuple(
            Case(id=c.id, reference=c.answer, prediction=t, sex=_sex(c), hospital=c.hospital, patient=c.patient)
            for c, t in zip(cases, texts, strict=True)
        )
    )


def _estimates(
    statistics: Mapping[str, Statistic], patients: Sequence[str], draws: int, seed: int
) -> dict[str, tuple[float | None, tuple[float | None, float | None]]]:
    """Each score with its interval over draws of patients."""
    drawn, n, owners = bootstrap(statistics, patients, draws, seed), len(patients), len(set(patients))
    told = {k: estimate(_whole(s, n), drawn[k], n=n, patients=owners) for k, s in statistics.items()}
    return {k: (e.value, (e.low, e.high)) for k, e in told.items()}


def _whole(statistic: Statistic, n: int) -> float:
    """The score of all ``n`` cases, each once."""
    return float(statistic(np.arange(n)[None])[0])


def _families(table: Cases, readings: Readings) -> list[Family]:
    told = {key: text for key, text in zip(table.ids, table.predictions, strict=True) if text}
    reference = extract(dict(zip(table.ids, table.references, strict=True)), readings.language)
    lesions = LesionFamily(
        [readings(text).lesions for text in table.references],
        [None if not text else readings(text).lesions for text in table.predictions],
        table.ids,
    )
    return [lesions, ClassFamily(reference, extract(told, readings.language), table.ids)]


def _sex(case: TrainCase) -> Any:
    return case.sex if case.sex in ("F", "M") else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean(values: Any) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None


def margin(found: Mapping[str, float | None], name: str) -> float | None:
    """How far a score is above the best of its controls; of the loss, its negative.

    None where the score does not exist, or there is no other patient to compare with.
    """
    value = found.get(name)
    if name == "loss":
        return None if value is None else -value
    controls = [found.get(f"{name} of {control}") for control in CONTROLS]
    if value is None or controls[0] is None:
        return None
    return value - max(c for c in controls if c is not None)
