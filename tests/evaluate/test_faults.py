"""Each kind of fault and its near misses, in Chinese and English; what must not change the faults found."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.evaluate.cases.case import Sex
from petrg.evaluate.faults import Fault, FaultKind, find_faults


def kinds(text: str, sex: Sex | None = None) -> set[str]:
    return {fault.kind.value for fault in find_faults(text, sex=sex)}


ZH_MASS = "右肺上叶见结节，大小约1.2cm×0.9cm，摄取增高，SUVmax为5.1。"
EN_MASS = "There is a 2.1 cm mass in the right upper lobe with intense uptake, SUVmax 8.0."

CONTRADICTIONS = {
    "whole after part": (ZH_MASS, "双肺未见异常密度影或异常放射性浓聚灶。"),
    "fluid": ("左侧胸腔少量积液。", "双侧胸腔未见积液。"),
    "mass in a normal liver": ("肝右叶见软组织肿块，摄取增高，SUVmax为9.0。", "肝脏形态、密度及放射性分布未见异常。"),
    "renal pelvis": ("右侧肾盂扩张。", "双侧肾盂、输尿管未见扩张。"),
    "nodes": ("左颈部Ⅱ区见肿大淋巴结，大小约1.5cm×1.2cm，摄取增高。", "双侧颈部未见肿大淋巴结。"),
    "adrenal": ("左肾上腺见结节，摄取增高。", "双侧肾上腺未见异常。"),
    "ascites": ("腹腔见大量积液。", "腹水征阴性。"),
    "lobe, en": (EN_MASS, "The lungs are clear."),
    "effusion, en": ("Small right pleural effusion.", "No pleural effusion."),
    "liver, en": ("There is a 3 cm hypermetabolic mass in the liver, SUVmax 12.", "The liver is unremarkable."),
    "size, en": ("The spleen is enlarged at 15 cm.", "The spleen is normal in size."),
    "nodes, en": ("Enlarged subcarinal node, 1.8 cm, SUVmax 7.0.", "No enlarged mediastinal nodes."),
    "hydronephrosis, en": ("Left hydronephrosis.", "No hydronephrosis."),
    "adrenal, en": ("Intense uptake in the left adrenal gland, SUVmax 9.1.", "The adrenal glands are normal."),
    "bone, en": ("A lytic lesion in L3 has intense uptake, SUVmax 12.2.", "No lytic bone lesion."),
}

CONSISTENT = {
    "other side": ZH_MASS + "左肺未见异常密度影或异常放射性浓聚灶。",
    "the rest": ZH_MASS + "余双肺未见异常密度影或异常放射性浓聚灶。",
    "the rest, in other words": ZH_MASS + "双肺其余部位未见异常密度影。",
    "other site": "双侧胸腔未见积液。" + ZH_MASS,
    "other side of an effusion": "左侧胸腔积液。右侧胸腔未见积液。",
    "slight beside no obvious": "左侧胸腔少量积液。双侧胸腔未见明显积液。",
    "benign": "肝右叶见囊肿，大小约1.0cm。肝脏形态、密度及放射性分布未见异常。",
    "prior": "前片所示肝右叶肿块，摄取增高，现已消失。肝脏形态、密度及放射性分布未见异常。",
    "hedge": "肝右叶可疑低密度结节。肝实质内未见异常密度灶。",
    "but": "肝实质内未见异常密度灶，但肝右叶见低密度结节。",
    "density beside size": "脾脏增大，长径约15cm。脾脏密度均匀。",
    "uptake beside size": "脾脏增大，长径约15cm，放射性分布未见异常。",
    "small nodes": "双侧颈部未见肿大淋巴结。左颈部见小淋巴结，大小约0.5cm×0.4cm，摄取不高。",
    "other nodes": "纵隔未见肿大淋巴结。右侧腋窝见肿大淋巴结，摄取增高。",
    "uptake affirmed, structure denied": "部分肋骨未见骨质破坏，示踪剂异常浓集，SUVmax33.7。",
    "other organ": "左肾上腺见结节，摄取增高。双肾未见异常。",
    "other level": "胸12椎体见骨质破坏，摄取增高。腰3椎体未见骨质破坏。",
    "other lobe": "甲状腺左叶低密度结节，未见放射性浓聚。甲状腺右叶未见异常。",
    "lesion without uptake": "甲状腺左叶低密度结节，未见放射性浓聚。甲状腺左叶结节边界清。",
    "other side, en": EN_MASS + " The left lung is clear.",
    "the rest, en": EN_MASS + " The lungs are otherwise clear.",
    "no other, en": EN_MASS + " No other pulmonary nodule.",
    "other site, en": EN_MASS + " No pleural effusion.",
    "other side of an effusion, en": "Small right pleural effusion. No left pleural effusion.",
    "side behind, en": "Left hydronephrosis. No hydronephrosis on the right.",
    "trace, en": "Trace right pleural effusion. No significant pleural effusion.",
    "benign, en": "There is a 3 cm cyst in the liver. The liver is unremarkable.",
    "diffuse, en": "No focal uptake in the liver. The liver shows diffusely increased uptake.",
    "prior, en": "Previously seen hypermetabolic mass in the liver has resolved. The liver is unremarkable.",
    "hedge, en": "There may be a nodule in the liver. The liver is unremarkable.",
    "uptake beside size, en": "The spleen is enlarged at 15 cm without focal uptake.",
    "small nodes, en": "No enlarged mediastinal nodes. Small mediastinal nodes without uptake.",
    "not suspicious, en": "No suspicious pulmonary nodule. There is a 3 mm nodule in the right lower lobe.",
    "not avid, en": "No FDG-avid pulmonary nodule. There is a 6 mm nodule in the right lower lobe without uptake.",
    "no further, en": "A lytic lesion in L3 has intense uptake, SUVmax 12.2. No further bone lesion.",
    "other fluid, en": "No pleural effusion. Ascites is present.",
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_denied_here_and_affirmed_there(name: str) -> None:
    affirmed, denied = CONTRADICTIONS[name]
    space = " " if affirmed.isascii() else ""
    for first, second in ((affirmed, denied), (denied, affirmed)):
        text = first + space + second
        fault, *more = [f for f in find_faults(text) if f.kind is FaultKind.CONTRADICTION]
        assert not more
        one, other = fault.spans
        assert one.end <= len(first) <= other.start, "one span on each side"
        assert kinds(first) == kinds(second) == set(), "neither alone"


@pytest.mark.parametrize("name", CONSISTENT)
def test_near_misses_are_no_contradiction(name: str) -> None:
    assert kinds(CONSISTENT[name]) == set()


FAULTY: list[tuple[str, Sex | None, str]] = [
    ("other-sex-organ", "F", "前列腺体积增大。"),
    ("other-sex-organ", "M", "双侧附件未见异常。"),
    ("other-sex-organ", None, "子宫未见异常。前列腺增大。"),
    ("other-sex-organ", "F", "The prostate is enlarged."),
    ("other-sex-organ", "M", "The uterus is normal."),
    ("other-sex-organ", None, "The uterus is normal. The seminal vesicles are normal."),
    ("modality-not-scanned", None, "左侧额叶见长T1长T2信号影。"),
    ("modality-not-scanned", None, "1.头颅MRI：未见异常。"),
    ("modality-not-scanned", None, "肝右叶见低回声结节。"),
    ("modality-not-scanned", None, "The lesion in the liver shows high T2 signal."),
    ("modality-not-scanned", None, "A hypoechoic nodule in the thyroid."),
    ("unit", None, "肝右叶结节，大小约52cm。"),
    ("unit", None, "肝右叶结节，大小约3.2m。"),
    ("unit", None, "肝右叶结节，大小约0.2mm。"),
    ("unit", None, "肝右叶结节，大小约3.2×2.1，SUVmax为4.0。"),
    ("unit", None, "肝右叶结节，SUVmax为4.0cm。"),
    ("unit", None, "肝右叶结节，SUVmax为412。"),
    ("unit", None, "肝右叶结节，CT值约35mm。"),
    ("unit", None, "脾脏增大，长径约14mm。"),
    ("unit", None, "脾脏外形增大，前后径约12mm，内见多发类圆形低密度影，大者直径约8mm。"),
    ("unit", None, "The spleen is enlarged, measuring 13.9 mm, and contains a cyst."),
    ("unit", None, "A mass of 45 cm in the liver."),
    ("unit", None, "A nodule of 1.2 x 0.9 in the liver."),
    ("unit", None, "A nodule in the liver with SUVmax 4.2 cm."),
    ("unit", None, "A nodule with SUVmax of 250 in the liver."),
    ("unit", None, "The spleen is enlarged, 14 mm."),
    ("placeholder", None, "肝脏大小[  ]，未见异常。"),
    ("placeholder", None, "肝右叶结节，大小约___cm。"),
    ("placeholder", None, "The nodule has an SUVmax of XX."),
    ("placeholder", None, "{size} nodule in the liver."),
    ("cut-off", None, "肝脏未见异常。脾脏未见异"),
    ("cut-off", None, "肝脏未见异常。脾脏见结节，大小约1.2cm×"),
    ("cut-off", None, "肝脏未见异常。脾脏见结节，大小约1."),
    ("cut-off", None, "肝脏未见异常。脾脏见结节（大小约"),
    ("cut-off", None, "The liver is normal. The spleen is enlarged and"),
    ("cut-off", None, "The liver is normal. There is a node (1.2"),
    ("run-on", None, "肝脏未见异常。脾脏未见异常。【报告结束】大脑皮层显影清晰。"),
    ("run-on", None, "肝脏未见异常。\n</think>\n脾脏未见异常。"),
    ("run-on", None, "The liver is normal. [End of report] The brain shows physiologic uptake."),
    ("repetition", None, "肝脏未见异常。" * 5),
    ("repetition", None, "肝脏未见异常。右肾见一钙化灶。右肾见一钙化灶。"),
    ("repetition", None, "The liver is normal. " * 4),
    ("empty", None, " 。"),
]

SOUND: list[tuple[Sex | None, str]] = [
    (None, "子宫未见异常。"),
    ("F", "子宫切除术后改变。双侧附件未见异常。"),
    ("M", "双侧乳腺未见异常放射性浓聚。"),
    ("M", "胸12椎体及左侧附件见骨质破坏，摄取增高。"),
    ("M", "母亲患卵巢癌。前列腺未见异常。"),
    (None, "盆腔脏器（膀胱、子宫/附件 或 前列腺/精囊腺）未见异常。"),
    ("F", "Status post hysterectomy. The ovaries are normal."),
    ("M", "No focal uptake in the breasts. The prostate is normal."),
    ("M", "Family history of ovarian cancer. The prostate is normal."),
    (None, "Uterus or prostate: normal for age."),
    (None, "与前次MRI对比，左侧额叶病灶T2WI高信号，现未见异常放射性浓聚。"),
    (None, "建议行肝脏MRI检查。"),
    (None, "外院超声示甲状腺低回声结节，本次未见异常放射性浓聚。"),
    (None, "Correlate with the T2 hyperintense lesion on prior MRI."),
    (None, "Lytic lesion at T2 with intense uptake."),
    (None, "MRI of the liver is recommended."),
    (None, "肝右叶结节，大小约3.2×2.1cm，SUVmax为4.0。"),
    (None, "髂血管旁淋巴结，大小分别为4.4cm×3.5cm和7.5cm×3.0cm，SUVmax分别为12.4和10.0。"),
    (None, "颈部淋巴结，大小为1.2×0.9、2.0×1.1cm，摄取增高。"),
    (None, "膀胱见放射性生理性蓄积，SUVmax为152.3。"),
    (None, "左侧股骨头见囊状低密度影，摄取增高，SUVmax（1011）。"),
    (None, "脾脏内见结节，长径约14mm。"),
    (None, "副脾，直径约14mm。"),
    (None, "脾脏增大，内见结节，大者直径约8mm。"),
    (None, "肾见多发囊肿，较大者位于右肾，直径约4.2mm，未见异常放射性浓聚。"),
    (None, "右肾盂内见一大小约9.0*6.0mm类圆形致密影。"),
    (None, "右肾萎缩，大小约35mm×20mm。"),
    (None, "The spleen is enlarged with a 12 mm nodule."),
    (None, "The spleen is enlarged to 13.9 cm."),
    (None, "CT扫描层厚0.4mm，矩阵512×512。肝脏未见异常。"),
    (None, "A nodule in the liver with SUVmax 4.2, 2.1 cm."),
    (None, "Nodes of 1.2 x 0.9 and 2.1 x 1.4 cm in the left neck."),
    (None, "The bladder has an SUVmax of 250."),
    (None, "Matrix 200 x 200, slice thickness 0.4 mm. The liver is normal."),
    (None, "肝脏未见异常。脾脏未见异常。【报告结束】"),
    (None, "The liver is normal. The spleen is normal. End of report."),
    (None, "Liver: normal\nSpleen: normal"),
    (None, "**Liver:** normal.\n**Spleen:** normal."),
]


@pytest.mark.parametrize(("kind", "sex", "text"), FAULTY)
def test_a_fault_is_found_once_and_shown(kind: str, sex: Sex | None, text: str) -> None:
    faults = find_faults(text, sex=sex)
    assert {f.kind.value for f in faults} == {kind}
    assert Counter(f.kind for f in faults).most_common(1)[0][1] == 1
    for span in faults[0].spans:
        assert 0 <= span.start < span.end <= len(text)


@pytest.mark.parametrize(("sex", "text"), SOUND)
def test_near_misses_are_no_fault(sex: Sex | None, text: str) -> None:
    assert kinds(text, sex) == set()


def test_a_scanned_modality_may_be_described() -> None:
    text = "左侧额叶见长T1长T2信号影。"
    assert find_faults(text, modalities=("PT", "MR")) == ()
    enhanced = "肝右叶结节明显强化。"
    assert find_faults(enhanced) == ()
    assert {f.kind for f in find_faults(enhanced, modalities=("PT", "CT", "CT-plain"))} == {FaultKind.NOT_SCANNED}


def test_a_second_report_is_a_run_on() -> None:
    report = "大脑皮层显影清晰，放射性分布对称。脑室未见扩大。甲状腺未见异常。双肺未见异常密度影。肝脏未见异常。"
    assert kinds(report) == set()
    assert "run-on" in kinds(report + report)


def test_no_line_quotes_the_text() -> None:
    """A fault's words are of regions and kinds; what is quoted are numbers."""
    text = "王小明，" + ZH_MASS + "双肺未见异常密度影或异常放射性浓聚灶。前列腺增大，SUVmax为412。" + "甲" * 50
    for fault in find_faults(text, sex="F"):
        assert not any("一" <= c <= "鿿" for c in fault.what)


