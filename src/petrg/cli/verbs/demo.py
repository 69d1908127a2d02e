"""From nothing to a checked report, on a full-size digital patient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson
from petrg.cli.verbs.phantom import Size, Vendor
from petrg.cli.verbs.report import Language, Style, write_report

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write.")] = Path("petrg-demo"),
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same patient.")] = 1,
    style: Style = None,
    language: Language = "zh",
    size: Size = "full",
    vendor: Vendor = "siemens",
    log_json: LogJson = False,
) -> None:
    """Make a digital patient as DICOM, read it, draft its report, check it; prints the report and its page."""
    from petrg.draft.check import check
    from petrg.draft.pipeline import draft
    from petrg.export.text import render_text
    from petrg.imaging import read_study
    from petrg.phantom import make, write_dicom

    with screen.progress_bar() as progress:
        with _timed("make a digital patient"):
            patient = make(seed, size=size)
        with _timed("write it as DICOM"):
            folder = write_dicom(patient, out, vendor=vendor, progress=progress)
        del patient
        with _timed("read the study"):
            study = read_study(folder, progress=progress)
        with _timed("measure and draft"):
            report = draft(study, style=style, language=language, progress=progress)
        with _timed("write report.json, report.txt, report.html"):
            write_report(report, study, out)
        with _timed("check every number against the image"):
            mismatches = check(report, study)
    screen.say(f"\n{render_text(report)}")
    screen.say(f"numbers that disagree with the image: {len(mismatches)}")
    screen.say(f"page: {(out / 'report.html').resolve()}")
    screen.event("done", mismatches=len(mismatches))


@contextmanager
def _timed(step: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    seconds = time.perf_counter() - begun
    screen.say(f"{seconds:6.1f} s  {step}")
    screen.event("step", step=step, seconds=round(seconds, 3))
