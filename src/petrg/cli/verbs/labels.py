"""Labels of the 24 regions from report text, and the agreement of two labellers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from petrg.cli import screen
from petrg.cli.apart import expect_apart
from petrg.cli.options import LogJson, OutDirectory
from petrg.errors import RemoteError

if TYPE_CHECKING:
    from petrg.evaluate.labels.agreement import Agreement
    from petrg.evaluate.labels.label_set import LabelSet
    from petrg.evaluate.labels.llm import Usage
    from petrg.progress import Progress
    from petrg.remote import Server

__all__ = ["LABELS", "LlmOptions", "compare", "extract"]

_Source = Annotated[
    Path,
    typer.Argument(metavar="REPORTS", help='A CSV file, or a folder of ID.txt, report JSON or {"text": …}.'),
]
_Column = Annotated[str | None, typer.Option("--column", help="The table's column of texts.")]
_IdColumn = Annotated[
    str | None, typer.Option("--id-column", help="The table's column of ids; AccNum, id, case … else the first.")
]


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """A language model as labeller, and how it is reached."""

    llm: Annotated[
        str | None,
        typer.Option("--llm", metavar="MODEL", help="Label by this model: reports are sent to the --base-url."),
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server, e.g. http://localhost:8000/v1."),
    ] = None
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", help="The variable that holds the key [OPENAI_API_KEY]."),
    ] = None
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Requests at a time.")] = 4
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", min=1, help="Seconds for one answer; a report is given up after two such, but 600 s at least."
        ),
    ] = 300.0
    answer: Annotated[
        Literal["schema", "object", "text"],
        typer.Option("--answer", help="How the server binds answers: JSON schema, any JSON, not at all."),
    ] = "schema"
    price_in: Annotated[float | None, typer.Option("--price-in", min=0, help="Per million tokens sent.")] = None
    price_out: Annotated[float | None, typer.Option("--price-out", min=0, help="Per million tokens answered.")] = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask again what was answered before.")] = False

    def server(self) -> Server | None:
        """The server, or None where petrg's own reader labels."""
        from petrg.remote import server

        if self.llm is None and self.base_url is None:
            return None
        if not self.base_url or not (self.llm or "").strip():
            lacks = "--base-url" if (self.llm or "").strip() else "--llm"
            raise RemoteError(f"no {lacks}", "both --llm and --base-url", f"give {lacks}")
        if (self.price_in is None) != (self.price_out is None):
            raise RemoteError("one price only", "--price-in and --price-out", "give both or neither")
        return server(
            self.base_url,
            api_key_env=self.api_key_env or "OPENAI_API_KEY",
            must_have_key=self.api_key_env is not None,
            timeout_s=self.timeout,
        )


def extract(
    source: _Source,
    out: OutDirectory,
    how: LlmOptions,
    column: _Column = None,
    id_column: _IdColumn = None,
    language: Annotated[str, typer.Option("--language", help="auto, zh or en.")] = "auto",
    log_json: LogJson = False,
) -> None:
    """Read the labels of the 24 regions from reports: one JSON a case, and beside it where each label was read.

    petrg's own reader does it on this machine. Only with --llm and --base-url do reports leave it, for that server.
    A missing or blank report gets no file. A folder that holds labels of other cases is refused.
    """
    from petrg.errors import ScoreError
    from petrg.evaluate.cases.ids import expect_file_names
    from petrg.evaluate.labels.extract import extract as extract_labels
    from petrg.evaluate.labels.extract import is_blank
    from petrg.evaluate.labels.files import expect_no_others, write_labels
    from petrg.evaluate.labels.texts import read_label_texts

    expect_apart(out, source)
    at = how.server()
    texts = read_label_texts(source, column=column, id_column=id_column)
    expect_file_names(texts)
    told = [key for key, text in texts.items() if not is_blank(text)]
    if not told:
        raise ScoreError("every report is missing or blank", "text to label", "check the file and --column")
    expect_no_others(out, told)
    with screen.progress_bar() as progress:
        labels = extract_labels(texts, language, progress) if at is None else _asked(texts, how, at, language, progress)
        write_labels(labels, out)
    _say_extracted(labels, len(texts) - len(told))


def _asked(texts: Mapping[str, str | None], how: LlmOptions, at: Server, language: str, progress: Progress) -> LabelSet:
    from petrg.evaluate.labels.llm import ask
    from petrg.evaluate.labels.llm_cache import cache_folder

    host = f"{at.host}{'' if at.encrypted else ', unencrypted'}"
    screen.say(f"reports are sent to {host}, model {how.llm}")
    screen.event("remote", host=at.host, encrypted=at.encrypted, model=how.llm)
    asked = ask(
        texts,
        how.llm or "",
        at,
        language=language,
        workers=how.workers,
        cache=None if how.no_cache else cache_folder(),
        format=how.answer,
        progress=progress,
    )
    _say_usage(asked.usage, how)
    return asked.labels()


