"""SUV agreement against scipy and plain loops; texts against records made by hand."""

from __future__ import annotations

import statistics
import time
from itertools import product

import numpy as np
import pytest
from scipy import stats

from petrg.anatomy import Region
from petrg.evaluate.findings.numbers import METRICS, SuvFamily
from petrg.evaluate.findings.record_numbers import (
    Named,
    Said,
    Source,
    match_record,
    said_in_reading,
)
from petrg.evaluate.findings.records import METRICS as RECORD_METRICS
from petrg.evaluate.findings.records import RecordFamily
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.language.reading import read
from petrg.report import Lesion, LesionStatus, Modality, Record
from petrg.report.record import Reference, References, RegionGuess, Threshold, Totals, Where

REGIONS = tuple(Region)


def random_labels(rng: np.random.Generator, n: int, share: float = 0.3) -> LabelSet:
    def draw() -> float | None:
        return round(float(rng.uniform(1, 20)), 1) if rng.random() < share else None

    return LabelSet(labeller="given", cases={f"c{i}": {r: Cell(suv_max=draw()) for r in Region} for i in range(n)})


def noisy(labels: LabelSet, rng: np.random.Generator) -> LabelSet:
    """The same values a little off, some dropped."""
    return LabelSet(
        labeller="given",
        cases={
            case: {
                r: c if c.suv_max is None or rng.random() < 0.2 else Cell(suv_max=c.suv_max * rng.uniform(0.8, 1.2))
                for r, c in cells.items()
            }
            for case, cells in labels.cases.items()
        },
    )


def values(family: SuvFamily) -> dict[str, float]:
    return {key: float(s(np.arange(len(family.ids))[None])[0]) for key, s in family.statistics().items()}


def by_loop(reference: LabelSet, prediction: LabelSet, pairing: dict[str, str], *, highest: bool) -> dict[str, float]:
    """From the definition: lists, `statistics` and scipy."""
    both: list[tuple[float, float]] = []
    either = 0
    for case, other in pairing.items():
        a = {r: c.suv_max for r, c in reference.cases[case].items() if c.suv_max is not None}
        b = {r: c.suv_max for r, c in prediction.cases.get(other, {}).items() if c.suv_max is not None}
        if highest:
            a, b = ({Region.BRAIN: max(v.values())} if v else {} for v in (a, b))
        both += [(a[r], b[r]) for r in a if r in b]
        either += len(a.keys() | b.keys())
    near = sum(abs(x - y) <= 0.1 * x + 1e-9 for x, y in both)
    return {
        "r": float(stats.pearsonr(*zip(*both, strict=True)).statistic),
        "Median-Error": statistics.median(abs(x - y) for x, y in both),
        "Within-10%": near / len(both),
        "Agreement": near / either,
    }


@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_scipy_and_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = random_labels(rng, 9)
    prediction = noisy(reference, rng) if seed % 2 else random_labels(rng, 8)  # one case is missing
    found = values(SuvFamily(reference, prediction, list(reference.cases)))
    for suffix in ("", "-Highest"):
        expected = by_loop(reference, prediction, {c: c for c in reference.cases}, highest=bool(suffix))
        assert {k: found[f"SUV-{k}{suffix}"] for k in expected} == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_permuted_and_drawn_scores_equal_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = random_labels(rng, 8)
    prediction = noisy(reference, rng)
    ids = list(reference.cases)
    family = SuvFamily(reference, prediction, ids)
    orders = np.array([rng.permutation(8) for _ in range(4)])
    permuted = family.permuted(orders)
    assert permuted.keys() == family.statistics().keys()
    for k, order in enumerate(orders):
        for suffix in ("", "-Highest"):
            pairing = {ids[i]: ids[j] for i, j in enumerate(order)}
            expected = by_loop(reference, prediction, pairing, highest=bool(suffix))
            assert {key: permuted[f"SUV-{key}{suffix}"][k] for key in expected} == pytest.approx(expected)
    drawn = rng.integers(0, 8, (5, 8))
    found = {key: s(drawn) for key, s in family.statistics().items()}
    for k, row in enumerate(drawn):
        expected = values(SuvFamily(reference, prediction, [ids[i] for i in row]))
        assert {key: v[k] for key, v in found.items()} == pytest.approx(expected, nan_ok=True)


