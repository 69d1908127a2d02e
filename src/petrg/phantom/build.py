"""Make a phantom: draw the patient, paint CT and PET, write down the truth."""

from __future__ import annotations

from dataclasses import dataclass

from petrg.errors import InputError
from petrg.imaging.quantity import Quantity
from petrg.imaging.volume import Volume
from petrg.phantom.anatomy import LABELS, couch, healthy
from petrg.phantom.body import frame_of, weight_kg
from petrg.phantom.frame import Frame
from petrg.phantom.images import add_pet_noise, grids, paint_ct, paint_pet
from petrg.phantom.lesions import lesion_count, plan
from petrg.phantom.physiologic import in_field, normal_findings
from petrg.phantom.spec import Arms, Coverage, SexFM, Size, Spec, draw
from petrg.phantom.truth import TrueLesion, Truth, measure_lesion
from petrg.report.finding import Finding
from petrg.report.labels import project

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
    ct_only: int | None = None,
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
    ct_only : int or None
        How many findings that CT alone shows; None lets the seed decide.

    Raises
    ------
    InputError
        If an option is none of those above.
    """
    if lesions is not None and not 0 <= lesions <= 48:
        raise InputError(f"{lesions} lesions", "0 to 48", "give another --lesions")
    spec = draw(seed, sex=sex, arms=arms, coverage=coverage, noise=noise, size=size)
    frame = frame_of(spec)
    planned = plan(spec, frame, lesion_count(seed, lesions))
    items = [*healthy(spec, frame), *(p.item() for p in planned)]
    ct_grid, pet_grid = grids(spec, frame)
    ct = paint_ct(items, couch(frame), ct_grid, spec)
    clean, labels = paint_pet(items, pet_grid)
    pet = add_pet_noise(clean, pet_grid, spec) if noise else clean
    found = tuple(measure_lesion(i, p, clean, pet_grid, spec.physiology.liver) for i, p in enumerate(planned, 1))
    return Phantom(
        spec,
        Volume(ct, ct_grid, Quantity.HU),
        Volume(pet, pet_grid, Quantity.SUV_BW),
        Volume(labels, pet_grid, Quantity.LABEL),
        _truth(spec, frame, found),
    )


def _truth(spec: Spec, frame: Frame, lesions: tuple[TrueLesion, ...]) -> Truth:
    findings = [
        Finding(
            region=t.region,
            uptake=t.uptake,
            structure=t.structure,
            site=t.site,
            side=t.side,
            nodal_group=t.nodal_group,
            suv_max=t.suv_max,
            size_mm=(2.0 * t.radius_mm,),
            description=t.look if t.structure is not None else "",
            lesion_ids=(t.id,),
        )
        for t in lesions
    ]
    every = tuple(f for f in (*normal_findings(spec), *findings) if in_field(spec, f.region))
    return Truth(
        spec=spec,
        weight_kg=round(weight_kg(frame, spec.sex), 1),
        lesions=lesions,
        findings=every,
        labels=project(every),
    )
