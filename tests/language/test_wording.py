"""Foci in words: what is said, in what order, and that many stay readable."""

from __future__ import annotations

import re

import pytest

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.style import load_style, style_names
from petrg.language.wording import impression, is_located, region_foci, rivals
from petrg.report import (
    Lesion,
    LesionStatus,
    Modality,
    RegionCandidate,
    RegionGuess,
    StatementKind,
    Threshold,
    Uptake,
    Where,
)

ALL = style_names()


def focus(name: str, region: Region, suv: float, side: Side | None = None, p: float = 0.95, **changes) -> Lesion:
    rival = changes.pop("rival", None)
    candidates = [RegionCandidate(id=region, probability=p)]
    candidates += [RegionCandidate(id=r, probability=q) for r, q in (rival or {}).items()]
    values = {
        "id": name,
        "status": LesionStatus.LESION,
        "region": RegionGuess(id=region, probability=p, candidates=tuple(candidates)),
        "side": side,
        "centre_mm": (0, 0, 0),
        "hottest": Where(modality=Modality.PET, index=(0, 0, 0), mm=(0, 0, 0), slice_number=3),
        "slices": (3, 3),
        "suv_max": suv,
        "threshold": Threshold.FIXED_4,
    }
    return Lesion(**(values | changes))


def test_foci_of_one_site_make_one_sentence_that_counts_them_and_measures_the_hottest() -> None:
    left = [focus(f"L{i}", Region.AXILLA_CHEST_WALL, suv, Side.LEFT) for i, suv in enumerate((5.0, 9.0, 7.0, 6.0), 1)]
    right = focus("L5", Region.AXILLA_CHEST_WALL, 4.5, Side.RIGHT)
    said = region_foci([*left, right], load_style("en-prose"), interpreted=True)
    assert [w.text for w in said] == [
        "{L2+L3+L4+L1.lesions} FDG-avid foci in the left axilla or chest wall, the most intense with SUVmax "
        "{L2.suv_max} (PET slice {L2.slice})",
        "FDG-avid focus in the right axilla or chest wall, SUVmax {L5.suv_max} (PET slice {L5.slice})",
    ]
    assert [w.lesion_ids for w in said] == [("L2", "L3", "L4", "L1"), ("L5",)]
    assert said[0].finding.side is Side.LEFT
    assert said[0].finding.uptake is Uptake.HIGH
    assert said[0].finding.suv_max == 9.0


@pytest.mark.parametrize("name", ALL)
def test_thirty_foci_of_one_region_stay_readable(name: str) -> None:
    groups = [NodalGroup.NECK_LEFT, NodalGroup.NECK_RIGHT]
    many = [
        focus(f"L{i}", Region.NECK_NODES, 4.0 + i / 10, group.side, nodal_group=group)
        for i, group in enumerate(groups * 15)
    ]
    style = load_style(name)
    said = region_foci(many, style, interpreted=True)
    assert len(said) == 2
    assert sorted(i for w in said for i in w.lesion_ids) == sorted(f"L{i}" for i in range(30))
    bare = [re.sub(r"\{[^}]*\}", "9", w.text) for w in said]
    assert all(len(text) < 120 for text in bare)
    line = impression(many, style, interpreted=True)
    assert len(line) == 1
    assert "{L29.suv_max}" in line[0].text


@pytest.mark.parametrize("name", ALL)
def test_no_number_stands_in_a_sentence_but_through_a_slot(name: str) -> None:
    style = load_style(name)
    foci = [focus("LA", Region.LIVER, 5.0, axes_mm=(20, 10), mtv_ml=3.0, suv_mean=2.0, suv_peak=3.0)]
    for said in (*region_foci(foci, style, interpreted=True), *impression(foci, style, interpreted=False)):
        assert not re.search(r"\d", re.sub(r"\{[^}]*\}", "", said.text))


def test_lesions_come_first_then_indeterminate_then_physiologic() -> None:
    foci = [
        focus("L1", Region.GI_TRACT, 9.0, status=LesionStatus.PHYSIOLOGIC),
        focus("L2", Region.GI_TRACT, 5.0, status=LesionStatus.INDETERMINATE),
        focus("L3", Region.GI_TRACT, 4.0),
    ]
    said = region_foci(foci, load_style("zh-prose"), interpreted=True)
    assert [w.kind for w in said] == [StatementKind.FINDING, StatementKind.INDETERMINATE, StatementKind.PHYSIOLOGIC]
    assert "性质待定，请医师" in said[1].text
    assert "生理性" in said[2].text
    assert "生理性" not in said[0].text


