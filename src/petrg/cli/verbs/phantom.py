"""Digital patients."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson, OutDirectory

__all__ = ["Size", "Vendor", "phantom"]

Vendor = Annotated[Literal["siemens", "ge", "philips"], typer.Option("--vendor", help="Whose DICOM headers.")]
Size = Annotated[Literal["full", "small"], typer.Option("--size", help="A scanner's matrix, or a small one.")]


def phantom(
    out: OutDirectory,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same patient.")] = 0,
    sex: Annotated[Literal["F", "M"] | None, typer.Option("--sex", help="Drawn from the seed where absent.")] = None,
    lesions: Annotated[int, typer.Option("--lesions", min=0, help="How many lesions.")] = 4,
    vendor: Vendor = "siemens",
    file_format: Annotated[Literal["dicom", "nifti"], typer.Option("--format", help="What is written.")] = "dicom",
    size: Annotated[
        Literal["full", "small"], typer.Option("--size", help="Matrix of a scanner, or a small one.")
    ] = "full",
    log_json: LogJson = False,
) -> None:
    """Make a digital PET/CT patient with known truth."""
    from petrg.phantom import make, write_dicom, write_nifti

    with screen.progress_bar() as progress:
        progress("making the phantom", 0, 0)
        made = make(seed, sex=sex, lesions=lesions, size=size)
        progress("writing", 0, 0)
        if file_format == "dicom":
            write_dicom(made, out, vendor=vendor, progress=progress)
        else:
            write_nifti(made, out)
    found = len(made.truth.lesions)
    screen.say(f"{made.id}: {found} lesion{'s' * (found != 1)}; study and truth/ are in the folder given")
    screen.event("done", id=made.id, lesions=found)
