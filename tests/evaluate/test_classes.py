"""Class scores against a plain loop from the definition, hand-made cases and the released scorer's figures."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.classes.classes import METRICS, ClassFamily, macro_f1
from petrg.evaluate.classes.codes import CT, PET, Scale
from petrg.evaluate.classes.compat import SUMMARY_FILE, compat_scores
from petrg.evaluate.classes.tables import class_rows
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.report import Structure, Uptake

Pairs = list[tuple[int, int | None]]
REGIONS = tuple(Region)
F1S = ("PET-All", "CT-All", "PET-Abnormal", "CT-Abnormal", "PET-124")
CLASSES: Mapping[str, tuple[int, ...]] = {
    "PET-All": (1, 2, 3, 4, 5),
    "CT-All": (1, 2, 3, 4, 5, 6, 7, 8),
    "PET-Abnormal": (1, 2, 3, 4),
    "CT-Abnormal": (1, 2, 3, 4, 5, 6, 7),
    "PET-124": (1, 2, 4),
}


def cell(pet: int | None = 5, ct: int | None = 8, **more: object) -> Cell:
    return Cell(pet=None if pet is None else Uptake(pet), ct=None if ct is None else Structure(ct), **more)


def random_labels(rng: np.random.Generator, ids: list[str]) -> LabelSet:
    draw = lambda: cell(int(rng.integers(1, 6)), int(rng.integers(1, 9)))  # noqa: E731
    return LabelSet(labeller="given", cases={i: {r: draw() for r in Region} for i in ids})


def values(family: ClassFamily) -> dict[str, float]:
    return {key: statistic.value() for key, statistic in family.statistics().items()}


# ------------------------------------------------------------ the definition, by a loop that knows no numpy
def loop_f1(pairs: Pairs, value: int) -> float:
    tp = fp = fn = 0
    for reference, prediction in pairs:
        if reference == value and prediction == value:
            tp += 1
        elif prediction == value:
            fp += 1
        elif reference == value:
            fn += 1
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def loop_mean_f1(pairs: Pairs, classes: Iterable[int], steps: int = 50) -> float:
    """Mean F1 x 100; each gap is charged in ``steps`` parts, each part to the class whose F1 it lowers most."""
    hits = [sum(a == b == c for a, b in pairs) for c in classes]
    sizes = [float(sum(a == c for a, _ in pairs) + sum(b == c for _, b in pairs)) for c in classes]
    for _ in range(steps * sum(b is None for _, b in pairs)):
        costs = [2 * h / max(s, 1) - 2 * h / max(s + 1 / steps, 1) for h, s in zip(hits, sizes, strict=True)]
        sizes[costs.index(max(costs))] += 1 / steps
    return 100 * sum(2 * h / max(s, 1) for h, s in zip(hits, sizes, strict=True)) / len(hits)


def loop_kappa(pairs: Pairs) -> float:
    n = len(pairs)
    seen = sum(a == b for a, b in pairs) / n
    named = {c: sum(a == c for a, _ in pairs) for c, _ in pairs}
    chance = sum(named[c] * sum(b == c for _, b in pairs) for c in named) / n**2
    chance += max(named.values()) * sum(b is None for _, b in pairs) / n**2
    return (seen - chance) / (1 - chance)


def pairs_of(reference: LabelSet, prediction: LabelSet, modality: str) -> Pairs:
    pairs: Pairs = []
    for case, cells in reference.cases.items():
        for region, there in cells.items():
            said = prediction.cases.get(case, {}).get(region)
            if modality == "PET":
                a, b = int(there.pet or 5), None if said is None or said.pet_fault else int(said.pet or 5)
            else:
                a, b = int(there.ct or 8), None if said is None or said.ct_fault else int(said.ct or 8)
            pairs.append((a, b))
    return pairs


def damaged(labels: LabelSet, rng: np.random.Generator, share: float) -> LabelSet:
    """Drop files and regions, spoil values and silence some, each with probability ``share``."""
    cases = {}
    for case, cells in labels.cases.items():
        if rng.random() < share:
            continue
        kept = {}
        for region, there in cells.items():
            what = rng.random()
            if what < share:
                continue
            if what < 2 * share:
                there = there._replace(pet=None, pet_fault=True)
            elif what < 3 * share:
                there = there._replace(ct=None, ct_fault=True)
            elif what < 4 * share:
                there = there._replace(pet=None)
            kept[region] = there
        cases[case] = kept
    return LabelSet(labeller=labels.labeller, cases=cases)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_scores_equal_a_plain_loop(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    ids = [f"c{i}" for i in range(7)]
    reference, prediction = random_labels(rng, ids), damaged(random_labels(rng, ids), rng, share)
    found = values(ClassFamily(reference, prediction, ids))
    for key, classes in CLASSES.items():
        pairs = pairs_of(reference, prediction, key[:3].strip("-"))
        assert found[key] == pytest.approx(loop_mean_f1(pairs, classes), abs=1e-9 if share == 0 else 0.01), key
        if share == 0:
            assert found[key] == pytest.approx(100 * sum(loop_f1(pairs, c) for c in classes) / len(classes))
    for m in ("PET", "CT"):
        pairs = pairs_of(reference, prediction, m)
        assert found[f"{m}-Accuracy"] == pytest.approx(100 * sum(a == b for a, b in pairs) / len(pairs))
        assert found[f"{m}-Kappa"] == pytest.approx(loop_kappa(pairs))


def test_by_hand() -> None:
    """Reference 1 1 2, else 5; prediction 1 5 2, one 4 for a 5, else 5."""
    reference = {r: cell() for r in Region}
    prediction = dict(reference)
    for k, (a, b) in enumerate([(1, 1), (1, 5), (2, 2), (5, 4)]):
        reference[REGIONS[k]], prediction[REGIONS[k]] = cell(a), cell(b)
    found = values(
        ClassFamily(
            LabelSet(labeller="given", cases={"a": reference}),
            LabelSet(labeller="given", cases={"a": prediction}),
            ["a"],
        )
    )
    f1, f2, f5 = 2 / 3, 1.0, 2 * 20 / (21 + 21)
    assert found["PET-Abnormal"] == pytest.approx(100 * (f1 + f2) / 4)
    assert found["PET-All"] == pytest.approx(100 * (f1 + f2 + f5) / 5)
    assert found["PET-124"] == pytest.approx(100 * (f1 + f2) / 3)
    assert found["CT-All"] == pytest.approx(100 / 8)  # only normal there, and all of it right: the rest divides by zero
    assert found["PET-Accuracy"] == pytest.approx(100 * 22 / 24)
    assert np.isnan(found["CT-Kappa"])  # one class on both sides: chance alone is 1


def test_always_normal_scores_what_the_paper_would_give_it() -> None:
    ids = [f"c{i}" for i in range(5)]
    reference = random_labels(np.random.default_rng(0), ids)
    normal = LabelSet(labeller="given", cases={i: {r: cell() for r in Region} for i in ids})
    found = values(ClassFamily(reference, normal, ids))
    assert found["PET-Abnormal"] == found["CT-Abnormal"] == found["PET-124"] == 0.0
    share = np.mean([int(c.pet or 5) == 5 for cells in reference.cases.values() for c in cells.values()])
    assert found["PET-All"] == pytest.approx(100 * 2 * share / (1 + share) / 5)


# --------------------------------------------------------------------------------- silence and damage
def one(pet: int | None, **more: object) -> LabelSet:
    cells = {r: cell() for r in Region}
    cells[Region.LIVER] = cell(pet, **more)
    return LabelSet(labeller="given", cases={"a": cells})


def test_silence_is_normal_on_either_side() -> None:
    assert values(ClassFamily(one(None), one(5), ["a"])) == pytest.approx(
        values(ClassFamily(one(5), one(None), ["a"])), nan_ok=True
    )
    assert values(ClassFamily(one(None), one(None), ["a"]))["PET-Accuracy"] == 100.0


@pytest.mark.parametrize("labels", [one(None, pet_fault=True), one(None, ct_fault=True)])
def test_a_reference_with_a_value_that_is_no_class_is_refused(labels: LabelSet) -> None:
    with pytest.raises(ScoreError, match=r"case 1: region 'liver' has no (PET|CT) class .* 1 to [58]"):
        ClassFamily(labels, one(5), ["a"]).statistics()


def test_a_reference_that_lacks_a_region_or_a_case_is_refused() -> None:
    short = {r: c for r, c in one(5).cases["a"].items() if r is not Region.SPLEEN}
    with pytest.raises(ScoreError, match="'spleen' is missing"):
        ClassFamily(LabelSet(labeller="given", cases={"a": short}), one(5), ["a"]).statistics()
    with pytest.raises(ScoreError, match="case 2 has no reference labels"):
        ClassFamily(one(5), one(5), ["a", "b"]).statistics()


DAMAGE: Mapping[str, Callable[[dict[Region, Cell], Region], None]] = {
    "missing": lambda cells, region: cells.__delitem__(region),
    "invalid": lambda cells, region: cells.__setitem__(region, Cell(pet_fault=True, ct_fault=True)),
}


@pytest.mark.parametrize("kind", DAMAGE)
@given(seed=st.integers(0, 2**32 - 1), case=st.integers(0, 3), region=st.sampled_from(REGIONS))
def test_damage_to_a_label_never_gains(kind: str, seed: int, case: int, region: Region) -> None:
    """No damage to any label, right or wrong, raises any score or the recall of any class."""
    rng = np.random.default_rng(seed)
    ids = [f"c{i}" for i in range(4)]
    reference, prediction = random_labels(rng, ids), random_labels(rng, ids)
    if seed % 2:
        prediction.cases[ids[case]][region] = reference.cases[ids[case]][region]  # type: ignore[index]
    before = ClassFamily(reference, prediction, ids)
    cells = dict(prediction.cases[ids[case]])
    DAMAGE[kind](cells, region)
    after = ClassFamily(reference, LabelSet(labeller="given", cases={**prediction.cases, ids[case]: cells}), ids)
    was, now = values(before), values(after)
    for scale in (PET, CT):
        assert (_recall(after, scale) <= _recall(before, scale)).all()
    for key in was:
        assert now[key] <= was[key] + 1e-9, key


def _recall(family: ClassFamily, scale: Scale) -> np.ndarray:
    table = family.confusion(scale).sum(axis=0)
    return np.diagonal(table) / np.maximum(table.sum(axis=1), 1)


def test_a_wrong_label_that_goes_missing_gains_nothing() -> None:
    reference, wrong = one(5), one(1)
    wrong.cases["a"][Region.SPLEEN] = reference.cases["a"][Region.SPLEEN] = cell(1)  # type: ignore[index]
    gone = LabelSet(labeller="given", cases={"a": {r: c for r, c in wrong.cases["a"].items() if r is not Region.LIVER}})
    was, now = values(ClassFamily(reference, wrong, ["a"])), values(ClassFamily(reference, gone, ["a"]))
    assert now["PET-All"] == pytest.approx(was["PET-All"])  # the only class with a hit is charged for the gap
    assert now["PET-Accuracy"] == was["PET-Accuracy"]
    assert now["CT-Accuracy"] < was["CT-Accuracy"]  # its right CT label went with it


def test_gaps_stand_in_the_last_column_of_the_confusion() -> None:
    ids = ["a", "b"]
    rng = np.random.default_rng(4)
    reference = random_labels(rng, ids)
    half = LabelSet(labeller="given", cases={"a": reference.cases["a"]})
    family = ClassFamily(reference, half, ids)
    for scale in (PET, CT):
        table = family.confusion(scale).sum(axis=0)
        assert table[:, -1].sum() == 24
        assert table.sum() == 48
        assert (table[:, : scale.count] == np.diag(np.diagonal(table))).all()


# --------------------------------------------------------------------------------- draws and permutations
def test_permuted_equals_scoring_the_permuted_reports() -> None:
    rng = np.random.default_rng(1)
    ids = [f"c{i}" for i in range(6)]
    reference, prediction = random_labels(rng, ids), damaged(random_labels(rng, ids), rng, 0.1)
    family = ClassFamily(reference, prediction, ids)
    orders = np.array([rng.permutation(6) for _ in range(5)] + [np.arange(6)])
    found = family.permuted(orders)
    assert found.keys() == family.statistics().keys()
    for k, order in enumerate(orders):
        moved = {ids[i]: prediction.cases[ids[j]] for i, j in enumerate(order) if ids[j] in prediction.cases}
        expected = values(ClassFamily(reference, LabelSet(labeller="given", cases=moved), ids))
        assert {key: v[k] for key, v in found.items()} == pytest.approx(expected)


def test_draws_equal_scoring_the_drawn_cases() -> None:
    rng = np.random.default_rng(2)
    ids = [f"c{i}" for i in range(5)]
    reference, prediction = random_labels(rng, ids), random_labels(rng, ids)
    drawn = rng.integers(0, 5, (4, 5))
    found = {k: s(drawn) for k, s in ClassFamily(reference, prediction, ids).statistics().items()}
    for k, row in enumerate(drawn):
        expected = values(ClassFamily(reference, prediction, [ids[i] for i in row]))
        assert {key: v[k] for key, v in found.items()} == pytest.approx(expected)


def test_shuffled_cases_score_lower() -> None:
    rng = np.random.default_rng(3)
    ids = [f"c{i}" for i in range(30)]
    reference = random_labels(rng, ids)
    family = ClassFamily(reference, reference, ids)
    assert values(family) == pytest.approx({k: 1.0 if "Kappa" in k else 100.0 for k in values(family)})
    shuffled = family.permuted(np.roll(np.arange(30), 1)[None])
    assert all(v[0] < (0.5 if "Kappa" in k else 50.0) for k, v in shuffled.items())


def test_a_thousand_permutations_of_135_cases_take_under_half_a_second() -> None:
    rng = np.random.default_rng(5)
    ids = [f"c{i}" for i in range(135)]
    family = ClassFamily(random_labels(rng, ids), random_labels(rng, ids), ids)
    family.statistics()
    orders = np.array([rng.permutation(135) for _ in range(1000)])
    start = time.process_time()
    family.permuted(orders)
    assert time.process_time() - start < 0.5


def test_metrics_define_every_statistic() -> None:
    rng = np.random.default_rng(6)
    family = ClassFamily(random_labels(rng, ["a"]), random_labels(rng, ["a"]), ["a"])
    assert [m.key for m in METRICS] == list(family.statistics())
    assert {m.key for m in METRICS if m.headline} == set(F1S)
    assert all(m.definition for m in METRICS)


# ------------------------------------------------------------------------------- the released scorer's figures
def whole_cases(folder: Path) -> tuple[LabelSet, LabelSet, int]:
    """The cases of two label folders without any fault, by a reader of its own, and how many cases were left out."""
    sides: list[dict[str, dict[Region, Cell]]] = []
    names = {p.stem for side in ("reference", "prediction") for p in (folder / side).glob("*.json")}
    for side in ("reference", "prediction"):
        found = {}
        for path in (folder / side).glob("*.json"):
            try:
                rows = json.loads(path.read_text(encoding="utf-8"))
                values = {r: [rows[r.title("zh")][k] for k in ("pet_status", "ct_status")] for r in Region}
                assert side == "prediction" or all(isinstance(v, str) for pair in values.values() for v in pair)
                assert all(str(v) in "12345678" for pair in values.values() for v in pair)
                found[path.stem] = {r: cell(*map(int, pair)) for r, pair in values.items()}
            except (AssertionError, KeyError, TypeError, ValueError):
                continue
        sides.append(found)
    both = sides[0].keys() & sides[1].keys()
    reference, prediction = (LabelSet(labeller="given", cases={c: side[c] for c in sorted(both)}) for side in sides)
    return reference, prediction, len(names) - len(both)


@pytest.mark.reference
def test_without_faults_the_scores_are_those_of_the_released_scorer(shared: Path, tmp_path: Path) -> None:
    """As it printed them where no case has a fault, else as our copy of it gives them for the cases without."""
    folder = shared / "data" / "ces_reference"
    reference, prediction, faulty = whole_cases(folder)
    printed = (folder / "expected" / SUMMARY_FILE).read_text("utf-8-sig")
    if faulty:
        for side in ("reference", "prediction"):
            (tmp_path / side).mkdir()
            for case in reference.cases:
                shutil.copy(folder / side / f"{case}.json", tmp_path / side)
        printed = compat_scores(tmp_path / "reference", tmp_path / "prediction").summary
    found = values(ClassFamily(reference, prediction, list(reference.cases)))
    (row,) = csv.DictReader(printed.splitlines())
    assert len(row) == 4
    for column, text in row.items():
        modality, *_, which = column.split("-")
        assert f"{found[f'{modality}-{which}']:.2f}" == text


@pytest.mark.reference
def test_the_wrong_way_round_swaps_precision_and_recall_and_a_shift_by_one_case_lowers(shared: Path) -> None:
    reference, prediction, _ = whole_cases(shared / "data" / "ces_reference")
    ids = list(reference.cases)
    there, back = ClassFamily(reference, prediction, ids), ClassFamily(prediction, reference, ids)
    for forth, turned in zip(class_rows(there), class_rows(back), strict=True):
        assert (forth.precision, forth.recall) == (turned.recall, turned.precision)
    assert any(row.precision != row.recall for row in class_rows(there))
    own, moved = values(there), there.permuted(np.roll(np.arange(len(ids)), 1)[None])
    assert all(moved[key][0] < own[key] for key in own)


def test_macro_f1_of_nothing_is_zero() -> None:
    assert macro_f1(np.zeros(30), PET, range(5)) == 0.0
