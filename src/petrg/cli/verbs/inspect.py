"""What a study holds and how it was chosen."""

from __future__ import annotations

from typing import Annotated

import typer

from petrg.cli import screen
from petrg.cli.options import StudyOptions, StudyPath

__all__ = ["inspect"]


def inspect(
    path: StudyPath,
    options: StudyOptions,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Show what a study holds: the series taken and why, SUV, geometry, problems. Exits 0 on any readable folder."""
    from petrg.imaging.inspect import inspect_path

    with screen.progress_bar() as progress:
        inspection = inspect_path(path, **options.arguments(), progress=progress)
    if as_json:
        screen.say(inspection.model_dump_json(indent=1))
        return
    from petrg.cli.table import print_inspection

    print_inspection(inspection)
