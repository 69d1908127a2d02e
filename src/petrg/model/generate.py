"""Decoding: prompts of unequal length side by side, each as if it were alone."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TextStreamer,
)

from petrg.errors import ModelError
from petrg.model.backbone import end_ids
from petrg.model.recipe import Generation

__all__ = [
    "Drafted",
    "RepetitionPenalty",
    "case_seed",
    "cut_text",
    "drafted",
    "drawing",
    "generate",
    "generate_ids",
    "is_looping",
]

_LIBRARY: dict[str, Any] = {"top_p": 1.0, "temperature": 1.0, "top_k": 50}  # its defaults; greedy it warns of others
_LOOP_TAIL = 600  # characters looked at
_LOOP_TIMES = ((1, 24), (2, 4), (8, 3))  # from this length on, a passage that comes round so often is a loop


class Drafted(NamedTuple):
    """What the decoder wrote.

    ``ended`` is True where it wrote the end token or the recipe's end marker; a text that did not is cut off. ``ids``
    has no end token. ``text`` stops before the end marker.
    """

    ids: list[int]
    text: str
    ended: bool
    looping: bool


class RepetitionPenalty(LogitsProcessor):
    """Divide what is positive and multiply what is negative by ``penalty`` for each token written before (Keskar 2019).

    It counts the tokens of this answer only, whatever stood in the prompt, and so gives a row the same scores alone and
    in a batch. transformers' own leaves as many tokens out as the row has padding, which with ``inputs_embeds`` are the
    first tokens of the answer itself.
    """

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (b, vocabulary) after the tokens ``input_ids`` (b, t) of the answers so far."""
        if input_ids.shape[1] == 0 or self.penalty == 1.0:
            return scores
        before = scores.gather(1, input_ids)
        return scores.scatter(1, input_ids, torch.where(before < 0, before * self.penalty, before / self.penalty))


class _ExpectNumbers(LogitsProcessor):
    """Refuse scores that are no numbers: the likeliest of them is a token all the same, and a text of such."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """``scores`` as they are."""
        if bool(scores.isnan().any()):
            raise ModelError(
                "the network's scores are no numbers",
                "numbers",
                "take whole weights, or --dtype float32",
            )
        return scores


class _AtMarker(StoppingCriteria):
    """Stop a row once it has written the marker that its text is cut at: nothing after it is kept."""

    def __init__(self, tokenizer: Any, marker: str) -> None:
        self.tokenizer, self.marker = tokenizer, marker
        self.tail = 4 * len(marker)  # a character takes at most four byte tokens

    def __call__(self, input_ids: Tensor, scores: Tensor, **unused: Any) -> Tensor:
        """(b,) bool: whether each row is done."""
        ends = self.tokenizer.batch_decode(input_ids[:, -self.tail :], skip_special_tokens=True)
        return torch.tensor([self.marker in text for text in ends], device=input_ids.device)


class _Stream(TextStreamer):
    """Hand text over as soon as whole words of it are known."""

    def __init__(self, tokenizer: Any, write: Callable[[str], None], marker: str) -> None:
        super().__init__(tokenizer, skip_special_tokens=True)
        self.write, self.marker = write, marker
        self.held, self.done = "", False

    def put(self, value: Tensor) -> None:
        """Take the next tokens; the prompt entered as embeddings, so none of it comes by here."""
        if value.numel():
            super().put(value)

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        """Pass it on up to the end marker; what may be its beginning waits for what comes next."""
        text, found, _ = (self.held + text).partition(self.marker) if self.marker else (text, "", "")
        self.done, done = self.done or bool(found), self.done
        wait = 0 if found or stream_end else self._begun(text)
        self.held = text[len(text) - wait :]
        if not done and text[: len(text) - wait]:
            self.write(text[: len(text) - wait])

    def _begun(self, text: str) -> int:
        """How many of the last characters are the marker's first."""
        return next((n for n in range(len(self.marker) - 1, 0, -1) if text.endswith(self.marker[:n])), 0)


@torch.inference_mode()
def generate_ids(model: Any, embeds: Tensor, mask: Tensor | None = None, **how: Any) -> Tensor:
    """What is written after prompts (b, t, hidden), padded on the left: (b, new) ids, as transformers' ``generate``.

    Decoding is as the network's generation config says, ``how`` over it (transformers' names); the penalty is
    `RepetitionPenalty`, and a config that does not ask to sample is read greedily, whatever the language model's says.
    """
    given = how.pop("generation_config", None) or getattr(model, "generation_config", None)
    config = copy.deepcopy(given) if given is not None else GenerationConfig()
    rest = config.update(**how)
    penalty, config.repetition_penalty = config.repetition_penalty or 1.0, 1.0
    config.do_sample = bool(config.do_sample)
    if not config.do_sample:
        config.update(**_LIBRARY)
    processors = LogitsProcessorList([RepetitionPenalty(penalty), *rest.pop("logits_processor", ())])
    made: Tensor = model.language_model.generate(
        inputs_embeds=embeds, attention_mask=mask, generation_config=config, logits_processor=processors, **rest
    )
    return made


def case_seed(seed: int, study_id: str) -> int:
    """The seed of one case: resuming or reordering changes nothing.

    >>> case_seed(0, "study-1") == case_seed(0, "study-1") != case_seed(1, "study-1")
    True
    """
    return int.from_bytes(hashlib.sha256(f"{seed}\n{study_id}".encode()).digest()[:8], "big") >> 1


