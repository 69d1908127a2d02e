"""A draft report of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from petrg.cli import screen
from petrg.cli.each import draft_studies, expect_shared, studies_at, write_each
from petrg.cli.options import MaskOptions, OutDirectory, StudyOptions, StudyPath
from petrg.errors import InputError, Problem, StyleError

if TYPE_CHECKING:
    from petrg.draft.neural import NeuralWriter
    from petrg.imaging.study import Study
    from petrg.report import Report

__all__ = ["WeightsOptions", "report", "write_report"]

Style = Annotated[
    str | None, typer.Option("--style", metavar="NAME|TOML", help="The hospital's style; `petrg styles` lists them.")
]
Language = Annotated[Literal["zh", "en"], typer.Option("--language", help="The language of the report.")]


_SHOWN = {"both": ("ct", "pet"), "ct": ("ct",), "pet": ("pet",), "none": ()}


@dataclass(frozen=True, kw_only=True)
class WeightsOptions:
    """A network that words the report."""

    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="DIR|HUB_ID", help="PETRG-3D weights that word the findings [none: rules]."),
    ] = None
    base: Annotated[
        str | None, typer.Option("--base", metavar="DIR|HUB_ID", help="Their language model, if it lies elsewhere.")
    ] = None
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 …")] = "auto"
    dtype: Annotated[Literal["auto", "float32", "bfloat16"], typer.Option("--dtype")] = "auto"
    sample: Annotated[
        bool | None, typer.Option("--sample/--greedy", help="Draw words, or take the likeliest [as the weights say].")
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="Of what is drawn; each study has its own from it.")] = 0
    hospital: Annotated[
        str | None, typer.Option("--hospital", metavar="NAME", help="As the weights know it [the style's name].")
    ] = None
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="TXT", help="The hospital's healthy report [the style's for the sex]."),
    ] = None
    no_template: Annotated[bool | None, typer.Option("--no-template", help="Ask without a healthy report.")] = None
    show: Annotated[
        Literal["both", "ct", "pet", "none"] | None,
        typer.Option("--show", help="What the network is shown of the images; all is measured [both]."),
    ] = None
    llm_url: Annotated[
        str | None,
        typer.Option("--llm-url", metavar="URL", help="A server of the exported language model (vLLM)."),
    ] = None
    allow_untrained: Annotated[bool, typer.Option("--allow-untrained", hidden=True)] = False

    def asked(self) -> dict[str, Any]:
        """The keyword arguments of `petrg.draft.neural.prepare`.

        Raises
        ------
        StyleError
            If the template cannot be read, holds nothing, or is both given and left out.
        """
        asked: dict[str, Any] = {"hospital": self.hospital, "show": None if self.show is None else _SHOWN[self.show]}
        if self.no_template and self.template is not None:
            raise StyleError("--template with --no-template", "one of them", "leave one out")
        if self.template is None or self.weights is None:
            return {**asked, "template": not self.no_template}
        try:
            text = self.template.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StyleError(
                f"the template cannot be read ({type(error).__name__})", "a text file in UTF-8", "check the path"
            ) from error
        if not text:
            raise StyleError("the template is empty", "a healthy report", "check the file")
        return {**asked, "template": text}

    def open(self, study: Study | None) -> NeuralWriter | None:
        """The writer, for ``study`` or for several; None where no weights are named."""
        if self.weights is None:
            given = (own.name for own in fields(self) if getattr(self, own.name) != own.default)
            for name in given:
                option = "--greedy" if name == "sample" and not self.sample else f"--{name.replace('_', '-')}"
                raise InputError(f"{option} without weights", "--weights DIR_OR_HUB_ID with it", "name the weights")
            return None
        from petrg.draft.neural import open_writer

        server = None
        if self.llm_url is not None:
            from petrg.remote.client import server as named
            from petrg.remote.embeds import REFUSED

            server = named(self.llm_url, option="--llm-url", refused=REFUSED)
            if not server.encrypted:
                screen.warn(Problem("unencrypted", f"report content goes to {server.host} in the clear: give https://"))
        return open_writer(
            self.weights,
            device=self.device,
            dtype=self.dtype,
            base=self.base,
            sample=self.sample,
            seed=self.seed,
            server=server,
            allow_untrained=self.allow_untrained,
            study=study,
        )


def report(
    paths: StudyPath,
    out: OutDirectory,
    options: StudyOptions,
    given: MaskOptions,
    network: WeightsOptions,
    style: Style = None,
    language: Language = "zh",
    pet_only: Annotated[
        bool, typer.Option("--pet-only", help="Report the PET alone; a CT is set aside, not assessed.")
    ] = False,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Leave the patient's identity out and remap UIDs.")
    ] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Several studies: each STUDY, or each folder and zip in a single folder.")
    ] = False,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="With --each and --weights: so many are written side by side.")
    ] = 1,
) -> None:
    """Draft a report: report.json, report.txt and report.html; with --weights also what the network wrote.

    With --each a folder of these for each study; what is wrong with one stops no other.
    """
    from petrg.imaging import require

    asked: dict[str, Any] = {"style": style, "language": language, "pet_only": pet_only}
    if batch > 1 and (not each or network.weights is None):
        raise InputError(f"--batch {batch} of what is not written side by side", "--each and --weights", "leave it out")
    if each:
        expect_shared(options, given)
        _report_each(paths, out, options, network, asked, batch=batch, deidentify=deidentify)
        return
    with screen.progress_bar() as progress:
        study = require(options.read(paths, progress, ct=not pet_only), ct=not pet_only)
        study.suv()
        asked |= given.read(study)
        more = network.asked()
        if network.weights is not None:
            progress("loading the weights", 0, 0)
        writer = network.open(study)
    texts: dict[str, str] = {}
    if writer is None:
        made = _measured(study, asked, deidentify=deidentify)
    else:
        made, texts = _worded(study, writer, asked | more, deidentify=deidentify)
    with screen.progress_bar() as progress:
        progress("drawing pages", 0, 0)
        names = write_report(made, study, out, texts)
    screen.warn_more(made.problems, beyond=study.problems)
    screen.say("\n".join(names))
    screen.event("done", files=names)


def _report_each(
    paths: list[Path],
    out: Path,
    options: StudyOptions,
    network: WeightsOptions,
    asked: Mapping[str, Any],
    *,
    batch: int,
    deidentify: bool,
) -> None:
    studies, reading = studies_at(paths, out), options.arguments()
    if asked["pet_only"]:
        reading |= {"ct_series": "none"}
    more = {} if network.weights is None else network.asked()
    with screen.progress_bar() as progress:
        if network.weights is not None:
            progress("loading the weights", 0, 0)
        writer = network.open(None)
    made = draft_studies(studies, writer, reading, {**asked, **more}, batch=batch, deidentify=deidentify)
    write_each(studies, made, out, write_report)


def _measured(study: Study, asked: Mapping[str, Any], *, deidentify: bool) -> Report:
    from petrg.draft.pipeline import draft

    with screen.progress_bar() as progress:
        return draft(study, deidentify=deidentify, progress=progress, **asked)


def _worded(
    study: Study, writer: NeuralWriter, asked: Mapping[str, Any], *, deidentify: bool
) -> tuple[Report, dict[str, str]]:
    """The report in the network's words, and the text as it was written, which streams to a terminal."""
    from petrg.draft.neural import finish, prepare, write
    from petrg.draft.neural_text import printable

    with screen.progress_bar() as progress:
        case = prepare(study, writer, progress=progress, **asked)
    screen.event("progress", step="writing", done=0, total=1)
    with screen.text_stream() as stream:
        (drafted,) = write([case], writer, stream)
    screen.event("progress", step="writing", done=1, total=1)
    return finish(case, drafted, writer, deidentify=deidentify), {"draft.txt": printable(drafted.text) + "\n"}


def write_report(made: Report, study: Study, out: Path, more: Mapping[str, str] | None = None) -> list[str]:
    """Write ``report.json``, ``report.txt``, ``report.html`` and ``more`` to ``out``, all or none."""
    from petrg.export.html import render_html
    from petrg.export.text import render_text
    from petrg.files import output_directory, write_file

    pages = {
        "report.json": made.to_json(),
        "report.txt": render_text(made),
        "report.html": render_html(made, study),
        **(more or {}),
    }
    with output_directory(out) as folder:
        for name, page in pages.items():
            write_file(folder / name, page)
    return list(pages)