NORMAL = {
    "zh": [
        "脾脏未见异常。",
        "胰腺形态、密度及放射性分布未见明显异常，胰管未见扩张。",
        "胆囊未见增大，壁未见增厚。",
        "乳腺未见异常。",
    ],
    "en": [
        "The spleen is normal.",
        "The pancreas is unremarkable.",
        "No gallstones.",
        "No focal uptake in the breasts.",
    ],
}
STATED = {
    "zh": [
        ZH_MASS,
        "左侧胸腔积液。",
        "肝右叶见囊肿，大小约1.0cm。",
        "腰3椎体见骨质破坏，摄取增高。",
        "双侧肾上腺未见异常。",
        "双肺未见异常密度影。",
    ],
    "en": [
        EN_MASS,
        "Small right pleural effusion.",
        "Left hydronephrosis.",
        "The lungs are clear.",
        "The liver is normal.",
    ],
}


def contradictions(sentences: list[str], language: str) -> list[Fault]:
    text = (" " if language == "en" else "").join(sentences)
    return [f for f in find_faults(text) if f.kind is FaultKind.CONTRADICTION]


@given(st.data(), st.sampled_from(["zh", "en"]))
def test_a_normal_sentence_elsewhere_adds_no_contradiction(data: st.DataObject, language: str) -> None:
    said = data.draw(st.lists(st.sampled_from(STATED[language]), unique=True, max_size=4))
    before = contradictions(said, language)
    at = data.draw(st.integers(0, len(said)))
    after = contradictions([*said[:at], data.draw(st.sampled_from(NORMAL[language])), *said[at:]], language)
    assert [f.what for f in after] == [f.what for f in before]


