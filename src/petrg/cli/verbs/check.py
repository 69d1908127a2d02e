"""A report against the image it was drafted from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from petrg.cli import screen
from petrg.cli.options import MaskOptions, StudyOptions, StudyPath

__all__ = ["check"]


def check(
    report_file: Annotated[Path, typer.Argument(metavar="REPORT", help="A report.json.")],
    paths: StudyPath,
    options: StudyOptions,
    given: MaskOptions,
) -> None:
    """Read every number and side of a report from the image again; exits 2 where one disagrees."""
    from petrg.draft.check import check as check_report
    from petrg.draft.check_neural import unverified
    from petrg.errors import CheckError
    from petrg.imaging import require
    from petrg.report import Modality, Report

    with screen.progress_bar() as progress:
        report = Report.read(report_file)
        with_ct = any(fact.modality is Modality.CT for fact in report.record.inputs)  # else drafted with --pet-only
        study = require(options.read(paths, progress, ct=with_ct), ct=with_ct)
        progress("checking", 0, 0)
        mismatches = check_report(report, study, **given.read(study))
    for mismatch in mismatches:
        screen.complain(str(mismatch))
    if mismatches:
        raise CheckError(
            f"{len(mismatches)} statements of the report disagree with the image",
            "every number and side as the image shows it",
            "draft the report anew from this study",
        )
    numbers = sum(len(s.numbers) for s in report.statements())
    screen.say(f"{numbers} numbers and every side agree with the image")
    if marked := unverified(report):
        screen.say(f"numbers marked in the text as unverified, not checked: {marked}")
    screen.event("done", numbers=numbers, unverified=marked)
