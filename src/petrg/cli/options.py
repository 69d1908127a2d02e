"""Arguments and options that verbs share; each stands here once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from petrg.cli import screen
from petrg.progress import Progress, silent

if TYPE_CHECKING:
    from petrg.imaging.study import Study

__all__ = ["LogJson", "MaskOptions", "OutDirectory", "OutFile", "StudyOptions", "StudyPath", "one_or_all"]


def _log_json(value: bool) -> bool:
    screen.machine.set(value)
    return value


StudyPath = Annotated[
    list[Path],
    typer.Argument(metavar="STUDY", help="A DICOM folder or zip, files, or NIfTI in a layout of docs/formats."),
]
OutDirectory = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write.")]
OutFile = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]
LogJson = Annotated[
    bool,
    typer.Option(
        "--log-json", help="Events on stderr, one JSON object a line, for machines.", is_eager=True, callback=_log_json
    ),
]


def one_or_all(paths: list[Path]) -> Path | list[Path]:
    """A single path by itself: a folder, zip or file; several are files of one study."""
    return paths[0] if len(paths) == 1 else paths


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How a study is chosen and read."""

    study: Annotated[
        str | None,
        typer.Option("--study", metavar="UID|N", help="The study, where the input holds several."),
    ] = None
    ct_series: Annotated[str | None, typer.Option("--ct-series", metavar="UID|N", help="The CT series.")] = None
    pet_series: Annotated[str | None, typer.Option("--pet-series", metavar="UID|N", help="The PET series.")] = None
    context: Annotated[
        Path | None,
        typer.Option("--context", metavar="TOML", help="The clinical context."),
    ] = None
    quantity: Annotated[
        Literal["suv", "activity"],
        typer.Option("--quantity", help="activity: go on in Bq/ml without SUV."),
    ] = "suv"
    weight_kg: Annotated[float | None, typer.Option("--weight-kg")] = None
    height_m: Annotated[float | None, typer.Option("--height-m")] = None
    sex: Annotated[Literal["F", "M", "O"] | None, typer.Option("--sex")] = None
    dose_mbq: Annotated[float | None, typer.Option("--dose-mbq")] = None
    injected_at: Annotated[
        str | None, typer.Option("--injected-at", metavar="ISO", help="e.g. 2024-05-01T09:30:00.")
    ] = None
    tracer: Annotated[str | None, typer.Option("--tracer", help="FDG, PSMA-11 …")] = None
    log_json: LogJson = False

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `read_study` and `inspect_path`."""
        from petrg.imaging import Quantity, Sex, read_context
        from petrg.imaging.suv import Given, parse_injected_at

        given = Given(
            weight_kg=self.weight_kg,
            height_m=self.height_m,
            sex=None if self.sex is None else Sex(self.sex),
            dose_mbq=self.dose_mbq,
            injected_at=None if self.injected_at is None else parse_injected_at(self.injected_at),
            tracer=self.tracer,
        )
        return {
            "given": given,
            "quantity": Quantity.ACTIVITY if self.quantity == "activity" else Quantity.SUV_BW,
            "ct_series": self.ct_series,
            "pet_series": self.pet_series,
            "study": self.study,
            "context": None if self.context is None else read_context(self.context),
        }

    def read(self, paths: list[Path], progress: Progress = silent, *, ct: bool = True) -> Study:
        """The study at ``paths``, its problems printed as warnings; ``ct`` False sets any CT aside, unread."""
        from petrg.imaging import read_study

        arguments = self.arguments() if ct else {**self.arguments(), "ct_series": "none"}
        study = read_study(one_or_all(paths), **arguments, progress=progress)
        for problem in study.problems:
            screen.warn(problem)
        return study


@dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """Lesions and anatomy from outside."""

    lesions: Annotated[
        Path | None,
        typer.Option("--lesions", metavar="FILE", help="Lesion masks: RTSTRUCT, DICOM SEG or NIfTI."),
    ] = None
    anatomy: Annotated[
        Path | None, typer.Option("--anatomy", metavar="FILE", help="A label map of organs (NIfTI).")
    ] = None
    anatomy_names: Annotated[
        Path | None,
        typer.Option("--anatomy-names", metavar="JSON", help="Its names, {label: name}, where the file lacks them."),
    ] = None

    def read(self, study: Study) -> dict[str, Any]:
        """The keyword arguments ``masks`` and ``label_map`` of `measure`, `draft` and `check`."""
        given: dict[str, Any] = {"masks": None, "label_map": None}
        if self.lesions is not None:
            from petrg.imaging.masks import read_masks

            given["masks"] = read_masks(self.lesions, study)
        if self.anatomy is not None:
            from petrg.imaging.masks import read_label_map

            given["label_map"] = read_label_map(self.anatomy, names=self.anatomy_names)
        return given
