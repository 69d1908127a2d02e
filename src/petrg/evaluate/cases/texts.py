"""A folder of reports as texts: petrg's report JSON or plain text, one file a case, the stem its id."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from petrg.errors import ReportError, ScoreError
from petrg.evaluate.cases.tables import is_absent
from petrg.report import Record, Report

__all__ = ["digest", "read_records", "read_texts", "report_text"]

_KINDS = (".json", ".txt")


def read_texts(folder: Path) -> dict[str, str | None]:
    """The reports of ``folder`` by id, in the order of their ids; None where a file holds nothing.

    By the rule for cells of a table, :func:`petrg.evaluate.cases.tables.is_absent`: ``nan`` alone is nothing, too.

    Files are ``ID.json`` (a report of petrg; its text is :func:`report_text`; or ``{"text": …}``) or ``ID.txt``
    (UTF-8), in capitals or not; others are passed over.

    Raises
    ------
    ScoreError
        If the folder cannot be read, holds no report, a file that is neither, or two files of one id.
    """
    texts: dict[str, str | None] = {}
    for number, path in enumerate(_files(folder), 1):
        if path.stem in texts:
            raise ScoreError(
                f"report {number} of the folder has the name of an earlier one",
                "one file a case",
                "keep either its .json or its .txt",
            )
        text = _text(path, number)
        texts[path.stem] = None if is_absent(text) else text
    return texts


def read_records(folder: Path) -> dict[str, Record]:
    """The measurement records of ``folder`` by id: files of ``petrg measure``, or reports that hold one.

    Raises
    ------
    ScoreError
        If the folder cannot be read or holds no JSON.
    ReportError
        If a file is neither a record nor a report.
    """
    records = {}
    for path in _files(folder, (".json",)):
        raw = _read(path)
        try:
            records[path.stem] = Record.from_json(raw)
        except ReportError:
            records[path.stem] = Report.from_json(raw).record
    return records


def report_text(report: Report) -> str:
    """What is scored of a report of petrg: its findings, a paragraph a region; no technique, no impression."""
    return "\n".join(region.text for region in report.findings)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's reports with their names in order.

    Raises
    ------
    ScoreError
        If it cannot be read.
    """
    if not os.path.isdir(path):
        return hashlib.sha256(_read(path)).hexdigest()
    whole = hashlib.sha256()
    for file in _files(path):
        whole.update(f"{hashlib.sha256(_read(file)).hexdigest()}  {file.name}\n".encode())
    return whole.hexdigest()


def _files(folder: Path, kinds: tuple[str, ...] = _KINDS) -> Iterator[Path]:
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in kinds and p.is_file() and p.name[0] != ".")
    except OSError as error:
        raise ScoreError(
            f"cannot read the folder: {error.strerror}", "a folder of reports", "check the path"
        ) from error
    if not found:
        raise ScoreError("the folder holds no report", f"files named ID{' or ID'.join(kinds)}", "check the path")
    yield from found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScoreError(f"cannot read a file: {error.strerror}", "a readable file", "check the path") from error


def _text(path: Path, number: int) -> str:
    raw = _read(path)
    if path.suffix.lower() == ".json":
        plain = _plain_json(raw)
        return report_text(Report.from_json(raw)) if plain is None else plain
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScoreError(f"report {number} of the folder is no UTF-8", "text in UTF-8", "save it anew") from error


def _plain_json(raw: bytes) -> str | None:
    """The text of ``{"text": …}``, empty where it is null; None where the file is something else."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or set(document) != {"text"} or not isinstance(document["text"], str | None):
        return None
    # JSON can hold half characters, files cannot
    return (document["text"] or "").encode("utf-8", "replace").decode("utf-8")
