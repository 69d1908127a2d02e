"""The 264 tokens of ours that follow the backbone's own, and the table their rows live in."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from petrg.errors import ModelError

__all__ = ["MARKS", "TokenRows", "TokenSpan", "add_tokens", "image_names"]

MARKS = ("<ct>", "</ct>", "<pet>", "</pet>", "<region>", "</region>", "<template>", "</template>")
_GROUPS = ("image", "pet", "region", "template")  # the learned rows, two each, in the order of MARKS


class TokenSpan(NamedTuple):
    """Where our tokens stand: ``first`` is the id of ``<ct>``; CT latents follow the marks, then PET latents."""

    first: int
    latents: int

    @property
    def ct(self) -> int:
        """Id of the first CT latent."""
        return self.first + len(MARKS)

    @property
    def pet(self) -> int:
        """Id of the first PET latent."""
        return self.ct + self.latents

    @property
    def end(self) -> int:
        """One past the last."""
        return self.pet + self.latents


def image_names(modality: str, latents: int) -> list[str]:
    """Names of the latents of "ct" or "pet".

    >>> image_names("ct", 2)
    ['<image_ct0>', '<image_ct1>']
    """
    return [f"<image_{modality}{k}>" for k in range(latents)]


def add_tokens(tokenizer: Any, latents: int) -> TokenSpan:
    """Add our tokens to ``tokenizer`` (in place) after all of its own; again is no change.

    Raises
    ------
    ModelError
        If the tokenizer has some of them at other places.
    """
    ours = [*MARKS, *image_names("ct", latents), *image_names("pet", latents)]
    tokenizer.add_tokens(ours, special_tokens=True)
    ids = tokenizer.convert_tokens_to_ids(ours)
    first = ids[0]
    if ids != list(range(first, first + len(ours))) or first + len(ours) != len(tokenizer):
        raise ModelError(
            "the tokenizer's image tokens are not its last ones in order",
            f"{len(ours)} of them after the backbone's own",
            "take the tokenizer that was saved with the weights",
        )
    return TokenSpan(first, latents)


class TokenRows(nn.Module):
    """The learned rows of the marks, two for each pair; latents come from the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for group in _GROUPS:
            self.register_parameter(group, nn.Parameter(torch.randn(2, width)))

    def forward(self) -> Tensor:
        """(8, width), in the order of MARKS."""
        return torch.cat([getattr(self, group) for group in _GROUPS])
