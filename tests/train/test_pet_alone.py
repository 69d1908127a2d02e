"""What is looked at where the PET is shown alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_train import toy

from petrg.model.inputs import study_input
from petrg.train import run
from petrg.train.examples import Shown


@pytest.mark.parametrize("vision", ["trained", "frozen-cached"])
def test_a_dropped_ct_leaves_what_a_study_without_ct_is_drafted_from(vision: str, tmp_path: Path) -> None:
    """The PET alone finds another body than the CT does; training looks where drafting will."""
    more: dict[str, Any] = {"parts": ["vision"]} if vision == "trained" else {}
    config = toy(
        vision=vision,
        recipe_changes={"name": "toy", "input": {"spacing_mm": [16.0] * 3, "margin_mm": 0.0}},
        model__network__vision__patch=[2, 2, 2],
        data={"kind": "phantoms", "train": 1, "validation": 0, "text": "abnormal"},
        **more,
    )
    ready = run.prepare(config, tmp_path / "out")
    (case,) = ready.cases
    assert case.source is not None
    study = case.source.read(stored=False).study
    assert study is not None
    patch = ready.network.config.parts.vision.patch
    whole, alone = (study_input(study, config.typed_recipe, patch, use=use) for use in (("ct", "pet"), ("pet",)))
    assert not np.array_equal(whole.wanted, alone.wanted), "else nothing is shown here"
    ready.learner.eval()
    for seen, use in ((whole, ("ct", "pet")), (alone, ("pet",))):
        volumes = [None if v is None else torch.from_numpy(v)[None] for v in (seen.ct, seen.pet)]
        kept = seen.kept(torch.device("cpu"))
        drafted = ready.network.see(*volumes, kept)
        batch = ready.collate([ready.examples.example(case, Shown(True, use))])
        learned = ready.learner._tokens(batch.get("ct"), batch.get("pet"), batch.get("at"), batch.get("there"))
        for one, other in zip(learned, drafted, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                assert one.shape == other.shape
                assert torch.equal(one, other)
        if vision == "trained":
            assert torch.equal(batch["at"], kept.at)


def test_rows_with_and_without_ct_stand_side_by_side(tmp_path: Path) -> None:
    config = toy(
        recipe_changes={"name": "toy", "input": {"spacing_mm": [16.0] * 3}}, model__network__vision__patch=[2, 2, 2]
    )
    ready = run.prepare(config, tmp_path / "out")
    shown = [Shown(True, ("ct", "pet")), Shown(True, ("pet",))]
    rows = [ready.examples.example(case, what) for case, what in zip(ready.cases, shown, strict=False)]
    batch, single = ready.collate(rows), [ready.collate([row]) for row in rows]
    assert batch["ct"].shape == batch["pet"].shape
    count = [one["pet"].shape[1] for one in single]
    assert batch["there"].sum(dim=1).tolist() == count
    for row, one in enumerate(single):
        assert torch.equal(batch["pet"][row, : count[row]], one["pet"][0])
        lesions = one["lesions"][0]
        assert torch.equal(batch["lesions"][row, : len(lesions), : count[row]], lesions)
