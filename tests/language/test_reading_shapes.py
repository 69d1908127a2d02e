"""Shapes of sentences and of reports: headings, what is gone, what was before, who is meant."""

from __future__ import annotations

import pytest

from petrg.language.reading import labels, read

Said = dict[str, tuple[int, int, float | None]]

ZH: list[tuple[str, Said]] = [
    ("肝大小、形态正常。", {}),
    ("心大小正常，脾大小、密度正常。", {}),
    ("颈部各淋巴结分区未见肿大淋巴结。", {}),
    ("腋窝各淋巴结区未见异常淋巴结。", {}),
    (
        "肝脏、脾脏见多发低密度灶，前者放射性摄取增高，SUVmax 5.0，后者未见放射性摄取。",
        {"liver": (1, 2, 5.0), "spleen": (5, 2, None)},
    ),
    ("左肾、胰腺见结节，后者放射性浓聚。", {"kidneys": (5, 2, None), "pancreas": (1, 2, None)}),
    ("左肺下叶结节，SUVmax 9.8，现已消失。", {}),
    ("右肺门淋巴结肿大，放射性摄取增高，SUVmax：7.0。", {"mediastinum-hila": (1, 1, 7.0)}),
    ("咽后淋巴结放射性浓聚，SUVmax 4.1。", {"neck-nodes": (1, 1, 4.1)}),
    ("双肺间质性改变，未见放射性摄取。", {"lung-pleura": (5, 3, None)}),
    ("胆囊内稍高密度结石。", {"biliary": (5, 5, None)}),
    ("左肾囊肿，FDG代谢缺如。右肾囊肿，显像剂缺失。", {"kidneys": (4, 2, None)}),
    ("心包腔见弧形液体。", {"heart": (5, 7, None)}),
    ("颈部肌群代谢增高，SUVmax：3.3。", {"muscle-subcutis": (1, 8, 3.3)}),
    (
        "扫描野内骨髓放射性摄取弥漫性增高，SUVmax 4.8。",
        {"spine": (1, 8, 4.8), "pelvis-limb-bones": (1, 8, 4.8)},
    ),
    (
        "脊柱、骨盆、四肢近端骨髓腔内放射性浓聚，SUVmax：8.2。",
        {"spine": (1, 8, 8.2), "pelvis-limb-bones": (1, 8, 8.2)},
    ),
    ("纵隔、腰椎见多发肿大淋巴结，放射性浓聚。", {"mediastinum-hila": (1, 1, None), "spine": (1, 8, None)}),
    ("右颈总动脉旁淋巴结，放射性浓聚，放射指数4.9。", {"neck-nodes": (1, 1, 4.9)}),
    ("肝脏SUVmax：3.0，作为参考。", {}),
    ("左侧第6前肋皮质扭曲，放射性轻度摄取。", {"pelvis-limb-bones": (2, 6, None)}),
]
EN: list[tuple[str, Said]] = [
    (
        "The pancreas, the kidneys and the adrenals look fine. There is a 6 cm mesenteric mass.",
        {"peritoneum": (5, 2, None)},
    ),
    ("Adrenals: nl. Pancreas: wnl. Neck: nothing avid.", {}),
    ("No enlarged node and nothing that takes up tracer in the lungs.", {}),
    ("The uterus is absent. Gallbladder: absent.", {"pelvic-organs": (5, 7, None), "biliary": (5, 7, None)}),
    ("Resolved cervical adenopathy.", {}),
    ("The left axillary mass, which had an SUVmax of 19.8, is no longer visible.", {}),
    ("Supraclavicular nodes: at staging avid with SUVmax 12.0. Now no enlarged node and no uptake.", {}),
    ("Three enlarged sigmoid mesenteric nodes, SUVmax 6.3.", {"peritoneum": (1, 1, 6.3)}),
    ("Marrow uptake in the spine is mildly increased, SUVmax 3.7.", {"spine": (2, 8, 3.7)}),
    (
        "Diffuse intense uptake in the spine, SUVmax 6.6, and in the pelvis, SUVmax 6.2.",
        {"spine": (1, 8, 6.6), "pelvis-limb-bones": (1, 8, 6.2)},
    ),
    ("Uptake at L3/4 and L4/5, mild, SUVmax 3.6.", {"spine": (2, 8, 3.6)}),
    ("Homogeneous uptake throughout the spine, markedly increased.", {"spine": (1, 8, None)}),
    ("Mild uptake in the right adrenal without nodularity.", {"adrenals": (2, 8, None)}),
    (
        "There are nodules in the liver and the spleen; the former is FDG avid, the latter shows no uptake.",
        {"liver": (1, 2, None), "spleen": (5, 2, None)},
    ),
    ("The liver is avid without a correlate on CT, and it is enlarged.", {"liver": (1, 7, None)}),
    ("The subcutaneous nodule over the left thigh is avid at 6.4 SUVmax.", {"muscle-subcutis": (1, 2, 6.4)}),
    ("The hepatic lesion, formerly 14 mm with an SUVmax of 10.7, is avid, SUVmax 5.2.", {"liver": (1, 2, 5.2)}),
    ("Gastric uptake has dropped from an SUVmax of 17.3 to an SUVmax of 5.9.", {"gi-tract": (1, 8, 5.9)}),
    ("The liver shows homogeneous activity, SUVmax 3.3, and serves as the reference.", {}),
    ("Liver SUVmax 3.3, MBP SUVmax 2.0.", {}),
    ("Calcified mediastinal nodes, not avid.", {"mediastinum-hila": (5, 5, None)}),
    ("The nodes of the mediastinum, the axillae and the neck are inconspicuous.", {}),
    ("The mass abuts the pericardium, which is thickened and avid, SUVmax 4.3.", {"heart": (1, 4, 4.3)}),
    ("Chest: 3 mm nodule, lingula, no uptake.", {"lung-pleura": (5, 2, None)}),
    ("Nodes. None enlarged or avid in the neck or groins.", {}),
    (
        "1. NODAL DISEASE\n - mediastinum: right paratracheal, enlarged to 15 mm, SUVmax 6.1\n",
        {"mediastinum-hila": (1, 1, 6.1)},
    ),
    ("HEAD & NECK\nAvid mass in the left nasal cavity, SUVmax 20.6.\n", {"orbit-sinus": (1, 2, 20.6)}),
    ("3. NOT INVOLVED\nBrain, orbits, lungs and soft tissues.\n", {}),
    (
        "Comparison: interim PET after two cycles.\n\nThe tracer distribution in the brain is physiological.",
        {"brain": (3, 8, None)},
    ),
    ("Clinical notes\nLymphoma of the neck.\n\nFindings\nAvid hepatic mass.\n", {"liver": (1, 2, None)}),
    (
        "Focus of increased uptake in the left thyroid lobe; SUVmax = 2.9, markedly above liver.",
        {"thyroid-salivary": (1, 8, 2.9)},
    ),
    ("Brown fat in the neck and shoulders, physiological.", {"muscle-subcutis": (3, 8, None)}),
    (
        "Wedge compression of T12, no uptake. Left thickening of the costal pleura.",
        {"spine": (5, 6, None), "lung-pleura": (5, 4, None)},
    ),
    ("There is physiologic brown fat.", {"muscle-subcutis": (3, 8, None)}),
    ("Primary mediastinal B-cell lymphoma, six cycles. The mediastinum is normal.", {}),
]


@pytest.mark.parametrize(("text", "expected"), ZH + EN)
def test_a_shape_is_read(text: str, expected: Said) -> None:
    rows = {
        r.value: (int(e.label.pet or 5), int(e.label.ct or 8), e.label.suv_max) for r, e in labels(read(text)).items()
    }
    assert {region: row for region, row in rows.items() if row != (5, 8, None)} == expected
