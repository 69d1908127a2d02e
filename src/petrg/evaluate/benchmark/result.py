"""result.json beside scores.json: of which benchmark, which cases, and whose reports the scores are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from petrg import __version__
from petrg.errors import ScoreError
from petrg.evaluate.benchmark.description import Description
from petrg.evaluate.scores import Scores
from petrg.report.model import Model

__all__ = ["RESULT", "SCORES", "Result", "read_result", "result_of"]

RESULT = "result.json"
SCORES = "scores.json"


class Result(Model):
    """One system on one benchmark (schema 1)."""

    schema_version: Literal[1] = 1
    benchmark: str
    version: str
    title: Annotated[str, Field(description="of the benchmark")]
    hash: Annotated[str, Field(description="of the benchmark's content")]
    cases: int
    system: str
    petrg: str
    scores_sha256: Annotated[str, Field(description="of scores.json")]


def result_of(description: Description, scores: Scores) -> Result:
    """What stands beside ``scores``."""
    return Result(
        benchmark=description.name,
        version=description.version,
        title=description.title,
        hash=description.hash,
        cases=description.cases,
        system=scores.system,
        petrg=__version__,
        scores_sha256=hashlib.sha256(scores.to_json().encode()).hexdigest(),
    )


def read_result(directory: Path) -> tuple[Result, Scores]:
    """A result and its scores, from the folder that `petrg benchmark score` wrote.

    Raises
    ------
    ScoreError
        If the folder holds none, or scores that are not those it was written with.
    ReportError
        If a file breaks its schema.
    """
    if not (directory / RESULT).is_file():
        raise ScoreError(
            f"a folder without {RESULT}", "folders that `petrg benchmark score` wrote", "name those, or score anew"
        )
    result, raw = Result.read(directory / RESULT), _read(directory / SCORES)
    scores = Scores.from_json(raw)
    same = hashlib.sha256(raw).hexdigest() == result.scores_sha256
    if not same or scores.inputs.get("benchmark") != result.hash or scores.system != result.system:
        raise ScoreError(
            f"{SCORES} of {result.system!r} is not the one that {RESULT} was written with",
            "both as they were written",
            "score the system anew",
        )
    return result, scores


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScoreError(f"cannot read {path.name}: {error.strerror}", "a readable file", "score anew") from error