@given(st.data(), st.sampled_from(["zh", "en"]))
def test_the_order_of_regions_does_not_matter(data: st.DataObject, language: str) -> None:
    pool = STATED[language] + NORMAL[language]
    said = data.draw(st.lists(st.sampled_from(pool), unique=True, min_size=2, max_size=6))
    shuffled = data.draw(st.permutations(said))
    assert sorted(f.what for f in contradictions(said, language)) == sorted(
        f.what for f in contradictions(list(shuffled), language)
    )


@given(st.text(max_size=80))
def test_any_text_gives_faults_within_it(text: str) -> None:
    for fault in find_faults(text):
        assert all(0 <= s.start <= s.end <= len(text) for s in fault.spans)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_careful_reports_have_no_fault(root: Path, language: str) -> None:
    rows = tomllib.loads((root / f"tests/language/clean/{language}-dev.toml").read_text(encoding="utf-8"))["report"]
    assert {row["id"]: kinds(row["text"]) for row in rows if kinds(row["text"])} == {}


LOOPS = {
    "sentence": "肝脏未见异常。" * 14000,
    "letters": "A。" * 50000,
    "digits": "1234567890" * 10000,
    "opposites": "肝右叶见结节，摄取增高。肝脏未见异常。" * 5000,
    "opposites, en": "The liver is normal. There is a 3 cm hypermetabolic mass in the liver. " * 1400,
    "no stop": "no nodule in the left lung and " * 3200,
    "blank lines": "\n" * 100000 + "a",
    "brackets": "【" * 100000,
    "one letter": "长" * 100000,
    "sizes": "4.4cm×3.5cm和" * 9000,
    "ends": "【报告结束】" * 15000,
    "offers": "子宫或前列腺" * 16000,
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_take_linear_time(name: str) -> None:
    """Twice the text takes about twice the time, on a busy machine too; a loop in a loop would take four times it."""
    from petrg.language.reading import read

    def seconds(text: str) -> float:
        reading = read(text)
        start = time.process_time()
        find_faults(text, reading)
        return time.process_time() - start

    text = LOOPS[name]
    seconds(text[:1000])
    half = text[: len(text) // 2]
    assert seconds(text) < 3 * seconds(half) + 0.2


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("The liver shows a no\u200bdule.", [20]),
        ("肝右叶见结\u200d节，\u2060摄取增高。", [5, 8]),
        ("The \u202eesaesid\u202c spreads.", [4, 12]),
        ("A n\u043edule in the liver.", [2]),  # Cyrillic o
        ("A \u0441\u0443st in the liver.", [2]),  # Cyrillic c, y
        ("A \u039dodule in the liver.", [2]),  # Greek N
        ("肝右叶见\u2f81块。", [4]),  # a radical for flesh
        ("The liver\x07 is normal.", [9]),
    ],
)
def test_hidden_characters_are_a_fault(text: str, places: list[int]) -> None:
    found = [f for f in find_faults(text) if f.kind is FaultKind.HIDDEN]
    assert [spot.start for fault in found for spot in fault.spans] == places


@pytest.mark.parametrize(
    "text",
    [
        "SUVmax 3.5 µg, \u03bcSv, \u03b2-hCG and \u03b1\u03b2-tracers; T\u2081 and 2\u00b2 cm.",
        "肝脏未见异常。\t脾脏：ＳＵＶｍａｘ３.5，T1～T2，①②。\r\n\u3000双肺未见异常。",
        "Печень не увеличена. Селезёнка в норме.",
        "Ήπαρ φυσιολογικό. The liver is normal.",
        "The naïve façade — “quoted”… is normal.",
    ],
)
def test_other_scripts_and_signs_hide_nothing(text: str) -> None:
    assert not [f for f in find_faults(text) if f.kind is FaultKind.HIDDEN]
