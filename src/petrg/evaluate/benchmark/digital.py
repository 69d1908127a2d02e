"""A benchmark of digital patients: truth known, reports worded from it, no patient data."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from petrg.anatomy import Region
from petrg.errors import OutputError, ScoreError
from petrg.evaluate.benchmark.content import IMAGES
from petrg.evaluate.benchmark.description import Description
from petrg.evaluate.benchmark.make import Content, write_benchmark
from petrg.evaluate.benchmark.wording import reference_report
from petrg.evaluate.benchmark.words import words
from petrg.evaluate.cases.meta import Patient
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.language import Style, load_style
from petrg.language.style import DEFAULT_STYLES
from petrg.phantom import GENERATOR, Truth, make, write_nifti
from petrg.phantom.images import grids, paint_pet
from petrg.phantom.patient import plan_patient, tell
from petrg.phantom.spec import draw
from petrg.progress import Progress, silent, track

__all__ = ["TRUTH", "case_seeds", "make_digital", "truth_of"]

TRUTH = f"truth of {GENERATOR}"
"""The labeller of the labels: nobody read them anywhere."""
LICENCE = "Apache-2.0"


def make_digital(
    directory: Path,
    *,
    cases: int = 200,
    seed: int = 0,
    language: str = "zh",
    styles: Sequence[str] = (),
    images: bool = False,
    licence: str = "",
    workers: int = 1,
    progress: Progress = silent,
) -> Description:
    """Make digital patients, and of each the reference report and the labels that its truth implies.

    Patients are those of ``petrg.phantom`` at the small size: both sexes, a fifth without a lesion, the rest with 1 to
    6, up to three findings of CT alone. Which they are depends on ``seed`` and their number alone, not on language,
    style or workers.

    Parameters
    ----------
    directory : Path
        Absent or empty.
    cases : int
        From 1.
    seed : int
        From 0.
    language : "zh" or "en"
    styles : sequence of names or TOML files
        Hospitals; patients are dealt to them in turn. Default the language's usual one.
    images : bool
        Store CT and PET of every patient as NIfTI, with the truth, in ``images/``.
    licence : str
        Default petrg's own.
    workers : int
        Processes; more than one are started anew, so a script that asks for them needs ``if __name__ == "__main__"``.

    Raises
    ------
    ScoreError
        If a number, the language or a style is none that can be used, or the folder is not empty.
    StyleError
        If a style cannot be read.
    OutputError
        If the folder cannot be written.
    """
    if cases < 1 or seed < 0:
        raise ScoreError(f"{cases} cases, seed {seed}", "at least 1 case, a seed from 0", "give others")
    hospitals = _styles(language, styles)
    directory = Path(directory)
    if directory.is_dir() and any(directory.iterdir()):
        raise ScoreError("the output folder is not empty", "a new or an empty folder", "choose another -o")
    seeds = case_seeds(seed, cases)
    with _aside(directory, images) as store:
        truths = _truths(seeds, store, workers, progress)
        content, free = _content(seeds, truths, hospitals, store)
        names = " ".join(f"--style {style.name}" for style in hospitals)
        return write_benchmark(
            directory,
            content,
            name=f"phantom-{language}",
            version=f"{cases} cases, seed {seed}",
            title=f"Digital patients in the style of {', '.join(style.name for style in hospitals)}",
            language=language,
            tokenizer={"zh": "jieba"}.get(language, language),
            licence=licence or LICENCE,
            citation=f"petrg, digital patients of {GENERATOR}",
            labels="truth",
            made_by=f"make-phantom --cases {cases} --seed {seed} --language {language} {names}",
            missing=() if images else ("images: not stored; the same call with --images stores them",),
            notes=(f"{free} of {cases} patients have no lesion", "references are worded from the truth by rules"),
            sources={"generator": GENERATOR, **{f"style {s.name}": s.sha256 for s in hospitals}},
        )


def case_seeds(seed: int, cases: int) -> tuple[int, ...]:
    """The phantom's seed of each case: consecutive, from a start drawn by ``seed``.

    The phantom walks its lesions through the 24 regions over 24 seeds in a row, so that every region has its share.

    >>> case_seeds(1, 3)[0] % 24, len(set(case_seeds(1, 3)) & set(case_seeds(2, 3)))
    (0, 0)
    """
    start = int(np.random.SeedSequence([seed, *b"benchmark"]).generate_state(1)[0]) % 100_000_000 // 24 * 24
    return tuple(range(start, start + cases))


def truth_of(seed: int) -> Truth:
    """The truth of a patient, as `petrg.phantom.make` tells it at the small size, without painting the CT."""
    spec = draw(seed, sex=None, arms=None, coverage="whole", noise=False, size="small")
    patient = plan_patient(spec, lesions=None, ct_only=None)
    _, grid = grids(spec, patient.frame)
    clean, _ = paint_pet(patient.items, grid)
    return tell(patient, clean, grid)


def _case(seed: int, store: Path | None) -> Truth:
    """In a worker: the truth of a case, its images stored where asked for."""
    if store is None:
        return truth_of(seed)
    phantom = make(seed, lesions=None, size="small")
    write_nifti(phantom, store / _id(seed))
    return phantom.truth


def _id(seed: int) -> str:
    return f"phantom-{seed:08d}"


def _styles(language: str, names: Sequence[str]) -> tuple[Style, ...]:
    words(language)
    styles = tuple(load_style(name) for name in names or (DEFAULT_STYLES[language],))
    for style in styles:
        if style.language != language:
            raise ScoreError(
                f"style {style.name!r} is of language {style.language}", f"one of {language}", "give another"
            )
    if len({style.name for style in styles}) < len(styles):
        raise ScoreError("a style is named twice", "each hospital once", "leave one out")
    return styles


@contextmanager
def _aside(directory: Path, images: bool) -> Iterator[Path | None]:
    """A folder beside the output in which images wait; None where none are stored."""
    if not images:
        yield None
        return
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        store = Path(tempfile.mkdtemp(prefix=".petrg-", dir=directory.parent))
    except OSError as error:
        raise OutputError(
            f"cannot write the output: {error.strerror}", "a writable folder", "choose another -o"
        ) from error
    try:
        yield store
    finally:
        shutil.rmtree(store, ignore_errors=True)


def _truths(seeds: Sequence[int], store: Path | None, workers: int, progress: Progress) -> list[Truth]:
    work = partial(_case, store=store)
    count = min(workers, len(seeds))
    step = "making digital patients"
    if count < 2:
        return list(track(map(work, seeds), step, progress, len(seeds)))
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(track(pool.map(work, seeds, chunksize=4), step, progress, len(seeds)))


def _content(
    seeds: Sequence[int], truths: Sequence[Truth], styles: Sequence[Style], store: Path | None
) -> tuple[Content, int]:
    """The content, and how many patients have no lesion."""
    dealt = {_id(s): (truth, styles[i % len(styles)]) for i, (s, truth) in enumerate(zip(seeds, truths, strict=True))}
    template = {style.name: {sex: style.template(sex) for sex in ("F", "M")} for style in styles}
    content = Content(
        references={key: reference_report(truth, style) for key, (truth, style) in dealt.items()},
        patients={key: Patient(truth.spec.sex, style.name) for key, (truth, style) in dealt.items()},
        template=(json.dumps(template, ensure_ascii=False, indent=1) + "\n").encode(),
        labels=LabelSet(labeller=TRUTH, cases={key: _cells(truth) for key, (truth, _) in dealt.items()}),
        more=None if store is None else lambda folder: _move(store, folder / IMAGES),
    )
    return content, sum(not truth.lesions for truth in truths)


def _cells(truth: Truth) -> dict[Region, Cell]:
    return {
        region: Cell(
            pet=label.pet,
            ct=label.ct,
            suv_max=None if label.suv_max is None else round(label.suv_max, 1),
            description=label.description,
        )
        for region, label in truth.labels.items()
    }


def _move(store: Path, target: Path) -> None:
    target.mkdir()
    for item in sorted(store.iterdir()):
        item.rename(target / item.name)
