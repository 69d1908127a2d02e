"""A training run from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson, OutDirectory

__all__ = ["train"]


def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG", help="A TOML file, or the name of one that comes with petrg: tiny, petrg-1-8b …"
        ),
    ],
    out: OutDirectory,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key of it, optimiser.lr=1e-4 say."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last complete checkpoint.")] = False,
    log_json: LogJson = False,
) -> None:
    """Train PETRG-3D and write its weights to DIR/weights.

    Several processes are started by torchrun, with parallel = "ddp", "fsdp2" or "zero2" in the configuration.
    """
    from petrg.train.estimate import Estimate
    from petrg.train.parallel import world
    from petrg.train.read_config import read_config
    from petrg.train.run import train as run

    def told(found: Estimate) -> None:
        for line in found.lines():
            screen.say(line)
        screen.event("estimate", **vars(found), memory_bytes=found.memory_bytes, seconds=round(found.seconds))

    def said(step: int, scores: Mapping[str, Any]) -> None:
        screen.event("validation", step=step, **scores)
        screen.say(f"step {step}: " + ", ".join(_worded(scores)))

    with screen.progress_bar() as progress:
        done = run(read_config(config, sets or ()), out, resume=resume, progress=progress, told=told, said=said)
    if world()[1]:
        return
    screen.event("trained", steps=done.steps, best_step=done.best.step)
    best = "" if done.best.step is None else f"; the best validation was that of step {done.best.step}"
    screen.say(f"{done.steps} steps{best}; weights are in {out.name}/weights")


def _worded(scores: Mapping[str, Any]) -> list[str]:
    """Each score with its interval, and its controls beside it."""
    from petrg.train.validate import rows_of

    rows = []
    for name, value, interval, controls in rows_of(scores):
        said = "not given" if value is None else f"{value:.3g}"
        beside = [] if interval is None else [f"{interval[0]:.3g} to {interval[1]:.3g}"]
        beside += [f"{control} {worth:.3g}" for control, worth in controls.items() if worth is not None]
        rows.append(f"{name} {said}" + (f" ({', '.join(beside)})" if beside else ""))
    return rows