def test_by_hand() -> None:
    reference = {"a": {Region.LIVER: 4.0, Region.SPINE: 10.0}, "b": {Region.LIVER: 6.0, Region.HEART: 2.0}}
    prediction = {"a": {Region.LIVER: 4.4, Region.SPINE: 8.0}, "b": {Region.LIVER: 6.0, Region.BRAIN: 12.0}}
    sets = [
        LabelSet(
            labeller="given", cases={c: {r: Cell(suv_max=rows.get(r)) for r in Region} for c, rows in cases.items()}
        )
        for cases in (reference, prediction)
    ]
    family = SuvFamily(*sets, ["a", "b"])
    found = values(family)
    assert found["SUV-Median-Error"] == pytest.approx(0.4)
    assert found["SUV-Within-10%"] == pytest.approx(2 / 3)
    assert found["SUV-Agreement"] == pytest.approx(2 / 5)
    assert found["SUV-Median-Error-Highest"] == pytest.approx((2 + 6) / 2)
    assert np.isnan(found["SUV-r-Highest"])  # two points always lie on a line
    counts = {c.key: (c.value, c.of) for c in family.counts()}
    assert counts["suv-both"] == (3, 48)
    assert counts["suv-reference-only"] == counts["suv-prediction-only"] == (1, 48)
    assert counts["suv-highest-both"] == (2, 2)
    assert family.case_columns() == {"SUV-Highest-Reference": [10.0, 6.0], "SUV-Highest-Prediction": [8.0, 12.0]}
    silent = SuvFamily(sets[0], LabelSet(labeller="given", cases={}), ["a"])
    assert silent.case_columns()["SUV-Highest-Prediction"] == [None]


def test_naming_nothing_gains_no_agreement_and_has_no_correlation() -> None:
    rng = np.random.default_rng(0)
    reference = random_labels(rng, 6)
    ids = list(reference.cases)
    found = values(SuvFamily(reference, LabelSet(labeller="given", cases={}), ids))
    assert found["SUV-Agreement"] == 0.0
    assert np.isnan([found["SUV-r"], found["SUV-Median-Error"], found["SUV-Within-10%"]]).all()
    nothing = LabelSet(labeller="given", cases={})
    assert np.isnan(list(values(SuvFamily(nothing, nothing, ids)).values())).all()
    assert np.isnan(np.stack(list(SuvFamily(nothing, nothing, ids).permuted(np.arange(6)[None]).values()))).all()


def test_one_value_everywhere_has_no_correlation() -> None:
    rng = np.random.default_rng(0)
    reference = random_labels(rng, 6)
    same = LabelSet(labeller="given", cases={c: {r: Cell(suv_max=7.3) for r in Region} for c in reference.cases})
    assert np.isnan(values(SuvFamily(reference, same, list(reference.cases)))["SUV-r"])


def test_shuffled_cases_agree_less() -> None:
    reference = random_labels(np.random.default_rng(1), 30)
    family = SuvFamily(reference, reference, list(reference.cases))
    own = values(family)
    assert own["SUV-r"] == pytest.approx(1.0)
    moved = family.permuted(np.roll(np.arange(30), 1)[None])
    assert moved["SUV-r"][0] < 0.5
    assert moved["SUV-Agreement"][0] < 0.5 < own["SUV-Agreement"]
    assert moved["SUV-Median-Error"][0] > own["SUV-Median-Error"] == 0.0


def test_a_missing_prediction_lowers_agreement() -> None:
    reference = random_labels(np.random.default_rng(2), 5)
    ids = list(reference.cases)
    fewer = LabelSet(labeller="given", cases={c: v for c, v in reference.cases.items() if c != ids[0]})
    assert values(SuvFamily(reference, fewer, ids))["SUV-Agreement"] < 1.0


def test_a_thousand_permutations_of_135_cases_take_under_half_a_second() -> None:
    rng = np.random.default_rng(3)
    family = SuvFamily(random_labels(rng, 135), random_labels(rng, 135), [f"c{i}" for i in range(135)])
    family.statistics()
    orders = np.array([rng.permutation(135) for _ in range(1000)])
    start = time.process_time()
    family.permuted(orders)
    assert time.process_time() - start < 0.5


