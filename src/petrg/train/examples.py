"""Cases as rows to learn from: what is shown of each in an epoch, and rows side by side as a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from petrg.errors import ModelError
from petrg.model.processor import PETRG3DProcessor
from petrg.model.prompt import IGNORED, Ask, Encoded
from petrg.report import Structure, Uptake
from petrg.train.cases import REGIONS, TrainCase
from petrg.train.config import Dropout, TrainConfig
from petrg.train.images import UNKNOWN, Named, shown_images
from petrg.train.seeds import generator, seed_of

__all__ = ["Example", "Examples", "Shown", "ask_of", "no_classes", "shown", "usual"]


@dataclass(frozen=True)
class Shown:
    """What of a case is shown."""

    template: bool
    modalities: tuple[str, ...]


def shown(dropout: Dropout, *what: int | str) -> Shown:
    """What of a case is shown, drawn from ``what`` (seed, epoch, study id)."""
    rng = generator(*what, "shown")
    template, images = rng.random() >= dropout.template, rng.random()
    if images < dropout.images:
        return Shown(template, ())
    if images < dropout.images + dropout.ct:
        return Shown(template, ("pet",))
    return Shown(template, ("pet", "ct")[1:] if images < dropout.images + dropout.ct + dropout.pet else ("ct", "pet"))


def usual(dropout: Dropout) -> Shown:
    """What a run shows where it leaves nothing out by chance: all but what it never shows.

    >>> usual(Dropout(template=1.0, ct=0.3, pet=0.2))
    Shown(template=False, modalities=('ct', 'pet'))
    >>> usual(Dropout(ct=1.0)).modalities, usual(Dropout(images=1.0)).modalities
    (('pet',), ())
    """
    never = {m for m, share in (("ct", dropout.ct), ("pet", dropout.pet)) if dropout.images == 1 or share == 1}
    return Shown(dropout.template < 1, tuple(m for m in ("ct", "pet") if m not in never))


def ask_of(case: TrainCase, what: Shown) -> Ask:
    """The question of a case."""
    return Ask(
        template=case.template if what.template else None,
        hospital=case.hospital,
        sex=case.sex,
        language=case.language,
        modalities=what.modalities,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One row: its tokens, its images, and the seed of its random acts."""

    row: Encoded
    seed: int
    modalities: tuple[str, ...]
    images: Named | None = None
    classes: Tensor | None = None


class Examples(Dataset[Example]):
    """Rows by (epoch, index); the same key gives the same row, whenever and wherever it is asked for.

    Parameters
    ----------
    images : callable or None
        A case's tensors (cached features or prepared volumes); None where no image is shown.
    change : callable, optional
        Augmentation: tensors and numpy's generator to tensors.
    """

    def __init__(
        self,
        cases: Sequence[TrainCase],
        processor: PETRG3DProcessor,
        config: TrainConfig,
        images: Callable[[Any], Named] | None,
        change: Callable[[Named, np.random.Generator], Named] | None = None,
    ) -> None:
        self.cases, self.processor, self.config = cases, processor, config
        self.images, self.change = images, change

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, key: Any) -> Example:
        epoch, index = key
        case = self.cases[index]
        what = (self.config.seed, epoch, case.id)
        example = self.example(case, shown(self.config.dropout, *what), seed_of(*what))
        if self.change is None or example.images is None:
            return example
        changed = self.change(example.images, generator(*what, "augment"))
        return Example(**{**vars(example), "images": changed})

    def example(self, case: TrainCase, what: Shown, seed: int = 0) -> Example:
        """A case with just so much shown of it."""
        what, images = self._shown(what), None
        if self.images is not None and what.modalities:
            images = shown_images(self.images(case.source), what.modalities)
        return Example(
            row=self.processor.answer(ask_of(case, what), case.answer),
            seed=seed,
            modalities=what.modalities,
            images=images,
            classes=_classes(case),
        )

    @property
    def usual(self) -> Shown:
        """What the run shows of a case: all but what it never shows (`usual`)."""
        return self._shown(usual(self.config.dropout))

    def _shown(self, what: Shown) -> Shown:
        return Shown(what.template, ()) if self.images is None else what

    def lengths(self) -> list[int]:
        """Tokens of each row at its longest, with all that the run ever shows.

        Raises
        ------
        ModelError
            If a row is longer than the recipe allows, or so long a prompt that nothing of its report is left to learn;
            it is named by its number within its split.
        """
        return [len(self._row(case, k).ids) for k, case in enumerate(self.cases, 1)]

    def _row(self, case: TrainCase, number: int) -> Encoded:
        ask = ask_of(case, self.usual)
        try:
            row = self.processor.answer(ask, case.answer)
        except ModelError as error:
            raise ModelError(f"case {number} of {case.split}: {error.found}", error.expected, error.do) from error
        if all(label == IGNORED for label in row.labels):
            limit = self.processor.typed_recipe.supervision.max_length
            text = self.processor.text(ask)
            prompt = len(self.processor.tokenizer(text, add_special_tokens=False)["input_ids"])
            raise ModelError(
                f"case {number} of {case.split}: a prompt of {prompt} tokens leaves nothing of its report to learn",
                f"fewer than {limit}, where the recipe cuts",
                "raise supervision.max_length, or shorten the template",
            )
        return row


def _classes(case: TrainCase) -> Tensor | None:
    """(24, 2): which of the uptakes and of the structures each region has; None where it is not known."""
    if case.classes is None:
        return None
    uptakes, structures = list(Uptake), list(Structure)
    normal = Uptake.NORMAL, Structure.NORMAL
    pairs = [case.classes.get(region, normal) for region in REGIONS]
    return torch.tensor([[uptakes.index(u), structures.index(s)] for u, s in pairs])


def no_classes() -> Tensor:
    """Classes of a case of which nothing is known."""
    return torch.full((len(REGIONS), 2), UNKNOWN)
