"""Base of every value that is also a file: strict, frozen, JSON in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from petrg.errors import ReportError, first_fault

__all__ = ["Model"]


class Model(BaseModel):
    """A frozen value; unknown keys are refused, NaN and infinity too."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def to_json(self) -> str:
        """Indented JSON in UTF-8; absent values are null."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse ``text``.

        Raises
        ------
        ReportError
            If it is not JSON or breaks the schema; the message names the first key at fault.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            key, fault = first_fault(error.errors(include_input=False, include_url=False))
            raise ReportError(
                f"{cls.__name__.lower()} key {key or 'document'!r}: {fault}",
                f"a {cls.__name__.lower()} of this petrg's schema",
                "write it anew with this petrg; the schema is in docs/schemas",
            ) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file.

        Raises
        ------
        ReportError
            If the file is missing or breaks the schema.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ReportError(
                f"cannot read the {cls.__name__.lower()}: {error.strerror}", "a JSON file", "check the path"
            ) from error
        return cls.from_json(raw)
