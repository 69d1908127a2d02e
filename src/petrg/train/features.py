"""What the frozen image encoder makes of each case, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from petrg.errors import ModelError
from petrg.model.cache import TensorCache, cache_key, weights_hash
from petrg.model.network import PETRG3D
from petrg.model.vit import keep_patches
from petrg.progress import Progress, silent, track
from petrg.train.cases import Source, TrainCase
from petrg.train.images import ALONE, Named, PreparedImages, patch_lesions, patch_regions, shown_images

__all__ = ["Features"]


class Features:
    """Tokens of the frozen encoder by content, recipe and the encoder's weights.

    Parameters
    ----------
    network : PETRG3D
        Its encoder as it is now: it must not change afterwards.
    dtype : torch.dtype
        In which tokens are computed and kept.
    pet_alone : bool
        Whether the PET is also encoded by itself, for rows that show no CT; needless where CT is never dropped.
    """

    def __init__(
        self,
        network: PETRG3D,
        images: PreparedImages,
        cache: TensorCache,
        dtype: torch.dtype,
        *,
        pet_alone: bool = True,
    ) -> None:
        self.images, self.cache, self.dtype, self.pet_alone = images, cache, dtype, pet_alone
        self._keys: dict[Source, str] = {}
        self.made_from = {
            "kind": "features 2",
            "pet_alone": pet_alone,
            "input": images.recipe.input.model_dump(mode="json"),
            "vision": network.config.parts.vision.model_dump(mode="json"),
            "weights": weights_hash(network.vision),
            "pet_weights": None if network.pet_vision is None else weights_hash(network.pet_vision),
            "dtype": str(dtype),
        }

    def key(self, source: Source) -> str:
        """The name of a case's features; its content is hashed once a run."""
        if source not in self._keys:
            self._keys[source] = cache_key(content=source.digest(), **self.made_from)
        return self._keys[source]

    def compute(self, network: PETRG3D, cases: Iterable[TrainCase], progress: Progress = silent) -> int:
        """Make the features that are not there yet; how many there were."""
        lacking = [s for c in cases if (s := c.source) is not None and self.key(s) not in self.cache]
        for source in track(lacking, "encoding images", progress):
            self.cache.keep(self.key(source), self._encode(network, source))
        return len(lacking)

    def __call__(self, source: Source) -> Named:
        """``ct`` and ``pet`` (m, dim) of the patches that hold some of the body; targets of those patches.

        The same of the PET by itself, under `petrg.train.images.ALONE`.
        """
        found = self.cache.find(self.key(source))
        if found is None:
            raise ModelError("cached features are damaged", "files as they were written", "remove the folder cache")
        return found

    @torch.no_grad()
    def _encode(self, network: PETRG3D, source: Source) -> Named:
        images = self.images.read(source)
        network.vision.eval()
        if network.pet_vision is not None:
            network.pet_vision.eval()
        out = self._tokens(network, shown_images(images, ("ct", "pet")), ("ct", "pet"))
        if self.pet_alone and f"{ALONE}wanted" in images:
            alone = self._tokens(network, shown_images(images, ("pet",)), ("pet",))
            out |= {ALONE + name: tensor for name, tensor in alone.items() if name != "lesion_regions"}
        return out

    def _tokens(self, network: PETRG3D, images: Named, use: tuple[str, ...]) -> Named:
        """Tokens and targets of the patches that are looked at."""
        device = next(network.vision.parameters()).device
        kept = keep_patches(images["wanted"][None].to(device))
        ct, pet = (images[m][None].to(device) if m in use else None for m in ("ct", "pet"))
        with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            seen = network.see(ct, pet, kept)
        tokens = {m: x[0].to(self.dtype).cpu() for m, x in zip(("ct", "pet"), seen, strict=True) if x is not None}
        return {**tokens, **_of_patches(images, kept.at[0].cpu(), self.images.patch)}


def _of_patches(images: Named, at: Tensor, patch: tuple[int, int, int]) -> Named:
    out: Named = {}
    if "regions" in images:
        out["patch_regions"] = patch_regions(images["regions"], patch)[at]
    if "lesions" in images:
        numbers: Sequence[int] = images["lesion_regions"].tolist()
        out["lesions"] = patch_lesions(images["lesions"], len(numbers), patch)[:, at]
        out["lesion_regions"] = images["lesion_regions"]
    return out
