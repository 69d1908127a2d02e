"""The tiny network learns four digital patients by their images: the right image alone gives the right text.

Four patients are told apart without left and right, so it learns sides from a patient and its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from petrg.model import PETRG3D, PETRG3DProcessor
from petrg.train import read_config, run
from petrg.train.examples import Example, Shown
from petrg.train.images import Named
from petrg.train.run import Run, Trained, train
from petrg.train.validate import write_texts

SETS = (
    "data.train=4",
    "data.validation=0",
    "data.sex='F'",  # equal prompts: only the images tell the cases apart
    "data.lesions=3",
    "dropout.template=1.0",
    "recipe_changes.input.spacing_mm=[24.0, 24.0, 24.0]",
    "model.scratch.vocabulary=1200",
    "model.network.vision.depth=1",
    "model.network.resampler.depth=1",
    "losses.latent_regions=1.0",
    "losses.attention=0.2",
    "optimiser.lr=4e-3",
    "batches.epochs=120",
    "keep.every_epochs=120",
)
IMAGES = Shown(False, ("ct", "pet"))
Changed = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


@dataclass
class Learned:
    ready: Run
    done: Trained


def learn(out: Path, sets: tuple[str, ...], change: Callable[[Run], None] = lambda ready: None) -> Learned:
    """A run, and what it was made of; ``change`` is made before its first step."""
    kept: list[Run] = []
    own = run.prepare

    def keeping(*args: Any, **kwargs: Any) -> Run:
        kept.append(own(*args, **kwargs))
        change(kept[0])
        return kept[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "prepare", keeping)
        done = train(read_config("tiny", sets), out)
    kept[0].learner.eval()
    return Learned(kept[0], done)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learn(tmp_path_factory.mktemp("learned") / "run", SETS)


@pytest.fixture(scope="module")
def sided(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """Two reports, the second of the mirror image of the first's patient."""

    def mirror(ready: Run) -> None:
        first, second = (case.source for case in ready.split("train"))
        images: Any = ready.examples.images
        sides = ready.network.config.parts.vision.patch
        ready.examples.images = lambda source: mirrored(images(first), sides) if source is second else images(source)

    return learn(tmp_path_factory.mktemp("sided") / "run", (*SETS, "data.train=2"), mirror)


def mirrored(images: Named, patch: tuple[int, int, int]) -> Named:
    """Left for right, whatever lies on the grid or tells of its patches."""
    grid = tuple(n // p for n, p in zip(images["ct"].shape[1:], patch, strict=True))
    out = {name: t.flip(-1) for name, t in images.items() if t.ndim >= 3}
    out |= {name: t.view(grid).flip(-1).flatten() for name, t in images.items() if name.endswith("wanted")}
    return images | out


@torch.no_grad()
def loss(ready: Run, text: int, image: int, change: Changed = dict) -> float:
    """The loss of one case's text beside another's image."""
    cases = ready.split("train")
    own, other = (ready.examples.example(cases[k], IMAGES) for k in (text, image))
    batch = change(ready.collate([Example(**{**vars(own), "images": other.images})]))
    ready.learner(**batch)
    return float(ready.learner.said["text"])


def test_its_own_image_is_better_than_every_other(learned: Learned) -> None:
    table = [[loss(learned.ready, text, image) for image in range(4)] for text in range(4)]
    for text in range(4):
        assert table[text][text] < 0.5 * min(table[text][k] for k in range(4) if k != text), table


def test_swapping_images_swaps_the_texts(learned: Learned) -> None:
    ready = learned.ready
    cases = ready.split("train")
    assert len({c.answer for c in cases}) == 4
    for turn in range(4):
        seen = [*cases[turn:], *cases[:turn]]
        drafts = write_texts(ready.learner, ready.examples, ready.collate, cases, images_of=seen, longest=200)
        assert [d.text for d in drafts] == [c.answer for c in seen]
        assert all(d.ended for d in drafts)


def swapped(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**batch, "ct": batch["pet"], "pet": batch["ct"][:, :1]}


def flipped(axis: int) -> Changed:
    return lambda batch: {**batch, **{m: batch[m].flip(axis) for m in ("ct", "pet")}}


def shifted(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**batch, **{m: batch[m].roll(6, dims=2) for m in ("ct", "pet")}}


@pytest.mark.parametrize("change", [swapped, flipped(2), shifted], ids=["CT for PET", "head for foot", "moved"])
def test_a_wrong_image_raises_the_loss(learned: Learned, change: Changed) -> None:
    own = [loss(learned.ready, k, k) for k in range(4)]
    wrong = [loss(learned.ready, k, k, change) for k in range(4)]
    assert sum(wrong) > 1.5 * sum(own), (own, wrong)


def test_left_for_right_is_the_other_report(sided: Learned) -> None:
    ready, cases = sided.ready, sided.ready.split("train")
    for text in range(2):
        own = loss(ready, text, text)
        assert own < 0.5 * loss(ready, text, 1 - text)
        assert own < 0.5 * loss(ready, text, text, flipped(4))
    for seen in (cases, cases[::-1]):
        drafts = write_texts(ready.learner, ready.examples, ready.collate, cases, images_of=seen, longest=200)
        assert [d.text for d in drafts] == [c.answer for c in seen]


def test_what_is_saved_writes_the_same(learned: Learned) -> None:
    """From the folder alone, as anyone would use it."""
    weights = learned.done.weights
    network = PETRG3D.from_pretrained(weights)
    assert network.config.domain == "phantoms"
    processor = PETRG3DProcessor.from_pretrained(weights)
    own = dict(learned.ready.network.state_dict())
    assert network.state_dict().keys() == own.keys()
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())
    text = learned.ready.split("train")[0].answer
    assert processor.tokenizer.decode(processor.tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_card_says_what_the_run_was(learned: Learned) -> None:
    card = (Path(learned.done.weights) / "README.md").read_text()
    assert "digital phantoms" in card
    assert "4 train" in card
    assert "seed 42" in card
