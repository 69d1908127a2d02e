"""Sentences as physicians dictate them, of our own wording: what is read, region by region."""

from __future__ import annotations

import pytest

from petrg.language.reading import labels, read

Said = dict[str, tuple[int, int, float | None]]

ZH: list[tuple[str, Said]] = [
    (
        "甲状腺左叶见低密度结节，放射性浓聚；双侧颈部II、III区，左侧锁骨上窝，纵隔2R、4R、"
        "7区及双肺门见多发肿大淋巴结，部分融合，放射性明显浓聚，SUVmax约15.6。",
        {"thyroid-salivary": (1, 2, None), "neck-nodes": (1, 1, 15.6), "mediastinum-hila": (1, 1, 15.6)},
    ),
    (
        "双侧颈部、锁骨上、腋窝、纵隔、肺门、腹膜后、肠系膜、盆腔、腹股沟多发淋巴结肿大，代谢增高，"
        "最大者位于腹膜后，约5.5cm×4.3cm，SUVmax 18.7。",
        {
            "neck-nodes": (1, 1, None),
            "axilla-chest-wall": (1, 1, None),
            "mediastinum-hila": (1, 1, None),
            "retroperitoneum": (1, 1, 18.7),
            "peritoneum": (1, 1, None),
            "pelvic-inguinal-nodes": (1, 1, None),
        },
    ),
    ("肝、脾内见多发低密度结节，代谢增高，SUVmax分别为6.5、8.9。", {"liver": (1, 2, 6.5), "spleen": (1, 2, 8.9)}),
    ("肝胆胰脾未见异常。双肾囊肿。", {"kidneys": (5, 2, None)}),
    (
        "右肺下叶后基底段见软组织肿块，大小约4.5cm×3.8cm，边缘分叶，可见毛刺，邻近胸膜牵拉，"
        "放射性摄取明显增高，SUVmax 14.2。",
        {"lung-pleura": (1, 2, 14.2)},
    ),
    (
        "右侧第5前肋、T8椎体及左侧髂骨骨质破坏，放射性浓聚，SUVmax约9.1。",
        {"pelvis-limb-bones": (1, 6, 9.1), "spine": (1, 6, 9.1)},
    ),
    (
        "胸骨、多个椎体、骨盆骨见多发代谢增高灶，CT未见明确骨质破坏。",
        {"pelvis-limb-bones": (1, 8, None), "spine": (1, 8, None)},
    ),
    ("纵隔淋巴结SUVmax 4.5。", {"mediastinum-hila": (1, 1, 4.5)}),
    ("余头颈部未见明显异常放射性浓聚。", {}),
    ("右侧扁桃体肿大，放射性浓聚，SUVmax=9.9；左侧扁桃体未见异常。", {"pharynx-larynx": (1, 7, 9.9)}),
    ("脾脏体积增大，放射性分布弥漫性增高，SUVmax 5.9，高于肝脏（SUVmax 3.1）。", {"spleen": (1, 7, 5.9)}),
    (
        "骨髓放射性摄取弥漫性增高，SUVmax 5.4，考虑化疗后骨髓反应性增生。",
        {"spine": (1, 8, 5.4), "pelvis-limb-bones": (1, 8, 5.4)},
    ),
    ("左乳内上象限见钙化灶，未见异常放射性摄取。右乳未见异常。", {"breast": (5, 5, None)}),
    (
        "心肌生理性摄取。双侧肾盂、输尿管及膀胱可见生理性放射性滞留。",
        {"heart": (3, 8, None), "kidneys": (3, 8, None), "pelvic-organs": (3, 8, None)},
    ),
    ("左侧上颌窦、双侧筛窦黏膜增厚，放射性轻度摄取。", {"orbit-sinus": (2, 4, None)}),
    (
        "左侧大腿肌间隙见软组织肿块影，放射性异常浓聚，SUVmax：7.8，邻近股骨骨质未见破坏。",
        {"muscle-subcutis": (1, 2, 7.8)},
    ),
    (
        "子宫体积增大，宫腔内见放射性浓聚，考虑月经期生理性摄取；左侧卵巢囊性灶，放射性缺损。",
        {"pelvic-organs": (4, 2, None)},
    ),
    ("食管下段管壁增厚，放射性摄取增高，SUVmax 7.5；胃充盈欠佳，胃壁未见明确增厚。", {"gi-tract": (1, 4, 7.5)}),
    ("双肺见弥漫性分布粟粒样结节，部分伴代谢增高，SUVmax最高约3.9。", {"lung-pleura": (1, 2, 3.9)}),
    ("盆腔内见不规则软组织肿块，与子宫分界不清，放射性浓聚，SUVmax 16.4。", {"pelvic-organs": (1, 2, 16.4)}),
    ("腹膜及大网膜增厚，呈饼状，放射性浓聚，SUVmax 8.8，腹盆腔大量积液。", {"peritoneum": (1, 4, 8.8)}),
    ("右肾上腺区肿块，大小约3.3×2.5cm，放射性浓聚，SUVmax 10.0。", {"adrenals": (1, 2, 10.0)}),
    ("左侧基底节区腔隙性脑梗死。脑萎缩。", {"brain": (5, 7, None)}),
    ("双侧胸膜增厚，右侧胸腔积液。", {"lung-pleura": (5, 4, None)}),
    ("冠状动脉支架置入术后。主动脉壁钙化。", {"heart": (5, 7, None), "mediastinum-hila": (5, 5, None)}),
    ("颈部未见肿大淋巴结。双侧腮腺摄取对称。", {}),
    ("扫描范围内诸骨未见异常放射性浓聚及骨质破坏。", {}),
    ("中轴骨弥漫性代谢增高，以腰椎为著，SUVmax 6.6。", {"spine": (1, 8, 6.6), "pelvis-limb-bones": (1, 8, 6.6)}),
    ("胆囊壁增厚毛糙，内见结石影。", {"biliary": (5, 4, None)}),
    ("左侧锁骨上淋巴结较前缩小，现短径0.6cm，SUVmax 1.8，Deauville评分2分。", {"neck-nodes": (5, 1, 1.8)}),
    (
        "全身多发肿大淋巴结，代谢增高。",
        {
            "neck-nodes": (1, 1, None),
            "mediastinum-hila": (1, 1, None),
            "axilla-chest-wall": (1, 1, None),
            "retroperitoneum": (1, 1, None),
            "pelvic-inguinal-nodes": (1, 1, None),
        },
    ),
    ("全身多发骨质疏松。", {"spine": (5, 6, None), "pelvis-limb-bones": (5, 6, None)}),
    ("肝脏放射性分布不均匀。", {"liver": (2, 8, None)}),
    ("肝脏密度不均匀，放射性分布不均匀，未见异常浓聚。", {"liver": (5, 7, None)}),
    ("肝实质密度及放射性分布轻度减低。", {"liver": (4, 7, None)}),
    ("肝脏见结节，考虑转移。", {"liver": (1, 2, None)}),
    ("放射性分布减低。大脑皮层未见异常密度影。", {"brain": (4, 8, None)}),
    ("淋巴结：左侧颈部见肿大淋巴结。", {"neck-nodes": (5, 1, None)}),
    ("脾脏体积减小。", {"spleen": (5, 7, None)}),
    ("肝脏形态异常。", {"liver": (5, 7, None)}),
    ("腰椎水平腹主动脉旁见肿大淋巴结。", {"retroperitoneum": (5, 1, None)}),
    ("T12椎体及附件骨质破坏。", {"spine": (5, 6, None)}),
    (
        "另见异常放射性浓聚灶，位于左侧颈部及纵隔，SUVmax：5.5。",
        {"neck-nodes": (1, 8, 5.5), "mediastinum-hila": (1, 8, 5.5)},
    ),
    ("胰腺周围见肿大淋巴结。", {"retroperitoneum": (5, 1, None)}),
    (
        "鼻咽部黏膜对称，未见增厚及异常代谢。",
        {},
    ),
    (
        "左、右颈部分别见淋巴结，短径约0.8cm、1.1cm，代谢增高，SUVmax分别为3.5、6.8。",
        {"neck-nodes": (1, 1, 6.8)},
    ),
    (
        "L4/5椎间盘突出，腰椎骨质增生。",
        {"spine": (5, 7, None)},
    ),
    (
        "右侧第3-5后肋骨质破坏，周围见软组织肿块，代谢增高，SUVmax约11.2。",
        {"pelvis-limb-bones": (1, 6, 11.2)},
    ),
    (
        "双肺尖见纤维条索影及钙化灶，未见代谢增高。",
        {"lung-pleura": (5, 3, None)},
    ),
    (
        "右肺中叶及左肺舌段少许炎症，代谢轻度增高。",
        {"lung-pleura": (2, 3, None)},
    ),
    (
        "双侧颈部未见肿大淋巴结，仅见数枚小淋巴结，无代谢增高。",
        {"neck-nodes": (5, 1, None)},
    ),
    (
        "甲状腺右叶增大，密度不均匀，代谢弥漫性增高，SUVmax 8.0，考虑桥本甲状腺炎。",
        {"thyroid-salivary": (1, 7, 8.0)},
    ),
    (
        "肝内见多发低密度影，最大者位于S7段，直径约2.1cm，边界清，代谢缺损，考虑囊肿。",
        {"liver": (4, 2, None)},
    ),
    (
        "胆囊切除术后。肝内外胆管轻度扩张。",
        {"biliary": (5, 7, None)},
    ),
    (
        "脾脏形态、大小正常，代谢未见异常；脾门旁见副脾结节，代谢与脾脏一致。",
        {"spleen": (5, 2, None)},
    ),
    (
        "双肾多发小结石，左肾盂轻度积水。",
        {"kidneys": (5, 7, None)},
    ),
    (
        "膀胱充盈良好，壁不厚，腔内见尿液放射性。",
        {"pelvic-organs": (3, 8, None)},
    ),
    (
        "左侧睾丸肿大，代谢增高，SUVmax 13.5。",
        {"pelvic-organs": (1, 7, 13.5)},
    ),
    (
        "双侧腹股沟区见小淋巴结，最大者短径0.7cm，代谢略高于纵隔血池，SUVmax 2.0。",
        {"pelvic-inguinal-nodes": (2, 1, 2.0)},
    ),
    (
        "左侧股骨上段髓腔内见代谢增高灶，SUVmax 6.6，CT示骨质密度略增高。",
        {"pelvis-limb-bones": (1, 6, 6.6)},
    ),
    (
        "全身多发皮下结节，代谢增高，SUVmax最高约9.2。",
        {"muscle-subcutis": (1, 2, 9.2)},
    ),
    (
        "右侧胸壁皮下见输液港。",
        {"axilla-chest-wall": (5, 7, None)},
    ),
    (
        "右侧胸膜多发结节状增厚，代谢增高，SUVmax 10.3；右侧胸腔中量积液。",
        {"lung-pleura": (1, 4, 10.3)},
    ),
    (
        "心包增厚，代谢增高。前纵隔见软组织肿块，大小约8.1cm×5.5cm，包绕大血管，SUVmax 17.9。",
        {"heart": (1, 4, None), "mediastinum-hila": (1, 2, 17.9)},
    ),
    (
        "肝脾肿大，代谢弥漫性增高。",
        {"liver": (1, 7, None), "spleen": (1, 7, None)},
    ),
    (
        "胃体及胃窦壁弥漫性增厚，代谢异常增高，SUVmax 25.0；十二指肠、空肠及回肠未见异常。",
        {"gi-tract": (1, 4, 25.0)},
    ),
    (
        "直肠代谢条状增高，SUVmax 5.5，CT未见肠壁增厚，考虑生理性摄取。",
        {"gi-tract": (3, 8, 5.5)},
    ),
    (
        "大网膜及肠系膜多发结节，最大约2.2cm，代谢增高；腹腔少量积液。",
        {"peritoneum": (1, 2, None)},
    ),
    (
        "左侧眼眶内软组织肿块，代谢增高，SUVmax 9.0，邻近骨质未见破坏。",
        {"orbit-sinus": (1, 2, 9.0)},
    ),
    (
        "右侧筛窦及上颌窦炎症，代谢轻度增高。",
        {"orbit-sinus": (2, 4, None)},
    ),
    (
        "双侧腮腺弥漫性代谢增高，左侧下颌下腺肿大。",
        {"thyroid-salivary": (1, 7, None)},
    ),
    (
        "喉、声带未见异常。会厌增厚，代谢增高，SUVmax 5.1。",
        {"pharynx-larynx": (1, 4, 5.1)},
    ),
    (
        "右侧额叶见结节状高密度影，周围水肿，代谢高于脑皮质，SUVmax 21.0。",
        {"brain": (1, 2, 21.0)},
    ),
    (
        "双侧乳腺术后改变，左侧胸壁软组织增厚，代谢未见增高。",
        {"breast": (5, 7, None), "axilla-chest-wall": (5, 4, None)},
    ),
]