def _say_usage(usage: Usage, how: LlmOptions) -> None:
    line = f"{usage.requests} answers, {usage.tokens_in} tokens sent, {usage.tokens_out} answered"
    cost = None
    if how.price_in is not None and how.price_out is not None:
        cost = usage.cost(how.price_in, how.price_out)
        line += f", cost {cost:.4f}"
    if usage.uncounted:
        line += f" (tokens of {usage.uncounted} answers not counted by the server)"
    screen.say(f"{line}; {usage.cached} reports answered before")
    screen.event("usage", cost=cost, **{name: getattr(usage, name) for name in usage.__dataclass_fields__})


def _say_extracted(labels: LabelSet, blank: int) -> None:
    silent = sum(all(c.pet is None and c.ct is None for c in cells.values()) for cells in labels.cases.values())
    screen.say(f"{len(labels.cases)} label files by {labels.labeller}")
    if blank:
        screen.say(f"missing or blank, no label file: {blank}")
    if silent:
        screen.say(f"nothing read, silent on every region and scored as normal: {silent}")
    screen.event("done", cases=len(labels.cases), labeller=labels.labeller, blank=blank, silent=silent)


_Labels = Annotated[Path, typer.Argument(help="A folder of label files, or one JSON of all cases.")]


def compare(
    a: _Labels,
    b: _Labels,
    out: OutDirectory,
    texts: Annotated[
        Path | None, typer.Option("--texts", metavar="REPORTS", help="The reports, to show the words in them.")
    ] = None,
    column: _Column = None,
    id_column: _IdColumn = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    draws: Annotated[int, typer.Option("--draws", min=100, max=100_000, help="Of the bootstrap.")] = 2000,
    log_json: LogJson = False,
) -> None:
    """Compare two labellers on the same reports: agreement per region and class, and every label that differs.

    Writes agreement.json, agreement.html and cases.csv.
    """
    from petrg.errors import ScoreError
    from petrg.evaluate.labels.agreement import case_table, compare_labels
    from petrg.evaluate.labels.agreement_page import Side, render_agreement
    from petrg.evaluate.labels.evidence import read_evidence
    from petrg.evaluate.labels.files import read_labels
    from petrg.evaluate.labels.texts import read_label_texts
    from petrg.files import output_directory

    expect_apart(out, a, b, texts, writes=("agreement.json", "agreement.html", "cases.csv"))
    if texts is None and (column or id_column):
        raise ScoreError("columns without a table", "--texts", "give --texts, or leave the columns out")
    sides = [read_labels(path) for path in (a, b)]
    common = [key for key in sides[0].cases if key in sides[1].cases]
    evidence = [read_evidence(path, common) for path in (a, b)]
    reports = None if texts is None else read_label_texts(texts, column=column, id_column=id_column)
    hashes = [{key: e.text_sha256 for key, e in one.items() if e.text_sha256} for one in evidence]
    with screen.progress_bar() as progress:
        progress("comparing", 0, 0)
        found = compare_labels(*sides, hashes_a=hashes[0], hashes_b=hashes[1], draws=draws, seed=seed)
        one, other = (Side(labels=labels, evidence=told) for labels, told in zip(sides, evidence, strict=True))
        with output_directory(out) as folder:
            (folder / "agreement.json").write_text(found.to_json(), encoding="utf-8")
            (folder / "agreement.html").write_text(render_agreement(found, one, other, texts=reports), encoding="utf-8")
            (folder / "cases.csv").write_text(case_table(found), encoding="utf-8")
    _say_agreement(found)


def _two(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _say_agreement(found: Agreement) -> None:
    screen.say(f"A {found.a}\nB {found.b}")
    screen.say(f"{found.cases} cases of both; of A only {len(found.only_a)}, of B only {len(found.only_b)}")
    if found.other_text:
        screen.say(f"read from another text by the two: {found.other_text} cases")
    for modality, count in found.unlabelled.items():
        if count:
            screen.say(f"{modality} labels that one side lacks, counted as disagreement: {count}")
    for name, one in (
        ("PET kappa", found.pet_kappa),
        ("CT kappa", found.ct_kappa),
        (f"SUVmax equal within {found.suv_tolerance:g} where either names one", found.suv_equal),
    ):
        value = "not given" if one.value is None else f"{one.value:.3f}"
        interval = "" if one.low is None or one.high is None else f" ({one.low:.3f} to {one.high:.3f})"
        screen.say(f"{name} {value}{interval}{f', {one.note}' if one.note else ''}")
    for row in found.regions:
        screen.say(f"  {row.region:24} PET kappa {_two(row.pet_kappa)}, CT kappa {_two(row.ct_kappa)}")
    for one_class in found.classes:
        title = f"{one_class.modality} {one_class.value} {one_class.name}"
        screen.say(
            f"  {title:36} A {one_class.a}, B {one_class.b}, both {one_class.both}, kappa {_two(one_class.kappa)}"
        )
    screen.say("agreement.json\nagreement.html\ncases.csv")
    screen.event("done", cases=found.cases, pet_kappa=found.pet_kappa.value, ct_kappa=found.ct_kappa.value)


LABELS: Mapping[str, Callable[..., None]] = {"extract": extract, "compare": compare}
