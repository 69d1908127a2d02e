"""Prompts as embeddings: what is sent, checked as vLLM does on arrival, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from embeds_server import embeds_server

from petrg.errors import RemoteError
from petrg.model.infer import tensor_bytes
from petrg.remote.client import server
from petrg.remote.embeds import REFUSED, EmbeddedPrompt, complete, served_model

HIDDEN = 16


def asked(tensor: torch.Tensor, **how: Any) -> EmbeddedPrompt:
    return EmbeddedPrompt(**{"model": "petrg-lm", "tensor": tensor_bytes(tensor), "max_tokens": 64, **how})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_tensor_arrives_bit_for_bit(dtype: torch.dtype) -> None:
    prompt = torch.randn(11, HIDDEN).to(dtype)
    with embeds_server(HIDDEN) as there:
        at = server(there.url)
        done = complete(at, asked(prompt, ends=(5, 6), stop=("【报告结束】",), repetition_penalty=1.3))
    assert torch.equal(there.prompts[0], prompt)
    assert there.prompts[0].dtype is dtype
    assert done.text == "肝脏未见异常。"
    assert (done.ended, done.tokens) == (True, 7)
    assert there.paths == ["/v1/completions"]
    assert there.bodies[0] == {
        "model": "petrg-lm",
        "max_tokens": 64,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": -1,
        "repetition_penalty": 1.3,
        "seed": 0,
        "n": 1,
        "stream": False,
        "stop_token_ids": [5, 6],
        "stop": ["【报告结束】"],
    }


def test_only_the_prompt_s_own_part_of_a_larger_tensor_is_sent() -> None:
    """A row of a batch shares its memory; torch.save would write all of it."""
    batch = torch.randn(64, 11, HIDDEN)
    assert len(tensor_bytes(batch[3])) < 4 * len(tensor_bytes(torch.randn(11, HIDDEN)))


def test_an_answer_cut_at_its_length_says_so() -> None:
    with embeds_server(HIDDEN, finish="length") as there:
        assert not complete(server(there.url), asked(torch.randn(3, HIDDEN))).ended


def test_the_model_is_the_one_the_server_lists() -> None:
    with embeds_server(HIDDEN) as there:
        assert served_model(server(there.url)) == "petrg-lm"
    for odd in ({"data": []}, {"data": [{}]}, [], {"data": [{"id": 3}]}):
        with (
            embeds_server(HIDDEN, models=odd) as there,
            pytest.raises(RemoteError, match=r"lists no model.*check --llm-url"),
        ):
            served_model(server(there.url, option="--llm-url"))


def test_a_busy_server_is_asked_again() -> None:
    waits: list[float] = []
    with embeds_server(HIDDEN, busy=2) as there:
        done = complete(server(there.url, sleep=waits.append), asked(torch.randn(3, HIDDEN)))
    assert done.ended
    assert len(waits) == 2


def test_a_server_that_takes_no_such_prompt_says_what_to_do() -> None:
    with embeds_server(HIDDEN) as there, pytest.raises(RemoteError, match="enable-prompt-embeds"):
        complete(server(there.url, option="--llm-url", refused=REFUSED), asked(torch.randn(3, HIDDEN + 1)))


def test_a_server_that_is_not_there_names_the_option() -> None:
    with embeds_server(HIDDEN) as there:
        url = there.url
    with pytest.raises(RemoteError, match="check that the server runs and --llm-url"):
        complete(server(url, option="--llm-url", attempts=1), asked(torch.randn(3, HIDDEN)))
    with pytest.raises(RemoteError, match="give --llm-url as in"):
        server("ftp://x", option="--llm-url")


@pytest.mark.parametrize("answer", [{"choices": [{}]}, {"choices": []}, [1], {"choices": [{"text": None}]}])
def test_what_is_no_completion_is_refused(answer: Any) -> None:
    with embeds_server(HIDDEN, answer=answer) as there, pytest.raises(RemoteError, match="no completion"):
        complete(server(there.url), asked(torch.randn(3, HIDDEN)))
