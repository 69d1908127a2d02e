"""The one place where words and image tokens are put together: for training, inference and serving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jinja2 import TemplateError

from petrg.errors import ModelError
from petrg.model.backbone import after_answer
from petrg.model.recipe import Recipe
from petrg.model.tokens import image_names

__all__ = ["IGNORED", "Ask", "Encoded", "encode_answer", "encode_prompt", "instruction", "prompt_text"]

IGNORED = -100  # the label that cross-entropy leaves out


class Ask(NamedTuple):
    """What a draft is asked for, beside the images.

    ``template`` is the healthy report of the hospital and sex, None for none; ``modalities`` are those whose tokens the
    prompt holds; absent facts are None and said so.
    """

    template: str | None = None
    hospital: str | None = None
    sex: str | None = None
    language: str = "zh"
    modalities: tuple[str, ...] = ("ct", "pet")


class Encoded(NamedTuple):
    """Token ids of one row and what is taught of it (`IGNORED` elsewhere)."""

    ids: list[int]
    labels: list[int]


_UNSAID = {"zh": "未提供", "en": "not given"}


def instruction(recipe: Recipe, ask: Ask) -> str:
    """The words after the image blocks."""
    prompt = recipe.prompt
    words = prompt.without_template if ask.template is None else prompt.with_template
    unsaid = _UNSAID.get(ask.language, _UNSAID["en"])
    facts = {"template": ask.template, "hospital": ask.hospital, "sex": ask.sex, "language": ask.language}
    for name, value in facts.items():  # a template may hold braces, so it goes in last and is not read again
        if name != "template":
            words = words.replace("{" + name + "}", value or unsaid)
    return words.replace("{template}", ask.template or "")


def _block(modality: str, latents: int) -> str:
    return f"<{modality}>{''.join(image_names(modality, latents))}</{modality}>"


def prompt_text(recipe: Recipe, ask: Ask, tokenizer: Any, latents: int, *, plain: bool = False) -> str:
    """The whole prompt as text, ready for the tokenizer.

    Parameters
    ----------
    plain : bool
        The layout of Llama-type backbones: start token, PET block, CT block, instruction, no chat template.
    """
    blocks = {m: _block(m, latents) for m in ask.modalities}
    if plain:
        parts = [blocks[m] for m in ("pet", "ct") if m in blocks]
        return (tokenizer.bos_token or "") + "".join(f"{part}。" for part in parts) + instruction(recipe, ask) + " "
    user = recipe.prompt.newline.join([*(blocks[m] for m in ("ct", "pet") if m in blocks), instruction(recipe, ask)])
    return _in_template(recipe.prompt.system, user, tokenizer, recipe.prompt.thinking)


def _in_template(system: str, user: str, tokenizer: Any, thinking: bool) -> str:
    """Both through the chat template; one that refuses a system's words (Gemma) gets them before the user's."""

    def rendered(*messages: tuple[str, str]) -> str:
        listed = [{"role": role, "content": content} for role, content in messages]
        how = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": thinking}
        return str(tokenizer.apply_chat_template(listed, **how))

    try:
        text = rendered(("system", system), ("user", user))
    except TemplateError:
        text = ""
    return text if system in text else rendered(("user", f"{system}\n\n{user}"))


def encode_prompt(recipe: Recipe, ask: Ask, tokenizer: Any, latents: int, *, plain: bool = False) -> list[int]:
    """Ids of the prompt; cut at ``max_length`` where the recipe cuts, else refused when longer.

    Raises
    ------
    ModelError
        If the prompt is too long, does not hold each latent of its modalities exactly once and in order and none of
        another, or what is asked holds the name of a token that means something to the language model.
    """
    _expect_words({"template": ask.template, "hospital": ask.hospital, "sex": ask.sex}, tokenizer)
    text = prompt_text(recipe, ask, tokenizer, latents, plain=plain)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    limit = recipe.supervision.max_length
    if len(ids) > limit:
        if not recipe.supervision.cut:
            raise _too_long(len(ids), limit)
        ids = ids[:limit]
    _check_latents(ids, tokenizer, latents, ask.modalities)
    return ids


def encode_answer(
    recipe: Recipe, ask: Ask, answer: str, tokenizer: Any, latents: int, *, plain: bool = False
) -> Encoded:
    """Prompt and answer as one row with its labels.

    The released recipe appends what the chat template puts after an answer (nothing in the plain layout) and teaches
    every id below the tokenizer's own vocabulary size. An end of turn beyond it is never taught (Qwen, whose newline
    after it is); one within it is (Gemma, Mistral). Ours teaches the answer and the end token, nothing else.
    """
    _expect_words({"report": answer}, tokenizer)
    prompt = encode_prompt(recipe, ask, tokenizer, latents, plain=plain)
    rule = recipe.supervision
    text = prompt_text(recipe, ask, tokenizer, latents, plain=plain) + answer + rule.end_marker
    if rule.after_end and not plain:
        text += after_answer(tokenizer)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    if rule.end_token and not rule.after_end:
        ids = [*ids, tokenizer.eos_token_id]
    if ids[: len(prompt)] != prompt:
        if rule.cut:
            raise ModelError(
                "the answer's first characters merge with the prompt's last",
                "a prompt that ends where a token ends",
                "use a backbone whose chat template ends in a newline",
            )
        answered: list[int] = tokenizer(answer + rule.end_marker, add_special_tokens=False)["input_ids"]
        ids = [*prompt, *answered, tokenizer.eos_token_id]  # a prompt is followed by what it will be followed by
    if len(ids) > rule.max_length:
        if not rule.cut:
            raise _too_long(len(ids), rule.max_length)
        ids = ids[: rule.max_length]
    labels = [IGNORED] * len(prompt) + ids[len(prompt) :]
    if not rule.end_token:
        labels = [k if k < tokenizer.vocab_size else IGNORED for k in labels]
    return Encoded(ids, labels[: len(ids)])


def _expect_words(texts: Mapping[str, str | None], tokenizer: Any) -> None:
    """Words from outside may end no turn and begin no image."""
    for name, text in texts.items():
        if not text:
            continue
        for token in tokenizer.added_tokens_decoder.values():
            if token.special and token.content in text:
                raise ModelError(
                    f"the {name} holds {token.content!r}, a token of the language model", "words", "take it out"
                )


def _too_long(length: int, limit: int) -> ModelError:
    return ModelError(
        f"{length} tokens", f"at most {limit}", "raise supervision.max_length, or shorten the template or the report"
    )


def _check_latents(ids: list[int], tokenizer: Any, latents: int, modalities: tuple[str, ...]) -> None:
    for modality in ("ct", "pet"):
        named = tokenizer.convert_tokens_to_ids(image_names(modality, latents))
        present, wanted = set(named), named if modality in modalities else []
        if [k for k in ids if k in present] != wanted:
            fault = f"does not hold the {latents} tokens of {modality.upper()} once and in order"
            raise ModelError(
                f"the prompt {fault if wanted else f'holds tokens of {modality.upper()}, which is not shown'}",
                "one place for each token of the images shown, no other",
                "shorten the template and leave image tokens out of it, or take the tokenizer saved with the weights",
            )
