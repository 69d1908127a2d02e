"""The released scorer's files, byte for byte, and what it does with damage."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.classes.classes import ClassFamily
from petrg.evaluate.classes.compat import DETAIL_FILE, SUMMARY_FILE, Compat, compat_scores
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.report import Structure, Uptake

TITLES = [r.title("zh") for r in Region]
Labels = dict[str, Any]


def whole(pet: int = 5, ct: int = 8) -> Labels:
    return {t: {"pet_status": str(pet), "suv": "", "ct_status": str(ct), "ct_description": ""} for t in TITLES}


def write(folder: Path, cases: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for case, labels in cases.items():
        text = labels if isinstance(labels, str) else json.dumps(labels, ensure_ascii=False)
        (folder / f"{case}.json").write_text(text, encoding="utf-8")
    return folder


def score(tmp_path: Path, reference: dict[str, Any], prediction: dict[str, Any]) -> Compat:
    return compat_scores(write(tmp_path / "r", reference), write(tmp_path / "p", prediction))


@pytest.mark.reference
def test_both_files_are_the_released_scorers_to_the_byte(shared: Path) -> None:
    folder = shared / "data" / "ces_reference"
    expected = {p.name: p.read_bytes() for p in (folder / "expected").glob("*.csv")}
    assert expected.keys() == {SUMMARY_FILE, DETAIL_FILE}
    found = compat_scores(folder / "reference", folder / "prediction")
    assert found.summary.encode() == expected[SUMMARY_FILE]
    assert found.detail.encode() == expected[DETAIL_FILE]


@pytest.mark.reference
def test_the_wrong_way_round_differs(shared: Path) -> None:
    folder = shared / "data" / "ces_reference"
    back = compat_scores(folder / "prediction", folder / "reference")
    assert back.detail != (folder / "expected" / DETAIL_FILE).read_bytes().decode()


def test_by_hand(tmp_path: Path) -> None:
    """24 pairs: one high found, one high missed, one high invented, 21 normal right."""
    reference, prediction = whole(), whole()
    for k, (a, b) in enumerate([("1", "1"), ("1", "5"), ("5", "1")]):
        reference[TITLES[k]]["pet_status"], prediction[TITLES[k]]["pet_status"] = a, b
    found = score(tmp_path, {"a": reference}, {"a": prediction})
    rows = list(csv.reader(found.detail.removeprefix("\ufeff").splitlines()))
    assert rows[0] == ["PET-labels (5类)", "precision", "recall", "f1-score", "support"]
    assert rows[1][1:] == ["50.00", "50.00", "50.00", "2"]
    assert rows[5][1:] == ["95.45", "95.45", "95.45", "22"]
    assert rows[6] == ["accuracy", "", "", "0.9167", "24"]
    assert rows[7][1:] == ["29.09", "29.09", "29.09", "24"]
    assert rows[8][1:] == ["91.67", "91.67", "91.67", "24"]
    assert found.summary.splitlines()[1] == "29.09,12.50,12.50,0.00"
    assert (found.scored, found.dropped) == (24, 0)


def test_text_ends_lines_and_marks_bytes_as_the_released_files_do(tmp_path: Path) -> None:
    found = score(tmp_path, {"a": whole()}, {"a": whole()})
    assert found.detail.startswith("\ufeffPET-labels")
    assert not found.summary.startswith("\ufeff")
    assert found.detail.count("\r\n") == found.detail.count("\n") == 22
    assert '\r\n\r\n"CT-labels (8类, 已重映射)",' in found.detail


def spoil(key: str, value: Any) -> Callable[[Labels], None]:
    return lambda labels: labels[TITLES[0]].__setitem__(key, value)


INVALID = ["", "0", "6", "9", " 1", "1.0", "01", 1.0, True, None, ["1"], {"1": 1}, "正常", "nan", float("nan")]


@pytest.mark.parametrize("side", ["reference", "prediction"])
@pytest.mark.parametrize("value", INVALID, ids=repr)
def test_an_invalid_value_drops_the_pair_of_both_modalities(tmp_path: Path, side: str, value: Any) -> None:
    labels = {"reference": whole(), "prediction": whole()}
    spoil("pet_status", value)(labels[side])
    found = score(tmp_path, {"a": labels["reference"]}, {"a": labels["prediction"]})
    assert (found.scored, found.dropped) == (23, 1)
    accuracies = [line for line in found.detail.splitlines() if line.startswith("accuracy")]
    assert accuracies == ["accuracy,,,1.0000,23"] * 2


@pytest.mark.parametrize("key", ["pet_status", "ct_status"])
def test_an_integer_is_taken_in_predictions_only(tmp_path: Path, key: str) -> None:
    spoiled = whole()
    spoil(key, 1)(spoiled)
    as_text = whole()
    spoil(key, "1")(as_text)
    taken = score(tmp_path / "1", {"a": whole()}, {"a": spoiled})
    assert taken == score(tmp_path / "2", {"a": whole()}, {"a": as_text})
    assert (taken.scored, taken.dropped) == (24, 0)
    assert score(tmp_path / "3", {"a": spoiled}, {"a": whole()}).dropped == 1


def test_an_integer_that_is_no_class_is_dropped(tmp_path: Path) -> None:
    nine = whole()
    spoil("ct_status", 9)(nine)
    assert score(tmp_path, {"a": whole()}, {"a": nine}).dropped == 1


@pytest.mark.parametrize("side", ["reference", "prediction"])
@pytest.mark.parametrize("text", ["{", "", "[]", "3", "null", '"1"', "\x00", "[" * 100_000])
def test_a_file_that_holds_no_labels_is_dropped_whole(tmp_path: Path, side: str, text: str) -> None:
    folders = {"reference": {"a": whole(), "b": whole()}, "prediction": {"a": whole(), "b": whole()}}
    folders[side]["b"] = text  # type: ignore[assignment]
    found = score(tmp_path, folders["reference"], folders["prediction"])
    assert (found.scored, found.dropped) == (24, 24)


@pytest.mark.parametrize("side", ["reference", "prediction"])
def test_missing_files_regions_and_keys_are_dropped(tmp_path: Path, side: str) -> None:
    folders: dict[str, dict[str, Labels]] = {
        "reference": {"a": whole(), "b": whole()},
        "prediction": {"a": whole(), "b": whole()},
    }
    del folders[side]["b"]
    del folders[side]["a"][TITLES[3]]
    del folders[side]["a"][TITLES[4]]["pet_status"]
    folders[side]["a"][TITLES[5]] = "正常"  # type: ignore[assignment]
    found = score(tmp_path, folders["reference"], folders["prediction"])
    assert (found.scored, found.dropped) == (21, 27)


def test_regions_and_files_that_belong_nowhere_change_nothing(tmp_path: Path) -> None:
    plain = score(tmp_path / "1", {"a": whole()}, {"a": whole(1, 2)})
    more = {**whole(1, 2), "尾骨": {"pet_status": "1", "ct_status": "1"}}
    folder = write(tmp_path / "2" / "p", {"a": more})
    (folder / "evidence").mkdir()
    (folder / "evidence" / "a.json").write_text("{}")
    (folder / "notes.txt").write_text("…")
    assert compat_scores(write(tmp_path / "2" / "r", {"a": whole()}), folder) == plain


def test_of_a_key_given_twice_the_last_is_read(tmp_path: Path) -> None:
    text = json.dumps(whole(), ensure_ascii=False)
    twice = text.replace('"pet_status": "5"', '"pet_status": "1", "pet_status": "5"', 1)
    assert score(tmp_path / "1", {"a": whole()}, {"a": twice}) == score(tmp_path / "2", {"a": whole()}, {"a": whole()})


def test_nothing_left_or_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="none of 48 pairs"):
        score(tmp_path, {"a": whole()}, {"b": whole()})
    with pytest.raises(ScoreError, match="reference is no folder"):
        compat_scores(tmp_path / "nowhere", tmp_path / "p")
    with pytest.raises(ScoreError, match="prediction is no folder"):
        compat_scores(tmp_path / "r", tmp_path / "nowhere")


def test_losing_a_half_wrong_file_raises_the_released_score_and_lowers_ours(tmp_path: Path) -> None:
    """Reference 12 avid and 12 normal regions in both cases; a is right, b is right in half of each."""
    reference = whole()
    for title in TITLES[:12]:
        reference[title]["pet_status"] = "1"
    half = {t: dict(row) for t, row in reference.items()}
    for title in TITLES[:6]:
        half[title]["pet_status"] = "5"
    for title in TITLES[12:18]:
        half[title]["pet_status"] = "1"
    references = {"a": reference, "b": reference}
    before = score(tmp_path / "1", references, {"a": reference, "b": half})
    after = score(tmp_path / "2", references, {"a": reference, "b": "{"})
    assert [s.summary.splitlines()[1].split(",")[0] for s in (before, after)] == ["30.00", "40.00"]
    assert ours(references, {"a": reference, "b": half})["PET-All"] == pytest.approx(30.0)
    assert ours(references, {"a": reference})["PET-All"] == pytest.approx(20.0)  # 24 / (36 + 12 charged) of both


SPOILT = [None, "", "9", 9, 1.0, "region", "file"]


@given(seed=st.integers(0, 2**32 - 1), damage=st.lists(st.sampled_from(SPOILT), min_size=1, max_size=12))
def test_on_damaged_predictions_ours_is_never_above_the_released_score(
    tmp_path_factory: pytest.TempPathFactory, seed: int, damage: list[Any]
) -> None:
    """What was left out of one stays in the other's support: per class 2 tp / (support + predicted) can only fall."""
    rng = random.Random(seed)
    cases = ["a", "b", "c"]
    sides = [
        {
            c: {t: {"pet_status": rng.choice("12345"), "ct_status": rng.choice("12345678")} for t in TITLES}
            for c in cases
        }
        for _ in range(2)
    ]
    reference, prediction = sides
    for what in damage:
        case, title = rng.choice(cases), rng.choice(TITLES)
        if what == "file" and len(prediction) > 1:
            prediction.pop(case, None)
        elif what == "region":
            prediction.get(case, {}).pop(title, None)
        elif title in prediction.get(case, {}):
            prediction[case][title]["pet_status"] = prediction[case][title]["ct_status"] = what  # type: ignore[assignment]
    found = score(tmp_path_factory.mktemp("damage"), reference, prediction)
    keys = ("PET-All", "CT-All", "PET-Abnormal", "CT-Abnormal")
    released = dict(zip(keys, map(float, found.summary.splitlines()[1].split(",")), strict=True))
    own = ours(reference, prediction)
    assert all(own[key] <= released[key] + 0.0051 for key in keys)
    assert found.dropped == 72 - found.scored


def ours(reference: dict[str, Labels], prediction: dict[str, Labels]) -> dict[str, float]:
    family = ClassFamily(_labels(reference), _labels(prediction), sorted(reference))
    return {key: statistic.value() for key, statistic in family.statistics().items()}


def _labels(cases: dict[str, Labels]) -> LabelSet:
    rows = {c: {r: v[r.title("zh")] for r in Region if r.title("zh") in v} for c, v in cases.items()}
    return LabelSet(labeller="given", cases={c: {r: _cell(row) for r, row in v.items()} for c, v in rows.items()})


def _cell(row: dict[str, Any]) -> Cell:
    pet, ct = row["pet_status"], row["ct_status"]
    bad_pet, bad_ct = (v not in [str(k) for k in range(1, n)] for v, n in ((pet, 6), (ct, 9)))
    return Cell(
        pet=None if bad_pet else Uptake(int(pet)),
        ct=None if bad_ct else Structure(int(ct)),
        pet_fault=bad_pet,
        ct_fault=bad_ct,
    )