def test_metrics_define_every_statistic() -> None:
    reference = random_labels(np.random.default_rng(4), 3)
    assert [m.key for m in METRICS] == list(SuvFamily(reference, reference, ["c0"]).statistics())
    assert [m.key for m in METRICS if m.headline] == ["SUV-r-Highest"]
    family = RecordFamily([None], {}, ["a"])
    assert [m.key for m in RECORD_METRICS] == list(family.statistics())


# ------------------------------------------------------------------------------------ against a record
def lesion(name: str, region: Region, suv: float, status: LesionStatus = LesionStatus.LESION, **more: object) -> Lesion:
    where = Where(modality=Modality.PET, index=(1, 1, 1), mm=(0.0, 0.0, 0.0), slice_number=1)
    return Lesion(
        id=name,
        status=status,
        region=RegionGuess(id=region, probability=0.9),
        centre_mm=(0.0, 0.0, 0.0),
        hottest=where,
        slices=(1, 2),
        suv_max=suv,
        threshold=Threshold.FIXED_4,
        **more,
    )


def record(*lesions: Lesion, liver: float | None = None) -> Record:
    reference = None
    if liver is not None:
        reference = Reference(
            suv_mean=liver,
            suv_sd=0.2,
            suv_max=liver + 0.62,
            volume_ml=14.0,
            voxels=200,
            centre_mm=(0.0, 0.0, 0.0),
            radius_mm=15.0,
            slice_number=3,
            method="sphere",
        )
    return Record(
        study_id="a",
        petrg_version="0",
        inputs=(),
        threshold=Threshold.FIXED_4,
        detection="",
        anatomy="",
        lesions=lesions,
        references=References(liver=reference),
        totals=Totals(lesions=len(lesions), mtv_ml=None, tlg_g=None, suv_max=None),
    )


def said(*numbers: tuple[float, int, Region], raised: tuple[Region, ...] = ()) -> Said:
    return Said(tuple(Named(v, d, frozenset({r})) for v, d, r in numbers), frozenset(raised))


SPINE = lesion("L1", Region.SPINE, 8.14)
NODE = lesion("L2", Region.NECK_NODES, 5.25)
BLADDER = lesion("P1", Region.PELVIC_ORGANS, 31.0, LesionStatus.PHYSIOLOGIC)
DOUBT = lesion("I1", Region.GI_TRACT, 5.26, LesionStatus.INDETERMINATE)
TRUTH = record(SPINE, NODE, BLADDER, DOUBT, liver=2.11)


@pytest.mark.parametrize(
    ("value", "decimals", "region", "source", "lesion_id", "in_region"),
    [
        (8.1, 1, Region.SPINE, Source.LESION, "L1", True),
        (8.14, 2, Region.SPINE, Source.LESION, "L1", True),
        (8.2, 1, Region.SPINE, Source.NOTHING, None, False),
        (8.1, 2, Region.SPINE, Source.NOTHING, None, False),  # 8.10 is not 8.14
        (8.1, 1, Region.LIVER, Source.LESION, "L1", False),
        (5.3, 1, Region.GI_TRACT, Source.INDETERMINATE, "I1", True),  # of two that fit, the one in the region
        (5.3, 1, Region.SPLEEN, Source.LESION, "L2", False),  # in neither region: the lesion goes first
        (31.0, 1, Region.PELVIC_ORGANS, Source.PHYSIOLOGIC, "P1", True),
        (2.1, 1, Region.LIVER, Source.REFERENCE, None, False),
        (2.7, 1, Region.LIVER, Source.REFERENCE, None, False),
    ],
)
def test_whose_number_it_is(
    value: float, decimals: int, region: Region, source: Source, lesion_id: str | None, in_region: bool
) -> None:
    (found,) = match_record(said((value, decimals, region)), TRUTH).numbers
    assert (found.source, found.lesion_id, found.in_region) == (source, lesion_id, in_region)


