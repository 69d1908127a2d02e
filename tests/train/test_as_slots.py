"""Numbers of reports as slots."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny_train import cases_of

from petrg.draft.digits import numbers_in
from petrg.errors import ModelError
from petrg.evaluate.cases.tables import read_rows
from petrg.model.recipe import Recipe
from petrg.train.as_slots import as_slots

OURS, RELEASED = Recipe.of("petrg-1"), Recipe.of("petrg3d-2025")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SUVmax约8.1", "SUVmax约<suvmax>"),
        ("SUVmax：12", "SUVmax：<suvmax>"),
        ("SUVmax 3.2–5.6", "SUVmax <suvmax>"),
        ("SUVmax分别约为8.1、7.2及5.5", "SUVmax分别约为<suvmax>、<suvmax>及<suvmax>"),
        ("SUVmean 2.0, SUVpeak 3.1", "SUVmean <suvmean>, SUVpeak <suvpeak>"),
        ("大小约2.3cm×1.5cm×1.2cm", "大小约<size>"),
        ("2.3 x 1.5 cm", "<size>"),
        ("较大者短径约12mm", "较大者短径约<short>"),
        ("a node of 12 mm in short axis, SUVmax of 8.1", "a node of <short> in short axis, SUVmax of <suvmax>"),
        ("short-axis diameter 12 mm", "short-axis diameter <short>"),
        ("大小分别为2.3、1.5cm", "大小分别为<long>、<long>"),
        ("3枚结节，余10余枚", "<count>枚结节，余<count>枚"),
        ("3 enlarged nodes, 2–3 foci", "<count> enlarged nodes, <count> foci"),
        ("CT值约-12HU，CT值约35", "CT值约<hu>，CT值约<hu>"),
        ("mean attenuation 45 HU", "mean attenuation <hu>"),
        ("MTV 12.5 ml, TLG 45.2 g", "MTV <volume>, TLG <tlg>"),
        ("平均SUV约2.1，峰值SUV约3.0", "平均SUV约<suvmean>，峰值SUV约<suvpeak>"),
        ("maximum standardised uptake value of 8.1", "maximum standardised uptake value of <suvmax>"),
        ("S1骶骨、S8段、颈部2、3区、第3、4后肋、L4/5、1/3段", "S1骶骨、S8段、颈部2、3区、第3、4后肋、L4/5、1/3段"),
        ("18F-FDG, F-18, levels 2 and 3, segment 4a", "18F-FDG, F-18, levels 2 and 3, segment 4a"),
        ("1. 肝脏：未见异常。\n2. 脾脏", "1. 肝脏：未见异常。\n2. 脾脏"),
        # what no slot says goes with its clause, its bracket or, in the first clause, its sentence
        ("肝右叶结节，密度减低30%，SUVmax约8.1。", "肝右叶结节，SUVmax约<suvmax>。"),
        ("肝右叶结节，SUVmax约8.1（PET第45层）。", "肝右叶结节，SUVmax约<suvmax>。"),
        ("肝右叶结节，较前缩小1.2cm，现大小约2.3cm。", "肝右叶结节，现大小约<long>。"),
        ("双肺气肿占30%，边界清。脾脏如常。", "脾脏如常。"),
        ("Nodule in the lung, grown by 30 %, SUVmax 4.5.", "Nodule in the lung, SUVmax <suvmax>."),
        ("Emphysema of 30 %, diffuse. Spleen normal.", "Spleen normal."),
        ("volume of 12.5 ml", "volume of <volume>"),
        ("L3椎体、颈部II区、第5肋、T12", "L3椎体、颈部II区、第5肋、T12"),
        ("Deauville 4分", "Deauville 4分"),
        (
            "肝右叶结节（IMG248），脾内（164）摄取增高（img201，患者呼吸伪影）",
            "肝右叶结节，脾内摄取增高（患者呼吸伪影）",
        ),
        ("右侧第2后肋（右侧第2后肋为著）", "右侧第2后肋（右侧第2后肋为著）"),
    ],
)
def test_numbers_become_slots(text: str, wanted: str) -> None:
    assert as_slots(text) == wanted
    assert as_slots(wanted) == wanted
    assert list(numbers_in(wanted)) == []  # so a draft keeps every word of it


@pytest.mark.parametrize(
    "said", ["对比2024-03-05片", "对比2024年3月片", "compared with 12 March 2024", "3月5日", "5/3/2024", "2024.3.5"]
)
def test_a_date_is_refused_by_its_row(home: Path, said: str) -> None:
    (home / "reports" / "AP_2.txt").write_text(f"双肺未见异常，{said}。")
    with pytest.raises(ModelError, match=r"^row 2 of the manifest: a report with a date in it") as error:
        cases_of(home)
    assert said not in str(error.value)
    assert len(cases_of(home, RELEASED)) == 2  # it teaches the text as it stands


@pytest.mark.reference
def test_reports_of_a_hospital_keep_every_word(shared: Path) -> None:
    """Development reports: no measured digit is left, and nothing but numbers and their units has gone."""
    path = shared / "data" / "autopet_rg_lym" / "reports.csv"
    reports = [row["GT_report"] for row in read_rows(path)[1][:25]]
    for text in map(str, reports):
        slotted = as_slots(text)
        assert re.findall(r"\d", slotted) in ([], ["2"])  # the second rib
        assert list(numbers_in(slotted)) == []
        number = r"\d+(?:\.\d+)?"
        size = rf"{number}(?:cm)?(?:[×*xX]{number}(?:cm)?)+"
        assert slotted.count("<size>") == len(re.findall(size, text))
        assert set(re.findall("<[a-z]+>", slotted)) <= {"<size>", "<suvmax>"}
        plain = re.sub(r"[（(](?:IMG)?\d+(?:[、,，~-]\d+)*[）)]|(?<=（)IMG\d+，", "", text, flags=re.I)
        plain = re.sub(rf"{size}|(?<!第){number}", "@", plain)
        assert re.sub("<[a-z]+>", "@", slotted) == plain
