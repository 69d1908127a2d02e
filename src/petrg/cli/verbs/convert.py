"""A study in another layout."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import OutDirectory, StudyOptions, StudyPath

__all__ = ["convert"]

Layout = Literal["nnunet", "autopet", "petrg"]


def convert(
    paths: StudyPath,
    out: OutDirectory,
    options: StudyOptions,
    layout: Annotated[Layout, typer.Option("--layout", help="How files are named.")] = "nnunet",
) -> None:
    """Write a study as NIfTI (.nii.gz), lossless in geometry."""
    from petrg.files import output_directory
    from petrg.imaging.write import convert as write_study

    with screen.progress_bar() as progress:
        study = options.read(paths, progress)
        with output_directory(out) as folder:
            write_study(study, folder, layout, progress=progress)
            names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    screen.say("\n".join(names))
    screen.event("done", files=names)
