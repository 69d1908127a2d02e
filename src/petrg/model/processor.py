"""A network's words: the tokenizer with our tokens, and the recipe that prompts are built and answers read by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import BatchFeature, ProcessorMixin

from petrg.errors import ModelError
from petrg.model.asked import HUB, expect_known
from petrg.model.backbone import takes_plain_prompt
from petrg.model.base import LOAD_FAULTS, base_tokenizer
from petrg.model.config import PETRG3DConfig
from petrg.model.generate import cut_text
from petrg.model.prompt import IGNORED, Ask, Encoded, encode_answer, encode_prompt, prompt_text
from petrg.model.recipe import Recipe
from petrg.model.rows import side_by_side
from petrg.model.tokens import TokenSpan, add_tokens
from petrg.model.weights import expect_recipe, fetch, read_config

__all__ = ["PETRG3DProcessor"]

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model")


class PETRG3DProcessor(ProcessorMixin):
    """Questions and answers to token ids and back.

    Images have no part in it: volumes go to the network as arrays (`petrg.model.mm_input`,
    `petrg.model.stored_input`), so that no image library is needed to load it.

    Parameters
    ----------
    tokenizer
        The backbone's; our tokens are added to it.
    recipe : str, mapping or Recipe
        Saved with it, value for value.
    latents : int
        Image tokens of each modality.
    plain : bool
        The layout of Llama-type backbones, which needs no chat template.

    Raises
    ------
    ModelError
        If the tokenizer has no end token, or neither a chat template nor the plain layout.
    """

    def __init__(
        self,
        tokenizer: Any = None,
        recipe: Any = "petrg-1",
        latents: int = 128,
        plain: bool = False,
        chat_template: str | None = None,
    ) -> None:
        if tokenizer.eos_token_id is None:
            raise ModelError("the tokenizer has no end token", "one that ends a turn", "take another backbone")
        if not plain and not (tokenizer.chat_template or chat_template):
            raise ModelError(
                "the tokenizer has no chat template", "one, or a Llama-type backbone", "take an instruction-tuned one"
            )
        self.span: TokenSpan = add_tokens(tokenizer, latents)
        self.recipe = Recipe.of(recipe).model_dump(mode="json")
        self.latents, self.plain = latents, plain
        super().__init__(tokenizer, chat_template=chat_template)

    @classmethod
    def of(cls, config: PETRG3DConfig, tokenizer: Any) -> PETRG3DProcessor:
        """That of a network's configuration."""
        plain = takes_plain_prompt(config.text_config.model_type)
        made = cls(tokenizer, config.recipe, config.parts.resampler.latents, plain)
        made.check(config)
        return made

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        pretrained_model_name_or_path: Path | str,
        *,
        recipe: Any = None,
        revision: str | None = None,
        **others: Any,
    ) -> PETRG3DProcessor:
        """The processor of a folder or hub id; without a tokenizer there, the base language model's is taken.

        ``revision`` and those of `petrg.model.asked.HUB` are the hub's.

        Raises
        ------
        ModelError
            If ``recipe`` is another than the saved one, there is no tokenizer, or something else is asked for.
        """
        hub = {name: value for name in HUB if (value := others.pop(name, None)) is not None}
        expect_known("the processor's from_pretrained", others, f"recipe, revision, {', '.join(HUB)}")
        folder = fetch(pretrained_model_name_or_path, revision, **hub)
        config = read_config(folder)
        expect_recipe(config, recipe)
        if any((folder / name).is_file() for name in _TOKENIZER_FILES):
            try:
                made = super().from_pretrained(folder, local_files_only=True)
            except (*LOAD_FAULTS, AttributeError, TypeError) as error:
                raise ModelError(
                    f"the tokenizer saved with the weights cannot be read ({type(error).__name__})",
                    f"{', '.join(_TOKENIZER_FILES[:2])} and processor_config.json, whole",
                    "take a whole folder of weights",
                ) from error
            made.check(config)
            return made
        if config.base_model is None:
            raise ModelError("the folder has no tokenizer", "tokenizer.json", "take a whole folder of weights")
        tokenizer = base_tokenizer(config.base_model, config.base_revision, **hub)
        return cls.of(config, tokenizer)

    @property
    def typed_recipe(self) -> Recipe:
        """The recipe, checked."""
        return Recipe.of(self.recipe)

    @property
    def pad_id(self) -> int:
        """What rows are filled up with: the pad token, or the end token where there is none; always masked."""
        pad = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad is None else pad)

    def check(self, config: PETRG3DConfig) -> None:
        """Refuse a network that it does not belong to: another recipe, other tokens."""
        expect_recipe(config, self.recipe)
        mine, own = self.span, TokenSpan(config.text_config.vocab_size, config.parts.resampler.latents)
        if mine != own:
            raise ModelError(
                f"the tokenizer's image tokens start at {mine.first} and end at {mine.end}",
                f"{own.first} to {own.end}, as the network has them",
                "take the tokenizer that was saved with the weights",
            )

    def text(self, ask: Ask) -> str:
        """The whole prompt as text."""
        return prompt_text(self.typed_recipe, ask, self.tokenizer, self.latents, plain=self.plain)

    def prompt(self, ask: Ask) -> list[int]:
        """Ids of the prompt (`petrg.model.prompt.encode_prompt`)."""
        return encode_prompt(self.typed_recipe, ask, self.tokenizer, self.latents, plain=self.plain)

    def answer(self, ask: Ask, answer: str) -> Encoded:
        """Ids of prompt and answer, and what is taught of them (`petrg.model.prompt.encode_answer`)."""
        return encode_answer(self.typed_recipe, ask, answer, self.tokenizer, self.latents, plain=self.plain)

    def __call__(self, asks: Ask | Sequence[Ask], answers: Sequence[str] | None = None) -> BatchFeature:
        """One batch: prompts filled up on the left to generate from, or with ``answers`` on the right to learn from.

        Returns
        -------
        BatchFeature
            ``input_ids``, ``attention_mask`` and, with ``answers``, ``labels``: (b, t) int64.
        """
        listed = [asks] if isinstance(asks, Ask) else list(asks)
        if answers is None:
            rows = [Encoded(ids, [IGNORED] * len(ids)) for ids in map(self.prompt, listed)]
        else:
            rows = [self.answer(ask, text) for ask, text in zip(listed, answers, strict=True)]
        batch = side_by_side(rows, self.pad_id, left=answers is None)
        if answers is None:
            del batch["labels"]
        return BatchFeature(batch)

    def decode(self, ids: Any, **how: Any) -> str:
        """What was generated, as text: without special tokens, cut where the recipe cuts."""
        text = str(self.tokenizer.decode(ids, **{"skip_special_tokens": True, **how}))
        return cut_text(text, self.typed_recipe.generation.cut_at)

    def batch_decode(self, rows: Any, **how: Any) -> list[str]:
        """`decode` of each row."""
        return [self.decode(ids, **how) for ids in rows]
