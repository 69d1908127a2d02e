"""What a network is worth so far: its loss, and the reports it writes scored beside reports of other patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.findings.lesions import LesionFamily
from petrg.evaluate.kinds import Readings
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.statistics.permutation import Pool, exchangeable, others
from petrg.evaluate.statistics.statistic import Family
from petrg.model.generate import Drafted, generate
from petrg.model.recipe import Generation
from petrg.train.batch import Collate
from petrg.train.cases import TrainCase
from petrg.train.examples import EVERYTHING, Examples, Shown, ask_of
from petrg.train.learner import Learner

__all__ = ["Scored", "greedy", "loss_of", "margin", "score", "write_texts"]

_SCORES = ("Lesion-F1", "Lesion-Recall", "Lesion-Precision", "PET-All", "CT-All")
PERMUTED = " of other patients' reports"
Scored = dict[str, float | None]


@torch.no_grad()
def loss_of(
    learner: Learner, examples: Examples, collate: Collate, cases: Sequence[TrainCase], what: Shown = EVERYTHING
) -> list[float]:
    """The text's loss of each case by itself, nothing dropped but what ``what`` leaves out."""
    device = next(learner.parameters()).device
    found = []
    for case in cases:
        batch = collate([examples.example(case, what)])
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
    """A report of each case, greedily.

    Parameters
    ----------
    images_of : sequence of cases, optional
        Whose images are shown in place of the case's own, for controls.
    longest : int, optional
        Tokens at most; the recipe's where None.
    """
    processor = examples.processor
    how = greedy(processor.typed_recipe.generation, longest)
    out: list[Drafted] = []
    images_of = images_of or cases
    for k in range(0, len(cases), batch):
        prompts = [
            _prompt(learner, examples, collate, case, seen)
            for case, seen in zip(cases[k : k + batch], images_of[k : k + batch], strict=True)
        ]
        out += generate(learner.network, prompts, processor.tokenizer, how)
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
    what = EVERYTHING if examples.images is not None else Shown(True, ())
    ids = torch.tensor([examples.processor.prompt(ask_of(case, what))], device=device)
    if not what.modalities:
        return network.embed(ids, None)[0]
    batch = {name: t.to(device) for name, t in collate([examples.example(seen, what)]).items()}
    return network.embed(ids, learner.rows(batch))[0]


def score(cases: Sequence[TrainCase], texts: Sequence[str | None], draws: int, seed: int, readings: Readings) -> Scored:
    """Scores of written reports against the references, and the same scores of reports of other patients.

    Other patients are of the same sex, where sexes are known. None where a score does not exist.
    """
    table = Cases(
        cases=tuple(
            Case(id=c.id, reference=c.answer, prediction=t, sex=_sex(c), hospital=c.hospital, patient=c.patient)
            for c, t in zip(cases, texts, strict=True)
        )
    )
    pools = exchangeable(table) or ((Pool(np.arange(len(cases))[:, None]),) if len(cases) > 1 else ())
    orders = others(pools, len(cases), draws, seed)
    found: Scored = {}
    for family in _families(table, readings):
        statistics = family.statistics()
        permuted: Mapping[str, Any] = family.permuted(orders) if pools else {}
        for key in (k for k in _SCORES if k in statistics):
            found[key] = _number(statistics[key](np.arange(len(cases))[None])[0])
            found[key + PERMUTED] = _mean(permuted[key]) if key in permuted else None
    return found


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
    """How far a score is better than chance pairing; of the loss, its negative. None where it does not exist."""
    value = found.get(name)
    if name == "loss":
        return None if value is None else -value
    control = found.get(name + PERMUTED)
    return None if value is None or control is None else value - control
