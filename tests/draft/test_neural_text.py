"""A network's text to regions and findings."""

from __future__ import annotations

import pytest

from petrg.anatomy import Region
from petrg.draft.digits import numbers_in
from petrg.draft.neural_text import printable, read_text
from petrg.language.style import load_style, style_names


def placed(text: str, language: str = "zh") -> list[tuple[str, list[str]]]:
    told = read_text(text, language)
    return [(told.text[p.start : p.end], [r.value for r in p.regions]) for p in told.passages]


@pytest.mark.parametrize("sex", ["F", "M", None])
@pytest.mark.parametrize("name", style_names())
def test_a_healthy_template_falls_into_its_own_regions(name: str, sex: str | None) -> None:
    """Every sentence of every style: at most one in twelve goes to a neighbour it names first."""
    style = load_style(name)
    told = read_text(style.template(sex), style.language)
    claims = {c.bounded("").lower(): c.region for c in style.claims if c.sex in (None, sex)}
    right = wrong = 0
    for passage in told.passages:
        said = told.text[passage.start : passage.end].lower()
        regions = {region for text, region in claims.items() if text in said}
        if passage.regions and len(regions) == 1:
            right += passage.regions[0] in regions
            wrong += passage.regions[0] not in regions
    assert right >= 60
    assert wrong * 12 <= right + wrong
    assert {region for p in told.passages for region in p.regions} == set(Region)


def test_sentences_end_where_they_end() -> None:
    assert placed("The liver is normal. SUVmax 3.1 in the spleen. No. 4: the left 4.5 mm node.", "en")[0][0] == (
        "The liver is normal."
    )
    assert [text for text, _ in placed("1. 肝脏：未见异常。\n2. 脾脏：未见异常。")] == [
        "1. 肝脏：未见异常。",
        "2. 脾脏：未见异常。",
    ]
    assert [text for text, _ in placed("1. Liver: normal.\n2. Spleen: normal.", "en")] == [
        "1. Liver: normal.",
        "2. Spleen: normal.",
    ]


def test_a_heading_goes_with_what_follows_it() -> None:
    assert placed("腹部：\n肝脏未见异常。") == [("腹部：\n肝脏未见异常。", ["liver"])]


def test_a_sentence_of_several_regions_goes_to_the_first() -> None:
    assert placed("肝脏、脾脏形态正常。") == [("肝脏、脾脏形态正常。", ["liver", "spleen"])]


def test_whole_statements_on_different_regions_are_parted_at_the_comma() -> None:
    assert placed("肝脏、脾脏形态正常，胰腺未见异常。") == [
        ("肝脏、脾脏形态正常，", ["liver", "spleen"]),
        ("胰腺未见异常。", ["pancreas"]),
    ]


def test_a_list_of_places_with_one_statement_is_not_parted() -> None:
    text = "双侧颈部、右腋窝及纵隔见多发肿大淋巴结，放射性摄取增高，SUVmax约<suvmax>，较大者位于左颈部，大小约<size>。"
    assert [regions for _, regions in placed(text)] == [["neck-nodes", "axilla-chest-wall", "mediastinum-hila"]]


def test_the_rest_of_the_body_is_no_region() -> None:
    (passage,) = read_text("其余部位未见异常。", "zh").passages
    assert passage.regions == ()
    assert len(passage.rest) == len(Region)


def test_a_number_alone_goes_on_with_the_sentence_before() -> None:
    assert placed("左肺上叶见结节。SUVmax约<suvmax>。")[1][1] == ["lung-pleura"]


def test_ribs_lie_where_the_record_has_them() -> None:
    assert placed("左侧第5肋见骨质破坏，放射性摄取增高。")[0][1] == ["axilla-chest-wall"]
    assert placed("左侧髂骨见骨质破坏，放射性摄取增高。")[0][1] == ["pelvis-limb-bones"]


def test_units_after_a_slot_go_into_it() -> None:
    told = read_text("大小约<size>cm，SUVmax约<suvmax>，体积<volume> ml。", "zh")
    assert [(m.kind, told.text[m.start : m.end]) for m in told.markers] == [
        ("size", "9.00×9.00cm"),
        ("suvmax", "30.00"),
        ("volume", "9.0ml"),
    ]
    assert told.text == "大小约9.00×9.00cm，SUVmax约30.00，体积9.0ml。"


@pytest.mark.parametrize("text", ["", "\n\n", "。。。", "{L1.suv_max}", "<suvmax>", "<ct>", "�" * 50, "a" * 5000])
def test_nothing_that_a_network_writes_stops_the_reader(text: str) -> None:
    for language in ("zh", "en"):
        told = read_text(text, language)
        assert "{" not in told.text
        assert all(p.end > p.start for p in told.passages)


def test_control_characters_are_left_out() -> None:
    assert printable("肝\x00脏\x1b[2J\u202e正常\t。\n") == "肝脏[2J正常 。\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("T12椎体及L3-5椎体、C5/6、第5肋、双侧第3-5肋", []),
        ("2R组及II区淋巴结，S8段", []),
        ("Deauville 4", []),
        ("1. 肝脏", []),
        ("SUVmax约8.1", ["8.1"]),
        ("SUVmax：3", ["3"]),
        ("大小约2.3×1.5cm", ["2.3×1.5cm"]),
        ("1.2 cm x 0.8 cm", ["1.2 cm x 0.8 cm"]),
        ("12mm nodule", ["12mm"]),
        ("SUVmax 8.1-12.3", ["8.1-12.3"]),
        ("previously 12.1, now 3.4", ["12.1", "3.4"]),
        ("3个结节", ["3"]),
    ],
)
def test_measurements_and_names(text: str, found: list[str]) -> None:
    assert [text[m.start : m.end] for m in numbers_in(text)] == found
