"""Make a phantom: draw the patient, paint CT and PET, write down the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume
from petrg.phantom.anatomy import LABELS, couch
from petrg.phantom.images import add_pet_noise, grids, paint_ct, paint_pet
from petrg.phantom.patient import plan_patient, tell
from petrg.phantom.spec import Arms, Coverage, SexFM, Size, Spec, draw
from petrg.phantom.truth import Truth

__all__ = ["Phantom", "make"]


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A digital patient.

    Parameters
    ----------
    spec : Spec
        What was asked for and drawn.
    ct : Volume in HU
    pet : Volume in SUVbw (g/ml)
        With noise unless ``spec.noise`` is False.
    label_map : Volume of labels, uint8, on the PET's grid
        Codes by name in `label_names`.
    truth : Truth
        Measured on the noise-free PET.
    """

    spec: Spec
    ct: Volume
    pet: Volume
    label_map: Volume
    truth: Truth

    @property
    def id(self) -> str:
        """Stable name of the case, e.g. ``phantom-000007``."""
        return f"phantom-{self.spec.seed:06d}"

    @property
    def label_names(self) -> dict[int, str]:
        """Class names of TotalSegmentator's task "total" by code."""
        return {code: name for name, code in LABELS.items()}


def make(
    seed: int,
    *,
    sex: SexFM | None = None,
    lesions: int | None = 4,
    arms: Arms | None = None,
    coverage: Coverage = "whole",
    noise: bool = True,
    size: Size = "full",
    ct_only: int | Sequence[str] | None = None,
) -> Phantom:
    """Make the phantom of a seed.

    Parameters
    ----------
    seed : int
        From 0; the same seed and options give the same voxels on the same generator version.
    sex, arms : optional
        Drawn from the seed where None.
    lesions : int or None
        How many; None lets the seed decide (a fifth of the patients has none).
    coverage : str
        The part of the body scanned, a key of `COVERAGES`.
    noise : bool
        Whether CT and PET are noisy; the truth never is.
    size : "full" or "small"
        Full is CT 512 x 512 and PET 200 x 200 in 3 mm slices, small 96 x 96 in 5 mm slices.
    ct_only : int, names or None
        Findings that CT alone shows: how many, or which (`incidental_names`); None lets the seed decide.

    Raises
    ------
    InputError
        If an option is none of those above, or a CT-only finding has no place in this patient.
    """
    spec = draw(seed, sex=sex, arms=arms, coverage=coverage, noise=noise, size=size)
    patient = plan_patient(spec, lesions=lesions, ct_only=ct_only)
    ct_grid, pet_grid = grids(spec, patient.frame)
    ct = paint_ct(patient.items, couch(patient.frame), ct_grid, spec)
    clean, labels = paint_pet(patient.items, pet_grid)
    pet = add_pet_noise(clean, pet_grid, spec) if noise else clean
    return Phantom(
        spec,
        Volume(ct, ct_grid, Quantity.HU),
        Volume(pet, pet_grid, Quantity.SUV_BW),
        Volume(labels, pet_grid, Quantity.LABEL),
        tell(patient, clean, pet_grid),
    )
