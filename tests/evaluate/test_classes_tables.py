"""The tables behind the class scores: classes, regions, cases, confusions, counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from petrg.anatomy import Region
from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.classes.tables import case_columns, class_counts, class_rows, confusions, region_rows
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.report import Structure, Uptake

NORMAL = Cell(pet=Uptake.NORMAL, ct=Structure.NORMAL)


def labels(**cases: dict[Region, Cell]) -> LabelSet:
    """Cases whose other regions are normal."""
    return LabelSet(labeller="given", cases={k: {r: v.get(r, NORMAL) for r in Region} for k, v in cases.items()})


def pet(value: int) -> Cell:
    return Cell(pet=Uptake(value), ct=Structure.NORMAL)


def ct(value: int) -> Cell:
    return Cell(pet=Uptake.NORMAL, ct=Structure(value))


@pytest.fixture
def family() -> ClassFamily:
    """Liver avid in a and b, found in a; a spleen invented in b; physiologic bowel called avid; c is missing."""
    reference = labels(
        a={Region.LIVER: pet(1), Region.GI_TRACT: pet(3)}, b={Region.LIVER: pet(2)}, c={Region.SPINE: ct(6)}
    )
    prediction = labels(a={Region.LIVER: pet(1), Region.GI_TRACT: pet(1)}, b={Region.SPLEEN: pet(1)}, z={})
    return ClassFamily(reference, prediction, ["a", "b", "c"])


def test_classes(family: ClassFamily) -> None:
    rows = {(r.modality, r.value): r for r in class_rows(family)}
    assert len(rows) == 13
    high = rows["PET", 1]
    assert (high.name, high.support) == ("high", 1)
    assert (high.precision, high.recall, high.f1) == pytest.approx((1 / 3, 1.0, 0.5))
    normal = rows["PET", 5]
    assert normal.support == 22 + 23 + 24
    assert normal.recall == pytest.approx((22 + 22) / 69)
    assert rows["PET", 4].f1 == rows["PET", 4].precision == 0.0
    assert rows["CT", 6].support == 1
    assert rows["CT", 6].recall == 0.0


def test_confusions_have_a_column_for_what_is_missing(family: ClassFamily) -> None:
    pet_table, ct_table = confusions(family)
    assert (len(pet_table.counts), len(pet_table.counts[0])) == (5, 6)
    assert (len(ct_table.counts), len(ct_table.counts[0])) == (8, 9)
    assert [sum(row) for row in pet_table.counts] == [1, 1, 1, 0, 69]
    assert pet_table.counts[4] == (1, 0, 0, 0, 44, 24)
    assert sum(row[-1] for row in ct_table.counts) == 24


def test_regions(family: ClassFamily) -> None:
    rows = {r.region: r for r in region_rows(family)}
    assert list(rows) == [r.value for r in Region]
    liver = rows["liver"]
    assert liver.pet_accuracy == pytest.approx(1 / 3)
    assert liver.pet_abnormal == 2
    assert liver.pet_abnormal_f1 == pytest.approx(2 / 3)  # one of two found, none invented
    assert rows["spleen"].pet_abnormal_f1 == 0.0
    assert rows["gi-tract"].pet_abnormal == 0  # physiologic is not abnormal
    assert rows["brain"].pet_abnormal_f1 is None
    assert rows["brain"].pet_kappa is None or math.isfinite(rows["brain"].pet_kappa)
    assert rows["spine"].ct_abnormal == 1
    assert rows["spine"].ct_abnormal_f1 == 0.0


def test_kappa_of_a_region_by_hand() -> None:
    """Four cases, reference 1 1 5 5, prediction 1 5 5 5: seen .75, chance .5 x .25 + .5 x .75."""
    ids = ["a", "b", "c", "d"]
    reference = labels(a={Region.LIVER: pet(1)}, b={Region.LIVER: pet(1)}, c={}, d={})
    prediction = labels(a={Region.LIVER: pet(1)}, b={}, c={}, d={})
    row = next(r for r in region_rows(ClassFamily(reference, prediction, ids)) if r.region == "liver")
    assert row.pet_kappa == pytest.approx((0.75 - 0.5) / 0.5)
    assert row.ct_kappa is None  # all normal on both sides: chance alone is 1


def test_cases(family: ClassFamily) -> None:
    columns = case_columns(family)
    assert columns["PET-Wrong"] == [1, 2, 24]
    assert columns["CT-Wrong"] == [0, 0, 24]
    assert columns["PET-Abnormal-F1"] == [pytest.approx(2 / 3), 0.0, None]
    assert columns["CT-Abnormal-F1"] == [None, None, 0.0]


def test_counts_name_what_was_missing_invalid_extra_and_silent() -> None:
    reference = labels(a={Region.LIVER: Cell(ct=Structure.NORMAL)}, b={})
    cells = {r: NORMAL for r in Region if r is not Region.SPINE}
    cells[Region.LIVER] = Cell(pet=Uptake.HIGH, ct_fault=True)
    cells[Region.SPLEEN] = Cell(pet_fault=True)
    prediction = LabelSet(labeller="given", cases={"a": cells, "z": cells})
    counts = {c.key: (c.value, c.of) for c in class_counts(ClassFamily(reference, prediction, ["a", "b"]))}
    assert counts == {
        "prediction-missing": (1, 2),
        "region-missing": (1, 48),
        "pet-invalid": (1, 48),
        "ct-invalid": (1, 48),
        "prediction-extra": (1, None),
        "pet-all-classes": (1, 5),
        "ct-all-classes": (1, 8),
        "pet-abnormal-classes": (0, 4),
        "ct-abnormal-classes": (0, 7),
        "pet-124-classes": (0, 3),
        "reference-pet-silent": (1, 48),
        "reference-ct-silent": (0, 48),
        "prediction-pet-silent": (0, 48),
        "prediction-ct-silent": (1, 48),
    }


def test_region_tables_add_up_to_the_confusion(family: ClassFamily) -> None:
    accuracy = [r.pet_accuracy or 0.0 for r in region_rows(family)]
    assert np.mean(accuracy) == pytest.approx(family.statistics()["PET-Accuracy"].value() / 100)
    assert sum(v or 0 for v in case_columns(family)["PET-Wrong"]) == 72 - round(sum(accuracy) * 3)