EN: list[tuple[str, Said]] = [
    (
        "HEAD AND NECK: Physiologic activity in the brain. No hypermetabolic cervical adenopathy. "
        "Symmetric physiologic uptake in the tonsils.",
        {"brain": (3, 8, None), "pharynx-larynx": (3, 8, None)},
    ),
    (
        "CHEST: There is a 2.4 cm spiculated mass in the left upper lobe with SUVmax of 13.2. "
        "Enlarged left hilar and subcarinal lymph nodes are hypermetabolic, with SUVmax of 8.4 and "
        "6.1, respectively. No pleural or pericardial effusion.",
        {"lung-pleura": (1, 2, 13.2), "mediastinum-hila": (1, 1, 8.4)},
    ),
    (
        "ABDOMEN/PELVIS: There is no abnormal FDG activity in the liver, spleen, adrenal glands, "
        "or pancreas. There is a 3 cm simple cyst in the upper pole of the left kidney. "
        "Diverticulosis of the sigmoid colon. Status post hysterectomy.",
        {"kidneys": (5, 2, None), "gi-tract": (5, 7, None), "pelvic-organs": (5, 7, None)},
    ),
    (
        "MUSCULOSKELETAL: FDG-avid lytic lesions in the T7 vertebral body (SUVmax 9.0), right "
        "iliac bone (SUVmax 7.4), and left 5th rib (SUVmax 5.2).",
        {"spine": (1, 6, 9.0), "pelvis-limb-bones": (1, 6, 7.4)},
    ),
    (
        "Lymph nodes: Multiple enlarged, intensely FDG-avid nodes are seen in the left neck, "
        "mediastinum, and retroperitoneum. The largest is a left para-aortic node measuring 3.2 x "
        "2.5 cm with SUVmax 18.1.",
        {"neck-nodes": (1, 1, None), "mediastinum-hila": (1, 1, None), "retroperitoneum": (1, 1, 18.1)},
    ),
    ("Spleen: enlarged, 15 cm, with diffusely increased uptake greater than liver.", {"spleen": (1, 7, None)}),
    ("The thyroid gland is diffusely hypermetabolic, likely thyroiditis.", {"thyroid-salivary": (1, 8, None)}),
    ("Mild diffuse esophageal uptake, likely inflammatory.", {"gi-tract": (2, 8, None)}),
    ("Subcentimeter pulmonary nodules bilaterally, too small to characterize by PET.", {"lung-pleura": (5, 2, None)}),
    ("No FDG-avid lymphadenopathy above or below the diaphragm.", {}),
    (
        "Focal increased activity at the gastroesophageal junction (SUVmax 5.7) without CT correlate.",
        {"gi-tract": (1, 8, 5.7)},
    ),
    (
        "There is circumferential wall thickening of the rectum measuring up to 2 cm with intense "
        "uptake (SUVmax 24.5). Small perirectal nodes with mild uptake, SUVmax 2.2.",
        {"gi-tract": (1, 4, 24.5), "pelvic-inguinal-nodes": (2, 1, 2.2)},
    ),
    (
        "Coarse calcification in the right thyroid lobe. Bilateral maxillary sinus mucosal thickening.",
        {"thyroid-salivary": (5, 5, None), "orbit-sinus": (5, 4, None)},
    ),
    (
        "A hypodense lesion in segment VII of the liver shows no FDG uptake, consistent with a cyst.",
        {"liver": (5, 2, None)},
    ),
    (
        "The heart is enlarged with coronary artery calcifications and a small pericardial effusion.",
        {"heart": (5, 7, None)},
    ),
    ("Chronic small vessel ischemic changes in the brain.", {"brain": (5, 7, None)}),
    (
        "Old healed rib fractures. Mild degenerative changes throughout the spine.",
        {"pelvis-limb-bones": (5, 7, None), "spine": (5, 7, None)},
    ),
    (
        "Increased FDG uptake in the left breast mass, SUVmax 6.7; the right breast is unremarkable.",
        {"breast": (1, 2, 6.7)},
    ),
    ("Bilateral adnexa are normal. The uterus is enlarged with multiple fibroids.", {"pelvic-organs": (5, 2, None)}),
    (
        "Bone marrow uptake is diffusely increased but less than liver.",
        {"spine": (1, 8, None), "pelvis-limb-bones": (1, 8, None)},
    ),
    ("Left pleural effusion with compressive atelectasis.", {"lung-pleura": (5, 3, None)}),
    (
        "Intense FDG uptake in the left nasopharynx (SUVmax 15.1), extending into the parapharyngeal space.",
        {"pharynx-larynx": (1, 8, 15.1)},
    ),
    ("Liver: normal size and attenuation. No focal hepatic lesion. Liver SUVmean 2.2.", {}),
    ("Residual 1.5 cm mediastinal mass with uptake below liver, Deauville 3.", {"mediastinum-hila": (2, 2, None)}),
    ("The previously FDG-avid left axillary lymph nodes have resolved.", {}),
    ("Prostate: enlarged with calcifications. Bladder: physiologic activity.", {"pelvic-organs": (3, 7, None)}),
    (
        "Enlarged right external iliac node, 2.1 cm, SUVmax 11.5, and bilateral inguinal nodes up "
        "to 1.2 cm, SUVmax 3.2.",
        {"pelvic-inguinal-nodes": (1, 1, 11.5)},
    ),
    ("Muscles: FDG uptake is physiologic. Skin: no abnormal uptake.", {"muscle-subcutis": (3, 8, None)}),
    ("No evidence of FDG-avid disease.", {}),
    (
        "Right lower lobe consolidation with air bronchograms, moderately FDG avid (SUVmax 4.8), likely pneumonia.",
        {"lung-pleura": (1, 3, 4.8)},
    ),
    ("There is a 9 mm left lower lobe nodule without significant uptake. Emphysema.", {"lung-pleura": (5, 3, None)}),
    ("Surgically absent spleen. Cholecystectomy clips.", {"spleen": (5, 7, None), "biliary": (5, 7, None)}),
    (
        "There is a 2.4 cm nodule in the\n"
        "right upper lobe with increased\n"
        "uptake (SUVmax 6.2).\n"
        "The liver is\n"
        "unremarkable.",
        {"lung-pleura": (1, 2, 6.2)},
    ),
    (
        "- Liver: normal.\n"
        "- Spleen: enlarged, FDG uptake above liver.\n"
        "- Nodes: FDG-avid LNs in the left axilla, SUVmax 5.0",
        {"spleen": (1, 7, None), "axilla-chest-wall": (1, 1, 5.0)},
    ),
    (
        "FINDINGS:\n"
        "Head/Neck: Unremarkable.\n"
        "Chest: No FDG-avid nodes. RLL nodule, 7 mm, non-avid.\n"
        "Abdomen: Unremarkable.\n"
        "Bones: Unremarkable.",
        {"lung-pleura": (5, 2, None)},
    ),
    (
        "IMPRESSION:\n"
        "1. FDG-avid left cervical and mediastinal adenopathy consistent with lymphoma.\n"
        "2. No evidence of disease below the diaphragm.",
        {"neck-nodes": (1, 1, None), "mediastinum-hila": (1, 1, None)},
    ),
    (
        "Left cervical level II-III lymph nodes are enlarged and FDG avid with SUVmax of "
        "10.4; right cervical nodes are not enlarged.",
        {"neck-nodes": (1, 1, 10.4)},
    ),
    (
        "There is no evidence of abnormal FDG uptake in the lungs, mediastinum, hila, or axillae.",
        {},
    ),
    (
        "The adrenal glands are normal. Both kidneys show physiologic tracer excretion.",
        {"kidneys": (3, 8, None)},
    ),
    (
        "Moderate pericardial effusion. Left ventricular uptake is physiologic.",
        {"heart": (3, 7, None)},
    ),
    (
        "Diffuse wall thickening of the stomach with intense hypermetabolism, SUVmax 19.7, "
        "and enlarged perigastric lymph nodes, SUVmax 8.3.",
        {"gi-tract": (1, 4, 19.7), "peritoneum": (1, 1, 8.3)},
    ),
    (
        "Right breast: 1.8 cm FDG-avid mass at 10 o'clock, SUVmax 7.9. Right axillary adenopathy, SUVmax 4.4.",
        {"breast": (1, 2, 7.9), "axilla-chest-wall": (1, 1, 4.4)},
    ),
    (
        "Mild FDG uptake in the left shoulder joint, likely degenerative.",
        {"pelvis-limb-bones": (2, 8, None)},
    ),
    (
        "Compression fracture of L1 without FDG uptake. Osteopenia.",
        {"spine": (5, 6, None)},
    ),
    (
        "Cirrhotic liver with splenomegaly and ascites.",
        {"liver": (5, 7, None), "spleen": (5, 7, None), "peritoneum": (5, 7, None)},
    ),
    (
        "Small bilateral pleural effusions, left greater than right.",
        {"lung-pleura": (5, 7, None)},
    ),
    (
        "Uterine fibroids. Physiologic ovarian uptake.",
        {"pelvic-organs": (3, 2, None)},
    ),
    (
        "The right lobe of the thyroid contains a 1.5 cm hypodense nodule with focal FDG uptake (SUVmax 5.5).",
        {"thyroid-salivary": (1, 2, 5.5)},
    ),
    (
        "Symmetric uptake in the parotid glands is physiologic.",
        {"thyroid-salivary": (3, 8, None)},
    ),
    (
        "A large retroperitoneal mass encasing the aorta measures 11 x 8 cm with SUVmax 23.",
        {"retroperitoneum": (1, 2, 23.0)},
    ),
    (
        "Peritoneal nodules along the right paracolic gutter, SUVmax 6.1.",
        {"peritoneum": (1, 2, 6.1)},
    ),
    (
        "Bilateral lung nodules, the largest in the left lower lobe measuring 1.4 cm (SUVmax 5.9).",
        {"lung-pleura": (1, 2, 5.9)},
    ),
    (
        "No suspicious osseous lesion. Sclerotic focus in the right femoral head without uptake, likely a bone island.",
        {"pelvis-limb-bones": (5, 6, None)},
    ),
]


