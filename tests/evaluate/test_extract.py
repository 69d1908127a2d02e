"""Labels by petrg's own reader: what goes in, what is left out, what names the labeller."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from petrg.anatomy import Region
from petrg.errors import ReportError, ScoreError
from petrg.evaluate.labels.extract import extract, is_blank
from petrg.evaluate.labels.files import read_labels, write_labels
from petrg.evaluate.labels.texts import read_label_texts
from petrg.language.reading import labels as labels_of
from petrg.language.reading import read, version
from petrg.report import Structure, Uptake

ZH = "肝右叶见低密度结节，放射性摄取增高，SUVmax：8.1。脾脏未见异常放射性浓聚。"
EN = "A hypermetabolic 12 mm nodule in the left upper lobe, SUVmax 4.1. The spleen is unremarkable."


def test_cells_are_the_readers_labels_and_spots_are_in_the_text() -> None:
    found = extract({"zh": ZH, "en": EN})
    assert found.languages == {"zh": "zh", "en": "en"}
    for key, text in (("zh", ZH), ("en", EN)):
        for region, evidence in labels_of(read(text)).items():
            cell = found.cases[key][region]
            assert (cell.pet, cell.ct, cell.suv_max) == (evidence.label.pet, evidence.label.ct, evidence.label.suv_max)
            assert all(0 <= spot.start < spot.end <= len(text) for part in cell.spots for spot in part)
    liver = found.cases["zh"][Region.LIVER]
    assert (liver.pet, liver.ct, liver.suv_max) == (Uptake.HIGH, Structure.FOCAL_LESION, 8.1)
    assert any("8.1" in ZH[spot.start : spot.end] for spot in liver.spots[2])


def test_silence_is_none_and_is_said_to_be() -> None:
    cell = extract({"a": ZH}).cases["a"][Region.HEART]
    assert (cell.pet, cell.ct, cell.suv_max, cell.basis) == (None, None, None, ("silent", "silent", ""))


def test_blank_texts_have_no_labels() -> None:
    found = extract({"a": None, "b": "", "c": " \n。", "d": ZH})
    assert list(found.cases) == list(found.texts) == ["d"]
    assert is_blank("...")
    assert not is_blank("0")


def test_a_forced_language_and_one_that_there_is_not() -> None:
    assert extract({"a": EN}, "zh").languages == {"a": "zh"}
    with pytest.raises(ReportError):
        extract({"a": EN}, "xx")


def test_the_order_of_cases_changes_nothing() -> None:
    one, other = extract({"a": ZH, "b": EN}), extract({"b": EN, "a": ZH})
    assert one.cases == other.cases
    assert list(other.cases) == ["b", "a"]


def test_progress_is_told() -> None:
    steps: list[tuple[int, int]] = []
    extract({"a": ZH, "b": EN}, progress=lambda step, done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]


def test_the_labeller_of_the_reader_is_named() -> None:
    assert extract({"a": ZH}).labeller == version()


# ------------------------------------------------------------------ texts to label
def table(folder: Path, text: str) -> Path:
    path = folder / "reports.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_only_column_or_the_named_one(tmp_path: Path) -> None:
    assert read_label_texts(table(tmp_path, "id,report\n1,x\n2,\n")) == {"1": "x", "2": None}
    two = table(tmp_path, "report,AccNum,other\nx,1,y\n")
    assert read_label_texts(two, column="other") == {"1": "y"}
    assert read_label_texts(two, column="AccNum", id_column="report") == {"x": "1"}


@pytest.mark.parametrize(
    ("text", "how", "says"),
    [
        ("id,a,b\n1,x,y\n", {}, "several columns — expected one of a, b — give --column"),
        ("id,a,b\n1,x,y\n", {"column": "c"}, "no column 'c' — expected one of a, b"),
        ("id,a,b\n1,x,y\n", {"column": "id"}, "no column 'id'"),
        ("id,a\n1,x\n", {"id_column": "key"}, "no column 'key'"),
        ("id\n1\n", {}, "one column"),
        ("id,a\n1,x\n1,y\n", {}, "row 2 has the id of row 1"),
        ("id,a\n1,x\n,y\n", {}, "row 2 has no id"),
    ],
)
def test_what_is_no_column_of_texts(text: str, how: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError) as caught:
        read_label_texts(table(tmp_path, text), **how)
    assert says in str(caught.value)


def test_folders_of_text_and_json(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text(ZH, encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"text": EN}))
    (tmp_path / "c.json").write_text('{"text": null}')
    (tmp_path / "d.json").write_text('{"text": "half \\ud800 pair"}')
    assert read_label_texts(tmp_path) == {"a": EN, "b": ZH, "c": None, "d": "half ? pair"}
    with pytest.raises(ScoreError, match="a folder has no columns"):
        read_label_texts(tmp_path, column="x")


@pytest.mark.parametrize("text", ['{"text": 1}', '{"text": "a", "b": 1}', '["text"]', "{"])
def test_json_that_is_no_report(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ReportError):
        read_label_texts(tmp_path)


# ------------------------------------------------------------------ controls
def test_swapped_reports_change_the_labels() -> None:
    straight, swapped = extract({"a": ZH, "b": EN}), extract({"a": EN, "b": ZH})
    assert straight.cases["a"] != swapped.cases["a"]


def test_a_swapped_region_changes_the_labels() -> None:
    assert extract({"a": ZH}).cases != extract({"a": ZH.replace("肝右叶", "脾脏上极")}).cases


@pytest.mark.reference
def test_development_reports_round_through_files(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "autopet_rg_lym" / "reports.csv"
    texts = dict(list(read_label_texts(path, column="Cleaned_Pred_report").items())[:25])  # the rest is held out
    found = extract(texts)
    write_labels(found, tmp_path / "out")
    back = read_labels(tmp_path / "out", strict=True)
    assert (back.cases, back.languages, back.labeller) == (found.cases, found.languages, found.labeller)
    loops = [key for key, text in texts.items() if text is not None and set(text) <= set("0123456789")]
    for key in loops:  # a machine's loop of digits says nothing of any region
        assert all(cell.pet is None and cell.ct is None for cell in back.cases[key].values())
