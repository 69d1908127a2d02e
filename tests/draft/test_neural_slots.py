"""Slots: each from the lesion its sentence names, or not at all."""

from __future__ import annotations

import re

import pytest
from written import codes, network_statements, report_of

from petrg.anatomy import NodalGroup, Region, Side
from petrg.draft.check_study import facts_for
from petrg.draft.check_text import check_text
from petrg.report import LesionStatus, Record, Statement, StatementKind


@pytest.fixture(scope="module")
def ill(hand):
    """Two cervical nodes, one of them larger and one hotter, a nodule, physiologic uptake, a liver reference."""
    study = hand.study()
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 12.34, Side.LEFT, nodal_group=NodalGroup.NECK_LEFT),
        hand.lesion("L2", Region.NECK_NODES, 8.26, Side.RIGHT, nodal_group=NodalGroup.NECK_RIGHT, axes_mm=(33.2, 20.1)),
        hand.lesion("L3", Region.LUNG_PLEURA, 5.57, Side.RIGHT, status=LesionStatus.INDETERMINATE),
        hand.lesion("L4", Region.LUNG_PLEURA, 4.42, Side.RIGHT, axes_mm=(40.4, 9.7)),
        hand.lesion("L5", Region.PELVIC_ORGANS, 31.2, status=LesionStatus.PHYSIOLOGIC),
        hand.lesion("L6", Region.AXILLA_CHEST_WALL, 6.66, Side.LEFT, axes_mm=(3.0, 2.0)),
    ]
    return study, hand.record(study, lesions, references=hand.references())


def written(text: str, ill, region: Region, *, style: str = "zh-prose", recipe: str = "petrg-1") -> Statement:
    """The first statement on a region."""
    return report_of(text, *ill, style=style, recipe=recipe)[region].statements[0]


def sources(statement: Statement) -> list[tuple[str, str]]:
    return [(n.source, n.quantity.value) for n in statement.numbers]


def test_region_and_side_choose(ill) -> None:
    said = written("右颈部见肿大淋巴结，放射性摄取增高，SUVmax约<suvmax>。", ill, Region.NECK_NODES)
    assert said.text == "右颈部见肿大淋巴结，放射性摄取增高，SUVmax约8.3。"
    assert sources(said) == [("L2", "suv_max")]
    assert said.lesion_ids == ("L2",)
    assert said.kind is StatementKind.FINDING
    assert said.finding is not None
    assert (said.finding.side, said.finding.suv_max) == (Side.RIGHT, 8.26)
    assert said.numbers[0].where == ill[1].lesion("L2").hottest


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("左颈部见肿大淋巴结，SUVmax约<suvmax>。", "L1"),
        ("双侧颈部见肿大淋巴结，SUVmax约<suvmax>。", "L1"),
        ("颈部见多发肿大淋巴结，最大者SUVmax约<suvmax>。", "L2"),
        ("颈部见多发肿大淋巴结，摄取最高者SUVmax约<suvmax>。", "L1"),
    ],
)
def test_words_choose_among_several(ill, said: str, source: str) -> None:
    statement = written(said, ill, Region.NECK_NODES)
    assert sources(statement) == [(source, "suv_max")]


def test_all_slots_of_a_mention_are_of_one_lesion(ill) -> None:
    text = (
        "右颈部见肿大淋巴结，大小约<size>，长径约<long>，代谢体积约<volume>，SUVmean约<suvmean>，SUVpeak约<suvpeak>。"
    )
    said = written(text, ill, Region.NECK_NODES)
    assert said.text == (
        "右颈部见肿大淋巴结，大小约3.3×2.0cm，长径约3.3cm，代谢体积约3.1ml，SUVmean约5.0，SUVpeak约6.6。"
    )
    assert {source for source, _ in sources(said)} == {"L2"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("右颈部见肿大淋巴结，短径约<short>，TLG约<tlg>，CT值约<hu>。", "短径约2.0cm，TLG约9.0g，CT值约41HU。"),
        ("右颈部见肿大淋巴结，短径约<short>cm，TLG约<tlg> g，CT值约<hu> HU。", "短径约2.0cm，TLG约9.0g，CT值约41HU。"),
    ],
)
def test_every_slot_has_its_unit_once(ill, said: str, told: str) -> None:
    statement = written(said, ill, Region.NECK_NODES)
    assert statement.text.endswith(told)
    assert {source for source, _ in sources(statement)} == {"L2"}
    study, record = ill
    lesions = tuple(lesion.model_copy(update={"ct": None, "tlg_g": None}) for lesion in record.lesions)
    bare = written(said, (study, record.model_copy(update={"lesions": lesions})), Region.NECK_NODES)
    assert bare.text.endswith("短径约2.0cm，TLG约未测得，CT值约未测得。")