@pytest.mark.parametrize(("text", "expected"), ZH + EN)
def test_a_dictated_sentence_is_read(text: str, expected: Said) -> None:
    rows = {
        r.value: (int(e.label.pet or 5), int(e.label.ct or 8), e.label.suv_max) for r, e in labels(read(text)).items()
    }
    assert {region: row for region, row in rows.items() if row != (5, 8, None)} == expected


REPORT_EN = (
    "INDICATION: 55-year-old man with diffuse large B-cell lymphoma of the left neck, status post 2 "
    "cycles of chemotherapy. Restaging.\n"
    "TECHNIQUE: 370 MBq F-18 FDG was injected intravenously. Low-dose CT from the skull base to the "
    "mid thighs without contrast. Blood glucose 5.6 mmol/L.\n"
    "COMPARISON: PET/CT dated 3 months ago.\n"
    "FINDINGS:\n"
    "Head and neck: Interval decrease in left level II cervical lymph node, now 1.1 cm (previously "
    "3.2 cm), with SUVmax 2.1 (previously 18.4), below liver uptake (Deauville 3). No new lesion.\n"
    "Chest: Lungs are clear. No hypermetabolic mediastinal or hilar adenopathy. Heart size is "
    "normal.\n"
    "Abdomen and pelvis: Liver and spleen demonstrate physiologic uptake. The gallbladder, pancreas, "
    "adrenal glands and kidneys are unremarkable. No ascites. Bowel activity is physiologic.\n"
    "Musculoskeletal: Diffuse mild bone marrow uptake, likely related to therapy.\n"
    "IMPRESSION:\n"
    "1. Marked metabolic response to therapy (Deauville 3).\n"
    "2. No new FDG-avid disease.\n"
)
REPORT_ZH = (
    "临床病史：左颈部淋巴结活检示弥漫大B细胞淋巴瘤，化疗2周期后复查。\n"
    "检查技术：空腹6小时以上，静脉注射18F-FDG 370MBq，60分钟后行颅顶至股骨中段PET/CT显像。\n"
    "影像所见：\n"
    "脑皮质放射性分布对称，脑实质未见异常密度影。鼻咽、口咽未见异常。左侧颈部II区淋巴结较前缩小，"
    "现短径0.8cm，代谢轻度增高，SUVmax 2.3。\n"
    "双肺纹理清晰，未见结节影。纵隔、双肺门及双侧腋窝未见肿大淋巴结。心脏大小正常。\n"
    "肝脏、胆囊、胰腺、脾脏、双肾、双侧肾上腺未见异常。胃肠道生理性摄取。腹膜后未见肿大淋巴结。\n"
    "膀胱生理性放射性蓄积。前列腺未见异常。扫描范围内骨骼未见异常放射性浓聚。\n"
    "诊断意见：左颈部淋巴瘤治疗后，代谢较前明显减低，Deauville 3分。\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            REPORT_EN,
            {
                "neck-nodes": (2, 1, 2.1),
                "liver": (3, 8, None),
                "spleen": (3, 8, None),
                "gi-tract": (3, 8, None),
                "spine": (2, 8, None),
                "pelvis-limb-bones": (2, 8, None),
            },
        ),
        (REPORT_ZH, {"neck-nodes": (2, 1, 2.3), "gi-tract": (3, 8, None), "pelvic-organs": (3, 8, None)}),
    ],
    ids=["en", "zh"],
)
def test_a_whole_report_is_read_and_its_history_is_not(text: str, expected: Said) -> None:
    got = {region.value: row.label for region, row in labels(read(text)).items()}
    rows = {region: (int(x.pet or 5), int(x.ct or 8), x.suv_max) for region, x in got.items()}
    assert {region: row for region, row in rows.items() if row != (5, 8, None)} == expected
