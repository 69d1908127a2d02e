"""Regions, sides, nodal groups and body parts agree with the tables they come from."""

from __future__ import annotations

import re

import pytest

from petrg.anatomy import NodalGroup, Region, Side, body_part, body_part_names


def test_regions_are_those_of_petrg_score_in_its_order() -> None:
    assert len(Region) == 24
    assert [r.value for r in Region][:5] == ["brain", "orbit-sinus", "pharynx-larynx", "thyroid-salivary", "neck-nodes"]
    assert [r.value for r in Region][-2:] == ["pelvis-limb-bones", "muscle-subcutis"]
    assert Region.PELVIC_ORGANS.title("zh") == "盆腔脏器（膀胱、子宫/附件 或 前列腺/精囊腺）"


@pytest.mark.reference
def test_zh_titles_are_the_keys_of_released_label_files(shared) -> None:
    import json

    released = json.loads((shared / "data/autopet_rg_lym/prediction_labels.json").read_text(encoding="utf-8"))
    keys = {key for labels in released.values() for key in labels}
    assert keys == {region.title("zh") for region in Region}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_titles_are_unique_and_found_again(language: str) -> None:
    titles = [region.title(language) for region in Region]
    assert len(set(titles)) == 24
    assert [Region.from_title(title) for title in titles] == list(Region)
    with pytest.raises(KeyError):
        Region.from_title("elbow")


def test_paired_nodal_groups_mirror_each_other() -> None:
    for group in NodalGroup:
        if group.value.endswith("-right"):
            twin = NodalGroup(group.value.removesuffix("right") + "left")
            assert (group.side, twin.side) == (Side.RIGHT, Side.LEFT)
            assert (group.region, group.above_diaphragm) == (twin.region, twin.above_diaphragm)
            assert group.title("zh").startswith("右")
            assert twin.title("zh").startswith("左")


def test_diaphragm_splits_the_groups() -> None:
    above = {group for group in NodalGroup if group.above_diaphragm}
    assert NodalGroup.HILUM_LEFT in above
    assert NodalGroup.COELIAC not in above
    assert all(g.region in {Region.NECK_NODES, Region.AXILLA_CHEST_WALL, Region.MEDIASTINUM_HILA} for g in above)


def test_other_side_is_an_involution_and_spares_the_midline() -> None:
    assert all(side.other.other is side for side in Side)
    assert Side.MIDLINE.other is Side.MIDLINE
    assert Side.LEFT.other is not Side.LEFT


def test_every_sided_part_says_its_side_in_its_name() -> None:
    names = body_part_names()
    assert len(names) >= 117
    for name in names:
        part = body_part(name)
        assert part is not None
        told = re.search(r"_(left|right)(_|$)", name)
        if name == "atrial_appendage_left":
            assert part.side is None
        else:
            assert (part.side.value if part.side else None) == (told.group(1) if told else None)


@pytest.mark.reference
def test_names_of_the_shared_label_map_are_known(shared) -> None:
    import json

    names = json.loads((shared / "data/trunk_ct/example_ct_labels.json").read_text())
    values = names.values() if all(str(k).isdigit() for k in names) else names.keys()
    unknown = [name for name in values if body_part(str(name)) is None]
    assert unknown == []