def test_a_list_of_numbers_goes_with_a_list_of_places(ill) -> None:
    """In the order of the places, not of the heat: the right one is the cooler."""
    text = "右颈部、左颈部见肿大淋巴结，大小约<size>和<size>，SUVmax分别约<suvmax>、<suvmax>。"
    said = written(text, ill, Region.NECK_NODES)
    assert said.text == "右颈部、左颈部见肿大淋巴结，大小约3.3×2.0cm和2.1×1.3cm，SUVmax分别约8.3、12.3。"
    assert [source for source, _ in sources(said)] == ["L2", "L2", "L1", "L1", "L2", "L1"]


def test_a_list_of_numbers_of_one_place_is_of_as_many_lesions(ill) -> None:
    text = "右肺见多发结节，较大者分别为<size>和<size>，SUVmax分别为<suvmax>和<suvmax>。"
    said = written(text, ill, Region.LUNG_PLEURA)
    assert [source for source, _ in sources(said)] == ["L4", "L4", "L3", "L3", "L4", "L3"]


def test_a_third_number_of_two_lesions_is_said_to_be_none(ill) -> None:
    said = written("右肺见多发结节，SUVmax分别为<suvmax>、<suvmax>、<suvmax>。", ill, Region.LUNG_PLEURA)
    assert said.text.endswith("SUVmax分别为5.6、4.4、未测得。")


def test_two_lesions_of_one_sentence_keep_their_numbers(ill) -> None:
    text = "左颈部见肿大淋巴结，大小约<size>，SUVmax约<suvmax>，右肺见结节，大小约<size>，SUVmax约<suvmax>。"
    report = report_of(text, *ill)
    told = [
        (n.source, n.quantity.value)
        for region in (Region.NECK_NODES, Region.LUNG_PLEURA)
        for s in report[region].statements
        if not s.text.startswith("图像测得")
        for n in s.numbers
    ]
    axes = ["long_axis_cm", "short_axis_cm", "suv_max"]
    assert told == [("L1", q) for q in axes] + [("L3", q) for q in axes]


def test_a_short_axis_of_the_network_s_own_is_held_against_the_short_axis(ill) -> None:
    said = written("右颈部见肿大淋巴结，短径约2.0cm。", ill, Region.NECK_NODES, recipe="petrg3d-2025")
    assert sources(said) == [("L2", "short_axis_cm")]
    said = written("右颈部见肿大淋巴结，短径约3.3cm。", ill, Region.NECK_NODES, recipe="petrg3d-2025")
    assert (sources(said), "未核实" in said.text) == ([], True)


def test_english(ill) -> None:
    text = "Enlarged avid node in the right neck, <size>, SUVmax <suvmax>."
    said = written(text, ill, Region.NECK_NODES, style="en-prose")
    assert said.text == "Enlarged avid node in the right neck, 3.3 x 2.0 cm, SUVmax 8.3."


def test_the_next_sentence_tells_the_next_lesion_and_none_is_told_as_two(ill) -> None:
    one = "右肺见结节，放射性摄取增高，SUVmax约<suvmax>。"
    first, second, third = report_of(one + one + one, *ill)[Region.LUNG_PLEURA].statements[:3]
    assert [sources(s) for s in (first, second, third)] == [[("L3", "suv_max")], [("L4", "suv_max")], []]
    assert third.text == "右肺见结节，放射性摄取增高，SUVmax约未测得。"


def test_a_size_in_a_sentence_of_its_own_goes_on_with_the_lesion_before(ill) -> None:
    text = "右肺上叶放射性摄取增高，SUVmax约<suvmax>。右肺上叶见结节，大小约<size>。"
    pet, ct = report_of(text, *ill)[Region.LUNG_PLEURA].statements[:2]
    assert {source for s in (pet, ct) for source, _ in sources(s)} == {"L3"}


def test_another_one_is_another_lesion(ill) -> None:
    text = "右肺见结节，SUVmax约<suvmax>。右肺另见一结节，大小约<size>。"
    first, second = report_of(text, *ill)[Region.LUNG_PLEURA].statements[:2]
    assert [sources(s)[0][0] for s in (first, second)] == ["L3", "L4"]


def test_a_count_counts_what_lies_there(ill) -> None:
    said = written("双侧颈部见肿大淋巴结<count>枚，较高者SUVmax约<suvmax>。", ill, Region.NECK_NODES)
    assert said.text.startswith("双侧颈部见肿大淋巴结2枚")
    assert said.lesion_ids == ("L1", "L2")


@pytest.mark.parametrize(
    "said",
    [
        "左肺见结节，SUVmax约<suvmax>。",  # both nodules are right
        "肝脏见结节，放射性摄取增高，SUVmax约<suvmax>。",  # none there
        "纵隔见肿大淋巴结，SUVmax约<suvmax>。",
        "膀胱壁见肿块，放射性摄取异常增高，SUVmax约<suvmax>。",  # what is there is physiologic
        "左侧第3肋见骨质破坏，大小约<size>。",  # below what a PET resolves
        "见异常放射性浓聚，SUVmax约<suvmax>。",  # nowhere
    ],
)
def test_what_was_not_measured_is_said_and_never_invented(ill, said: str) -> None:
    report = report_of(said, *ill)
    first = next(s for section in report.findings for s in section.statements if "未测得" in s.text)
    assert first.numbers == ()
    assert not re.search(r"\d", first.text.replace("第3肋", ""))
    assert "slots-unfilled" in codes(report)


