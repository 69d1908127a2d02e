"""Benchmarks as folders, and their leaderboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.apart import expect_apart
from petrg.cli.options import LogJson, OutDirectory
from petrg.cli.verbs.score import DrawOptions, PageLanguage, finish, page_of

if TYPE_CHECKING:
    from petrg.evaluate.benchmark.description import Description
    from petrg.evaluate.labels.label_set import LabelSet

__all__ = ["BENCHMARK", "SystemOptions", "import_", "leaderboard", "make_phantom", "score", "show"]

_Folder = Annotated[Path, typer.Argument(metavar="BENCHMARK", help="A folder that import or make-phantom wrote.")]
_Licence = Annotated[str, typer.Option("--licence", help="Of the reports; default that of the release.")]
_Citation = Annotated[str, typer.Option("--citation", help="How to cite them.")]
_Version = Annotated[str, typer.Option("--benchmark-version", help="Of the benchmark.")]


def import_(
    kind: Annotated[Literal["autopet-rg-lym"], typer.Argument(metavar="KIND", help="autopet-rg-lym.")],
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE_DIR", help="reports.csv and, if there, meta.csv, template.json, labels.")
    ],
    out: OutDirectory,
    licence: _Licence = "",
    citation: _Citation = "",
    version: _Version = "1",
    labeller: Annotated[
        str, typer.Option("--labeller", help="Who made the labels of the references, where they do not say.")
    ] = "",
    log_json: LogJson = False,
) -> None:
    """Make a benchmark folder from a public release; says what is missing."""
    from petrg.evaluate.benchmark.autopet import import_autopet

    expect_apart(out, source)
    made = import_autopet(source, out, licence=licence, citation=citation, version=version, labeller=labeller)
    _say(made)
    screen.event("done", benchmark=made.name, cases=made.cases, hash=made.hash, missing=list(made.missing))


def make_phantom(
    out: OutDirectory,
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many patients.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same patients.")] = 0,
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="Of the references.")] = "zh",
    style: Annotated[
        list[str] | None,
        typer.Option("--style", help="A hospital's style or a .toml; several: patients are dealt to them in turn."),
    ] = None,
    images: Annotated[bool, typer.Option("--images", help="Store CT and PET of every patient as NIfTI.")] = False,
    licence: Annotated[str, typer.Option("--licence", help="Of the reports; default petrg's own.")] = "",
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes; default one a core.")] = None,
    log_json: LogJson = False,
) -> None:
    """Make a benchmark of digital patients with known truth: references worded from it, labels, template."""
    from petrg.evaluate.benchmark.digital import make_digital
    from petrg.evaluate.benchmark.folder import open_benchmark
    from petrg.evaluate.benchmark.read_back import read_back

    expect_apart(out)
    with screen.progress_bar() as progress:
        made = make_digital(
            out,
            cases=cases,
            seed=seed,
            language=language,
            styles=style or (),
            images=images,
            licence=licence,
            workers=workers or _cores(),
            progress=progress,
        )
        progress("reading the references back", 0, 0)
        found = read_back(open_benchmark(out))
    _say(made)
    screen.say(
        f"read back  petrg's reader finds {found.abnormal_same} of {found.abnormal} abnormal and "
        f"{found.normal_same} of {found.normal} normal labels of the truth in the references"
    )
    screen.event("done", benchmark=made.name, cases=made.cases, hash=made.hash, read_back=found.share)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def show(benchmark: _Folder, log_json: LogJson = False) -> None:
    """Verify every file of a benchmark; print what it holds and what is missing."""
    from petrg.evaluate.benchmark.folder import open_benchmark

    with screen.progress_bar() as progress:
        progress("verifying", 0, 0)
        found = open_benchmark(benchmark, images=True)
    _say(found.description)
    sexes = [patient.sex for patient in found.patients.values()]
    hospitals = sorted({p.hospital for p in found.patients.values() if p.hospital})
    unknown = len(found.references) - sum(sex is not None for sex in sexes)
    screen.say(f"patients   {sexes.count('F')} F, {sexes.count('M')} M, {unknown} of unknown sex")
    screen.say(f"hospitals  {', '.join(hospitals) or 'not known'}")
    screen.say(f"verified   {len(found.description.files)} files are those that were made")
    screen.event("done", benchmark=found.description.name, hash=found.description.hash, verified=True)


def _say(made: Description) -> None:
    screen.say(f"{made.title} ({made.name} {made.version})")
    screen.say(f"cases      {made.cases}, language {made.language}, tokenizer {made.tokenizer}")
    screen.say(f"labels     {made.labeller or 'none'}")
    screen.say(f"systems    {', '.join(made.systems) or 'none'}")
    screen.say(f"licence    {made.licence}")
    screen.say(f"made by    {made.made_by}")
    screen.say(f"hash       {made.hash}")
    for line in made.missing:
        screen.say(f"missing    {line}")
    for line in made.notes:
        screen.say(f"note       {line}")


@dataclass(frozen=True, kw_only=True)
class SystemOptions:
    """Where a system's reports and labels are, and how they are scored."""

    prediction_column: Annotated[
        str | None, typer.Option("--prediction-column", help="Default Cleaned_Pred_report, prediction, report …")
    ] = None
    id_column: Annotated[str | None, typer.Option("--id-column", help="Default AccNum, id … or the first.")] = None
    tokenizer: Annotated[
        Literal["jieba", "char", "en"] | None, typer.Option("--tokenizer", help="Default the benchmark's.")
    ] = None
    labels_by: Annotated[
        Literal["benchmark", "reader"],
        typer.Option("--labels-by", help="benchmark: its truth, if it has one; reader: both sides read, lesions too."),
    ] = "benchmark"
    prediction_labels: Annotated[
        Path | None,
        typer.Option(
            "--prediction-labels", metavar="DIR", help="Label files by the labeller of the benchmark's labels."
        ),
    ] = None

    def sources(self, reports: Path) -> dict[str, str]:
        """Role -> SHA-256 of what is read."""
        from petrg.evaluate.cases.texts import digest

        paths = {"predictions": reports, "prediction-labels": self.prediction_labels}
        return {role: digest(path) for role, path in paths.items() if path is not None}

    def labels(self) -> LabelSet | None:
        """Those of the predictions, where they are given."""
        from petrg.evaluate.labels.files import read_labels

        return None if self.prediction_labels is None else read_labels(self.prediction_labels)


