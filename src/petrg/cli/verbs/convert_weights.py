"""A released PETRG-3D checkpoint to a folder that petrg opens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson, OutDirectory

__all__ = ["convert_weights"]


def convert_weights(
    released: Annotated[
        Path,
        typer.Argument(metavar="RELEASED", help="model.safetensors, a state dict (.bin, .pt), or their folder."),
    ],
    out: OutDirectory,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="NAME_OR_DIR",
            help="The language model it stands on [the folder llm beside the file, else Qwen/Qwen3-8B].",
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16"] | None, typer.Option("--dtype", help="Of what is written [as in the file].")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Write the language model too.")] = False,
    log_json: LogJson = False,
) -> None:
    """Convert released PETRG-3D weights, tensor by tensor, into a folder for petrg report --weights.

    The language model is left out: it is fetched from where it is published, and checked to be the same.
    """
    from petrg.model.convert import convert_released, dtype_of

    with screen.progress_bar() as progress:
        done = convert_released(released, out, base=base, dtype=dtype_of(dtype), full=full, progress=progress)
    screen.say(f"{done.tensors} tensors, {done.bytes / 1e9:.2f} GB, {done.dtype}")
    if full:
        screen.say("the language model is in the folder")
    elif done.base_checked:
        screen.say("the language model is the base's: checked")
    else:
        screen.say(f"the language model's weights are not at hand: {done.base} is checked when it is first loaded")
    if not done.has_tokenizer:
        screen.say(f"no tokenizer at hand: that of {done.base} is taken when the weights are first loaded")
    screen.event("weights", **done._asdict())