def generate(
    model: Any,
    embeds: Sequence[Tensor],
    tokenizer: Any,
    how: Generation,
    *,
    seeds: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    write: Callable[[str], None] | None = None,
) -> list[Drafted]:
    """Write one answer to each prompt.

    Parameters
    ----------
    model : PETRG3D
    embeds : sequence of (t, hidden)
        Prompts as `PETRG3D.embed` gives them; of any lengths, padded on the left here.
    how : Generation
        Greedy unless it says ``sample``; sampled rows are drawn one by one, each from its own seed. What it does not
        say when sampling (top_k) is the language model's own, as released.
    seeds : sequence of int, optional
        One a prompt; needed to sample.
    ends : sequence of int, optional
        Tokens that end an answer (`petrg.model.backbone.end_ids`); all that are known where not given.
    write : callable, optional
        Called with each piece of text as it is written; for a single prompt.

    Returns
    -------
    list of Drafted
        In order. In float32 the same whatever else is in the batch, up to ties that a rounding error decides.
    """
    if write is not None and len(embeds) != 1:
        raise ValueError("text is streamed of one prompt at a time")
    if how.sample and (seeds is None or len(seeds) != len(embeds)):
        raise ValueError("sampling needs a seed for each prompt")
    stops = list(ends) if ends else end_ids(tokenizer, getattr(model.language_model, "generation_config", None))
    stream = None if write is None else _Stream(tokenizer, write, how.cut_at)
    if how.sample and seeds is not None:
        rows = []
        for prompt, seed in zip(embeds, seeds, strict=True):
            with torch.random.fork_rng(devices=[prompt.device] if prompt.is_cuda else []):
                torch.manual_seed(seed)
                rows += _decode(model, [prompt], tokenizer, how, stops, stream)
    else:
        rows = _decode(model, embeds, tokenizer, how, stops, stream)
    return [_row(ids, tokenizer, how, stops) for ids in rows]


def drawing(own: Any, how: Generation) -> dict[str, Any]:
    """What a token is drawn by: the recipe's ``top_p`` and ``temperature``, the language model's own ``top_k``.

    ``own`` is the language model's generation config. The released code leaves top_k to it (20 with Qwen3-8B), and so
    to transformers' 50 where it has none. Empty where nothing is drawn.
    """
    if not how.sample:
        return {}
    top_k = getattr(own, "top_k", None)
    return {"top_p": how.top_p, "temperature": how.temperature, "top_k": _LIBRARY["top_k"] if top_k is None else top_k}


@torch.inference_mode()
def _decode(
    model: Any, embeds: Sequence[Tensor], tokenizer: Any, how: Generation, ends: list[int], stream: Any
) -> list[list[int]]:
    if not embeds:
        return []
    longest = max(len(e) for e in embeds)
    first = embeds[0]
    padded = first.new_zeros(len(embeds), longest, first.shape[-1])
    mask = torch.zeros(len(embeds), longest, dtype=torch.long, device=first.device)
    for row, prompt in enumerate(embeds):  # on the left: a model writes after the last token
        padded[row, longest - len(prompt) :] = prompt
        mask[row, longest - len(prompt) :] = 1
    drawn = drawing(getattr(model.language_model, "generation_config", None), how) or _LIBRARY
    marker = StoppingCriteriaList([_AtMarker(tokenizer, how.cut_at)] if how.cut_at else [])
    made = model.language_model.generate(
        inputs_embeds=padded,
        attention_mask=mask,
        do_sample=how.sample,
        max_new_tokens=how.max_new_tokens,
        logits_processor=LogitsProcessorList([_ExpectNumbers(), RepetitionPenalty(how.repetition_penalty)]),
        stopping_criteria=marker,
        repetition_penalty=1.0,
        eos_token_id=ends,
        pad_token_id=ends[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        streamer=stream,
        **drawn,
    )
    return [row.tolist() for row in made]


def _row(ids: list[int], tokenizer: Any, how: Generation, ends: Sequence[int]) -> Drafted:
    stop = next((k for k, token in enumerate(ids) if token in ends), None)
    kept = ids if stop is None else ids[:stop]
    while kept and kept[-1] == tokenizer.pad_token_id:  # a row that ended at the marker waits for the others in pads
        kept = kept[:-1]
    return drafted(kept, tokenizer.decode(kept, skip_special_tokens=True), how, ended=stop is not None)


def drafted(ids: list[int], text: str, how: Generation, *, ended: bool) -> Drafted:
    """What was written, cut and judged; ``ended`` says whether the end token came."""
    ended = ended or bool(how.cut_at and how.cut_at in text)
    cut = cut_text(text, how.cut_at)
    return Drafted(ids, cut, ended, is_looping(cut))


def cut_text(text: str, at: str) -> str:
    """``text`` up to the end marker ``at``, if it has one.

    >>> cut_text("肝脏未见异常。 【报告结束】 肝脏", "【报告结束】")
    '肝脏未见异常。'
    """
    return (text.partition(at)[0] if at else text).strip()


def is_looping(text: str) -> bool:
    """Whether a text ends by saying one passage again and again, perhaps broken off in the middle of it.

    >>> is_looping("双肾未见异常。" + "肝脏未见异常。" * 5 + "肝脏"), is_looping("肝脏未见异常。双肾未见异常。")
    (True, False)
    """
    tail = text[-_LOOP_TAIL:]
    for length in range(1, len(tail) // _LOOP_TIMES[-1][1] + 1):
        times, passage = next(count for least, count in reversed(_LOOP_TIMES) if length >= least), tail[-length:]
        if len(set(passage)) < 2 and length > 1:
            continue  # a line of one character is judged as such
        if length * times <= len(tail) and tail.endswith(passage * times):
            return True
    return False