def test_lesions_without_their_number_are_missed_and_only_lesions_are() -> None:
    match = match_record(said((8.1, 1, Region.SPINE), raised=(Region.SPINE,)), TRUTH)
    assert [(m.lesion_id, m.covered) for m in match.missed] == [("L2", False)]
    match = match_record(said((5.3, 1, Region.LIVER), raised=(Region.NECK_NODES,)), TRUTH)
    assert [(m.lesion_id, m.covered) for m in match.missed] == [("L1", False), ("L2", True)]
    assert match.lesions == 2


def test_decimals_are_those_of_the_text() -> None:
    two = said_in_reading(read("颈部淋巴结肿大,放射性摄取增高,SUVmax：５.２０。"))
    assert [(n.value, n.decimals) for n in two.numbers] == [(5.2, 2)]
    assert two.raised == {Region.NECK_NODES}
    assert match_record(two, TRUTH).numbers[0].source is Source.NOTHING
    one = said_in_reading(read("Enlarged left cervical lymph nodes with increased uptake, SUVmax 5.3."))
    assert match_record(one, TRUTH).numbers[0].lesion_id == "L2"
    denied = said_in_reading(read("No lymph nodes with increased uptake."))
    assert denied == Said()


def test_record_scores_by_hand_and_permuted() -> None:
    other = record(lesion("L1", Region.LIVER, 12.3))
    texts = [said((8.1, 1, Region.SPINE), (9.9, 1, Region.LIVER)), said((12.3, 1, Region.SPLEEN)), None]
    family = RecordFamily(texts, {"a": TRUTH, "b": other}, ["a", "b", "c"])
    found = {k: s.value() for k, s in family.statistics().items()}
    assert found == pytest.approx(
        {"Record-SUV-Measured": 2 / 3, "Record-SUV-Region": 1 / 3, "Record-Lesions-Missed": 2 / 3}
    )
    counts = {c.key: c.value for c in family.counts()}
    assert counts["record-suv-lesion"] == 2
    assert counts["record-suv-nothing"] == 1
    assert counts["record-missing"] == 1
    assert counts["record-lesions-unnumbered"] == counts["record-lesions-missed"] == 2
    assert family.case_columns() == {
        "Record-SUVs-Named": [2, 1, None],
        "Record-SUVs-Measured": [1, 1, None],
        "Record-Lesions": [2, 1, None],
        "Record-Lesions-Missed": [1, 1, None],
    }
    orders = np.array(list(product(range(3), repeat=3)))
    permuted = family.permuted(orders)
    for k, order in enumerate(orders):
        moved = RecordFamily([texts[j] for j in order], family.records, family.ids)
        expected = {key: s.value() for key, s in moved.statistics().items()}
        assert {key: v[k] for key, v in permuted.items()} == pytest.approx(expected, nan_ok=True)
    swapped = family.permuted(np.array([[1, 0, 2]]))["Record-SUV-Measured"][0]
    assert swapped == 0.0 != found["Record-SUV-Measured"]


def test_record_scores_count_the_matches() -> None:
    rng = np.random.default_rng(0)
    statuses = list(LesionStatus)

    def suv() -> float:
        return float(rng.integers(20, 60)) / 10

    def one(i: int) -> Record:
        foci = [
            lesion(f"L{k}", REGIONS[rng.integers(6)], suv(), statuses[rng.integers(3)])
            for k in range(rng.integers(0, 6))
        ]
        return record(*foci, liver=suv() if i % 2 else None)

    records = {f"c{i}": one(i) for i in range(40)}
    texts = [
        said(*{s: (s, 1, REGIONS[rng.integers(6)]) for s in (suv() for _ in range(rng.integers(0, 6)))}.values())
        for _ in records
    ]
    family = RecordFamily(texts, records, list(records))
    matches = list(family.matches().values())
    numbers = [n for m in matches for n in m.numbers]
    foci = (Source.LESION, Source.INDETERMINATE, Source.PHYSIOLOGIC)
    assert {k: s.value() for k, s in family.statistics().items()} == pytest.approx(
        {
            "Record-SUV-Measured": np.mean([n.source is not Source.NOTHING for n in numbers]),
            "Record-SUV-Region": np.mean([n.source in foci and n.in_region for n in numbers]),
            "Record-Lesions-Missed": sum(not x.covered for m in matches for x in m.missed)
            / sum(m.lesions for m in matches),
        }
    )
