"""The network with what it is taught by: one forward pass from a batch to one loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from petrg.model.network import PETRG3D, Both
from petrg.model.vit import Kept
from petrg.train.config import Losses, Part
from petrg.train.heads import Heads
from petrg.train.losses import attention_loss, latent_loss, patch_loss
from petrg.train.parts import settle, trained

__all__ = ["Learner"]

_LM = "network.language_model."


class Learner(nn.Module):
    """What transformers' Trainer sees as the model.

    ``said`` holds the parts of the last loss by name.
    """

    accepts_loss_kwargs = False  # the loss of a micro-batch is its mean

    def __init__(self, network: PETRG3D, parts: Sequence[Part], losses: Losses) -> None:
        super().__init__()
        self.network, self.parts, self.losses = network, tuple(parts), losses
        self.heads = Heads(network.config.parts, losses)
        self.said: dict[str, Tensor] = {}

    def train(self, mode: bool = True) -> Learner:
        """Training mode for what is trained only."""
        super().train(mode)
        if mode:
            settle(self.network, self.parts)
        return self

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        ct: Tensor | None = None,
        pet: Tensor | None = None,
        at: Tensor | None = None,
        there: Tensor | None = None,
        patch_regions: Tensor | None = None,
        lesions: Tensor | None = None,
        lesion_regions: Tensor | None = None,
        classes: Tensor | None = None,
        seed: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The loss of a batch of `petrg.train.batch.Collate`.

        ``ct`` and ``pet`` are features (b, m, dim), or volumes where ``at`` says which patches of them are looked at.
        """
        parts: dict[str, Tensor] = {}
        rows = None
        if ct is not None or pet is not None:
            tokens = self._tokens(ct, pet, at, there)
            seen = self._seen(input_ids)
            if self.losses.patch_regions and patch_regions is not None:
                held = [t for t in tokens if t is not None]
                parts["patch regions"] = self.losses.patch_regions * patch_loss(self.heads, held, patch_regions)
            look = bool(self.losses.attention) and lesions is not None and bool(lesions.any())
            latents, looked = self.network.resample(*tokens, there, look=look)
            rows = self.network.project(latents)
            if self.losses.latent_regions and classes is not None:
                lost = latent_loss(self.heads, *latents, seen, classes)
                parts["latent regions"] = self.losses.latent_regions * lost
            if look:
                assert lesions is not None
                assert lesion_regions is not None
                shown = torch.stack([s for t, s in zip(tokens, seen.T, strict=True) if t is not None], dim=1)
                lost = attention_loss(looked, lesions, lesion_regions, shown)
                parts["attention"] = self.losses.attention * lost
        out = self.network(input_ids=input_ids, attention_mask=attention_mask, latents=rows, labels=labels)
        parts["text"] = out.loss
        self.said = {name: loss.detach() for name, loss in parts.items()}
        return {"loss": torch.stack(list(parts.values())).sum() + self._touch()}

    def _seen(self, input_ids: Tensor) -> Tensor:
        """Whether each row's prompt holds CT, PET: (b, 2) bool. A batch has both where any of its rows has."""
        span = self.network.span
        starts = torch.tensor([span.ct, span.pet], device=input_ids.device)
        return (input_ids[:, :, None] == starts).any(dim=1)

    def _touch(self) -> Tensor | float:
        """0, from every trained tensor of ours: each has a gradient whatever was shown, on every process alike."""
        ours = [p.sum() for name, p in trained(self) if not name.startswith(_LM)]
        return 0.0 * torch.stack([p.float() for p in ours]).sum() if ours else 0.0

    def rows(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The rows of a prompt (b, 2 * latents, hidden) that the images of a batch become."""
        there = batch.get("there")
        tokens = self._tokens(batch.get("ct"), batch.get("pet"), batch.get("at"), there)
        return self.network.condense(*tokens, there)

    def _tokens(self, ct: Tensor | None, pet: Tensor | None, at: Tensor | None, there: Tensor | None) -> Both:
        return (ct, pet) if at is None else self.network.see(ct, pet, Kept(at, there))
