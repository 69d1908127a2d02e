"""A benchmark written to its folder: content first, then the description that hashes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from petrg import __version__
from petrg.errors import ScoreError
from petrg.evaluate.benchmark.content import content_hash, digests
from petrg.evaluate.benchmark.description import DESCRIPTION, Description
from petrg.evaluate.benchmark.folder import LABELS, META, REFERENCES, SYSTEMS, TEMPLATE
from petrg.evaluate.cases.ids import expect_file_names
from petrg.evaluate.cases.meta import Patient
from petrg.evaluate.labels.files import write_labels
from petrg.evaluate.labels.label_set import LabelSet
from petrg.files import output_directory

__all__ = ["Content", "Published", "write_benchmark", "write_csv"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """Reports, and where they exist labels, that a system published for the benchmark.

    Parameters
    ----------
    name : str
        Of its folder.
    columns : sequence of str
        ``id``, ``report``, and whatever else was published.
    rows : sequence of rows in that order
    labels : bytes, optional
        One JSON object, ``{id: {region: …}}``, as it was published.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    labels: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """What decides a score.

    Parameters
    ----------
    references : mapping of id -> report
    patients : mapping of id -> Patient
    template : bytes, optional
        JSON, ``{hospital: {sex: text}}``.
    labels : LabelSet, optional
        Of the references.
    systems : sequence of Published
    more : callable, optional
        Writes further files into the folder, images say.
    """

    references: Mapping[str, str]
    patients: Mapping[str, Patient]
    template: bytes | None = None
    labels: LabelSet | None = None
    systems: Sequence[Published] = ()
    more: Callable[[Path], None] | None = field(default=None, repr=False)


def write_benchmark(directory: Path, content: Content, **facts: Any) -> Description:
    """Write a benchmark, all of it or nothing.

    Parameters
    ----------
    directory : Path
        Absent or empty.
    facts : Any
        Of `Description`: name, version, title, language, licence, made_by, tokenizer …; cases, labeller, systems, files
        and hash are known here.

    Returns
    -------
    Description
        As written.

    Raises
    ------
    ScoreError
        If the folder holds something already, or an id cannot name a file.
    OutputError
        If the folder cannot be written.
    """
    directory = Path(directory)
    if directory.is_dir() and any(directory.iterdir()):
        raise ScoreError("the output folder is not empty", "a new or an empty folder", "choose another -o")
    expect_file_names(content.references)
    with output_directory(directory) as aside:
        _write_content(aside, content)
        files = digests(aside)
        made = Description(
            **{
                "cases": len(content.references),
                "labeller": "" if content.labels is None else content.labels.labeller,
                "systems": tuple(system.name for system in content.systems),
                "files": files,
                "hash": content_hash(files),
                **facts,
                "made_by": f"petrg {__version__}: {facts['made_by']}",
            }
        ).sealed()
        (aside / DESCRIPTION).write_text(made.to_toml(), encoding="utf-8", newline="")
    return made


def _write_content(folder: Path, content: Content) -> None:
    write_csv(folder / REFERENCES, ("id", "reference"), content.references.items())
    if content.patients:
        rows = [(key, p.sex or "", p.hospital or "", p.patient or "") for key, p in content.patients.items()]
        columns = ("id", "sex", "hospital", "patient")
        whole = any(row[3] for row in rows)
        write_csv(folder / META, columns if whole else columns[:3], rows if whole else [row[:3] for row in rows])
    if content.template is not None:
        (folder / TEMPLATE).write_bytes(content.template)
    if content.labels is not None:
        write_labels(content.labels, folder / LABELS)
    for system in content.systems:
        home = folder / SYSTEMS / system.name
        home.mkdir(parents=True)
        write_csv(home / "reports.csv", system.columns, system.rows)
        if system.labels is not None:
            (home / "labels.json").write_bytes(system.labels)
    if content.more is not None:
        content.more(folder)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in UTF-8, the same bytes on every system."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
