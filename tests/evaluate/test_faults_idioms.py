"""Idioms of careful reports, none of which is a fault, and contradictions put into whole reports, each of which is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from petrg.anatomy import Region
from petrg.evaluate.faults import FaultKind, find_faults
from petrg.evaluate.faults.lexicon import words

SOUND = [
    "淋巴瘤化疗6×21天后复查，肝脏未见异常。",
    "身高175cm，体重72kg。肝脏未见异常。",
    "乙状结肠距肛门45cm处管壁增厚，摄取增高。",
    "Response assessment 6 m after therapy. The liver is normal.",
    "Height 175 cm, weight 72 kg. The liver is normal.",
    "Blood glucose 98 mg/dL; 254 MBq FDG, 60 min uptake time. The liver has an SUVmax of 3.1 g/ml.",
    "双肺纹理清晰，未见结节及实变。右肺中叶钙化灶。",
    "双肺未见活动性病变。右肺尖少许纤维条索影，未见摄取。",
    "肝脏大小正常，肝实质密度弥漫性减低，符合脂肪肝。肝内未见异常放射性浓聚灶。",
    "胃壁未见增厚。胃窦部生理性摄取。",
    "腹膜后未见肿大淋巴结。腹主动脉壁钙化。",
    "双侧颈部未见肿大淋巴结。左侧锁骨上见肿大淋巴结，大小约2.1cm，摄取增高。",
    "纵隔及双肺门未见肿大淋巴结。右肺上叶肿块，摄取增高，SUVmax 12.1。",
    "骨骼：全身骨骼未见骨质破坏。脊柱骨质增生。",
    "骨骼：胸8椎体压缩性改变，摄取增高。余骨骼未见异常。",
    "脊柱退行性变。全身骨骼未见异常放射性浓聚。",
    "盆腔未见肿大淋巴结，少量积液。",
    "子宫增大，肌层见多发低密度肌瘤，未见摄取。双侧附件未见异常。",
    "左肾切除术后，右肾未见异常。",
    "双肾未见异常密度灶。左肾上极囊肿，大小约2.0cm。",
    "脾脏不大，密度均匀。副脾一枚。",
    "治疗后复查：原左颈部肿大淋巴结明显缩小，现未见异常摄取。左颈部见小淋巴结，摄取不高。",
    "与2022年PET/CT比较，原纵隔肿大淋巴结消失，原摄取增高灶未见显示。纵隔未见异常摄取。",
    "结肠弥漫性摄取增高，考虑生理性。结肠壁未见增厚，未见异常放射性浓聚灶。",
    "大脑皮层放射性分布对称，未见异常浓聚。右侧基底节腔隙性低密度灶，放射性减低。",
    "心包未见积液。双侧胸腔少量积液。",
    "乳腺未见异常。右侧腋窝肿大淋巴结，大小约2.3cm×1.2cm，摄取增高。",
    "鼻咽顶后壁增厚，摄取增高，SUVmax 7.6。口咽未见异常。",
    "右肺上叶尖段结节，大小约0.6cm，未见摄取。右肺下叶未见异常。",
    "双肺未见转移性结节。右肺中叶见微小钙化结节。",
    "诊断意见：1.右肺上叶高代谢结节，考虑肺癌。2.余双肺未见异常高代谢灶。",
    "胆囊切除术后，肝内外胆管未见扩张。",
    "胆囊结石，胆囊壁未见增厚。",
    "右侧腹股沟淋巴结肿大，摄取增高。双侧腹股沟疝未见。",
    "全身其余部位未见异常放射性浓聚。肝右叶肿块，摄取增高。",
    "肝脏：肝右叶见一大小约3.4cm×2.8cm低密度肿块，摄取增高，SUVmax 9.4，肝内胆管未见扩张，门静脉未见充盈缺损。",
    "胰头部肿块，摄取增高，胰管扩张。胰体尾部未见异常。",
    "双侧上颌窦粘膜增厚，未见异常摄取。",
    "咽部、喉部未见异常浓聚。双侧扁桃体对称性摄取增高，考虑炎性。",
    "甲状腺弥漫性摄取增高，考虑甲状腺炎。甲状腺未见结节。",
    "The lungs are clear. Calcified granuloma in the left lower lobe.",
    "No pulmonary nodules or masses. Mild dependent atelectasis in both lower lobes.",
    "No consolidation. There are scattered 2-3 mm nodules in both lungs, too small to characterize.",
    "The liver enhances homogeneously without focal lesion. Hepatic steatosis.",
    "No hydronephrosis. Simple cyst in the left kidney.",
    "No pelvic lymphadenopathy. Enlarged, FDG-avid right inguinal node measuring 1.6 cm, SUVmax 6.3.",
    "No axillary lymphadenopathy. Left supraclavicular node, 1.3 cm, SUVmax 9.0.",
    "Lungs: No suspicious uptake. 5 mm left upper lobe nodule, below PET resolution.",
    "The previously described right lower lobe nodule is no longer seen. The lungs are clear.",
    "There was a 12 mm avid hepatic lesion on the prior study; today the liver shows no focal uptake.",
    "Interval resolution of the left pleural effusion. No pleural effusion.",
    "No pleural effusion on the right. Moderate left pleural effusion.",
    "The right adrenal gland is normal. The left adrenal gland contains a 2.4 cm avid nodule, SUVmax 8.",
    "Except for a 2 cm avid lesion in segment 7, SUVmax 9.1, the liver is unremarkable.",
    "Apart from the lesion described above, the lungs are clear.",
    "Diffuse marrow uptake, likely reactive. No focal osseous lesion.",
    "Multilevel degenerative change. No suspicious osseous uptake.",
    "A lytic lesion in the left iliac bone, SUVmax 11. The spine is normal.",
    "No FDG-avid lesion in the spine. Sclerotic lesion in T5, without uptake, likely a bone island.",
    "The spleen is not enlarged. No focal splenic lesion. Splenic uptake is below liver.",
    "The uterus is enlarged with fibroids. No adnexal mass.",
    "Prostate enlarged. No focal prostate uptake.",
    "No bowel wall thickening. Focal intense uptake in the sigmoid colon, SUVmax 12, 2.1 cm polyp.",
    "Coronary calcification. No pericardial effusion.",
    "Thyroid is unremarkable. Avid left level IV node, 2.1 cm, SUVmax 9.",
    "No ascites. Small amount of free fluid in the pelvis is physiologic.",
    "No mediastinal or hilar lymphadenopathy. Right hilar mass with bronchial obstruction, SUVmax 15.",
    "IMPRESSION: 1. Right upper lobe carcinoma, SUVmax 15.9. 2. No evidence of distant metastases. No liver lesion.",
    "Symmetric tonsillar uptake, physiologic. No abnormal uptake in the pharynx.",
    "Mildly increased uptake in the distal esophagus, likely reflux. The esophagus is otherwise unremarkable.",
    "The gallbladder is surgically absent. No biliary dilatation.",
    "Left kidney absent. The right kidney is normal.",
    "CT: no focal abnormality in the liver. PET: two foci of increased uptake in the right lobe, SUVmax 6.",
]

PAIRS = {
    "zh": [
        ("肝脏形态、密度及放射性分布未见异常。", "肝左叶见软组织肿块，大小约3.1cm×2.2cm，摄取增高，SUVmax为8.2。"),
        ("双侧肾盂、肾盏未见扩张。", "左侧肾盂、肾盏扩张。"),
        ("胸膜未见增厚，未见胸腔积液征象。", "右侧胸腔积液。"),
        ("腹水征阴性。", "腹腔积液。"),
        ("双侧肾上腺形态及放射性分布未见异常。", "右侧肾上腺见结节，摄取增高，SUVmax为5.0。"),
        ("胆囊未见增大，壁未见增厚。", "胆囊增大。"),
        ("胰腺形态、密度及放射性分布未见异常。", "胰头见低密度肿块，摄取增高，SUVmax为7.0。"),
        ("双肺未见异常密度影或异常放射性浓聚灶。", "左肺下叶见软组织结节，摄取增高。"),
        ("脑室未见扩大。", "双侧脑室扩大。"),
        ("胃壁未见增厚。", "胃窦胃壁增厚。"),
        ("肝内外胆管未见扩张。", "肝内胆管扩张。"),
        ("鼻咽、口咽部未见异常放射性浓聚。", "鼻咽左侧壁见局灶性放射性异常浓聚，SUVmax为9.0。"),
    ],
    "en": [
        ("The liver is unremarkable.", "There is a 3.1 cm hypermetabolic mass in the right hepatic lobe, SUVmax 9.0."),
        ("No pleural effusion.", "Moderate left pleural effusion."),
        ("No hydronephrosis.", "Right hydronephrosis."),
        ("The adrenal glands are normal.", "Avid 2 cm left adrenal nodule, SUVmax 8.0."),
        ("The spleen is normal in size.", "The spleen is enlarged."),
        ("No ascites.", "Large-volume ascites."),
        ("No enlarged mediastinal nodes.", "Enlarged avid right paratracheal node, 2 cm, SUVmax 8.0."),
        ("The lungs are clear.", "Spiculated mass in the left lower lobe with intense uptake, SUVmax 11."),
        ("No focal uptake in the thyroid.", "Focal intense uptake in the left thyroid lobe, SUVmax 14."),
        ("No lytic or sclerotic bone lesion.", "Lytic lesion in the right iliac bone with intense uptake, SUVmax 10."),
        ("The pancreas is normal.", "Hypodense mass in the pancreatic head with intense uptake, SUVmax 9."),
        ("The prostate is unremarkable.", "Focal intense uptake in the left prostate, SUVmax 12."),
        ("No pericardial effusion.", "Large pericardial effusion."),
        ("No axillary adenopathy.", "Enlarged avid left axillary node, 2 cm."),
    ],
}


@pytest.mark.parametrize("text", SOUND)
def test_idioms_are_no_fault(text: str) -> None:
    assert find_faults(text) == ()


@pytest.mark.parametrize("language", PAIRS)
def test_a_contradiction_is_found_within_a_whole_report(root: Path, language: str) -> None:
    rows = tomllib.loads((root / f"tests/language/clean/{language}-dev.toml").read_text(encoding="utf-8"))["report"]
    missed = []
    for denied, affirmed in PAIRS[language]:
        for row in rows[:4]:
            faults = find_faults(f"{denied}\n\n{affirmed}\n\n{row['text'].strip()}")
            if not any(f.kind is FaultKind.CONTRADICTION and f.spans[0].start < len(denied) for f in faults):
                missed.append((row["id"], denied))
    assert missed == []


def test_languages_have_the_same_tables(root: Path) -> None:
    """A third language is a new file with these keys; the words of all files are compiled together."""
    folder = root / "src/petrg/evaluate/faults"
    zh, en = (tomllib.loads((folder / f"{code}.toml").read_text(encoding="utf-8")) for code in ("zh", "en"))
    assert zh.keys() == en.keys()
    for table in ("form", "cue", "kind"):
        assert zh[table].keys() == en[table].keys()
    assert {o["name"]: o["sex"] for o in zh["organ"]} == {o["name"]: o["sex"] for o in en["organ"]}
    assert {s["modality"] for s in zh["sign"]} == {s["modality"] for s in en["sign"]}
    regions = {region.value for region in Region}
    assert {w["region"] for w in zh["whole"] + en["whole"]} <= regions
    compiled = words()
    assert set(compiled.cues) == set(zh["cue"])
    assert {organ.sex for organ in compiled.organs} == {"F", "M"}
