"""The reader on sentences of our own: scopes, subjects, sides, numbers, silence."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.reading import Basis, Reading, detect, labels, lexicon, read, read_lexicon, version
from petrg.report import Structure, Uptake

Said = dict[str, tuple[int, int, float | None]]


def said(text: str, language: str = "auto") -> Said:
    """Region -> (PET, CT, SUV) of every region that is not normal, 24 read."""
    got = {r.value: e.label for r, e in labels(read(text, language)).items()}
    assert len(got) == 24
    rows = {k: (int(x.pet or 5), int(x.ct or 8), x.suv_max) for k, x in got.items()}
    return {k: row for k, row in rows.items() if row != (5, 8, None)}


ZH: list[tuple[str, Said]] = [
    ("右肺上叶见一结节，大小约1.2cm×1.0cm，放射性摄取增高，SUVmax为5.6。", {"lung-pleura": (1, 2, 5.6)}),
    (
        "双侧颈部、纵隔及双侧腋窝见多发肿大淋巴结，放射性摄取明显增高，SUVmax约12.3。",
        {"neck-nodes": (1, 1, 12.3), "mediastinum-hila": (1, 1, 12.3), "axilla-chest-wall": (1, 1, 12.3)},
    ),
    ("肝脏未见异常。脾脏增大，弥漫性放射性摄取增高，高于肝脏，SUVmax 6.1。", {"spleen": (1, 7, 6.1)}),
    ("左肾囊肿，未见放射性摄取。", {"kidneys": (5, 2, None)}),
    ("胃窦壁增厚，FDG摄取轻度增高，SUVmax3.8，考虑炎性。", {"gi-tract": (2, 4, 3.8)}),
    ("L3椎体见溶骨性骨质破坏，代谢增高，SUVmax：9.9；余骨骼未见异常。", {"spine": (1, 6, 9.9)}),
    ("右侧胸腔少量积液，心包腔少量积液，腹水征阴性。", {"lung-pleura": (5, 7, None), "heart": (5, 7, None)}),
    ("双肺散在磨玻璃影及小结节，未见放射性摄取。", {"lung-pleura": (5, 3, None)}),
    ("胆囊多发结石。前列腺钙化。", {"biliary": (5, 5, None), "pelvic-organs": (5, 5, None)}),
    ("左侧额叶见片状低密度影，代谢减低。", {"brain": (4, 7, None)}),
    ("肠系膜根部多发淋巴结融合成团，大小约5.6cm×4.3cm，SUVmax 15.2。", {"peritoneum": (1, 1, 15.2)}),
    ("左侧臀大肌内见软组织肿块，代谢增高，最大标准摄取值约为7.7。", {"muscle-subcutis": (1, 2, 7.7)}),
    ("脾切除术后，术区未见异常。", {"spleen": (5, 7, None)}),
    ("全身骨髓弥漫性代谢增高。", {"spine": (1, 8, None), "pelvis-limb-bones": (1, 8, None)}),
    ("主动脉及冠状动脉钙化。", {"mediastinum-hila": (5, 5, None), "heart": (5, 5, None)}),
]
EN: list[tuple[str, Said]] = [
    ("Mildly FDG-avid subcarinal lymph nodes, SUVmax 3.9, likely reactive.", {"mediastinum-hila": (2, 1, 3.9)}),
    ("Intense uptake in the right tonsil (SUVmax 14.3) with asymmetric thickening.", {"pharynx-larynx": (1, 4, 14.3)}),
    ("Diffusely increased bone marrow uptake.", {"spine": (1, 8, None), "pelvis-limb-bones": (1, 8, None)}),
    (
        "Status post splenectomy. Hepatic steatosis. Small hiatal hernia.",
        {"spleen": (5, 7, None), "liver": (5, 7, None), "gi-tract": (5, 7, None)},
    ),
    ("Photopenic cyst in the right kidney. Bilateral renal calculi.", {"kidneys": (4, 2, None)}),
    ("A 3.4 x 2.2 cm left adrenal mass is intensely hypermetabolic (SUVmax = 22.1).", {"adrenals": (1, 2, 22.1)}),
    ("The liver is enlarged but shows no focal uptake.", {"liver": (5, 7, None)}),
    ("Patchy ground-glass opacities in both lungs without FDG uptake.", {"lung-pleura": (5, 3, None)}),
    ("Mucosal thickening of the maxillary sinuses.", {"orbit-sinus": (5, 4, None)}),
    ("Subcutaneous nodule in the left thigh, FDG avid.", {"muscle-subcutis": (1, 2, None)}),
    ("Lungs: clear. Heart: coronary calcifications. Liver: no focal lesion.", {"heart": (5, 5, None)}),
    ("Unremarkable gallbladder, pancreas, and adrenal glands.", {}),
]


@pytest.mark.parametrize(("text", "expected"), ZH + EN)
def test_a_sentence_is_read(text: str, expected: Said) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("肝脏未见结节、肿块或异常放射性浓聚。", {}),
        ("肝脏未见结节，脾脏见结节。", {"spleen": (5, 2, None)}),
        ("肝脏未见结节，但见放射性浓聚。", {"liver": (1, 8, None)}),
        ("肝脏结节，放射性浓聚不明显。", {"liver": (5, 2, None)}),
        ("No nodule, mass, or effusion in the left lung.", {}),
        ("There is no uptake in the liver but a nodule in the spleen.", {"spleen": (5, 2, None)}),
        ("A mass without uptake in the liver.", {"liver": (5, 2, None)}),
        ("Previously seen left cervical nodes have resolved.", {}),
        ("The lymph nodes of the neck are not enlarged.", {}),
    ],
)
def test_a_negation_has_a_scope(text: str, expected: Said) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("左肾上极见低密度影，边界清，放射性浓聚，SUVmax：6.0。大小约2.0cm。", {"kidneys": (1, 2, 6.0)}),
        ("Enlarged left inguinal node measuring 1.8 cm. SUVmax 9.3.", {"pelvic-inguinal-nodes": (1, 1, 9.3)}),
        ("脾脏见结节；肝脏见结节，放射性浓聚。", {"spleen": (5, 2, None), "liver": (1, 2, None)}),
        ("肝脏见结节；脾脏见结节，均见放射性浓聚。", {"liver": (1, 2, None), "spleen": (1, 2, None)}),
    ],
)
def test_a_subject_is_carried_until_it_changes(text: str, expected: Said) -> None:
    assert said(text) == expected


def test_sides_are_kept() -> None:
    findings = read("左侧颈部见肿大淋巴结，右侧腋窝见肿大淋巴结，双侧腹股沟未见肿大淋巴结。").findings
    assert [(f.region, f.side, f.nodal_group, f.negated) for f in findings] == [
        (Region.NECK_NODES, Side.LEFT, NodalGroup.NECK_LEFT, False),
        (Region.AXILLA_CHEST_WALL, Side.RIGHT, NodalGroup.AXILLA_RIGHT, False),
        (Region.PELVIC_INGUINAL_NODES, Side.BILATERAL, None, True),
    ]
    (finding,) = read("FDG-avid right supraclavicular node.").findings
    assert (finding.side, finding.nodal_group) == (Side.RIGHT, NodalGroup.NECK_RIGHT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("脾脏结节邻近肝脏，放射性浓聚。", {"spleen": (1, 2, None)}),
        ("左侧肾上腺结节，与肝脏分界清，放射性浓聚，SUVmax 7.0。", {"adrenals": (1, 2, 7.0)}),
        ("An FDG-avid nodule in the spleen, adjacent to the pancreas.", {"spleen": (1, 2, None)}),
        ("胃壁增厚，邻近肝脏未见异常。", {"gi-tract": (5, 4, None)}),
    ],
)
def test_a_neighbour_is_not_the_subject(text: str, expected: Said) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Uptake in the spleen is higher than in the liver.", {"spleen": (1, 8, None)}),
        ("脾脏放射性摄取略高于肝脏。", {"spleen": (2, 8, None)}),
        ("纵隔淋巴结放射性摄取略高于纵隔血池（SUVmax 2.1）。", {"mediastinum-hila": (2, 1, None)}),
        ("左颈部淋巴结放射性浓聚，SUVmax 6.2，肝脏本底SUVmax 9.9。", {"neck-nodes": (1, 1, 6.2)}),
        ("左腋窝淋巴结，短径大于1cm。", {"axilla-chest-wall": (5, 1, None)}),
        ("Uptake in the splenic nodule is higher than liver (SUVmax 2.8), SUVmax 7.0.", {"spleen": (1, 2, 7.0)}),
    ],
)
def test_a_yardstick_is_not_the_subject(text: str, expected: Said) -> None:
    assert said(text) == expected


def test_the_rest_is_normal_takes_nothing_back() -> None:
    reading = read("肝左叶见结节，放射性浓聚；余肝脏未见异常。")
    assert [g.rest for g in reading.grounded] == [False, True]
    assert labels(reading)[Region.LIVER].label.pet is Uptake.HIGH


def test_clauses_that_contradict_are_both_kept_and_the_marked_one_is_the_label() -> None:
    reading = read("脾脏见结节。脾脏未见结节。")
    assert [(f.structure, f.negated) for f in reading.findings] == [
        (Structure.FOCAL_LESION, False),
        (Structure.FOCAL_LESION, True),
    ]
    assert labels(reading)[Region.SPLEEN].label.ct is Structure.FOCAL_LESION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("胃壁放射性摄取增高，考虑生理性摄取。", Uptake.PHYSIOLOGIC),
        ("胃壁放射性摄取增高，考虑炎性。", Uptake.HIGH),
        ("Increased gastric uptake, likely physiologic.", Uptake.PHYSIOLOGIC),
        ("Increased gastric uptake, likely inflammatory.", Uptake.HIGH),
    ],
)
def test_only_a_physiologic_explanation_changes_an_uptake(text: str, expected: Uptake) -> None:
    assert labels(read(text))[Region.GI_TRACT].label.pet is expected


@pytest.mark.parametrize(
    ("suv", "expected"), [("2.9", Uptake.EQUIVOCAL), ("3.0", Uptake.EQUIVOCAL), ("3.1", Uptake.HIGH)]
)
def test_an_increase_not_above_the_liver_is_equivocal(suv: str, expected: Uptake) -> None:
    assert labels(read(f"右腋窝淋巴结放射性摄取增高，SUVmax：{suv}。"))[Region.AXILLA_CHEST_WALL].label.pet is expected
    assert (
        labels(read(f"右腋窝淋巴结放射性摄取明显增高，SUVmax：{suv}。"))[Region.AXILLA_CHEST_WALL].label.pet
        is Uptake.HIGH
    )


def test_respective_numbers_go_to_their_places() -> None:
    zh = "双侧颈部、右侧腋窝、左侧腹股沟见多发淋巴结，代谢增高，SUVmax分别为4.2、6.5、8.1。"
    en = "FDG-avid nodes in the neck, right axilla, and left groin (SUVmax 4.2, 6.5 and 8.1, respectively)."
    expected = {"neck-nodes": (1, 1, 4.2), "axilla-chest-wall": (1, 1, 6.5), "pelvic-inguinal-nodes": (1, 1, 8.1)}
    assert said(zh) == said(en) == expected


@pytest.mark.parametrize(
    "shown",
    [
        *("SUVmax：7.2", "SUVmax约为7.2", "SUVmax 5.1-7.2", "最大SUV值为7.2", "（SUVmax＝７.２）"),
        *("SUVmax：7.2，SUVavg：9.1", "SUVmax分布在5.1～7.2", "最大标准摄取值（SUVmax）7.2", "SUVmax7.2g/ml"),
    ],
)
def test_suv_is_read_in_its_spellings(shown: str) -> None:
    assert said(f"左侧腋窝淋巴结放射性浓聚，{shown}。") == {"axilla-chest-wall": (1, 1, 7.2)}


@pytest.mark.parametrize(
    ("shown", "mm"),
    [
        ("1.2cm×1.0cm", (12.0, 10.0)),
        ("1.2*1.0cm", (12.0, 10.0)),
        ("10×12mm", (12.0, 10.0)),
        ("3.4cm*2.1cm*4.6cm", (46.0, 34.0, 21.0)),
        ("0.8厘米", (8.0,)),
    ],
)
def test_sizes_are_in_mm(shown: str, mm: tuple[float, ...]) -> None:
    assert read(f"肝右叶见结节，大小约{shown}。").findings[0].size_mm == mm


def test_a_number_without_a_unit_is_no_size_and_a_size_is_no_suv() -> None:
    (finding,) = read("肝右叶见结节3枚，直径8mm。").findings
    assert (finding.size_mm, finding.suv_max) == ((8.0,), None)


def test_silence_is_none_and_said_to_be() -> None:
    got = labels(read("肝脏见结节。"))
    assert got[Region.SPLEEN].label.pet is None
    assert got[Region.SPLEEN].pet.basis is got[Region.SPLEEN].ct.basis is Basis.SILENT
    assert got[Region.LIVER].pet.basis is Basis.SILENT
    assert got[Region.LIVER].ct.basis is Basis.STATED


def test_a_larger_area_called_normal_makes_its_parts_normal() -> None:
    got = labels(read("腹部未见异常。脾脏见结节。"))
    assert got[Region.PANCREAS].label.pet is Uptake.NORMAL
    assert got[Region.PANCREAS].pet.basis is Basis.IMPLIED
    assert got[Region.SPLEEN].label.ct is Structure.FOCAL_LESION
    assert got[Region.BRAIN].pet.basis is Basis.SILENT


def test_an_area_that_is_not_normal_implies_nothing() -> None:
    assert said("腹部放射性摄取增高。") == {}


@pytest.mark.parametrize("text", ["", " ", "\n", "。。。", "大小约2.0cm。", "SUVmax：5.0。", "????", "(((", "SUVmax"])
def test_a_text_that_says_nothing_of_a_place_has_no_findings(text: str) -> None:
    assert read(text).findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "1234567890" * 2000,
        "双肺结节影，" * 3000,
        "、" * 20000,
        "SUVmax" * 4000,
        "SUVmax：" + "9" * 20000,
        "肝" * 20000,
        "1.2*" * 5000,
        "the " * 8000,
        "肝、脾、" * 3000 + "见结节；" * 3000,
        "均见结节，" * 5000,
        "未见肿大淋巴结阴性" * 3000,
        "与肝相似" * 5000,
        "\n" * 20000,
    ],
    ids=lambda text: f"{text[:6]!r}",
)
def test_garbled_and_looping_text_ends_soon(text: str) -> None:
    start = time.process_time()
    labels(read(text))
    assert time.process_time() - start < 3.0


PAIRS = [
    (
        "右肺上叶结节，放射性摄取增高，SUVmax：5.6。",
        "A nodule in the right upper lobe with increased uptake, SUVmax 5.6.",
    ),
    ("左侧腋窝肿大淋巴结，大小约2.1cm×1.4cm，放射性浓聚。", "Enlarged FDG-avid left axillary node, 2.1 x 1.4 cm."),
    ("肝脏未见异常放射性浓聚。", "No abnormal FDG uptake in the liver."),
    ("脾脏增大。", "The spleen is enlarged."),
    ("膀胱见生理性摄取。", "Physiologic uptake in the bladder."),
    ("胰腺未见异常。", "The pancreas is unremarkable."),
    ("腰椎溶骨性骨质破坏，放射性摄取轻度增高。", "Lytic destruction of the lumbar spine with mildly increased uptake."),
]


@pytest.mark.parametrize(("zh", "en"), PAIRS)
def test_both_languages_give_equal_findings(zh: str, en: str) -> None:
    def core(reading: Reading) -> set[tuple[object, ...]]:
        return {
            (f.region, f.side, f.nodal_group, f.uptake, f.structure, f.suv_max, f.size_mm, f.negated)
            for f in reading.findings
        }

    assert core(read(zh, "zh")) == core(read(en, "en"))


def test_the_language_is_found() -> None:
    assert detect("左侧腋窝淋巴结，SUVmax7.2,SUVmean8.1。") == "zh"
    assert detect("Liver: normal.") == "en"


def test_spans_say_where() -> None:
    text = "脾脏未见异常。肝右叶见结节，放射性浓聚，SUVmax：5.6。"
    liver = labels(read(text))[Region.LIVER]
    assert [text[s.start : s.end] for s in liver.ct.spans[:2]] == ["肝右叶", "结节"]
    assert "放射性浓聚" in [text[s.start : s.end] for s in liver.pet.spans]
    assert liver.suv is not None
    assert "SUVmax：5.6" in [text[s.start : s.end] for s in liver.suv.spans]
    assert (liver.pet.rule, liver.ct.rule, liver.suv.rule) == ("uptake.high", "structure.nodule", "suv.max")


TOY = """
[grammar]
script = "[a-z]"
word_boundary = true
plural = ["e"]
[[clause]]
words = [","]
test = "{}"
[[sentence]]
words = ["!"]
test = "{}"
[[site]]
region = "liver"
words = ["leber"]
test = "{} speichert vermehrt"
[[site]]
region = "spleen"
words = ["milz"]
test = "{} speichert vermehrt"
[[uptake]]
class = "high"
words = ["speichert vermehrt"]
test = "leber {}"
expect = { region = "liver", pet = 1 }
[[negation]]
words = ["keine"]
test = "leber {} rundherd"
expect = { region = "liver", ct = 8 }
[[structure]]
concept = "nodule"
words = ["rundherd"]
test = "leber {}"
expect = { region = "liver", ct = 2 }
[[suv]]
words = ["suvmax"]
test = "leber {} 3.3"
expect = { region = "liver", suv = 3.3 }
"""


def test_a_third_language_is_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "de.toml"
    path.write_text(TOY, encoding="utf-8")
    german = read_lexicon(path)
    reading = read("Leber speichert vermehrt, SUVmax 8.8! Milz keine Rundherde.", german)
    assert reading.language == "de"
    got = labels(reading)
    assert (got[Region.LIVER].label.pet, got[Region.LIVER].label.suv_max) == (Uptake.HIGH, 8.8)
    assert got[Region.SPLEEN].label.ct is Structure.NORMAL


def test_the_lexicon_is_compiled_once() -> None:
    assert lexicon("zh") is lexicon("zh")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # said of all, then the largest named: its number is its own; the uptake said after: of all
        (
            "左侧颈部、纵隔多发肿大淋巴结，放射性摄取增高，以纵隔为著，SUVmax：9.8。",
            {"neck-nodes": (1, 1, None), "mediastinum-hila": (1, 1, 9.8)},
        ),
        (
            "左侧颈部、纵隔多发肿大淋巴结，较大者位于纵隔，放射性摄取增高，SUVmax：9.8。",
            {"neck-nodes": (1, 1, 9.8), "mediastinum-hila": (1, 1, 9.8)},
        ),
        # each number is of the places before it
        (
            "肝脏（SUVmax4.1）、脾脏（SUVmax5.2）见多发结节，放射性摄取增高。",
            {"liver": (1, 2, 4.1), "spleen": (1, 2, 5.2)},
        ),
        (
            "Lytic lesions in L1 and L3 (SUVmax 9.5) and in the right ilium (SUVmax 7.4).",
            {"spine": (1, 6, 9.5), "pelvis-limb-bones": (1, 6, 7.4)},
        ),
        # the liver's own number beside another is a yardstick
        ("脾脏增大，放射性摄取弥漫性增高，SUVmax：7.1（肝脏SUVmax：3.2）。", {"spleen": (1, 7, 7.1)}),
        ("参考值：肝脏SUVmax 3.4，纵隔血池SUVmax 2.1。左颈部淋巴结SUVmax 5.0。", {"neck-nodes": (1, 1, 5.0)}),
        # what it became, not what it was
        ("肝脏结节，放射性浓聚，SUVmax由9.8降至5.1。", {"liver": (1, 2, 5.1)}),
        ("An avid liver nodule; its SUVmax has fallen from 9.8 to 5.1.", {"liver": (1, 2, 5.1)}),
        # the nodes around an organ
        (
            "胃窦壁增厚，放射性浓聚，SUVmax：9.9，周围见多发小淋巴结，SUVmax：3.3。",
            {"gi-tract": (1, 4, 9.9), "peritoneum": (1, 1, 3.3)},
        ),
    ],
)
def test_a_number_belongs_to_the_place_it_was_measured_at(text: str, expected: Said) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("肝脏见结节，放射性浓聚。印象：肝转移，骨转移。", {"liver": (1, 2, None)}),
        ("肝脏见结节，放射性浓聚。【诊断结果】脂肪肝。双肾结石。", {"liver": (1, 2, None), "kidneys": (5, 5, None)}),
        ("肝脏未见异常。诊断意见：右肾结节，放射性浓聚，SUVmax：3.2。", {"kidneys": (1, 2, 3.2)}),
        ("Avid mass in the liver. Impression: hepatic and nodal metastases.", {"liver": (1, 2, None)}),
    ],
)
def test_a_summary_tells_what_the_findings_do_not(text: str, expected: Said) -> None:
    assert said(text) == expected


def test_the_labeller_names_its_version() -> None:
    assert version() == version()
    assert re.fullmatch(r"petrg-reading [0-9]+ \([0-9a-f]{8}\)", version())
