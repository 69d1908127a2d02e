"""A study to the volumes that a recipe shows the network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from petrg.errors import StudyError
from petrg.imaging import Study
from petrg.model.mm_input import mm_volumes
from petrg.model.prepare import Body, as_stored, prepared
from petrg.model.recipe import MmInput, Recipe
from petrg.model.stored_input import stored_volumes
from petrg.model.vit import Kept, keep_patches

__all__ = ["Seen", "needs_body", "study_input"]

Array = NDArray[np.float32]


class Seen(NamedTuple):
    """What the network is shown of one study; None for a modality that is left out.

    ``ct`` and ``pet`` are (channels, d0, d1, d2), each side whole patches; ``wanted`` (patches) bool marks those that
    are looked at, None where all are.
    """

    ct: Array | None
    pet: Array | None
    wanted: NDArray[np.bool_] | None = None

    def kept(self, device: torch.device) -> Kept | None:
        """The patches that are looked at, for one row."""
        if self.wanted is None:
            return None
        at, there = keep_patches(torch.from_numpy(self.wanted)[None])
        return Kept(at.to(device), None if there is None else there.to(device))


def needs_body(study: Study, recipe: Recipe) -> bool:
    """Whether `study_input` needs the body: the released recipe takes NIfTI as stored and prepares DICOM."""
    return not isinstance(recipe.input, MmInput) and not _stored(study)


def study_input(
    study: Study,
    recipe: Recipe,
    patch: tuple[int, int, int],
    *,
    use: tuple[str, ...] = ("ct", "pet"),
    body: Body | None = None,
) -> Seen:
    """The volumes of ``study`` as ``recipe`` wants them.

    Parameters
    ----------
    use : tuple of "ct", "pet"
        The modalities shown; none is an ablation.
    body : Body, optional
        Needed where `needs_body`.

    Raises
    ------
    StudyError
        If a modality is missing, or the released recipe is asked for one alone.
    UnitError
        If the PET is not in SUVbw.
    """
    if isinstance(recipe.input, MmInput):
        if not use:
            return Seen(None, None)
        ct, pet, wanted, _ = mm_volumes(study, recipe.input, patch, use=use)
        return Seen(ct, pet, wanted)
    if study.ct is None or study.pet is None or set(use) != {"ct", "pet"}:
        raise StudyError(
            f"recipe {recipe.name} is asked to read one modality alone",
            "CT and PET, as it was trained",
            "give a study with both, or weights of petrg-1",
        )
    axes = _stored(study)
    if axes:
        pair = as_stored(study.ct, axes[0]), as_stored(study.suv(), axes[1])
    else:
        if body is None:
            raise ValueError("a DICOM study needs its body to be prepared")
        pair = prepared(study, body)
    if pair[0].shape != pair[1].shape:
        raise StudyError(
            f"CT of {_sides(pair[0])} and PET of {_sides(pair[1])} voxels",
            "a NIfTI pair on one grid, as it is stored for this recipe",
            "resample one to the other, or give the DICOM study",
        )
    ct_scaled, pet_scaled = stored_volumes(*pair, recipe.input, patch)
    return Seen(ct_scaled[None], pet_scaled[None])


def _stored(study: Study) -> tuple[str, str] | None:
    """The stored axes of a NIfTI pair."""
    ct, pet = study.ct_series, study.pet_series
    if ct is None or pet is None or not ct.stored_axes or not pet.stored_axes:
        return None
    return ct.stored_axes, pet.stored_axes


def _sides(array: Array) -> str:
    return " x ".join(map(str, array.shape))
