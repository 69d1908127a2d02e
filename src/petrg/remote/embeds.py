"""Completions of prompts that are embeddings, from a server such as vLLM with ``--enable-prompt-embeds``.

They go to ``/v1/completions`` and not to the chat route, which would put its template round a prompt that has one.
A prompt is bytes here: a tensor as torch saves it, made where torch is.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from petrg.errors import RemoteError
from petrg.remote.client import Server, send

__all__ = ["REFUSED", "Completion", "EmbeddedPrompt", "complete", "served_model"]

REFUSED = "start the server on the folder that petrg export-lm wrote, with --enable-prompt-embeds"
"""What to do where a server takes no prompt embeddings (`Server.refused`)."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedPrompt:
    """One request.

    Parameters
    ----------
    model : str
        As the server names it.
    tensor : bytes
        A (tokens, hidden) tensor, saved by torch.
    temperature : float
        0 takes the likeliest token.
    top_k : int
        A token is drawn from so many; -1 from all.
    ends : tuple of int
        Tokens that end an answer.
    stop : tuple of str
        Texts that end one.
    """

    model: str
    tensor: bytes
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = -1
    repetition_penalty: float = 1.0
    seed: int = 0
    ends: tuple[int, ...] = ()
    stop: tuple[str, ...] = ()

    def body(self) -> bytes:
        """The request as JSON; all that decides a draw is said, or the server's own settings would."""
        body: dict[str, Any] = {
            "model": self.model,
            "prompt_embeds": base64.b64encode(self.tensor).decode("ascii"),
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "repetition_penalty": self.repetition_penalty,
            "seed": self.seed,
            "n": 1,
            "stream": False,
        }
        if self.ends:
            body["stop_token_ids"] = list(self.ends)
        if self.stop:
            body["stop"] = list(self.stop)
        return json.dumps(body).encode()


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What came back; ``ended`` is False where the answer was cut at its longest length."""

    text: str
    ended: bool
    tokens: int | None


def served_model(at: Server) -> str:
    """The name of the model that a server runs, the first it lists.

    Raises
    ------
    RemoteError
        If it lists none, or cannot be asked.
    """
    raw = send(at, "/models")
    try:
        names = [row["id"] for row in json.loads(raw)["data"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        names = []
    if not names or not isinstance(names[0], str):
        raise RemoteError("the server lists no model", "one at /v1/models", f"check {at.option}")
    return names[0]


def complete(at: Server, prompt: EmbeddedPrompt) -> Completion:
    """Ask for one answer; retries and errors as `petrg.remote.client.chat`.

    Raises
    ------
    RemoteError
        Where the server refuses, cannot be reached, or answers something else than a completion.
    """
    raw = send(at, "/completions", prompt.body())
    try:
        document = json.loads(raw)
        choice = document["choices"][0]
        text, reason = choice["text"], choice.get("finish_reason")
        usage = document.get("usage")
        tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise RemoteError("the server's answer is no completion", "choices with a text", f"check {at.option}")
    return Completion(text=text, ended=reason == "stop", tokens=tokens if isinstance(tokens, int) else None)
