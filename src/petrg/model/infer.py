"""Weights at work: volumes and a question to the text that answers it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from petrg.errors import ModelError
from petrg.model.base import fingerprint
from petrg.model.device import Place, choose_place
from petrg.model.export_lm import model_ends
from petrg.model.generate import Drafted, generate
from petrg.model.inputs import Seen
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.prompt import Ask
from petrg.model.recipe import Generation, Recipe
from petrg.model.table import load_without_layers
from petrg.model.tensors import HeldTensors
from petrg.model.weights import fetch, is_ours

__all__ = ["Loaded", "load_weights", "tensor_bytes"]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network on its device with its processor.

    Parameters
    ----------
    identity : str
        A fingerprint of every tensor that is not the base language model's.
    """

    model: PETRG3D
    processor: PETRG3DProcessor
    place: Place
    identity: str

    @property
    def recipe(self) -> Recipe:
        """What they were trained under."""
        return self.model.config.typed_recipe

    @property
    def domain(self) -> str:
        """The images that trained the encoder."""
        return self.model.config.domain

    @property
    def patch(self) -> tuple[int, int, int]:
        """Voxels of a patch along each axis of the recipe's volumes."""
        return self.model.config.parts.vision.patch

    @property
    def ends(self) -> list[int]:
        """Tokens that end an answer."""
        return model_ends(self.model, self.processor)

    @torch.inference_mode()
    def prompt(self, seen: Seen, ask: Ask) -> Tensor:
        """The prompt as embeddings, (t, hidden).

        Raises
        ------
        ModelError
            If what is seen is not what the question announces.
        """
        shown = tuple(name for name in ("ct", "pet") if getattr(seen, name) is not None)
        if set(shown) != set(ask.modalities):
            raise ModelError(
                f"the question announces {_named(ask.modalities)}, and {_named(shown)} is shown",
                "the same",
                "report it",
            )
        ids = torch.tensor([self.processor.prompt(ask)], device=self.place.device)
        if not shown:
            return self.model.embed(ids, None)[0]
        kept = seen.kept(self.place.device)
        features = self.model.see(self._tensor(seen.ct), self._tensor(seen.pet), kept)
        latents = self.model.condense(*features, None if kept is None else kept.there)
        return self.model.embed(ids, latents)[0]

    def write(
        self,
        prompts: Sequence[Tensor],
        how: Generation,
        seeds: Sequence[int] | None = None,
        write: Callable[[str], None] | None = None,
    ) -> list[Drafted]:
        """One answer a prompt (`petrg.model.generate.generate`)."""
        return generate(self.model, prompts, self.processor.tokenizer, how, seeds=seeds, ends=self.ends, write=write)

    def _tensor(self, volume: Any) -> Tensor | None:
        return None if volume is None else torch.from_numpy(volume)[None].to(self.place.device)


def _named(modalities: Sequence[str]) -> str:
    return " and ".join(m.upper() for m in modalities) or "no image"


def load_weights(
    where: Path | str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    base: Path | str | None = None,
    layers: bool = True,
) -> Loaded:
    """Weights from a folder or hub id, ready to write.

    Parameters
    ----------
    device, dtype : str
        See `petrg.model.device.choose_place`.
    base : folder or hub id, optional
        The base language model, where it lies elsewhere than the weights say.
    layers : bool
        False leaves the language model's layers out (`petrg.model.table`): prompts can be made, a server writes.

    Raises
    ------
    ModelError
        If they cannot be had whole, or the device is not there.
    """
    place = choose_place(device, dtype)
    folder = fetch(where)
    processor = PETRG3DProcessor.from_pretrained(folder)
    load = PETRG3D.from_pretrained if layers else load_without_layers
    model = load(folder, base=base, dtype=place.dtype, device=place.device)
    ours = HeldTensors({name: tensor for name, tensor in model.state_dict().items() if is_ours(name)})
    return Loaded(model, processor, place, fingerprint(ours))


def tensor_bytes(prompt: Tensor) -> bytes:
    """A tensor as torch saves it, for a server that takes prompt embeddings."""
    buffer = io.BytesIO()
    torch.save(prompt.detach().cpu().contiguous().clone(), buffer)
    return buffer.getvalue()
