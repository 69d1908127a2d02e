"""A digital patient's report, its numbers taken out and filled in again from a record of its own truth."""

from __future__ import annotations

import re
from functools import cache

import pytest

from petrg.anatomy import Side
from petrg.draft.digits import numbers_in
from petrg.draft.neural_slots import choose_lesions
from petrg.draft.neural_text import read_text
from petrg.evaluate.benchmark.wording import reference_report
from petrg.language.style import load_style
from petrg.phantom import Truth, low_res
from petrg.report import LesionStatus, Record, Uptake, fill
from petrg.train.as_slots import as_slots

SEEDS = (201_600_000, 201_600_007, 201_600_009)
STYLES = ("zh-prose", "zh-structured", "zh-organ-list", "en-prose", "en-structured")


@cache
def truth_of(seed: int) -> Truth:
    """What is painted."""
    return low_res(seed, lesions=6, noise=False).truth


def record_of(truth: Truth, hand) -> Record:
    """What a perfect measurement of the PET would hold."""
    lesions = [
        hand.lesion(
            one.id,
            one.region,
            one.suv_max,
            one.side if one.side in (Side.LEFT, Side.RIGHT) else None,
            status=LesionStatus.LESION if one.uptake is Uptake.HIGH else LesionStatus.INDETERMINATE,
            nodal_group=one.nodal_group,
            axes_mm=(2 * one.radius_mm, 1.5 * one.radius_mm),
        )
        for one in truth.lesions
    ]
    return hand.record(hand.study(), lesions)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_come_back_from_the_record(seed: int, style: str, hand) -> None:
    truth = truth_of(seed)
    words = load_style(style)
    text = reference_report(truth, words)
    numbers = re.findall(r"\d+\.\d", text)
    slotted = as_slots(text)
    assert not re.search(r"\d\.\d", slotted)
    assert list(numbers_in(slotted)) == []
    record = record_of(truth, hand)
    told = read_text(slotted, words.language)
    choices = choose_lesions(told, record)
    assert len(choices) == len(numbers)
    of_ct = [f"{one.size_mm / 10:.1f}" for one in truth.ct_only]
    filled = 0
    for number, marker in zip(numbers, sorted(choices, key=lambda m: m.start), strict=True):
        found = choices[marker].text
        if not found:
            assert number in of_ct, "the record of a PET has no more than its foci"
            continue
        assert re.findall(r"\d+\.\d", fill(found, record)[0]) == [number]
        filled += 1
    assert filled == sum(1 + (one.structure is not None) for one in truth.lesions)
