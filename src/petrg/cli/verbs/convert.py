"""A study in another layout."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import OutDirectory, StudyOptions, StudyPath

__all__ = ["convert"]

Layout = Literal["nnunet", "autopet", "petrg"]
Recipe = Literal["petrg3d-2025"]


def convert(
    paths: StudyPath,
    out: OutDirectory,
    options: StudyOptions,
    layout: Annotated[
        Layout | None,
        typer.Option("--layout", help="How files are named: nnunet if not given, petrg with --recipe."),
    ] = None,
    recipe: Annotated[
        Recipe | None,
        typer.Option(
            "--recipe",
            help="Prepare CT and PET as this recipe trains on: one grid, body without couch. petrg-1 needs no such.",
        ),
    ] = None,
) -> None:
    """Write a study as NIfTI (.nii.gz), lossless in geometry.

    With --recipe it is resampled instead, into a pair to train on.
    """
    from petrg.errors import OutputError
    from petrg.files import output_directory

    if recipe is not None and layout not in (None, "petrg"):
        raise OutputError(f"--layout {layout} with --recipe", "the layout petrg", "leave --layout out")
    with screen.progress_bar() as progress:
        study = options.read(paths, progress)
        with output_directory(out) as folder:
            if recipe is None:
                from petrg.imaging.write import convert as write_study

                write_study(study, folder, layout or "nnunet", progress=progress)
            else:
                from petrg.draft.neural_pair import write_pair

                write_pair(study, folder, progress=progress)
            names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    screen.say("\n".join(names))
    screen.event("done", files=names)