def test_the_impression_leaves_physiologic_uptake_out_and_leaves_the_undecided_to_the_reader() -> None:
    foci = [
        focus("L1", Region.BRAIN, 14.0, status=LesionStatus.PHYSIOLOGIC),
        focus("L2", Region.GI_TRACT, 5.0, status=LesionStatus.INDETERMINATE),
        focus("L3", Region.LIVER, 6.0),
    ]
    said = impression(foci, load_style("en-prose"), interpreted=True)
    assert [w.text for w in said] == [
        "FDG-avid focus in the liver, SUVmax {L3.suv_max}",
        "FDG-avid focus in the gastrointestinal tract, SUVmax {L2.suv_max}; indeterminate, reader to decide",
    ]
    assert impression(foci[:1], load_style("en-prose"), interpreted=True) == ()


def test_a_focus_that_was_not_located_names_its_candidates() -> None:
    unsure = focus("L1", Region.SPINE, 6.0, Side.LEFT, 0.7, rival={Region.RETROPERITONEUM: 0.25, Region.KIDNEYS: 0.05})
    assert not is_located(unsure)
    assert rivals(unsure) == (Region.RETROPERITONEUM,)
    (said,) = region_foci([unsure], load_style("en-prose"), interpreted=True)
    assert "in the spine (location uncertain, possibly the left retroperitoneum)" in said.text
    sure = focus("L1", Region.SPINE, 6.0, Side.LEFT, 0.8, rival={Region.RETROPERITONEUM: 0.2})
    assert is_located(sure)
    assert rivals(sure) == (Region.RETROPERITONEUM,), "one in five lies there: it is not called normal"
    (said,) = region_foci([sure], load_style("en-prose"), interpreted=True)
    assert "uncertain" not in said.text


def test_only_what_was_measured_is_said() -> None:
    style = load_style("zh-structured")
    (bare,) = region_foci([focus("L1", Region.LIVER, 6.0)], style, interpreted=True)
    assert "MTV" not in bare.text
    assert "SUVpeak" not in bare.text
    (speck,) = region_foci([focus("L1", Region.LIVER, 6.0, axes_mm=(5.2, 4.9))], style, interpreted=True)
    assert "long_axis" not in speck.text, "below the resolution of a PET"
    full = focus("L1", Region.LIVER, 6.0, axes_mm=(20, 10), mtv_ml=3.0, suv_mean=2.0, suv_peak=3.0)
    (said,) = region_foci([full], style, interpreted=True)
    for slot in ("long_axis_cm", "short_axis_cm", "mtv_ml", "suv_mean", "suv_peak", "slice"):
        assert f"{{L1.{slot}}}" in said.text


def test_sides_of_paired_physiologic_uptake() -> None:
    pair = [
        focus("L1", Region.KIDNEYS, 20.0, Side.LEFT, status=LesionStatus.PHYSIOLOGIC),
        focus("L2", Region.KIDNEYS, 18.0, Side.RIGHT, status=LesionStatus.PHYSIOLOGIC),
    ]
    (said,) = region_foci(pair, load_style("zh-prose"), interpreted=True)
    assert said.text.startswith("双肾见生理性")
    assert said.finding.side is Side.BILATERAL


def test_left_and_right_are_never_swapped() -> None:
    for name in ALL:
        style = load_style(name)
        left_word, right_word = ("左", "右") if style.language == "zh" else ("left", "right")
        for side, own, other in ((Side.LEFT, left_word, right_word), (Side.RIGHT, right_word, left_word)):
            (said,) = region_foci([focus("L1", Region.BREAST, 5.0, side)], style, interpreted=True)
            assert own in said.text
            assert other not in said.text


def test_up_to_three_foci_of_one_site_have_a_sentence_each() -> None:
    three = [focus(f"L{i}", Region.AXILLA_CHEST_WALL, suv, Side.LEFT) for i, suv in enumerate((5.0, 9.0, 7.0), 1)]
    said = region_foci(three, load_style("en-prose"), interpreted=True)
    assert [w.lesion_ids for w in said] == [("L2",), ("L3",), ("L1",)]


def test_a_focus_of_no_known_region_names_none() -> None:
    lost = focus("L1", Region.MUSCLE_SUBCUTIS, 9.0, None).model_copy(
        update={"region": RegionGuess(id=Region.MUSCLE_SUBCUTIS, probability=0.04)}
    )
    (said,) = region_foci([lost], load_style("en-prose"), interpreted=True)
    assert said.text.startswith("FDG-avid focus in the scanned field (region not determined), SUVmax {L1.suv_max}")
    (line,) = impression([lost], load_style("en-prose"), interpreted=True)
    assert "muscle" not in line.text
