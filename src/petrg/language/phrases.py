"""The phrases of a style: how it says a focus, its measures, and what was not assessed."""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Phrases", "fields_of"]


def fields_of(text: str) -> set[str]:
    """Names in braces in ``text``.

    Raises
    ------
    ValueError
        If the braces do not pair, or hold anything but a bare name.
    """
    found = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if spec or conversion or not re.fullmatch("[a-z_]+", name):
            raise ValueError(f"braces hold {name!r}; a bare field name is needed")
        found.add(name)
    return found


def _phrase(*needed: str, may: tuple[str, ...] = ()) -> AfterValidator:
    def check(text: str | None) -> str | None:
        if text is None:
            return None
        if re.search(r"\d", text):
            raise ValueError("holds a digit; numbers come from slots only")
        got = fields_of(text)
        if missing := sorted(set(needed) - got):
            raise ValueError(f"lacks the field {{{missing[0]}}}")
        if unknown := sorted(got - set(needed) - set(may)):
            raise ValueError(f"has the unknown field {{{unknown[0]}}}")
        return text

    return AfterValidator(check)


class Phrases(BaseModel):
    """Phrases with named fields; every number among them is a slot that the record fills.

    A phrase that may be None is not said by a style that leaves it out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # foci
    focus: Annotated[str, _phrase("site", "suv_max", "details")]
    foci: Annotated[str, _phrase("site", "count", "suv_max", "details", may=("suv_low",))]
    physiologic: Annotated[str, _phrase("site", "suv_max")]
    undecided: Annotated[str, _phrase()]
    """What follows a focus whose nature the reader decides."""
    measured: Annotated[str, _phrase("site", "suv_max", "details")]
    """A focus of a tracer that is not FDG or not known: measured, not interpreted."""
    measured_foci: Annotated[str, _phrase("site", "count", "suv_max", "details", may=("suv_low",))]
    uncertain: Annotated[str, _phrase("site", "candidates")]
    """Stands for the site of foci that could not be located with p >= .8."""
    uncertain_brief: Annotated[str, _phrase("site")]
    """The same where no candidates are named."""
    unlocated: Annotated[str, _phrase()]
    """Stands for the site of foci of which no region is more than a guess."""
    # details of a focus, appended in this order
    size: Annotated[str | None, _phrase("long", "short")] = None
    suv_mean: Annotated[str | None, _phrase("value")] = None
    suv_peak: Annotated[str | None, _phrase("value")] = None
    mtv: Annotated[str | None, _phrase("value")] = None
    hu: Annotated[str | None, _phrase("value")] = None
    slice: Annotated[str | None, _phrase("value")] = None
    # what a healthy sentence is bounded by
    above: Annotated[str, _phrase("limit", "size")]
    """Fills ``{above}`` of a claim that denies focal uptake: the SUV and the diameter down to which was sought."""
    # what was not assessed
    pet_not_assessed: Annotated[str, _phrase()]
    pet_hidden: Annotated[str, _phrase()]
    """Physiologic uptake, named just before, may hide foci: the region's PET is not called clean beside it."""
    pet_not_located: Annotated[str, _phrase()]
    pet_not_interpreted: Annotated[str, _phrase()]
    pet_rival: Annotated[str, _phrase("region")]
    """The region may hold a focus listed under another region."""
    pet_out_of_field: Annotated[str, _phrase()]
    pet_rest_out_of_field: Annotated[str, _phrase()]
    """Follows a focus at the edge of the field: the rest of its region lies outside."""
    ct_not_assessed: Annotated[str, _phrase()]
    ct_partly: Annotated[str, _phrase()]
    ct_at_focus: Annotated[str, _phrase()]
    """CT at a focus: left to the reader."""
    ct_out_of_field: Annotated[str, _phrase()]
    out_of_field: Annotated[str, _phrase()]
    # reference regions
    liver: Annotated[str | None, _phrase("suv_mean")] = None
    blood_pool: Annotated[str | None, _phrase("suv_mean")] = None
    # impression
    impression: Annotated[str, _phrase("site", "suv_max")]
    impression_foci: Annotated[str, _phrase("sites", "count", "suv_max")]
    impression_measured: Annotated[str, _phrase("site", "suv_max")]
    impression_measured_foci: Annotated[str, _phrase("sites", "count", "suv_max")]
