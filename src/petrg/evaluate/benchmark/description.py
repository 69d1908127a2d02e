"""benchmark.toml: what a benchmark is, what is missing from it, and the hash of all that decides a score."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from petrg.errors import ScoreError, first_fault
from petrg.evaluate.toml import to_toml
from petrg.report.model import Model

__all__ = ["DESCRIPTION", "Description", "read_description"]

DESCRIPTION = "benchmark.toml"

_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Description(Model):
    """A benchmark (schema 1).

    ``hash`` is over the content and names one set of cases for good; ``seal`` is over this file's own values, so that
    a changed title or licence is noticed as well, without making other cases of them.
    """

    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]*$", max_length=100)]
    version: Annotated[str, Field(min_length=1)]
    title: Annotated[str, Field(min_length=1)]
    language: Annotated[str, Field(description="of the reports: zh, en, or auto where they are mixed")]
    cases: Annotated[int, Field(ge=1)]
    licence: Annotated[str, Field(min_length=1)]
    citation: str = ""
    made_by: Annotated[str, Field(description="petrg's version and the call")]
    tokenizer: Annotated[str, Field(description="of the text metrics, unless another is asked for")]
    labels: Annotated[
        Literal["none", "labeller", "truth"],
        Field(description="of the references: none, by a labeller, or the known truth of digital patients"),
    ] = "none"
    labeller: Annotated[str, Field(description="who made them: name and version")] = ""
    systems: Annotated[tuple[str, ...], Field(description="published systems whose reports are in systems/")] = ()
    missing: Annotated[tuple[str, ...], Field(description="what the benchmark lacks, a line each")] = ()
    notes: Annotated[tuple[str, ...], Field(description="what a user should know, a line each")] = ()
    sources: Annotated[dict[str, str], Field(description="what it was made from: file -> sha256")] = Field(
        default_factory=dict
    )
    files: Annotated[dict[str, _Sha256], Field(description="content -> sha256")]
    hash: _Sha256
    seal: str = ""

    def sealed(self) -> Description:
        """The same with the seal of its values."""
        return self.model_copy(update={"seal": self.own_seal()})

    def own_seal(self) -> str:
        """SHA-256 of all values but the seal, as JSON with sorted keys."""
        values = json.dumps(self.model_dump(mode="json", exclude={"seal"}), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(values.encode()).hexdigest()

    def to_toml(self) -> str:
        """The file, sealed."""
        values: Mapping[str, Any] = self.sealed().model_dump(mode="json")
        return to_toml(values)


def read_description(directory: Path) -> Description:
    """The description of the benchmark in ``directory``.

    Raises
    ------
    ScoreError
        If there is none, it breaks the schema, or a value was changed after it was written.
    """
    try:
        data = tomllib.loads((directory / DESCRIPTION).read_bytes().decode())
    except OSError as error:
        raise ScoreError(
            f"the folder has no readable {DESCRIPTION}", "a folder that `petrg benchmark` made", "check the path"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _changed("is no TOML") from error
    if data.get("schema_version", 1) != 1:
        raise ScoreError(f"{DESCRIPTION} of another schema", "schema_version 1", "use the petrg that made it")
    try:
        found = Description.model_validate(data)
    except ValidationError as error:
        key, fault = first_fault(error.errors(include_input=False, include_url=False))
        raise _changed(f"key {key!r}: {fault}") from error
    if found.seal != found.own_seal():
        raise _changed("was changed after it was written")
    return found


def _changed(fault: str) -> ScoreError:
    return ScoreError(f"{DESCRIPTION} {fault}", "the file as it was made", "get the benchmark anew or make it anew")