def score(
    benchmark: _Folder,
    reports: Annotated[Path, typer.Argument(metavar="REPORTS", help="A CSV file, or a folder of ID.txt or ID.json.")],
    out: OutDirectory,
    name: Annotated[str, typer.Option("--name", help="What the system is called in results and leaderboards.")],
    made: SystemOptions,
    drawn: DrawOptions,
    page_language: PageLanguage = "en",
) -> None:
    """Score a system's reports against a benchmark: scores.json, cases.csv, scores.html, result.json."""
    from petrg.evaluate.benchmark.folder import open_benchmark
    from petrg.evaluate.benchmark.predictions import read_predictions
    from petrg.evaluate.benchmark.result import RESULT, result_of
    from petrg.evaluate.benchmark.score import score_benchmark

    writes = (RESULT, "scores.json", "cases.csv", "scores.html")
    expect_apart(out, benchmark, reports, made.prediction_labels, writes=writes)
    with screen.progress_bar() as progress:
        progress("verifying the benchmark", 0, 0)
        found = open_benchmark(benchmark)
        scored = score_benchmark(
            found,
            read_predictions(reports, column=made.prediction_column, id_column=made.id_column),
            name=name,
            sources=made.sources(reports),
            tokenizer_name=made.tokenizer,
            labels_by=made.labels_by,
            prediction_labels=made.labels(),
            draws=drawn.draws(),
            progress=progress,
        )
        progress("drawing the page", 0, 0)
        page = page_of(scored, page_language)
    result = result_of(found.description, scored.scores).to_json()
    finish(scored, out, {"scores.html": page, RESULT: result}, hash=found.description.hash)


def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS...", help="Folders that score wrote, or a folder of such.")
    ],
    out: OutDirectory,
    sort: Annotated[str | None, typer.Option("--sort", metavar="METRIC", help="Default PET-124.")] = None,
    log_json: LogJson = False,
) -> None:
    """Tables of results with controls as fixed rows: leaderboard.md and a page; only the comparable in one table."""
    from petrg.evaluate.benchmark.boards import read_boards
    from petrg.evaluate.benchmark.leaderboard import leaderboard_files
    from petrg.files import output_directory, write_file

    expect_apart(out, *results)
    boards = read_boards(results, sort=sort)
    files = leaderboard_files(boards)
    with output_directory(out) as folder:
        for name, text in files.items():
            write_file(folder / name, text)
    for board in boards:
        why = f", apart for {board.apart}" if board.apart else ""
        many = f"{len(board.results)} system{'' if len(board.results) == 1 else 's'}"
        screen.say(f"{board.result.title}: {many}, sorted by {board.metric.key}{why}")
    screen.say("\n" + "\n".join(files))
    screen.event("done", files=list(files), tables=len(boards))


BENCHMARK: Mapping[str, Callable[..., None]] = {
    "import": import_,
    "make-phantom": make_phantom,
    "show": show,
    "score": score,
    "leaderboard": leaderboard,
}
