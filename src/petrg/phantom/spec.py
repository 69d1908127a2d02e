"""Who the phantom is: drawn from the seed, each part from its own random stream."""

from __future__ import annotations

import zlib
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from petrg.errors import InputError
from petrg.report.model import Model

__all__ = [
    "ARMS",
    "COVERAGES",
    "GENERATOR",
    "SIZES",
    "Arms",
    "Coverage",
    "Physiology",
    "SexFM",
    "Size",
    "Spec",
    "draw",
    "stream",
]

GENERATOR = "petrg-phantom-1"
"""Version of the generator; any change of a voxel or of the truth raises it."""

SexFM = Literal["F", "M"]
Arms = Literal["up", "down"]
Coverage = Literal["whole", "skull-base-to-thigh", "head-neck", "chest", "abdomen", "pelvis", "thigh"]
Size = Literal["full", "small"]

ARMS: tuple[Arms, ...] = ("up", "down")
SIZES: tuple[Size, ...] = ("full", "small")

COVERAGES: dict[Coverage, tuple[float, float]] = {
    "whole": (665.0, 1715.0),
    "skull-base-to-thigh": (665.0, 1580.0),
    "head-neck": (1370.0, 1715.0),
    "chest": (1130.0, 1440.0),
    "abdomen": (960.0, 1270.0),
    "pelvis": (770.0, 1040.0),
    "thigh": (560.0, 790.0),
}
"""Lowest and highest z of the scan in the body frame of a 1.70 m patient, mm above the sole."""


def stream(seed: int, part: str) -> np.random.Generator:
    """The random stream of one part, so that an option of one part never shifts another.

    >>> float(stream(1, "liver").random()) == float(stream(1, "liver").random())
    True
    """
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(part.encode())]))


class Physiology(Model):
    """SUV of healthy tissue in this patient, before blur and noise."""

    brain_grey: float
    brain_white: float
    tonsil: float
    salivary: float
    larynx: float
    thyroid: float
    myocardium: float
    blood: float
    lung: float
    liver: float
    spleen: float
    pancreas: float
    adrenal: float
    kidney_cortex: float
    kidney_pelvis: float
    ureter: float
    bladder: float
    stomach: float
    small_bowel: float
    colon: float
    marrow: float
    muscle: float
    fat: float
    breast: float
    uterus: float
    prostate: float
    testis: float
    brown_fat: Annotated[float | None, Field(description="None where brown fat is not active")] = None


class Spec(Model):
    """What was asked for and what the seed drew."""

    generator: str = GENERATOR
    seed: int
    sex: SexFM
    age_years: int
    height_m: float
    bmi: Annotated[float, Field(description="aimed at; weight_kg is that of the body as built")]
    arms: Arms
    coverage: Coverage
    size: Size
    noise: bool
    physiology: Physiology


def draw(
    seed: int,
    *,
    sex: SexFM | None,
    arms: Arms | None,
    coverage: Coverage,
    noise: bool,
    size: Size,
) -> Spec:
    """Draw a patient; what is given is taken, the rest comes from the seed.

    Raises
    ------
    InputError
        If an option is none of those this phantom knows.
    """
    _one_of("sex", sex, (None, "F", "M"))
    _one_of("arms", arms, (None, *ARMS))
    _one_of("coverage", coverage, tuple(COVERAGES))
    _one_of("size", size, SIZES)
    if seed < 0:
        raise InputError(f"seed {seed}", "a whole number from 0", "give another --seed")
    person = stream(seed, "person")
    drawn_sex: SexFM = "F" if person.random() < 0.5 else "M"
    chosen = sex or drawn_sex
    height = person.normal(0.0, 0.06) + (1.62 if chosen == "F" else 1.75)
    bmi = float(np.clip(17.5 + person.gamma(3.0, 2.6), 18.0, 38.0))
    age = int(person.integers(20, 86))
    drawn_arms: Arms = "down" if stream(seed, "arms").random() < 0.25 else "up"
    return Spec(
        seed=seed,
        sex=chosen,
        age_years=age,
        height_m=round(float(np.clip(height, 1.45, 1.95)), 2),
        bmi=round(bmi, 1),
        arms=arms or drawn_arms,
        coverage=coverage,
        size=size,
        noise=noise,
        physiology=_physiology(seed, bmi),
    )


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        choices = ", ".join(str(a) for a in allowed if a is not None)
        raise InputError(f"{name} {value!r}", f"one of {choices}", f"give another {name}")


def _physiology(seed: int, bmi: float) -> Physiology:
    """SUV by body weight of lean tissue and fat rises with fatness: the fat takes up little of the dose."""
    stout = min(max((bmi / 24.0) ** 0.5, 0.9), 1.25)
    rng = stream(seed, "physiology")

    def normal(mean: float, sd: float, low: float, high: float) -> float:
        return round(float(np.clip(rng.normal(mean, sd), low, high)), 2)

    def log(low: float, high: float) -> float:
        return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 2)

    liver = min(round(stout * normal(2.18, 0.36, 1.5, 2.9), 2), 2.9)
    grey = normal(9.0, 2.0, 5.0, 14.0)
    brown = log(3.0, 10.0) if stream(seed, "brown fat").random() < 0.12 else None
    return Physiology(
        liver=liver,
        brain_grey=grey,
        brain_white=round(0.42 * grey, 2),
        blood=min(normal(1.6, 0.25, 1.0, 2.2), round(liver - 0.2, 2)),
        myocardium=log(1.3, 14.0),
        tonsil=normal(3.6, 1.2, 1.8, 7.0),
        salivary=normal(2.0, 0.5, 1.1, 3.5),
        larynx=normal(2.1, 0.6, 1.2, 4.0),
        thyroid=normal(1.4, 0.2, 1.0, 2.0),
        lung=normal(0.45, 0.08, 0.3, 0.7),
        spleen=round(liver * normal(0.82, 0.1, 0.6, 1.05), 2),
        pancreas=normal(1.6, 0.25, 1.0, 2.2),
        adrenal=normal(1.8, 0.3, 1.2, 2.6),
        kidney_cortex=normal(2.8, 0.4, 1.8, 4.0),
        kidney_pelvis=log(4.0, 22.0),
        ureter=log(2.0, 12.0),
        bladder=log(5.0, 40.0),
        stomach=normal(2.1, 0.5, 1.2, 3.6),
        small_bowel=log(1.0, 3.2),
        colon=log(0.9, 5.0),
        marrow=round(liver * normal(0.68, 0.12, 0.4, 1.0), 2),
        muscle=round(stout * normal(0.7, 0.07, 0.5, 0.9), 2),
        fat=round(stout * normal(0.32, 0.05, 0.2, 0.45), 2),
        breast=normal(0.8, 0.2, 0.4, 1.4),
        uterus=normal(2.0, 0.5, 1.2, 4.0),
        prostate=normal(1.7, 0.3, 1.1, 2.5),
        testis=normal(3.0, 0.6, 1.8, 4.5),
        brown_fat=brown,
    )
