"""Labels of the 24 regions from report text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from petrg.cli import screen
from petrg.cli.options import LogJson, OutDirectory

if TYPE_CHECKING:
    from petrg.evaluate.label_set import LabelSet

__all__ = ["LABELS"]

_Source = Annotated[
    Path, typer.Argument(metavar="REPORTS", help='A CSV file, or a folder of ID.txt, report JSON or {"text": …}.')
]
_Column = Annotated[str | None, typer.Option("--column", help="The table's column of texts.")]
_IdColumn = Annotated[
    str | None, typer.Option("--id-column", help="The table's column of ids [AccNum, id, … or first].")
]


def extract(
    source: _Source,
    out: OutDirectory,
    column: _Column = None,
    id_column: _IdColumn = None,
    language: Annotated[str, typer.Option("--language", help="auto, zh or en.")] = "auto",
    log_json: LogJson = False,
) -> None:
    """Read the labels of the 24 regions from reports: one JSON a case, and beside it where each label was read."""
    from petrg.evaluate.case_ids import expect_file_names
    from petrg.evaluate.extract import extract as extract_labels
    from petrg.evaluate.extract import is_blank
    from petrg.evaluate.label_files import expect_no_others, write_labels
    from petrg.evaluate.label_texts import read_label_texts

    with screen.progress_bar() as progress:
        texts = read_label_texts(source, column=column, id_column=id_column)
        expect_file_names(texts)
        told = {key: text for key, text in texts.items() if text is not None and not is_blank(text)}
        expect_no_others(out, told)
        labels = extract_labels(told, language, progress)
        write_labels(labels, out)
    _say_extracted(labels, len(texts) - len(told))


def _say_extracted(labels: LabelSet, blank: int) -> None:
    silent = sum(all(c.pet is None and c.ct is None for c in cells.values()) for cells in labels.cases.values())
    screen.say(f"{len(labels.cases)} label files by {labels.labeller}")
    if blank:
        screen.say(f"{blank} reports missing or blank: no label file")
    if silent:
        screen.say(f"{silent} reports in which nothing was read: all silent, scored as normal")
    screen.event("done", cases=len(labels.cases), labeller=labels.labeller, blank=blank, silent=silent)


LABELS: Mapping[str, Callable[..., None]] = {"extract": extract}
