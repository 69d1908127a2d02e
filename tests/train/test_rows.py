"""What a row shows and teaches, and in which order and company rows are learned."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_train import EVERYTHING, toy
from torch import nn

from petrg.errors import ModelError
from petrg.model.vit import ViT3D, keep_patches
from petrg.train.augment import changes_of
from petrg.train.config import Augment, Dropout
from petrg.train.examples import Shown, shown
from petrg.train.order import BucketedBatches
from petrg.train.run import Run, prepare
from petrg.train.scratch import new_tokenizer


def test_the_loss_does_not_depend_on_the_batch(frozen: Run, seeing: Run) -> None:
    for ready in (frozen, seeing):
        ready.learner.eval()
        cases = ready.split("train")
        examples = [ready.examples.example(c, EVERYTHING) for c in cases[:2]]
        rows = [len([k for k in e.row.labels if k != -100]) for e in examples]
        with torch.no_grad():
            ready.learner(**ready.collate(examples))
            both = float(ready.learner.said["text"])
            alone = []
            for example in examples:
                ready.learner(**ready.collate([example]))
                alone.append(float(ready.learner.said["text"]))
        assert math.isclose(both, float(np.average(alone, weights=rows)), abs_tol=1e-5)


def test_rows_are_filled_up_to_the_longest_and_no_further(frozen: Run) -> None:
    examples = [frozen.examples.example(c, EVERYTHING) for c in frozen.split("train")]
    batch = frozen.collate(examples)
    assert batch["input_ids"].shape[1] == max(len(e.row.ids) for e in examples) < 2048


def test_what_is_shown_follows_the_seed() -> None:
    dropout = Dropout(template=0.3, ct=0.2, pet=0.2, images=0.1)
    drawn = [shown(dropout, 1, 0, f"s{k}") for k in range(4000)]
    assert drawn == [shown(dropout, 1, 0, f"s{k}") for k in range(4000)]
    assert drawn != [shown(dropout, 1, 1, f"s{k}") for k in range(4000)]
    share = {m: sum(d.modalities == m for d in drawn) / 4000 for m in (("ct", "pet"), ("ct",), ("pet",), ())}
    assert all(
        math.isclose(share[m], p, abs_tol=0.03)
        for m, p in {("ct", "pet"): 0.5, ("ct",): 0.2, ("pet",): 0.2, (): 0.1}.items()
    )
    assert math.isclose(sum(not d.template for d in drawn) / 4000, 0.3, abs_tol=0.03)


def test_a_row_shows_only_what_it_may(frozen: Run) -> None:
    processor, case = frozen.processor, frozen.split("train")[0]
    for what in (EVERYTHING, Shown(False, ("ct",)), Shown(True, ("pet",)), Shown(False, ())):
        example = frozen.examples.example(case, what)
        for modality in ("ct", "pet"):
            marker = processor.tokenizer.convert_tokens_to_ids(f"<image_{modality}0>")
            assert (marker in example.row.ids) == (modality in what.modalities)
        mark = processor.tokenizer.convert_tokens_to_ids("<template>")
        assert (mark in example.row.ids) == what.template
        assert (example.images is None) == (not what.modalities)


def test_the_answer_and_the_end_are_taught_and_nothing_else(frozen: Run) -> None:
    case = frozen.split("train")[0]
    row = frozen.examples.example(case, EVERYTHING).row
    taught = [k for k in row.labels if k != -100]
    tokenizer = frozen.processor.tokenizer
    assert taught[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(taught[:-1]) == case.answer


def test_a_report_longer_than_the_recipe_allows_is_refused_before_training(tmp_path: Path) -> None:
    changes = {"name": "x", "input": {"spacing_mm": [32.0] * 3}, "supervision": {"max_length": 100}}
    with pytest.raises(ModelError, match=r"case 1 of train: .* tokens — expected at most 100"):
        prepare(toy(recipe_changes=changes), tmp_path)


@pytest.mark.parametrize("never", ["template", "pet", "images"])
def test_what_is_never_shown_makes_no_row_too_long(never: str, tmp_path: Path) -> None:
    """A row of everything would be: room is for the longest that the run shows."""
    changes = {"name": "x", "input": {"spacing_mm": [32.0] * 3}}
    shares = {"template": 0.0, "ct": 0.0, "pet": 0.0, "images": 0.0}
    whole = prepare(toy(recipe_changes=changes, dropout=shares), tmp_path / "whole").examples.lengths()
    ready = prepare(toy(recipe_changes=changes, dropout={**shares, never: 1.0}), tmp_path / "own")
    lengths = ready.examples.lengths()
    assert lengths == [len(ready.examples[0, k].row.ids) for k in range(len(lengths))]
    assert all(own < more for own, more in zip(lengths, whole, strict=True))
    short = {**changes, "supervision": {"max_length": max(lengths)}}
    assert prepare(toy(recipe_changes=short, dropout={**shares, never: 1.0}), tmp_path / "short")
    with pytest.raises(ModelError, match="expected at most"):
        prepare(toy(recipe_changes=short, dropout=shares), tmp_path / "long")


def test_any_text_can_be_written_with_a_learned_tokenizer() -> None:
    tokenizer = new_tokenizer(["肝脏未见异常。SUVmax约<suvmax>"] * 3, 300)
    text = "肾 kidney ☃ <suvmax>，<long>。\n"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert len(tokenizer("<suvmax>", add_special_tokens=False)["input_ids"]) == 1


def test_shifts_move_the_targets_too_and_never_mirror(seeing: Run) -> None:
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [4.0] * 3}}).typed_recipe
    change = changes_of(Augment(shift_mm=8.0, noise=0.0), recipe)
    assert change is not None
    volume = torch.zeros(1, 9, 9, 9)
    volume[0, 4, 4, 5] = 1.0
    images = {"ct": volume - 1, "pet": volume, "lesions": volume[0].to(torch.uint8)}
    seen = set()
    for k in range(60):
        moved = change(images, np.random.default_rng(k))
        at = moved["pet"][0].nonzero()[0]
        assert torch.equal(at, moved["lesions"].nonzero()[0])
        assert torch.equal(moved["ct"], moved["pet"] - 1)
        assert int((at - torch.tensor([4, 4, 5])).abs().max()) <= 2
        seen.add(tuple(at.tolist()))
    assert len(seen) > 20
    with pytest.raises(ModelError, match="at most the recipe's margin"):
        changes_of(Augment(shift_mm=40.0), recipe)
    noisy = changes_of(Augment(noise=0.1), recipe)
    assert noisy is not None
    assert torch.equal(noisy(images, np.random.default_rng(0))["pet"][0, 0, 0], torch.zeros(9))  # air stays air


def test_a_smaller_volume_keeps_its_place_in_mm(seeing: Run) -> None:
    """In a larger grid every patch is what it was: more below, more on both sides; more above moves the top."""
    own = seeing.examples.example(seeing.split("train")[0], EVERYTHING).images
    assert own is not None
    shape = toy().model.network
    assert shape is not None
    vision = ViT3D(shape.vision).eval()  # a linear stem: convolutions would see a little over a patch's edge

    def seen(below: int, above: int) -> torch.Tensor:
        pads = (8, 8, 0, 0, 4 * below, 4 * above)
        z, y, x = (n // 4 for n in own["ct"].shape[1:])
        wanted = nn.functional.pad(own["wanted"].view(z, y, x), (2, 2, 0, 0, below, above)).flatten()
        with torch.no_grad():
            return vision(nn.functional.pad(own["ct"], pads, value=-1.0)[None], keep_patches(wanted[None]))

    with torch.no_grad():
        before = vision(own["ct"][None], keep_patches(own["wanted"][None]))
    assert torch.allclose(seen(1, 0), before, atol=1e-5)
    assert not torch.allclose(seen(0, 1), before, atol=1e-2)


def test_volumes_of_two_sizes_stand_side_by_side_only_where_positions_are_in_mm(seeing: Run) -> None:
    rows = [seeing.examples.example(case, EVERYTHING) for case in seeing.split("train")[:2]]
    images = rows[1].images
    assert images is not None
    longer = {name: torch.cat((t, t[..., :4, :, :]), dim=-3) if t.ndim >= 3 else t for name, t in images.items()}
    longer["wanted"] = torch.ones(int(np.prod([n // 4 for n in longer["ct"].shape[1:]])), dtype=torch.bool)
    rows[1] = replace(rows[1], images=longer)
    assert seeing.collate(rows)["ct"].shape[0] == 2
    with pytest.raises(ModelError, match=r"volumes of different size .* expected one size, .* set batches\.cases = 1"):
        replace(seeing.collate, movable=False)(rows)


def test_every_case_is_seen_once_an_epoch_in_another_order() -> None:
    order = BucketedBatches([3, 9, 4, 1, 7, 5, 5, 2], 3, 7)
    first = [i for batch in order.all(0) for i in batch]
    second = [i for batch in order.all(1) for i in batch]
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert order.all(0) == order.all(0)


def test_rows_of_like_length_are_side_by_side() -> None:
    lengths = np.random.default_rng(0).integers(100, 2000, 256)
    spread = [np.ptp(lengths[b]) for b in BucketedBatches(lengths.tolist(), 8, 1).all(0)]
    assert np.mean(spread) < 150 < np.ptp(lengths) / 4
