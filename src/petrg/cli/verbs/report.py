"""A draft report of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import MaskOptions, OutDirectory, StudyOptions, StudyPath

if TYPE_CHECKING:
    from petrg.imaging.study import Study
    from petrg.report import Report

__all__ = ["report", "write_report"]

Style = Annotated[
    str | None, typer.Option("--style", metavar="NAME|TOML", help="The hospital's style; `petrg styles` lists them.")
]
Language = Annotated[Literal["zh", "en"], typer.Option("--language", help="The language of the report.")]


def report(
    paths: StudyPath,
    out: OutDirectory,
    options: StudyOptions,
    given: MaskOptions,
    style: Style = None,
    language: Language = "zh",
    pet_only: Annotated[
        bool, typer.Option("--pet-only", help="Report the PET alone; a CT is set aside, not assessed.")
    ] = False,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Leave the patient's identity out and remap UIDs.")
    ] = False,
) -> None:
    """Draft a report: report.json, report.txt and report.html."""
    from petrg.draft.pipeline import draft
    from petrg.imaging import require

    with screen.progress_bar() as progress:
        study = require(options.read(paths, progress, ct=not pet_only), ct=not pet_only)
        study.suv()
        made = draft(
            study,
            style=style,
            language=language,
            pet_only=pet_only,
            deidentify=deidentify,
            progress=progress,
            **given.read(study),
        )
        progress("drawing pages", 0, 0)
        names = write_report(made, study, out)
    screen.warn_more(made.problems, beyond=study.problems)
    screen.say("\n".join(names))
    screen.event("done", files=names)


def write_report(made: Report, study: Study, out: Path) -> list[str]:
    """Write ``report.json``, ``report.txt`` and ``report.html`` to ``out``, all or none."""
    from petrg.export.html import render_html
    from petrg.export.text import render_text
    from petrg.files import output_directory, write_file

    pages = {
        "report.json": made.to_json(),
        "report.txt": render_text(made),
        "report.html": render_html(made, study),
    }
    with output_directory(out) as folder:
        for name, page in pages.items():
            write_file(folder / name, page)
    return list(pages)
