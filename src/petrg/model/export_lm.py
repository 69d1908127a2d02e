"""The language model by itself: adapters merged, a plain Hugging Face folder that any server of such models runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import nn

from petrg.files import output_directory, write_file
from petrg.model.backbone import end_ids, row_scale
from petrg.model.base import base_state, quiet
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.tensors import SHARD, writing
from petrg.model.tokens import MARKS
from petrg.model.weights import generation_config

__all__ = ["TOKEN_ROWS", "Exported", "export_lm", "merge_adapters", "model_ends"]

TOKEN_ROWS = "petrg/token_rows.safetensors"
"""In a folder of its own: servers load every safetensors file beside the weights."""

_README = """# The language model of PETRG-3D weights, adapters merged

Recipe {recipe}. Its prompts hold an image and therefore enter as embeddings (`inputs_embeds`, `prompt_embeds`), which
`petrg report STUDY --weights WEIGHTS --llm-url URL` makes and sends:

    vllm serve THIS_FOLDER --enable-prompt-embeds

The tokenizer knows {count} tokens of petrg after the {size} of the language model: ids {size} to {last}. The table and
the head have no rows for them, so that the logits are those of the weights this was made from and none of these tokens
is ever written. The learned rows of the marks (ids {size} to {marks}) lie in `{rows}` as `marks`, in
this order; the rows after them come from each image:

    {names}
{more}
Every text is a draft, not for diagnosis, unverified.
"""


_GEMMA = """
This language model scales what it looks up, and its prompts come scaled: the server must not do so again (vLLM since
its pull request 36787, March 2026).
"""


class Exported(NamedTuple):
    """What was written: tensors merged, rows of the table, ids of ours beyond it."""

    merged: int
    rows: int
    beyond: int


def export_lm(model: PETRG3D, processor: PETRG3DProcessor, folder: Path) -> Exported:
    """Write the language model of ``model``; all of it or nothing. ``model`` keeps its merged weights.

    From the same ``inputs_embeds`` the written model gives the same logits.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    lm = model.language_model
    merged = merge_adapters(lm)
    state = base_state(lm.state_dict())
    span, recipe = model.span, processor.typed_recipe
    ends = model_ends(model, processor)
    with output_directory(folder) as aside, writing():
        with quiet():
            lm.save_pretrained(aside, state_dict=state, max_shard_size=SHARD)
        processor.tokenizer.save_pretrained(aside)
        generation_config(recipe, ends, processor.pad_id, lm.generation_config).save_pretrained(aside)
        (aside / TOKEN_ROWS).parent.mkdir()
        save_file({"marks": model.token_rows().detach().float().cpu().contiguous()}, aside / TOKEN_ROWS)
        about = _README.format(
            recipe=f"{recipe.name} {recipe.version}",
            count=span.end - span.first,
            size=span.first,
            last=span.end - 1,
            marks=span.ct - 1,
            names=" ".join(MARKS),
            rows=TOKEN_ROWS,
            more=_GEMMA if row_scale(model.get_input_embeddings()) != 1.0 else "",
        )
        write_file(aside / "README.md", about)
    return Exported(merged, span.first, span.end - span.first)


@torch.no_grad()
def merge_adapters(lm: nn.Module) -> int:
    """Add every adapter to the weight it stands on, in place; how many there were."""
    layers: list[Any] = [module for module in lm.modules() if hasattr(module, "lora_A") and hasattr(module, "merge")]
    for layer in layers:
        layer.merge()
    return len(layers)


def model_ends(model: PETRG3D, processor: PETRG3DProcessor) -> list[int]:
    """Tokens that end an answer, as the recipe has it."""
    lm, only_eos = model.language_model, not processor.typed_recipe.supervision.end_token
    return end_ids(processor.tokenizer, getattr(lm, "generation_config", None), lm.config, only_eos=only_eos)
