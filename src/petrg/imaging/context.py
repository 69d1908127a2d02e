"""The clinical context of a study: given or read from the header, never guessed."""

from __future__ import annotations

import datetime as dt
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from petrg.errors import ContextError, first_fault

__all__ = ["Context", "Sex", "Therapy", "TimePoint", "read_context"]


class Sex(StrEnum):
    """Sex as the header or the user states it; absent is None."""

    F = "F"
    M = "M"
    OTHER = "O"


class TimePoint(StrEnum):
    """When in the course of the disease the scan was made."""

    BASELINE = "baseline"
    INTERIM = "interim"
    END_OF_TREATMENT = "end-of-treatment"
    FOLLOW_UP = "follow-up"
    UNKNOWN = "unknown"


class Therapy(BaseModel):
    """One treatment before the scan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    start: dt.date | None = None
    end: dt.date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Therapy:
        if self.start and self.end and self.end < self.start:
            raise ValueError("a therapy that ends before it starts")
        return self


class Context(BaseModel):
    """What a physician would know before looking; every field may be absent.

    ``sources`` names, for each field that is set, where it came from: ``header`` or ``user``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tracer: Annotated[str | None, Field(description="FDG, PSMA-11, DOTATATE …; None is unknown")] = None
    time_point: TimePoint = TimePoint.UNKNOWN
    disease: str | None = None
    indication: str | None = None
    glucose_mmol_l: Annotated[float | None, Field(gt=0, lt=60)] = None
    therapy: tuple[Therapy, ...] = ()
    g_csf: Annotated[bool | None, Field(description="granulocyte colony-stimulating factor within weeks")] = None
    age_years: Annotated[float | None, Field(ge=0, lt=130)] = None
    sex: Sex | None = None
    sources: dict[str, Literal["header", "user"]] = Field(default_factory=dict)

    @property
    def is_fdg(self) -> bool:
        """Whether the tracer is known to be FDG; only then is uptake worded as physiologic or normal."""
        return self.tracer is not None and self.tracer.upper().replace("[18F]", "").replace("18F-", "").strip() in {
            "FDG",
            "F-18 FDG",
            "FLUORODEOXYGLUCOSE",
        }


def read_context(path: Path) -> Context:
    """Read a context from TOML; keys are the fields of `Context` without ``sources``.

    Raises
    ------
    ContextError
        If the file is missing, is not TOML, or has an unknown key or an impossible value.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows begin a file with a mark
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContextError(
            f"the context cannot be read ({type(error).__name__})", "a TOML file in UTF-8", "see docs/formats"
        ) from error
    if "sources" in data:
        raise ContextError(
            "context key 'sources'", "keys of the published schema", "remove it; sources are recorded by petrg"
        )
    try:
        context = Context.model_validate(data)
    except ValidationError as error:
        key, fault = first_fault(error.errors(include_input=False, include_url=False))
        raise ContextError(
            f"context key {key!r}: {fault}", "keys and values of the published schema", "see docs/formats"
        ) from error
    return context.model_copy(update={"sources": dict.fromkeys(data, "user")})
