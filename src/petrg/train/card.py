"""The model card of a run."""

from __future__ import annotations

from collections.abc import Mapping

from petrg.model.card import Card, CardScore
from petrg.train.config import Phantoms, TrainConfig
from petrg.train.parallel import world
from petrg.train.trainer import Best
from petrg.train.validate import rows_of

__all__ = ["card_of"]


def card_of(config: TrainConfig, cases: Mapping[str, int], best: Best) -> Card:
    """What a run was, and the scores of its best step beside all their controls.

    Parameters
    ----------
    cases : mapping
        How many cases a split has.
    """
    found = next((h for h in best.history if h["step"] == best.step), {})
    optimiser, validated = config.optimiser, cases.get("validation", 0)
    if config.validation.cases is not None:
        validated = min(validated, config.validation.cases)
    return Card(
        source="trained with petrg train",
        data="digital phantoms made by petrg" if isinstance(config.data, Phantoms) else "a set in the PETRG layout",
        cases=dict(cases),
        training={
            "configuration": config.name or None,
            "parts": " ".join(config.parts),
            "epochs": config.batches.epochs,
            "step": best.step,
            "learning rate": optimiser.lr,
            "warm-up steps": optimiser.warmup_steps,
            "cases a step": config.batches.cases * config.batches.accumulation * world()[0],
            "precision": config.precision,
            "seed": config.seed,
        },
        scores=tuple(
            CardScore(name=row.name, value=row.value, interval=row.interval, controls=row.controls)
            for row in rows_of(found)
            if row.name != "ended"
        ),
        scored_on=f"{validated} validation cases",
        limits=_limits(config, found),
        languages=(config.data.language,),
    )


def _limits(config: TrainConfig, found: Mapping[str, float | None]) -> tuple[str, ...]:
    limits = []
    if found:
        limits.append("The step was chosen by these scores on these cases, so they are somewhat too good.")
    if found.get("ended") is not None:
        limits.append(f"{found['ended']:.0%} of the validation drafts ended by themselves.")
    if isinstance(config.data, Phantoms):
        limits.append("It has seen no patient: what it would write of one is not known.")
    else:
        limits.append("Patients, scanners and hospitals unlike those of its training set were not tried.")
    if config.text_only or config.dropout.images == 1:
        limits.append("This run showed it no image.")
    return tuple(limits)
