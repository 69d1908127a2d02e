"""What a study holds and how it was chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from petrg.cli import screen
from petrg.cli.options import StudyOptions, StudyPath, one_or_all

if TYPE_CHECKING:
    from petrg.imaging.study import Study

__all__ = ["inspect"]


def inspect(
    paths: StudyPath,
    options: StudyOptions,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="SVG", help="Also draw the PET's projections to this file.")
    ] = None,
) -> None:
    """Show what a study holds: the series taken and why, SUV, geometry, problems. Exits 0 on any readable folder."""
    from petrg.imaging.inspect import inspect_path

    with screen.progress_bar() as progress:
        inspection = inspect_path(one_or_all(paths), **options.arguments(), progress=progress)
        if picture is not None:
            _draw(options.read(paths, progress), picture)
    if as_json:
        screen.say(inspection.model_dump_json(indent=1))
        return
    from petrg.cli.table import print_inspection

    print_inspection(inspection)


def _draw(study: Study, picture: Path) -> None:
    from petrg.export.pictures import mips_svg
    from petrg.files import write_file
    from petrg.imaging import require

    write_file(picture, mips_svg(require(study, ct=False), "en"))
