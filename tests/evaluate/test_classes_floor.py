"""Gaps never pay: none, however chosen, lifts a class score above that of the whole prediction."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.evaluate.classes.classes import ClassFamily, macro_f1
from petrg.evaluate.classes.codes import PET
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.report import Structure, Uptake

IDS = ["a", "b"]


def random_labels(rng: np.random.Generator) -> dict[str, dict[Region, Cell]]:
    """Mostly normal, as reports are."""
    pet, ct = [0.2, 0.1, 0.1, 0.05, 0.55], [0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.5]
    return {
        i: {
            r: Cell(pet=Uptake(1 + int(rng.choice(5, p=pet))), ct=Structure(1 + int(rng.choice(8, p=ct))))
            for r in Region
        }
        for i in IDS
    }


def family(reference: dict[str, dict[Region, Cell]], prediction: dict[str, dict[Region, Cell]]) -> ClassFamily:
    return ClassFamily(*(LabelSet(labeller="given", cases=c) for c in (reference, prediction)), IDS)


@given(seed=st.integers(0, 2**32 - 1), gaps=st.integers(0, 48), wrong_only=st.booleans(), invalid=st.booleans())
def test_no_gap_lifts_a_score_above_that_of_the_whole(seed: int, gaps: int, wrong_only: bool, invalid: bool) -> None:
    rng = np.random.default_rng(seed)
    reference, prediction = random_labels(rng), random_labels(rng)
    whole = {k: s.value() for k, s in family(reference, prediction).statistics().items()}
    places = [(i, r) for i in IDS for r in Region]
    if wrong_only:  # the cunning one: leaves out just what it would get wrong
        places = [(i, r) for i, r in places if reference[i][r].pet is not prediction[i][r].pet]
    for k in rng.permutation(len(places))[:gaps]:
        case, region = places[k]
        if invalid:
            prediction[case][region] = Cell(pet_fault=True, ct_fault=True)
        else:
            del prediction[case][region]
    for key, statistic in family(reference, prediction).statistics().items():
        assert statistic.value() <= whole[key] + 1e-9, key


def test_the_score_is_at_most_the_least_of_all_ways_to_fill_the_gaps_and_near_it() -> None:
    table = np.zeros((5, 6))
    table[0, 0], table[0, 1], table[1, 1], table[4, 4], table[3, 3] = 3, 1, 2, 9, 1
    table[0, 5], table[4, 5] = 2, 2
    found = []
    for fill in product(range(5), repeat=4):  # the classes the four missing labels might have been given
        given_all = table.copy()
        given_all[:, 5] = 0
        np.add.at(given_all, (np.repeat([0, 4], 2), list(fill)), 1)
        hits = np.diagonal(table)  # a true class named by chance is no hit here
        found.append(100 * (2 * hits / np.maximum(given_all.sum(axis=1) + given_all.sum(axis=0)[:5], 1)).mean())
    score = float(macro_f1(table.ravel(), PET, range(5)))
    assert score <= min(found) + 1e-9
    assert score == pytest.approx(min(found), abs=0.5)  # a label may be shared between classes


def test_many_tables_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(3)
    tables = rng.integers(0, 9, (50, 30)).astype(float)
    tables[::3].reshape(-1, 5, 6)[:, :, 5] = 0
    together = macro_f1(tables, PET, range(4))
    assert together == pytest.approx([float(macro_f1(table, PET, range(4))) for table in tables])


def test_nothing_given_scores_nothing() -> None:
    table = np.zeros((5, 6))
    table[:, 5] = [3, 1, 2, 1, 9]
    assert float(macro_f1(table.ravel(), PET, range(5))) == 0.0
