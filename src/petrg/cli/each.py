"""Several studies in one call: a folder of reports each, and a line for each that gave none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from petrg.cli import screen
from petrg.errors import InputError, PetrgError, Problem

if TYPE_CHECKING:
    from petrg.cli.options import MaskOptions, StudyOptions
    from petrg.draft.neural import NeuralWriter
    from petrg.draft.neural_many import Written
    from petrg.imaging.study import Study
    from petrg.report import Report

__all__ = ["draft_studies", "expect_shared", "studies_at", "write_each"]

_SHARED = {"quantity", "tracer", "log_json"}


def studies_at(paths: Sequence[Path], out: Path) -> list[Path]:
    """The studies named: each path one, or the folders and zip files in a single folder, by name; never ``out``.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    if len(paths) > 1 or not paths[0].is_dir():
        return list(paths)
    inside = sorted(p for p in paths[0].iterdir() if not p.name.startswith("."))
    studies = (p for p in inside if p.is_dir() or p.suffix.lower() == ".zip")
    found = [p for p in studies if p.resolve() != out.resolve()]
    if not found:
        raise InputError("the folder holds no folder or zip", "one for each study", "name the studies one by one")
    return found


def expect_shared(*options: StudyOptions | MaskOptions) -> None:
    """Refuse what is true of one patient only where it would be said of several.

    Raises
    ------
    InputError
        If such an option was given.
    """
    given = {name: value for group in options for name, value in vars(group).items() if name not in _SHARED}
    for name in (name for name, value in given.items() if value is not None):
        option = f"--{name.replace('_', '-')}"
        raise InputError(f"{option} for several studies", "what is true of all", f"leave {option} or --each out")


def draft_studies(
    paths: Sequence[Path],
    writer: NeuralWriter | None,
    reading: Mapping[str, Any],
    asked: Mapping[str, Any],
    *,
    batch: int,
    deidentify: bool,
) -> Iterator[Written | PetrgError]:
    """A report of each path in turn, in a network's words or by rule; what is wrong with one stops no other.

    ``reading`` goes to `petrg.imaging.read_study`, ``asked`` to the writer.
    """
    from petrg.draft.neural_many import draft_each

    sources = [_source(path, reading, ct=not asked["pet_only"]) for path in paths]
    if writer is None:
        return _by_rule(sources, {**asked, "deidentify": deidentify})
    return draft_each(sources, writer, batch=batch, deidentify=deidentify, **asked)


def _source(path: Path, reading: Mapping[str, Any], *, ct: bool) -> Callable[[], Study]:
    def read() -> Study:
        from petrg.imaging import read_study, require

        study = require(read_study(path, **reading), ct=ct)
        study.suv()
        return study

    return read


def _by_rule(sources: Iterable[Callable[[], Study]], how: Mapping[str, Any]) -> Iterator[Written | PetrgError]:
    from petrg.draft.neural_many import Written
    from petrg.draft.pipeline import draft

    for source in sources:
        try:
            study = source()
            yield Written(study, draft(study, **how), "")
        except PetrgError as error:
            yield error


def write_each(
    paths: Sequence[Path],
    made: Iterable[Written | PetrgError],
    out: Path,
    write: Callable[[Report, Study, Path, Mapping[str, str]], Sequence[str]],
) -> None:
    """Write each report to a folder of its own under ``out``, named as its study; each whole before the next.

    Raises
    ------
    InputError
        At the end, if a study gave no report; its line was printed when its turn came.
    """
    from petrg.draft.neural_text import printable

    used: list[str] = []
    failed = 0
    for number, one in enumerate(made, 1):
        if isinstance(one, PetrgError):
            failed += 1
            screen.complain(f"study {number} of {len(paths)}: {one}")
            continue
        name = _unused(one.study.id, used)
        texts = {"draft.txt": printable(one.text) + "\n"} if one.text else {}
        names = write(one.report, one.study, out / name, texts)
        for note in one.report.problems:
            screen.warn(Problem(note.code, f"{name}: {note.text}"))
        screen.say(f"{name}: {', '.join(names)}")
        screen.event("written", study=name, number=number, files=list(names))
    if failed:
        raise InputError(f"{failed} of {len(paths)} studies gave no report", "a report of each", "see the lines above")
    screen.event("done", studies=len(paths))


def _unused(name: str, used: list[str]) -> str:
    """``name``, numbered where a study before has it; noted as used."""
    free = next(k for k in (name, *(f"{name}-{n}" for n in range(2, len(used) + 3))) if k not in used)
    used.append(free)
    return free
