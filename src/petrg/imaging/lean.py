"""Body size: lean and ideal mass, surface area, from weight, height and sex."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from petrg.imaging.context import Sex

__all__ = ["body_surface_cm2", "ideal_mass_kg", "lean_mass_kg", "mean_of_sexes"]

Formula = Callable[[float, float], float]

# W in kg, H in cm; (male, female).
_LEAN: Mapping[str, tuple[Formula, Formula]] = {
    "LBMJAMES128": (
        lambda w, h: 1.10 * w - 128.0 * (w / h) ** 2,
        lambda w, h: 1.07 * w - 148.0 * (w / h) ** 2,
    ),
    "LBMJANMA": (
        lambda w, h: 9270.0 * w / (6680.0 + 216.0 * w / (h / 100.0) ** 2),
        lambda w, h: 9270.0 * w / (8780.0 + 244.0 * w / (h / 100.0) ** 2),
    ),
    "LBM": (
        lambda w, h: 1.10 * w - 120.0 * (w / h) ** 2,
        lambda w, h: 1.07 * w - 148.0 * (w / h) ** 2,
    ),
    "IBW": (
        lambda w, h: 48.0 + 1.06 * (h - 152.0),
        lambda w, h: 45.5 + 0.91 * (h - 152.0),
    ),
}


def mean_of_sexes(sex: Sex | None) -> bool:
    """Whether formulas by sex are averaged: the sex is unknown or neither F nor M (IBSI does so)."""
    return sex not in (Sex.F, Sex.M)


def lean_mass_kg(suv_type: str, weight_kg: float, height_m: float, sex: Sex | None) -> float:
    """Body mass an SUV type is normalised by, kg; may be <= 0 far outside the formula's range.

    Parameters
    ----------
    suv_type : str
        A defined term of SUV Type (0054,1006): LBMJAMES128 (James), LBMJANMA (Janmahasatian 2005),
        LBM (Morgan) or IBW (ideal body weight).
    weight_kg, height_m : float
    sex : Sex or None
        Other or None: the mean of both formulas.

    Examples
    --------
    >>> round(lean_mass_kg("LBMJANMA", 75, 1.85, Sex.M), 2)
    60.92
    >>> round(lean_mass_kg("LBMJAMES128", 75, 1.85, None), 2)
    58.69
    """
    male, female = (formula(weight_kg, height_m * 100.0) for formula in _LEAN[suv_type])
    return (male + female) / 2.0 if mean_of_sexes(sex) else male if sex is Sex.M else female


def ideal_mass_kg(height_m: float, sex: Sex | None) -> float:
    """Ideal body weight, kg.

    >>> ideal_mass_kg(1.72, Sex.F)
    63.7
    """
    return round(lean_mass_kg("IBW", 1.0, height_m, sex), 12)


def body_surface_cm2(weight_kg: float, height_m: float) -> float:
    """Body surface area by Du Bois 1916, cm2.

    >>> round(body_surface_cm2(75, 1.85))
    19814
    """
    return float(71.84 * weight_kg**0.425 * (height_m * 100.0) ** 0.725)
