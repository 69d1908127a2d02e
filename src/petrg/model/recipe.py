"""A recipe: how images and words become tokens, and tokens words; weights mean nothing without theirs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from petrg.errors import ModelError, first_fault
from petrg.report.model import Model

__all__ = [
    "Generation",
    "Input",
    "MmInput",
    "Prompt",
    "Recipe",
    "StoredInput",
    "Supervision",
    "laid_over",
    "recipe_names",
]

Positive = Annotated[float, Field(gt=0)]


def _ascends(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError(f"{window[0]:g} to {window[1]:g} is no window: low first, then high")
    return window


Window = Annotated[tuple[float, float], AfterValidator(_ascends)]


class StoredInput(Model):
    """Volumes as stored, axes (i, j, k) of the NIfTI; no resampling. The released model's.

    CT is clipped to ``hu`` and divided by ``hu_unit``; PET goes through log1p, is cut at its own ``percentile`` and
    divided by its own maximum, so that absolute SUV is lost. Both are padded with 0 at the end of each axis.
    """

    kind: Literal["stored"] = "stored"
    hu: Window = (-1000.0, 1000.0)
    hu_unit: Positive = 1000.0
    percentile: Annotated[float, Field(gt=0, le=100)] = 99.5


class MmInput(Model):
    """Volumes on one grid in mm, axes (z, y, x) of LPS+; the same curve for everyone.

    Parameters
    ----------
    spacing_mm : (z, y, x)
    suv_ceiling, suv_knee : float
        PET value is log1p(SUV / knee) / log1p(ceiling / knee): invertible, 1.0 at the ceiling, linear below the knee.
    windows_hu : tuple of (low, high)
        One CT channel each, -1 at low and 1 at high, clipped.
    air_hu : float
        A voxel below it on CT is air; a patch of air only, farther than ``margin_mm`` from the body, is left out.
    couch_mm : float
        What is thinner is couch, tube or sheet and no part of the body.
    """

    kind: Literal["mm"] = "mm"
    spacing_mm: tuple[Positive, Positive, Positive]
    suv_ceiling: Positive = 30.0
    suv_knee: Positive = 1.0
    windows_hu: Annotated[tuple[Window, ...], Field(min_length=1)]
    air_hu: float = -300.0
    margin_mm: Annotated[float, Field(ge=0)] = 10.0
    couch_mm: Annotated[float, Field(ge=0)] = 10.0


Input = Annotated[StoredInput | MmInput, Field(discriminator="kind")]


_PLACES = {"template", "hospital", "sex", "language"}


class Prompt(Model):
    """The words round the image; ``{…}`` are places for the template, the hospital, the sex and the language.

    Only ``with_template`` has the place of the template, and must. ``newline`` is what separates the blocks: the
    released prompt has a backslash and an n where a newline was meant.
    """

    system: str
    with_template: str
    without_template: str
    newline: str = "\n"
    thinking: Annotated[bool, Field(description="what enable_thinking is told to the chat template")] = False

    @model_validator(mode="after")
    def _places(self) -> Self:
        of = [set(re.findall(r"\{(\w+)\}", words)) for words in (self.with_template, self.without_template)]
        if unknown := sorted((of[0] | of[1]) - _PLACES):
            raise ValueError(f"no place {{{unknown[0]}}}: {', '.join(sorted(_PLACES))}")
        if ["template" in places for places in of] != [True, False]:
            raise ValueError("{template} belongs into with_template and into nothing else")
        return self


class Supervision(Model):
    """What the language model is taught.

    ``end_marker`` closes the answer in words; ``end_token`` says whether the end of the turn is supervised;
    ``cut`` truncates at ``max_length`` where the other recipe refuses.
    """

    end_marker: str = ""
    end_token: bool = True
    after_end: Annotated[bool, Field(description="whether what the chat template puts after the turn is taught")] = (
        False
    )
    max_length: Annotated[int, Field(gt=0)] = 4096
    cut: bool = False


class Generation(Model):
    """How a draft is decoded; ``cut_at`` is where a text is cut afterwards."""

    sample: bool = False
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    temperature: Positive = 1.0
    repetition_penalty: Annotated[float, Field(ge=1)] = 1.0
    max_new_tokens: Annotated[int, Field(gt=0)] = 1024
    cut_at: str = ""


class Recipe(Model):
    """Input, prompt, supervision and generation, by name and version."""

    name: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(gt=0)]
    input: Input
    prompt: Prompt
    supervision: Supervision
    generation: Generation
    slots: Annotated[bool, Field(description="numbers are slots that the record fills, never generated")] = True

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | Recipe) -> Self:
        """A recipe by name, from its values, or itself.

        Raises
        ------
        ModelError
            If there is none of that name or the values break the schema.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            if given not in recipe_names():
                raise ModelError(f"no recipe {given!r}", f"one of {', '.join(recipe_names())}", "name one of them")
            given = _shipped(given)
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            key, fault = first_fault(error.errors(include_input=False, include_url=False))
            raise ModelError(
                f"recipe key {key or 'document'!r}: {fault}", "a recipe of this petrg's schema", "correct it"
            ) from error


def laid_over(own: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` with ``changes`` over it, table by table.

    >>> laid_over({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "d": None})
    {'a': {'b': 1, 'c': 4}, 'd': None}
    """
    out = dict(own)
    for key, value in changes.items():
        inner = out.get(key)
        out[key] = laid_over(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return out


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with petrg.

    >>> recipe_names()
    ('petrg-1', 'petrg3d-2025')
    """
    folder = files("petrg.model.recipes")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def _shipped(name: str) -> dict[str, Any]:
    return tomllib.loads(files("petrg.model.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