def test_unfilled_in_english_takes_its_unit_along(ill) -> None:
    said = written(
        "Avid node in the mediastinum, <size> cm, SUVmax <suvmax>.", ill, Region.MEDIASTINUM_HILA, style="en-prose"
    )
    assert said.text == "Avid node in the mediastinum, not measured, SUVmax not measured."


def test_physiologic_uptake_and_the_rib(ill) -> None:
    said = written("膀胱见生理性放射性浓聚，SUVmax约<suvmax>。", ill, Region.PELVIC_ORGANS)
    assert (sources(said), said.kind) == ([("L5", "suv_max")], StatementKind.PHYSIOLOGIC)
    said = written("左侧第3肋见骨质破坏，放射性摄取增高，SUVmax约<suvmax>。", ill, Region.AXILLA_CHEST_WALL)
    assert sources(said) == [("L6", "suv_max")]


def test_references(ill) -> None:
    said = written("肝脏参照区SUVmean约<suvmean>。", ill, Region.LIVER)
    assert sources(said) == [("liver", "suv_mean")]
    said = written("降主动脉血池SUVmean约<suvmean>。", ill, Region.MEDIASTINUM_HILA)
    assert sources(said) == [("blood_pool", "suv_mean")]
    study, record = ill
    bare = record.model_copy(update={"references": type(record.references)()})
    assert "未测得" in written("肝脏参照区SUVmean约<suvmean>。", (study, bare), Region.LIVER).text


@pytest.mark.parametrize(
    "said", ["左颈部见肿大淋巴结，SUVmax约8.1，大小约2.3×1.5cm。", "左颈部见9枚肿大淋巴结，SUVmax 8.1。"]
)
def test_digits_of_the_network_s_own_are_taken_out(ill, said: str) -> None:
    report = report_of(said, *ill)
    first = report[Region.NECK_NODES].statements[0]
    assert first.numbers == ()
    assert not re.search(r"\d", first.text)
    assert "digits-removed" in codes(report)


@pytest.mark.parametrize("recipe", ["petrg-1", "petrg3d-2025"])
def test_a_focus_told_with_numbers_that_are_not_its_own_is_told_beside(ill, recipe: str) -> None:
    report = report_of("左颈部见肿大淋巴结，放射性摄取增高，SUVmax约8.1。", *ill, recipe=recipe)
    first, *beside = report[Region.NECK_NODES].statements
    assert first.numbers == ()
    assert any(("L1", "suv_max") in sources(s) for s in beside)
    assert any("SUVmax约12.3" in s.text for s in beside)
    report = report_of("左颈部见肿大淋巴结，放射性摄取增高。", *ill, recipe=recipe)
    assert not any(("L1", "suv_max") in sources(s) for s in report[Region.NECK_NODES].statements)


def test_names_with_a_digit_stay(ill) -> None:
    text = "T12椎体见骨质破坏，放射性摄取增高。"
    assert written(text, ill, Region.SPINE).text == text
    assert "digits-removed" not in codes(report_of(text, *ill))


def test_slots_of_ours_that_a_network_writes_are_words(ill) -> None:
    said = written("左颈部见肿大淋巴结，SUVmax约{L2.suv_max}。", ill, Region.NECK_NODES)
    assert said.numbers == ()


def test_swapped_sides_of_the_record_change_what_is_filled(ill) -> None:
    """The words choose, not the order."""
    study, record = ill

    def turned(record: Record) -> Record:
        swap = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}
        lesions = tuple(
            lesion.model_copy(update={"side": swap.get(lesion.side, lesion.side), "nodal_group": None})
            for lesion in record.lesions
        )
        return record.model_copy(update={"lesions": lesions})

    text = "左颈部见肿大淋巴结，SUVmax约<suvmax>。"
    assert sources(written(text, (study, record), Region.NECK_NODES)) == [("L1", "suv_max")]
    assert sources(written(text, (study, turned(record)), Region.NECK_NODES)) == [("L2", "suv_max")]


def test_every_slot_leaves_a_report_that_agrees_with_its_record(ill) -> None:
    text = (
        "双侧颈部、左腋窝见多发肿大淋巴结，放射性摄取增高，SUVmax约<suvmax>，较大者位于右颈部，大小约<size>。"
        "右肺见结节<count>枚，放射性摄取增高，SUVmax约<suvmax>。膀胱见生理性放射性浓聚，SUVmax约<suvmax>。"
        "肝脏、脾脏未见异常，胰腺未见异常。肝脏参照区SUVmean约<suvmean>。"
    )
    report = report_of(text, *ill)
    assert not codes(report) & {"text-disagrees", "slots-unfilled", "digits-removed"}
    assert list(check_text(report, facts_for(report, ill[0]))) == []
    told = network_statements(report)
    assert told["neck-nodes"][0].lesion_ids == ("L1", "L2", "L6")
    assert "图像测得" not in "".join(s.text for statements in told.values() for s in statements)
