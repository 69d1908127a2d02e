"""The language model on a server: a prompt goes there as embeddings, its text comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from petrg.model.generate import Drafted, drafted, drawing
from petrg.model.infer import Loaded, tensor_bytes
from petrg.model.recipe import Generation
from petrg.remote.embeds import EmbeddedPrompt, complete, served_model

if TYPE_CHECKING:
    from petrg.remote.client import Server

__all__ = ["write_there"]


def write_there(server: Server, loaded: Loaded, prompt: Any, how: Generation, seed: int) -> Drafted:
    """One answer to a prompt (tokens, hidden), by the server's model, which must be the one exported from ``loaded``.

    Tokens do not come back: ``ids`` is empty.

    Raises
    ------
    RemoteError
        As `petrg.remote.embeds.complete`.
    """
    drawn = drawing(loaded.model.language_model.generation_config, how)
    asked = EmbeddedPrompt(
        model=served_model(server),
        tensor=tensor_bytes(prompt),
        max_tokens=how.max_new_tokens,
        temperature=drawn.get("temperature", 0.0),
        top_p=drawn.get("top_p", 1.0),
        top_k=drawn.get("top_k", 0) or -1,  # 0 is the library's word for all
        repetition_penalty=how.repetition_penalty,
        seed=seed % 2**31,
        ends=tuple(loaded.ends),
        stop=(how.cut_at,) if how.cut_at else (),
    )
    answer = complete(server, asked)
    return drafted([], answer.text, how, ended=answer.ended)
