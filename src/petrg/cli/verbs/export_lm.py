"""The language model of PETRG-3D weights by itself."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson, OutDirectory

__all__ = ["export_lm"]


def export_lm(
    weights: Annotated[str, typer.Option("--weights", metavar="DIR|HUB_ID", help="PETRG-3D weights.")],
    out: OutDirectory,
    base: Annotated[
        str | None, typer.Option("--base", metavar="DIR|HUB_ID", help="Their language model, if it lies elsewhere.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16"] | None, typer.Option("--dtype", help="Of what is written [as in the files].")
    ] = None,
    log_json: LogJson = False,
) -> None:
    """Write the language model of PETRG-3D weights with its adapters merged, as a plain Hugging Face folder.

    A server of such models (vLLM with --enable-prompt-embeds) runs it for petrg report --llm-url.
    """
    from petrg.model import PETRG3D, PETRG3DProcessor
    from petrg.model.export_lm import export_lm as export

    with screen.progress_bar() as progress:
        progress("loading the weights", 0, 0)
        processor = PETRG3DProcessor.from_pretrained(weights)
        model = PETRG3D.from_pretrained(weights, base=base, dtype=dtype)
        progress("writing the language model", 0, 0)
        done = export(model, processor, out)
    screen.say(f"{done.merged} adapters merged, {done.rows} rows in the table")
    screen.say(f"{done.beyond} tokens of petrg lie beyond the table: they enter as embeddings, see README.md")
    screen.event("exported", **done._asdict())
