"""Whatever a network strings together, the report is whole and every number in it is the record's."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written import report_of

from petrg.anatomy import NodalGroup, Region, Side
from petrg.draft.check_study import facts_for
from petrg.draft.check_text import check_text
from petrg.report import LesionStatus, Report

ZH = (
    "左颈部|右颈部|双侧颈部|右肺上叶|左肺|肝脏|脾脏|左侧第3肋|T12椎体|膀胱|纵隔|右腋窝|其余部位|见肿大淋巴结|见结节|见多发结节|"
    "放射性摄取增高|未见异常|未见异常放射性浓聚|生理性浓聚|骨质破坏|较大者|SUVmax约<suvmax>|SUVmean<suvmean>|大小约<size>cm|"
    "<long>|<count>枚|体积<volume>|<suvpeak>|SUVmax 8.1|2.3×1.5cm|12mm|，|、|。|；|\n|：|1. |（|�|<suv|"
    "{L1.suv_max}|{|参照区|及|另见"
)
EN = (
    "the left neck|the right lung|the liver|the spleen|T12|left rib 3|the bladder|the rest|avid node|nodules|"
    "is unremarkable|increased uptake|no focal uptake|physiologic uptake|SUVmax <suvmax>|<size>|<long> cm|<count>|"
    "SUVmax 8.1|2.3 x 1.5 cm|12 mm|, |. |; |\n|: |1. | in | and |largest|{L1.suv_max}|<volume>|"
    "Liver reference SUVmean <suvmean>|multiple|�"
)
PIECES = {language: re.split(r"\|", pieces) for language, pieces in (("zh", ZH), ("en", EN))}


@pytest.fixture(scope="module")
def ill(hand):
    study = hand.study()
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 12.34, Side.LEFT, nodal_group=NodalGroup.NECK_LEFT),
        hand.lesion("L2", Region.NECK_NODES, 8.26, Side.RIGHT, axes_mm=None),
        hand.lesion("L3", Region.LUNG_PLEURA, 5.57, Side.RIGHT, status=LesionStatus.INDETERMINATE, suv_peak=None),
        hand.lesion("L4", Region.SPINE, 9.91, Side.MIDLINE, mtv_ml=None),
        hand.lesion("L5", Region.AXILLA_CHEST_WALL, 6.66, Side.LEFT),
        hand.lesion("L6", Region.PELVIC_ORGANS, 31.2, status=LesionStatus.PHYSIOLOGIC),
    ]
    return study, hand.record(study, lesions, references=hand.references())


@pytest.mark.parametrize(("language", "style"), [("zh", "zh-prose"), ("en", "en-structured")])
@pytest.mark.parametrize("recipe", ["petrg-1", "petrg3d-2025"])
def test_any_string_of_pieces(ill, language: str, style: str, recipe: str) -> None:
    study, record = ill

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(pieces=st.lists(st.sampled_from(PIECES[language]), max_size=24), ended=st.booleans())
    def run(pieces: list[str], ended: bool) -> None:
        report = report_of("".join(pieces), study, record, style=style, recipe=recipe, ended=ended)
        found = check_text(report, facts_for(report, study))
        wrong = [m for m in found if m.code not in ("claim", "side", "region")]
        assert wrong == [], "numbers, units, sources and digits are in order whatever was written"
        assert Report.from_json(report.to_json()) == report
        told = {name for section in report.findings for s in section.statements for name in s.lesion_ids}
        assert told == {lesion.id for lesion in record.lesions}

    run()
