"""The network with what it is taught by: one forward pass from a batch to one loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from petrg.model.network import PETRG3D
from petrg.model.vit import Kept
from petrg.train.config import Losses, Part
from petrg.train.heads import Heads
from petrg.train.losses import attention_loss, latent_loss, patch_loss
from petrg.train.parts import settle, trained

__all__ = ["Learner"]

_LM = "network.language_model."
Both = tuple[Tensor | None, Tensor | None]


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
            if self.losses.patch_regions and patch_regions is not None:
                seen = [t for t in tokens if t is not None]
                parts["patch regions"] = self.losses.patch_regions * patch_loss(self.heads, seen, patch_regions)
            latents, looked = self._resample(tokens, there)
            rows = self._project(latents)
            if self.losses.latent_regions and classes is not None:
                parts["latent regions"] = self.losses.latent_regions * latent_loss(self.heads, *latents, classes)
            if self.losses.attention and lesions is not None and lesion_regions is not None:
                each = [attention_loss(layers, lesions, lesion_regions) for layers in looked]
                parts["attention"] = self.losses.attention * torch.stack(each).mean()
        out = self.network(input_ids=input_ids, attention_mask=attention_mask, latents=rows, labels=labels)
        parts["text"] = out.loss
        self.said = {name: loss.detach() for name, loss in parts.items()}
        return {"loss": torch.stack(list(parts.values())).sum() + self._touch()}

    def _touch(self) -> Tensor | float:
        """0, from every trained tensor of ours: each has a gradient whatever was shown, on every process alike."""
        ours = [p.sum() for name, p in trained(self) if not name.startswith(_LM)]
        return 0.0 * torch.stack([p.float() for p in ours]).sum() if ours else 0.0

    def rows(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The rows of a prompt (b, 2 * latents, hidden) that the images of a batch become."""
        there = batch.get("there")
        tokens = self._tokens(batch.get("ct"), batch.get("pet"), batch.get("at"), there)
        return self._project(self._resample(tokens, there)[0])

    def _tokens(self, ct: Tensor | None, pet: Tensor | None, at: Tensor | None, there: Tensor | None) -> Both:
        return (ct, pet) if at is None else self.network.see(ct, pet, Kept(at, there))

    def _resample(self, tokens: Both, there: Tensor | None) -> tuple[Both, list[list[Tensor]]]:
        network = self.network
        latents: list[Tensor | None] = []
        looked: list[list[Tensor]] = []
        for x, resampler in zip(tokens, (network.ct_resampler, network.pet_resampler), strict=True):
            if x is None:
                latents.append(None)
                continue
            x = x.to(resampler.latents.dtype)
            made, layers = resampler.look(x, there) if self.losses.attention else (resampler(x, there), [])
            latents.append(made)
            looked.append(layers)
        return (latents[0], latents[1]), looked

    def _project(self, latents: Both) -> Tensor:
        """As `PETRG3D.condense` ends: CT, then PET; zeros for what is absent."""
        projections = (self.network.ct_projection, self.network.pet_projection)
        rows = [None if x is None else p(x) for x, p in zip(latents, projections, strict=True)]
        like = next(r for r in rows if r is not None)
        return torch.cat([torch.zeros_like(like) if r is None else r for r in rows], dim=1)
