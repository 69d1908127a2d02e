"""PETRG-3D: volumes and token ids to logits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from petrg.errors import ModelError
from petrg.model.backbone import add_lora, row_scale
from petrg.model.config import PETRG3DConfig
from petrg.model.resampler import Resampler
from petrg.model.tokens import TokenRows, TokenSpan
from petrg.model.vit import Kept, ViT3D

__all__ = ["PETRG3D"]

Both = tuple[Tensor | None, Tensor | None]  # CT, PET
_LARGE = 2048  # tokens of a modality that keep every core of a CPU busy


class PETRG3D(PreTrainedModel):
    """Two image streams, their latents as words of a prompt, and a language model.

    ``vocabulary`` ids belong to the language model; the ids after them are the marks and latents of
    `petrg.model.tokens`, whose rows live here.
    """

    config: PETRG3DConfig
    language_model: Any
    config_class = PETRG3DConfig
    base_model_prefix = "petrg3d"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: PETRG3DConfig, language_model: nn.Module | None = None) -> None:
        super().__init__(config)
        parts = config.parts
        hidden = config.text_config.hidden_size
        self.vision = ViT3D(parts.vision)
        self.pet_vision = None if parts.vision.share else ViT3D(parts.vision)
        self.ct_resampler = Resampler(parts.vision.dim, parts.resampler)
        self.pet_resampler = Resampler(parts.vision.dim, parts.resampler)
        self.ct_projection = nn.Linear(parts.vision.dim, hidden)
        self.pet_projection = nn.Linear(parts.vision.dim, hidden)
        self.token_rows = TokenRows(hidden)
        lm = language_model if language_model is not None else AutoModelForCausalLM.from_config(config.text_config)
        lm.requires_grad_(False)  # who trains it says so, and then it is saved too
        self.language_model = lm if parts.lora is None else add_lora(lm, parts.lora)
        self.span = TokenSpan(config.text_config.vocab_size, parts.resampler.latents)
        self.post_init()

    def init_weights(self) -> None:
        """Nothing: every part initialises itself.

        transformers' own would walk through the language model and draw its adapters, and what was loaded, again.
        """

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing, as `init_weights`."""

    def save_pretrained(self, save_directory: Path | str, **how: Any) -> None:  # type: ignore[override]
        """Write everything that is not the base language model; see `petrg.model.weights.save`."""
        from petrg.model.weights import save

        save(self, Path(save_directory), **how)

    def push_to_hub(self, repo_id: str, **how: Any) -> str:  # type: ignore[override]
        """Upload the whole folder, card and processor too; see `petrg.model.push.push`."""
        from petrg.model.push import push

        return push(self, repo_id, **how)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Path | str, **how: Any) -> PETRG3D:  # type: ignore[override]
        """The network of a folder or hub id, every tensor from its file; see `petrg.model.weights.load`."""
        from petrg.model.weights import load

        return load(pretrained_model_name_or_path, **how)

    def get_input_embeddings(self) -> Any:
        """The language model's own table."""
        return self.language_model.get_input_embeddings()

    def see(self, ct: Tensor | None, pet: Tensor | None, kept: Kept | None = None) -> Both:
        """CT and PET of one grid, (b, c or 1, d0, d1, d2) each -> tokens (b, n, dim) each.

        One transformer takes both in one pass; large grids on a CPU without gradients go one after the other, since one
        keeps every core busy and half is then held at a time. A modality that is None stays None.
        """
        dtype = self.vision.stem.norm_out.weight.dtype
        ct, pet = (None if v is None else v.to(dtype) for v in (ct, pet))
        if ct is not None and pet is not None and self.pet_vision is None and _one_pass(self.vision, ct, pet, kept):
            both = None if kept is None else _twice(kept)
            seen = self.vision.encode(torch.cat([self.vision.embed(v, kept) for v in (ct, pet)]), both)
            first, second = seen.chunk(2)
            return first, second
        return (
            None if ct is None else self.vision(ct, kept),
            None if pet is None else (self.pet_vision or self.vision)(pet, kept),
        )

    def resample(
        self, ct: Tensor | None, pet: Tensor | None, there: Tensor | None = None, *, look: bool = False
    ) -> tuple[Both, list[Tensor]]:
        """Image tokens (b, n, dim) -> latents (b, latents, dim), CT and PET; what is None stays None.

        With ``look`` also, for each modality that is there, the last layer's log attention weights (b, heads, latents,
        n) on the image tokens; else an empty list. ``there`` (b, n) bool marks real tokens.
        """
        latents: list[Tensor | None] = []
        looked: list[Tensor] = []
        for x, resampler in ((ct, self.ct_resampler), (pet, self.pet_resampler)):
            if x is None:
                latents.append(None)
                continue
            x = x.to(resampler.latents.dtype)
            made, weights = resampler.look(x, there) if look else (resampler(x, there), None)
            latents.append(made)
            if weights is not None:
                looked.append(weights)
        return (latents[0], latents[1]), looked

    def project(self, latents: Both) -> Tensor:
        """Latents (b, latents, dim) of CT and PET -> rows of the prompt (b, 2 * latents, hidden).

        An absent modality gives zeros; with neither, ValueError.
        """
        projections = (self.ct_projection, self.pet_projection)
        rows = [None if x is None else p(x) for x, p in zip(latents, projections, strict=True)]
        like = next((r for r in rows if r is not None), None)
        if like is None:
            raise ValueError("a prompt with images needs at least one modality")
        return torch.cat([torch.zeros_like(like) if r is None else r for r in rows], dim=1)

    def condense(self, ct: Tensor | None, pet: Tensor | None, there: Tensor | None = None) -> Tensor:
        """Image tokens (b, n, dim) -> rows of the prompt (b, 2 * latents, hidden): `resample`, then `project`."""
        return self.project(self.resample(ct, pet, there)[0])

    def embed(self, input_ids: Tensor, latents: Tensor | None) -> Tensor:
        """Ids (b, t) and latents (b, 2 * latents, hidden) -> inputs_embeds (b, t, hidden), by look-up.

        Our rows lie in the space of the language model's table: where its look-up scales (Gemma), they are scaled too.
        """
        table = self.get_input_embeddings()
        ours = input_ids >= self.span.first
        words = table(input_ids.masked_fill(ours, 0))
        if not bool(ours.any()):
            return words
        rows = self.token_rows().expand(len(input_ids), -1, -1)
        if latents is not None:
            rows = torch.cat((rows, latents.to(rows.dtype)), dim=1)
        row, column = ours.nonzero(as_tuple=True)
        at = input_ids[row, column] - self.span.first
        if int(at.max()) >= rows.shape[1]:
            raise ModelError(
                "the prompt holds image tokens but no image was given", "latents for them", "give CT and PET"
            )
        picked = rows[row, at] * row_scale(table)
        return words.index_put((row, column), picked.to(words.dtype))

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        ct: Tensor | None = None,
        pet: Tensor | None = None,
        kept: Kept | None = None,
        features: Both | None = None,
        latents: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **rest: Any,
    ) -> CausalLMOutputWithPast:
        """Logits and, with ``labels``, the loss.

        Images enter as volumes (``ct``, ``pet``), as ``features`` of the frozen transformer (CT, PET), or as finished
        ``latents``. With ``labels`` (b, t) the logits are those of the supervised positions only, and the loss is the
        mean shifted cross-entropy over them in float32.
        """
        if inputs_embeds is None:
            inputs_embeds = self._prompts(input_ids, ct, pet, kept, features, latents)
        if labels is None:
            return self.language_model(inputs_embeds=inputs_embeds, attention_mask=attention_mask, **rest)
        taught = F.pad(labels[:, 1:], (0, 1), value=-100)
        columns = (taught != -100).any(dim=0).nonzero()[:, 0]
        out = self.language_model(
            inputs_embeds=inputs_embeds, attention_mask=attention_mask, logits_to_keep=columns, use_cache=False, **rest
        )
        logits = out.logits.float()
        loss = F.cross_entropy(logits.flatten(0, 1), taught[:, columns].flatten(), ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=out.logits)

    def generate(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        ct: Tensor | None = None,
        pet: Tensor | None = None,
        kept: Kept | None = None,
        features: Both | None = None,
        latents: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **how: Any,
    ) -> Tensor:
        """What is written after each prompt, padded on the left: (b, new) ids without the prompt's.

        Images enter as in `forward`. Decoding is as ``generation_config`` says, ``how`` over it; see
        `petrg.model.generate.generate_ids`.
        """
        from petrg.model.generate import generate_ids

        with torch.inference_mode():
            if inputs_embeds is None:
                inputs_embeds = self._prompts(input_ids, ct, pet, kept, features, latents)
            return generate_ids(self, inputs_embeds, attention_mask, **how)

    def _prompts(
        self,
        input_ids: Tensor | None,
        ct: Tensor | None,
        pet: Tensor | None,
        kept: Kept | None,
        features: Both | None,
        latents: Tensor | None,
    ) -> Tensor:
        """Prompts as embeddings, their images from volumes, features or finished latents."""
        if input_ids is None:
            raise ValueError("input_ids or inputs_embeds are needed")
        if latents is None:
            if features is None and (ct is not None or pet is not None):
                features = self.see(ct, pet, kept)
            if features is not None:
                latents = self.condense(*features, None if kept is None else kept.there)
        return self.embed(input_ids, latents)


def _one_pass(vision: ViT3D, ct: Tensor, pet: Tensor, kept: Kept | None) -> bool:
    if ct.shape[2:] != pet.shape[2:]:
        return False
    if torch.is_grad_enabled() or ct.device.type != "cpu":
        return True
    tokens = math.prod(ct.shape[2:]) // math.prod(vision.config.patch) if kept is None else kept.at.shape[1]
    return len(ct) * tokens <= _LARGE


def _twice(kept: Kept) -> Kept:
    at, there = kept
    return Kept(torch.cat((at, at)), None if there is None else torch.cat((there, there)))
