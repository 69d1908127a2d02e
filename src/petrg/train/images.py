"""A case's images as the network takes them, with what is known of their voxels on the same grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from petrg.errors import ModelError
from petrg.imaging import Grid
from petrg.model.cache import TensorCache, cache_key
from petrg.model.mm_input import mm_volumes
from petrg.model.recipe import MmInput, Recipe, StoredInput
from petrg.model.stored_input import stored_volumes
from petrg.train.cases import REGIONS, Raw, Source, Targets

__all__ = [
    "ALONE",
    "NO_LESION",
    "NO_REGION",
    "UNKNOWN",
    "PreparedImages",
    "patch_lesions",
    "patch_regions",
    "prepare",
    "shown_images",
]

NO_REGION, UNKNOWN = len(REGIONS), -100
"""A patch that holds no known part of the body; a patch of which nothing is known."""
NO_LESION = -2
"""In the place of a lesion's region where a row has fewer lesions than another; -1 is a region that is not known."""
ALONE = "alone."
"""How the names of tensors begin that take the place of others where the PET is shown alone."""
_LEAST_SHARE = 0.1  # of a patch's voxels, below which it belongs to no region
Patch = tuple[int, int, int]
Named = dict[str, Tensor]


def prepare(raw: Raw, recipe: Recipe, patch: Patch) -> Named:
    """Volumes as the recipe scales them.

    Returns
    -------
    dict
        ``ct`` and ``pet`` (c, d0, d1, d2) float32, ``wanted`` (patches) bool, under `ALONE` those of the PET by
        itself; where they are known ``regions`` and ``lesions`` (d0, d1, d2) with ``lesion_regions`` (lesions) int64.
    """
    if isinstance(recipe.input, StoredInput):
        assert raw.stored is not None
        ct, pet = stored_volumes(*raw.stored, recipe.input, patch)
        wanted = np.ones(int(np.prod([n // p for n, p in zip(ct.shape, patch, strict=True)])), bool)
        return {
            "ct": torch.from_numpy(ct)[None],
            "pet": torch.from_numpy(pet)[None],
            "wanted": torch.from_numpy(wanted),
        }
    assert isinstance(recipe.input, MmInput)
    assert raw.study is not None
    seen = mm_volumes(raw.study, recipe.input, patch)
    assert seen.ct is not None
    assert seen.pet is not None
    alone = mm_volumes(raw.study, recipe.input, patch, use=("pet",))  # as it is drafted from
    out = {
        "ct": torch.from_numpy(seen.ct),
        "pet": torch.from_numpy(seen.pet),
        "wanted": torch.from_numpy(seen.wanted),
        f"{ALONE}wanted": torch.from_numpy(alone.wanted),
    }
    if raw.targets is not None:
        assert raw.study.pet is not None
        out |= _targets(raw.targets, raw.study.pet.grid, seen.grid)
    return out


def shown_images(images: Named, modalities: Sequence[str]) -> Named:
    """What is looked at where just ``modalities`` are shown.

    Where the PET is alone, it tells itself where the body is, as it does when a study without CT is drafted; its
    features are those of those patches.
    """
    out = {name: tensor for name, tensor in images.items() if not name.startswith(ALONE)}
    if tuple(modalities) != ("pet",):
        return out
    alone = {name.removeprefix(ALONE): t for name, t in images.items() if name.startswith(ALONE)}
    if "pet" in alone:
        alone["ct"] = torch.zeros_like(alone["pet"])  # not shown; as long, since a row has one length
    return out | alone


def _targets(targets: Targets, own: Grid, grid: Grid) -> Named:
    """Nearest voxels of the targets on ``grid``; a lesion too small to be met is put at the voxel nearest to it."""
    index = np.rint(own.to_index(grid.to_mm(np.indices(grid.shape).reshape(3, -1).T))).astype(int)
    inside: NDArray[np.bool_] = np.all((index >= 0) & (index < own.shape), axis=1)
    z, y, x = np.where(inside[:, None], index, 0).T
    out: Named = {}
    if targets.lesions is not None:
        lesions = np.where(inside, targets.lesions[z, y, x], 0).reshape(grid.shape).astype(np.int16)
        for number in range(1, len(targets.lesion_regions) + 1):
            if not (lesions == number).any() and len(voxels := np.argwhere(targets.lesions == number)):
                at = np.rint(grid.to_index(own.to_mm(voxels.mean(axis=0)))).astype(int)
                lesions[tuple(at.clip(0, np.array(grid.shape) - 1))] = number
        out["lesions"] = torch.from_numpy(lesions)
        out["lesion_regions"] = torch.tensor(targets.lesion_regions, dtype=torch.long)
    if targets.regions is not None:
        regions = np.where(inside, targets.regions[z, y, x], 0).reshape(grid.shape).astype(np.uint8)
        out["regions"] = torch.from_numpy(regions)
    return out


def _blocks(volume: Tensor, patch: Patch) -> NDArray[Any]:
    """(patches, voxels of one), the last axis fastest."""
    (n0, p0), (n1, p1), (n2, p2) = ((size // p, p) for size, p in zip(volume.shape, patch, strict=True))
    cut = volume.numpy().reshape(n0, p0, n1, p1, n2, p2).transpose(0, 2, 4, 1, 3, 5)
    return np.ascontiguousarray(cut.reshape(n0 * n1 * n2, -1))


def patch_regions(regions: Tensor, patch: Patch) -> Tensor:
    """The region that most of each patch lies in (patches,) int64; `NO_REGION` where hardly any voxel has one."""
    blocks = _blocks(regions, patch)
    counts = np.stack([(blocks == k + 1).sum(axis=1) for k in range(len(REGIONS))], axis=1)
    found = np.where(counts.max(axis=1) >= max(1.0, _LEAST_SHARE * blocks.shape[1]), counts.argmax(axis=1), NO_REGION)
    return torch.from_numpy(found.astype(np.int64))


def patch_lesions(lesions: Tensor, count: int, patch: Patch) -> Tensor:
    """Which patches hold some of each lesion: (lesions, patches) bool."""
    blocks = _blocks(lesions, patch)
    rows = [torch.from_numpy((blocks == k + 1).any(axis=1)) for k in range(count)]
    return torch.stack(rows) if rows else torch.zeros(0, len(blocks), dtype=torch.bool)


class PreparedImages:
    """`prepare` with a memory on disk, since reading and resampling take longer than a step."""

    def __init__(self, cache: TensorCache, recipe: Recipe, patch: Patch) -> None:
        self.cache, self.recipe, self.patch = cache, recipe, patch
        self._keys: dict[Source, str] = {}

    def __call__(self, source: Source | None) -> Named:
        """The images of a case."""
        if source is None:
            raise ModelError("a case has no images", "CT and PET", "set text_only, or add them")
        key = self._key(source)
        found = self.cache.find(key)
        if found is None:
            found = self.read(source)
            self.cache.keep(key, found)
        return found

    def _key(self, source: Source) -> str:
        if source not in self._keys:  # content is hashed once a run
            made_from = {"input": self.recipe.input.model_dump(mode="json"), "patch": self.patch}
            self._keys[source] = cache_key(kind="images 3", content=source.digest(), **made_from)
        return self._keys[source]

    def read(self, source: Source) -> Named:
        """The same, read and not kept."""
        return prepare(source.read(stored=isinstance(self.recipe.input, StoredInput)), self.recipe, self.patch)
