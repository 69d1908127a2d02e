"""Examples side by side: text filled up to the longest, images brought to one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from petrg.errors import ModelError
from petrg.model.vit import keep_patches
from petrg.train.examples import Example, no_classes, text_batch
from petrg.train.images import UNKNOWN, Named, patch_lesions, patch_regions
from petrg.train.seeds import seed_of

__all__ = ["Collate"]

_MODALITIES = ("ct", "pet")
_NO_LESION = -2


@dataclass(frozen=True)
class Collate:
    """Examples to a batch of plain tensors.

    Parameters
    ----------
    pad : int
        Token that fills rows up.
    patch : tuple of int, optional
        Side of a patch where images are volumes; None where they are features.
    movable : bool
        Whether a volume may be put into a larger grid (positions in mm).
    """

    pad: int
    patch: tuple[int, int, int] | None = None
    movable: bool = True

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """A batch.

        Tokens; ``ct`` and ``pet`` where any row shows them, ``at`` and ``there`` of their patches; targets; the
        ``seed`` of all its random acts.
        """
        batch = text_batch([e.row for e in examples], self.pad)
        batch["seed"] = torch.tensor(seed_of(*(e.seed for e in examples)))
        if any(e.images is not None for e in examples):
            like = next(e.images for e in examples if e.images is not None)
            images = [_blank(like) if e.images is None else e.images for e in examples]
            used = [m for m in _MODALITIES if any(m in e.modalities for e in examples)]
            put = self._features(images, used) if self.patch is None else self._volumes(images, used)
            batch |= put
            unseen = torch.tensor([not e.modalities for e in examples])
            _hide(batch, unseen, torch.stack([no_classes() if e.classes is None else e.classes for e in examples]))
        return batch

    def _features(self, images: Sequence[Named], used: Sequence[str]) -> dict[str, Tensor]:
        longest = max(len(i["ct"]) for i in images)
        out = {m: torch.stack([_longer(i[m], longest) for i in images]) for m in used}
        count = torch.tensor([len(i["ct"]) for i in images])
        if int(count.min()) < longest:
            out["there"] = torch.arange(longest) < count[:, None]
        if all("patch_regions" in i for i in images):
            rows = [F.pad(i["patch_regions"], (0, longest - len(i["patch_regions"])), value=UNKNOWN) for i in images]
            out["patch_regions"] = torch.stack(rows)
        if all("lesions" in i for i in images):
            out |= _lesions([i["lesions"] for i in images], [i["lesion_regions"] for i in images], longest)
        return out

    def _volumes(self, images: Sequence[Named], used: Sequence[str]) -> dict[str, Tensor]:
        assert self.patch is not None
        images = self._one_grid(images)
        out = {m: torch.stack([i[m] for i in images]) for m in used}
        kept = keep_patches(torch.stack([i["wanted"] for i in images]))
        out["at"] = kept.at
        if kept.there is not None:
            out["there"] = kept.there
        if all("regions" in i for i in images):
            rows = torch.stack([patch_regions(i["regions"], self.patch) for i in images]).gather(1, kept.at)
            out["patch_regions"] = rows if kept.there is None else rows.where(kept.there, UNKNOWN)
        if all("lesions" in i for i in images):
            found = [
                patch_lesions(i["lesions"], len(i["lesion_regions"]), self.patch)[:, at]
                for i, at in zip(images, kept.at, strict=True)
            ]
            if kept.there is not None:
                found = [f & there for f, there in zip(found, kept.there, strict=True)]
            out |= _lesions(found, [i["lesion_regions"] for i in images], kept.at.shape[1])
        return out

    def _one_grid(self, images: Sequence[Named]) -> list[Named]:
        shapes = [tuple(i["ct"].shape[1:]) for i in images]
        if len(set(shapes)) == 1:
            return list(images)
        if not self.movable:
            raise ModelError(
                "volumes of different size in a batch",
                "one size, since positions are relative",
                "set batches.cases = 1",
            )
        assert self.patch is not None
        whole = tuple(max(axis) for axis in zip(*shapes, strict=True))
        return [_placed(i, whole, self.patch) for i in images]


def _placed(images: Named, whole: tuple[int, ...], patch: tuple[int, int, int]) -> Named:
    """In the middle of a larger grid and at its top, so that no position in mm moves."""
    shape = images["ct"].shape[1:]
    z, y, x = (a - b for a, b in zip(whole, shape, strict=True))
    pads = (x // 2, x - x // 2, y // 2, y - y // 2, z, 0)
    grid = tuple(n // p for n, p in zip(shape, patch, strict=True))
    patches = tuple(
        k // p for k, p in zip(pads, (patch[2], patch[2], patch[1], patch[1], patch[0], patch[0]), strict=True)
    )
    out = dict(images)
    out["ct"], out["pet"] = F.pad(images["ct"], pads, value=-1.0), F.pad(images["pet"], pads)
    out["wanted"] = F.pad(images["wanted"].view(grid), patches).flatten()
    for name in ("regions", "lesions"):
        if name in images:
            out[name] = F.pad(images[name], pads)
    return out


def _blank(like: Named) -> Named:
    """A row that shows no image, beside rows that do: nothing of it is looked at."""
    return {**like, **{m: torch.zeros_like(like[m]) for m in _MODALITIES}}


def _longer(tokens: Tensor, longest: int) -> Tensor:
    return F.pad(tokens, (0, 0, 0, longest - len(tokens)))


def _lesions(found: Sequence[Tensor], regions: Sequence[Tensor], patches: int) -> dict[str, Tensor]:
    most = max(1, *(len(f) for f in found))
    rows = [F.pad(f, (0, patches - f.shape[1], 0, most - len(f))) for f in found]
    numbers = [F.pad(r, (0, most - len(r)), value=_NO_LESION) for r in regions]
    return {"lesions": torch.stack(rows), "lesion_regions": torch.stack(numbers)}


def _hide(batch: dict[str, Tensor], unseen: Tensor, classes: Tensor) -> None:
    """Take away the targets of rows that show no image."""
    if "patch_regions" in batch:
        batch["patch_regions"] = batch["patch_regions"].masked_fill(unseen[:, None], UNKNOWN)
    if "lesions" in batch:
        batch["lesions"] = batch["lesions"] & ~unseen[:, None, None]
    batch["classes"] = classes.masked_fill(unseen[:, None, None], UNKNOWN)
