"""Examples side by side: text filled up to the longest, images brought to one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from petrg.errors import ModelError
from petrg.model.rows import side_by_side
from petrg.model.vit import Kept, keep_patches
from petrg.train.examples import Example, no_classes
from petrg.train.images import NO_LESION, UNKNOWN, Named, patch_lesions, patch_regions
from petrg.train.seeds import seed_of

__all__ = ["Collate"]

_MODALITIES = ("ct", "pet")


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
        batch = side_by_side([e.row for e in examples], self.pad)
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
        out |= _regions([i.get("patch_regions") for i in images], longest)
        return out | _lesions([i.get("lesions") for i in images], images, longest)

    def _volumes(self, images: Sequence[Named], used: Sequence[str]) -> dict[str, Tensor]:
        assert self.patch is not None
        images = self._one_grid(images)
        out = {m: torch.stack([i[m] for i in images]) for m in used}
        kept = keep_patches(torch.stack([i["wanted"] for i in images]))
        out["at"] = kept.at
        if kept.there is not None:
            out["there"] = kept.there
        regions, lesions = self._targets(images, kept)
        out |= _regions(regions, kept.at.shape[1])
        return out | _lesions(lesions, images, kept.at.shape[1])

    def _targets(self, images: Sequence[Named], kept: Kept) -> tuple[list[Tensor | None], list[Tensor | None]]:
        """Region and lesions of the patches that are kept, of the images that have such."""
        assert self.patch is not None
        regions: list[Tensor | None] = []
        lesions: list[Tensor | None] = []
        for row, (image, at) in enumerate(zip(images, kept.at, strict=True)):
            there = torch.ones_like(at, dtype=torch.bool) if kept.there is None else kept.there[row]
            own = patch_regions(image["regions"], self.patch)[at] if "regions" in image else None
            regions.append(None if own is None else own.where(there, UNKNOWN))
            count = len(image["lesion_regions"]) if "lesions" in image else 0
            found = patch_lesions(image["lesions"], count, self.patch)[:, at] if "lesions" in image else None
            lesions.append(None if found is None else found & there)
        return regions, lesions

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


def _regions(rows: Sequence[Tensor | None], patches: int) -> dict[str, Tensor]:
    """Region of each patch, unknown where a row knows none; nothing where no row does."""
    if all(row is None for row in rows):
        return {}
    known = [torch.zeros(0, dtype=torch.long) if row is None else row for row in rows]
    return {"patch_regions": torch.stack([F.pad(k, (0, patches - len(k)), value=UNKNOWN) for k in known])}


def _lesions(rows: Sequence[Tensor | None], images: Sequence[Named], patches: int) -> dict[str, Tensor]:
    """Patches and region of each lesion, none in a row that knows of none; nothing where no row has a mask."""
    if all(row is None for row in rows):
        return {}
    found = [torch.zeros(0, patches, dtype=torch.bool) if row is None else row for row in rows]
    numbers = [
        torch.zeros(0, dtype=torch.long) if r is None else i["lesion_regions"]
        for r, i in zip(rows, images, strict=True)
    ]
    most = max(1, *(len(f) for f in found))
    filled = [F.pad(f, (0, patches - f.shape[1], 0, most - len(f))) for f in found]
    return {
        "lesions": torch.stack(filled),
        "lesion_regions": torch.stack([F.pad(n, (0, most - len(n)), value=NO_LESION) for n in numbers]),
    }


def _hide(batch: dict[str, Tensor], unseen: Tensor, classes: Tensor) -> None:
    """Take away the targets of rows that show no image."""
    if "patch_regions" in batch:
        batch["patch_regions"] = batch["patch_regions"].masked_fill(unseen[:, None], UNKNOWN)
    if "lesions" in batch:
        batch["lesions"] = batch["lesions"] & ~unseen[:, None, None]
    batch["classes"] = classes.masked_fill(unseen[:, None, None], UNKNOWN)
