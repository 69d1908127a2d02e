"""Digital patients as a training set: painted when they are needed, worded from their truth."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from petrg.anatomy.parts import body_part
from petrg.evaluate.benchmark.wording import reference_report
from petrg.imaging import Quantity, Study, Volume
from petrg.language import Style, load_style
from petrg.language.style import DEFAULT_STYLES
from petrg.model.recipe import Recipe
from petrg.phantom import GENERATOR, LowRes, Truth, low_res
from petrg.phantom.anatomy import LABELS
from petrg.progress import Progress, silent, track
from petrg.report import Structure, Uptake
from petrg.train.as_slots import as_slots
from petrg.train.cases import REGIONS, Raw, Split, Targets, TrainCase
from petrg.train.config import Phantoms
from petrg.train.seeds import seed_of

__all__ = ["PhantomSource", "phantom_cases", "phantom_seeds"]

_FIRST: dict[Split, int] = {"train": 201_600_000, "validation": 600_000_000, "test": 1_008_000_000}
"""Where each split's seeds lie; those of benchmarks lie below 100,000,000 + their number."""
_WIDTH = 300_000_000
_WALK = 24  # seeds in a row walk the lesions through all regions
_ALONE = 32  # so few are made without further processes


def phantom_seeds(config: Phantoms, split: Split) -> tuple[int, ...]:
    """Seeds of a split: in a row, from a start that the set's seed draws.

    >>> few = Phantoms(train=3, validation=2)
    >>> set(phantom_seeds(few, "train")) & set(phantom_seeds(few, "validation"))
    set()
    """
    count = {"train": config.train, "validation": config.validation}.get(split, 0)
    start = _FIRST[split] + seed_of(config.seed, split) % (_WIDTH // _WALK) * _WALK
    return tuple(range(start, start + count))


@dataclass(frozen=True)
class PhantomSource:
    """A digital patient by its seed; painting it again gives the same voxels."""

    seed: int
    sex: Literal["F", "M"] | None
    lesions: int | None
    noise: bool
    content: str

    def read(self, *, stored: bool) -> Raw:
        """Paint it."""
        case = _paint(self.seed, self.sex, self.lesions, self.noise)
        if stored:
            return Raw(stored=(_as_stored(case.ct), _as_stored(case.pet)))
        study = Study(
            id=f"phantom-{self.seed}",
            ct=Volume(case.ct, case.grid, Quantity.HU),
            pet=Volume(case.pet, case.grid, Quantity.SUV_BW),
        )
        regions = _regions()[case.labels]
        numbers = tuple(REGIONS.index(lesion.region) for lesion in case.truth.lesions)
        return Raw(study=study, targets=Targets(regions=regions, lesions=case.lesions, lesion_regions=numbers))

    def digest(self) -> str:
        """Hash of its voxels and of its generator."""
        return self.content


def _paint(seed: int, sex: Literal["F", "M"] | None, lesions: int | None, noise: bool) -> LowRes:
    return low_res(seed, sex=sex, lesions=lesions, noise=noise)


def _as_stored(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """(z, y, x) of LPS as (i, j, k) of RAS, as the released model's NIfTI files are."""
    return np.ascontiguousarray(array.transpose(2, 1, 0)[::-1, ::-1])


@cache
def _regions() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for name, code in LABELS.items():
        if (part := body_part(name)) is not None:
            table[code] = 1 + REGIONS.index(part.region)
    return table


def phantom_cases(config: Phantoms, recipe: Recipe, progress: Progress = silent) -> list[TrainCase]:
    """Every case of the set: painted once for its truth and its hash."""
    styles = _styles(config)
    wanted: list[tuple[Split, int, int]] = [
        (split, i, seed) for split in ("train", "validation") for i, seed in enumerate(phantom_seeds(config, split))
    ]
    make = partial(_truth, config=config)
    told = _mapped(make, [seed for _, _, seed in wanted], progress)
    return [
        _case(config, recipe, styles[i % len(styles)], split, seed, truth, content)
        for (split, i, seed), (truth, content) in zip(wanted, told, strict=True)
    ]


def _mapped(make: partial[tuple[Truth, str]], seeds: Sequence[int], progress: Progress) -> list[tuple[Truth, str]]:
    step = "making digital patients"
    workers = min(len(os.sched_getaffinity(0)), len(seeds))
    if len(seeds) <= _ALONE or workers < 2:
        return list(track(map(make, seeds), step, progress, len(seeds)))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(track(pool.map(make, seeds, chunksize=4), step, progress, len(seeds)))


def _truth(seed: int, config: Phantoms) -> tuple[Truth, str]:
    case = _paint(seed, config.sex, config.lesions, config.noise)
    digest = hashlib.sha256(GENERATOR.encode())
    for array in (case.ct, case.pet, case.labels, case.lesions, case.grid.affine):
        digest.update(np.ascontiguousarray(array).tobytes())
    return case.truth, digest.hexdigest()


def _case(
    config: Phantoms, recipe: Recipe, style: Style, split: Split, seed: int, truth: Truth, content: str
) -> TrainCase:
    text = _worded(truth, style, config.text)
    return TrainCase(
        id=f"phantom-{seed}",
        patient=f"phantom-{seed}",
        split=split,
        answer=as_slots(text) if recipe.slots else text,
        language=style.language,
        sex=truth.spec.sex,
        hospital=style.name,
        template=style.template(truth.spec.sex),
        source=PhantomSource(seed, config.sex, config.lesions, config.noise, content),
        classes={r: (label.pet or Uptake.NORMAL, label.ct or Structure.NORMAL) for r, label in truth.labels.items()},
    )


def _worded(truth: Truth, style: Style, text: Literal["report", "abnormal"]) -> str:
    """The reference report; "abnormal" without what is healthy, unless nothing else is left."""
    whole = reference_report(truth, style)
    if text == "report":
        return whole
    ill = truth.model_copy(update={"findings": tuple(f for f in truth.findings if f.lesion_ids)})
    headless = style.layout.model_copy(update={"region_heading": "", "paragraph_headings": ()})
    bare = style.model_copy(update={"claims": (), "layout": headless})
    lines = (" ".join(line.split()) for line in reference_report(ill, bare).splitlines())
    return "\n".join(line for line in lines if line) or whole


def _styles(config: Phantoms) -> tuple[Style, ...]:
    return tuple(load_style(name) for name in config.styles or (DEFAULT_STYLES[config.language],))
