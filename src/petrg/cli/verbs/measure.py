"""Every number of a study, as a record."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import MaskOptions, OutFile, StudyOptions, StudyPath

__all__ = ["measure"]

_RULES = {"4.0": "SUV>=4.0", "2.5": "SUV>=2.5", "41%": "41% of SUVmax", "majority": "majority vote"}


def measure(
    paths: StudyPath,
    out: OutFile,
    options: StudyOptions,
    given: MaskOptions,
    threshold: Annotated[
        Literal["4.0", "2.5", "41%", "majority"], typer.Option("--threshold", help="The rule that delineates a lesion.")
    ] = "4.0",
) -> None:
    """Measure lesions and reference regions; writes a record (JSON)."""
    from petrg.files import write_file
    from petrg.imaging import require
    from petrg.measure.measure import measure as measure_study
    from petrg.report import Threshold

    with screen.progress_bar() as progress:
        study = require(options.read(paths, progress), ct=False)
        study.suv()
        masks = given.read(study)
        record = measure_study(study, **masks, threshold=Threshold(_RULES[threshold]), progress=progress)
        write_file(out, record.to_json())
    screen.warn_more(record.problems, beyond=study.problems)
    totals = record.totals
    screen.say(f"{len(record.lesions)} foci, {totals.lesions} of them lesions")
    screen.event("done", foci=len(record.lesions), lesions=totals.lesions)
