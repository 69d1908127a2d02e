"""Scores of reports and labels, each beside its controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.apart import expect_apart
from petrg.cli.options import LogJson, OutDirectory

if TYPE_CHECKING:
    from petrg.evaluate.cases.case import Cases
    from petrg.evaluate.labels.label_set import LabelSet
    from petrg.evaluate.rows import Draws
    from petrg.evaluate.score_all import Given, Scored
    from petrg.evaluate.text.tokens import Tokenizer

__all__ = [
    "SCORE",
    "DrawOptions",
    "PageLanguage",
    "PairOptions",
    "ReadingOptions",
    "all_",
    "finish",
    "labels",
    "page_of",
    "text",
]

_WRITES = frozenset({"scores.json", "cases.csv", "scores.html", "PETRG-NLG-Results.csv"})
_Compat = Annotated[
    bool, typer.Option("--compat", help="Write the released script's CSV too, with its names and rounding.")
]


@dataclass(frozen=True, kw_only=True)
class PairOptions:
    """Which reports are compared, and how texts are cut."""

    id_column: Annotated[str | None, typer.Option("--id-column", help="Default AccNum, id … or the first.")] = None
    reference_column: Annotated[
        str | None, typer.Option("--reference-column", help="Default GT_report, reference …")
    ] = None
    prediction_column: Annotated[
        str | None, typer.Option("--prediction-column", help="Default Cleaned_Pred_report, prediction …")
    ] = None
    meta: Annotated[
        Path | None,
        typer.Option("--meta", metavar="CSV", help="id, sex and, if known, hospital and patient of the cases."),
    ] = None
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="Healthy template: {hospital: {sex: text}} or text."),
    ] = None
    second_reader: Annotated[
        str | None,
        typer.Option("--second-reader", metavar="COLUMN|CSV|DIR", help="Another physician's reports of the cases."),
    ] = None
    second_reader_column: Annotated[str | None, typer.Option("--second-reader-column", help="Where it is a CSV.")] = (
        None
    )
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="COLUMN|CSV|DIR", help="Another system's reports, to compare with."),
    ] = None
    against_column: Annotated[str | None, typer.Option("--against-column", help="Where it is a CSV.")] = None
    tokenizer: Annotated[
        Literal["jieba", "char", "en"] | None,
        typer.Option("--tokenizer", help="Default by the references: jieba if Chinese, else en."),
    ] = None
    system: Annotated[str, typer.Option("--system", help="What the system is called in the results.")] = "system"

    def paths(self) -> tuple[Path, ...]:
        """What is read beside the pairs; a column's name is no file."""
        named = (self.meta, self.template, self.second_reader, self.against)
        return tuple(Path(one) for one in named if one is not None)

    def read(self, reports: Path, predictions: Path | None) -> tuple[Cases, Given]:
        """The cases, and what stands beside the system's reports."""
        from dataclasses import replace

        from petrg.evaluate.cases.read import read_cases, read_others
        from petrg.evaluate.cases.template import read_template
        from petrg.evaluate.cases.texts import digest
        from petrg.evaluate.score_all import Given

        cases = read_cases(
            reports,
            predictions,
            id_column=self.id_column,
            reference_column=self.reference_column,
            prediction_column=self.prediction_column,
            meta=self.meta,
        )
        sources = dict(cases.sources)
        found: dict[str, tuple[str | None, ...]] = {}
        for key, option, source, column in (
            ("second_reader", "--second-reader", self.second_reader, self.second_reader_column),
            ("against", "--against", self.against, self.against_column),
        ):
            if source is not None:
                found[key], read = read_others(source, reports, cases, column=column, option=option)
                sources.update(read)
        template = None
        if self.template is not None:
            template = read_template(self.template)
            sources["template"] = digest(self.template)
        given = Given(template=template, second_reader=found.get("second_reader"), against=found.get("against"))
        return replace(cases, sources=sources), given

    def cut(self, cases: Cases) -> Tokenizer:
        """The tokenizer: the one asked for, else the one of the references' language."""
        from petrg.evaluate.text.tokens import tokenizer, usual_tokenizer

        return tokenizer(self.tokenizer or usual_tokenizer(cases.references))


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How much is drawn at random."""

    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same files.")] = 0
    permutations: Annotated[int, typer.Option("--permutations", min=0, help="Draws of the tests.")] = 1000
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=0, help="Draws of patients for 95 % intervals.")] = 2000
    log_json: LogJson = False

    def draws(self) -> Draws:
        """As the scoring takes them."""
        from petrg.evaluate.rows import Draws

        return Draws(seed=self.seed, bootstrap=self.bootstrap, permutations=self.permutations)


PageLanguage = Annotated[
    Literal["en", "zh"], typer.Option("--page-language", help="Of the page's titles and legends; sentences are en.")
]
_Reports = Annotated[Path, typer.Argument(metavar="REPORTS", help="A CSV file, or the folder of references.")]
_Predictions = Annotated[
    Path | None, typer.Argument(metavar="PREDICTIONS", help="The folder of predictions: report JSON or text.")
]


def text(
    reports: _Reports,
    out: OutDirectory,
    pairs: PairOptions,
    drawn: DrawOptions,
    predictions: _Predictions = None,
    compat: _Compat = False,
) -> None:
    """Text metrics: scores.json and cases.csv."""
    from petrg.evaluate.score_all import score_texts

    expect_apart(out, reports, predictions, *pairs.paths(), writes=_WRITES)
    with screen.progress_bar() as progress:
        cases, given = pairs.read(reports, predictions)
        cut = pairs.cut(cases)
        scored = score_texts(
            cases, tokenizer=cut, given=given, draws=drawn.draws(), title=pairs.system, progress=progress
        )
        extra = {}
        if compat:
            from petrg.evaluate.text.compat import compat_csv
            from petrg.evaluate.text.score import score_text

            extra["PETRG-NLG-Results.csv"] = compat_csv(score_text(cases, cut.name))
    finish(scored, out, extra)


def labels(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="A folder of label files, or one of all.")],
    prediction: Annotated[Path, typer.Argument(metavar="PREDICTION", help="The same of the system.")],
    out: OutDirectory,
    drawn: DrawOptions,
    meta: Annotated[Path | None, typer.Option("--meta", metavar="CSV", help="id, sex, patient of the cases.")] = None,
    system: Annotated[str, typer.Option("--system", help="What the system is called in the results.")] = "system",
    compat: _Compat = False,
) -> None:
    """PETRG-Score of label files: scores.json and cases.csv."""
    from petrg.evaluate.cases.read import label_cases
    from petrg.evaluate.labels.files import read_labels
    from petrg.evaluate.score_all import score_labels

    expect_apart(out, reference, prediction, meta, writes=_WRITES)
    with screen.progress_bar() as progress:
        known, said = read_labels(reference, strict=True), read_labels(prediction)
        cases = label_cases(known.cases, reference, prediction, meta=meta)
        scored = score_labels(known, said, cases, draws=drawn.draws(), title=system, progress=progress)
        extra = {}
        if compat:
            from petrg.evaluate.classes.compat import DETAIL_FILE, SUMMARY_FILE, compat_scores

            released = compat_scores(reference, prediction)
            extra = {SUMMARY_FILE: released.summary, DETAIL_FILE: released.detail}
            left = f"released scorer: {released.dropped} of {released.scored + released.dropped} pairs left out"
    finish(scored, out, extra)
    from petrg.cli.score_table import class_tables

    screen.say("\n".join(("", class_tables(scored.scores), *((left,) if compat else ()))))


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """Where labels and measured numbers come from."""

    reference_labels: Annotated[
        Path | None, typer.Option("--reference-labels", metavar="DIR", help="Label files instead of our reader's.")
    ] = None
    prediction_labels: Annotated[
        Path | None, typer.Option("--prediction-labels", metavar="DIR", help="Those of the system, same labeller.")
    ] = None
    records: Annotated[
        Path | None, typer.Option("--records", metavar="DIR", help="Measurement records ID.json, to hold SUVs to.")
    ] = None
    language: Annotated[str, typer.Option("--language", help="Of the reader: auto, zh or en.")] = "auto"
    modalities: Annotated[
        str,
        typer.Option(
            "--modalities",
            metavar="NAMES",
            help="What was scanned: PT, CT, MR, US with commas; what others show is a fault. CT-plain: no contrast.",
        ),
    ] = "PT,CT"

    def scanned(self) -> tuple[str, ...]:
        """What was scanned."""
        from petrg.evaluate.faults import scanned

        return scanned(self.modalities)

    def labels(self) -> tuple[LabelSet | None, LabelSet | None]:
        """Those of the references and of the predictions."""
        from petrg.evaluate.labels.files import read_labels

        reference, prediction = self.reference_labels, self.prediction_labels
        known = None if reference is None else read_labels(reference, strict=True)
        return known, None if prediction is None else read_labels(prediction)

    def sources(self) -> dict[str, str]:
        """Role -> SHA-256 of what is read."""
        from petrg.evaluate.cases.texts import digest

        paths = {
            "reference-labels": self.reference_labels,
            "prediction-labels": self.prediction_labels,
            "records": self.records,
        }
        return {role: digest(path) for role, path in paths.items() if path is not None}


def all_(
    reports: _Reports,
    out: OutDirectory,
    pairs: PairOptions,
    reading: ReadingOptions,
    drawn: DrawOptions,
    predictions: _Predictions = None,
    page_language: PageLanguage = "en",
) -> None:
    """Everything in one go: text, labels, lesions, numbers, controls; scores.json, cases.csv and scores.html."""
    from dataclasses import replace

    from petrg.evaluate.cases.texts import read_records
    from petrg.evaluate.score_all import score_all

    labelled = (reading.reference_labels, reading.prediction_labels, reading.records)
    expect_apart(out, reports, predictions, *pairs.paths(), *labelled, writes=_WRITES)
    with screen.progress_bar() as progress:
        scanned = reading.scanned()
        cases, given = pairs.read(reports, predictions)
        given = replace(given, modalities=scanned)
        if reading.records is not None:
            given = replace(given, records=read_records(reading.records))
        known, said = reading.labels()
        scored = score_all(
            replace(cases, sources={**cases.sources, **reading.sources()}),
            tokenizer=pairs.cut(cases),
            language=reading.language,
            reference_labels=known,
            prediction_labels=said,
            given=given,
            draws=drawn.draws(),
            title=pairs.system,
            progress=progress,
        )
        progress("drawing the page", 0, 0)
        page = page_of(scored, page_language)
    finish(scored, out, {"scores.html": page})


def page_of(scored: Scored, language: str) -> str:
    """scores.html."""
    from petrg.evaluate.page import render_scores

    return render_scores(
        scored.scores,
        cases=scored.cases,
        reference_labels=scored.reference_labels,
        prediction_labels=scored.prediction_labels,
        language=language,
    )


def finish(scored: Scored, out: Path, extra: Mapping[str, str], **event: str) -> None:
    """Write scores.json, cases.csv and ``extra``, all or none; print the table."""
    from petrg.cli.score_table import score_table
    from petrg.files import output_directory, write_file

    pages = {"scores.json": scored.scores.to_json(), "cases.csv": scored.table.to_csv(), **extra}
    with output_directory(out) as folder:
        for name, page in pages.items():
            write_file(folder / name, page)
    screen.say(score_table(scored.scores))
    screen.say("\n" + "\n".join(pages))
    screen.event("done", files=list(pages), cases=scored.scores.cases, **event)


SCORE: Mapping[str, Callable[..., None]] = {"text": text, "labels": labels, "all": all_}
