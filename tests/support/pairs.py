"""Made-up English reports that differ from patient to patient, for tests of scoring."""

from __future__ import annotations

import random

from petrg.evaluate.cases.case import Case, Cases

__all__ = ["TEMPLATE", "made_cases", "made_report"]

TEMPLATE = {
    "F": "No abnormal uptake is seen in the brain. The lungs are clear. The liver is normal. The uterus is normal.",
    "M": "No abnormal uptake is seen in the brain. The lungs are clear. The liver is normal. The prostate is normal.",
}

_SITES = (
    "left upper lobe",
    "right lower lobe",
    "liver",
    "spleen",
    "left cervical lymph nodes",
    "right axilla",
    "lumbar spine",
    "left adrenal gland",
    "pancreas",
    "right kidney",
)
_THINGS = ("nodule", "mass", "lesion", "focus")


def made_report(rng: random.Random) -> str:
    """A few lesions, each with a size and an SUV."""
    sites = rng.sample(_SITES, rng.randint(1, 4))
    lines = [
        f"There is a {rng.randint(6, 60)} mm {rng.choice(_THINGS)} in the {site} with increased uptake, "
        f"SUVmax {rng.uniform(2.5, 20):.1f}."
        for site in sites
    ]
    return " ".join([*lines, "The remaining organs are unremarkable."])


def made_cases(n: int, *, seed: int = 0, copied: float = 0.0, studies: int = 1) -> Cases:
    """``n`` cases, women and men in turn; a share ``copied`` of predictions is the reference, the rest unrelated."""
    rng = random.Random(seed)
    cases = []
    for i in range(n):
        reference = made_report(rng)
        prediction = reference if rng.random() < copied else made_report(rng)
        patient = i // studies
        cases.append(
            Case(
                id=f"case {i}",
                reference=reference,
                prediction=prediction,
                sex="F" if patient % 2 else "M",
                hospital="H",
                patient=f"p{patient}",
            )
        )
    return Cases(cases=tuple(cases))
