"""What a report says of its lesions, in words and for programs, is what its record holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from petrg.anatomy import NodalGroup, Region, Side
from petrg.draft.check_text import check_text
from petrg.draft.pipeline import draft
from petrg.report import Report

FACTS = {"dose_mbq": 310.0, "uptake_min": 62.0, "weight_kg": 70.4}


def told_of(hand, lesions, change: Callable[[Report], Report]) -> set[str]:
    study = hand.study()
    report = change(draft(study, language="en", record=hand.record(study, lesions)))
    return {m.code for m in check_text(report, FACTS)}


def test_a_side_left_out_of_the_words_is_found(hand) -> None:
    study = hand.study()
    true = draft(study, language="en", record=hand.record(study, [hand.lesion("L1", Region.BREAST, 6.0, Side.LEFT)]))
    assert list(check_text(true, FACTS)) == []
    section = true[Region.BREAST]
    said = section.statements[0].model_copy(update={"text": section.statements[0].text.replace("left ", "     ")})
    sections = list(true.findings)
    sections[list(Region).index(Region.BREAST)] = section.model_copy(
        update={"statements": (said, *section.statements[1:])}
    )
    forged = true.model_copy(update={"findings": tuple(sections)})
    assert "side" in {m.code for m in check_text(forged, FACTS)}


def test_a_lesion_told_under_another_region_is_found(hand) -> None:
    def swap(report: Report) -> Report:
        sections = list(report.findings)
        i, k = list(Region).index(Region.LIVER), list(Region).index(Region.SPLEEN)
        sections[i], sections[k] = (
            sections[i].model_copy(update={"statements": sections[k].statements}),
            sections[k].model_copy(update={"statements": sections[i].statements}),
        )
        return report.model_copy(update={"findings": tuple(sections)})

    assert told_of(hand, [hand.lesion("L1", Region.LIVER, 6.0)], swap) >= {"region", "claim"}
    assert told_of(hand, [hand.lesion("L1", Region.LIVER, 6.0)], lambda report: report) == set()


def test_a_node_near_the_midline_may_be_told_on_the_side_of_its_group(hand) -> None:
    group = NodalGroup.ILIAC_LEFT
    near = hand.lesion("L1", group.region, 6.0, Side.MIDLINE, nodal_group=group)
    assert told_of(hand, [near], lambda report: report) == set()
    across = hand.lesion("L1", group.region, 6.0, Side.RIGHT, nodal_group=group)
    assert told_of(hand, [across], lambda report: report) == set(), "the text names the measured side"


@pytest.mark.parametrize(
    ("field", "change", "code"),
    [
        ("suv_max", lambda finding: finding.suv_max * 1.01, "number"),
        ("size_mm", lambda finding: (finding.size_mm[0], finding.size_mm[1] + 1), "number"),
        ("side", lambda finding: finding.side.other, "side"),
        ("side", lambda finding: Side.BILATERAL, "side"),
        ("region", lambda finding: Region.BRAIN, "region"),
        ("nodal_group", lambda finding: NodalGroup.COELIAC, "region"),
        ("lesion_ids", lambda finding: ("L99",), "source"),
    ],
)
@pytest.mark.parametrize("part", ["findings", "impression"])
def test_what_programs_read_of_a_sentence_is_checked_like_its_words(hand, part: str, field, change, code) -> None:
    lesion = hand.lesion("L1", Region.BREAST, 6.0, Side.LEFT)
    report = draft(hand.study(), language="en", record=hand.record(hand.study(), [lesion]))
    place = list(Region).index(Region.BREAST)
    said = report.findings[place].statements[0] if part == "findings" else report.impression[0]
    forged = said.model_copy(
        update={"finding": said.finding.model_copy(update={field: change(said.finding)})},
    )
    if part == "findings":
        section = report.findings[place]
        sections = list(report.findings)
        sections[place] = section.model_copy(update={"statements": (forged, *section.statements[1:])})
        changed = report.model_copy(update={"findings": tuple(sections)})
    else:
        changed = report.model_copy(update={"impression": (forged, *report.impression[1:])})
    assert list(check_text(report, FACTS)) == []
    assert {m.code for m in check_text(changed, FACTS) if ".finding" in m.at} == {code}


def test_a_side_is_one_side_only_where_all_foci_of_the_sentence_lie_there(hand) -> None:
    pair = [hand.lesion("L1", Region.BREAST, 6.0, Side.LEFT), hand.lesion("L2", Region.BREAST, 5.0, Side.RIGHT)]

    def one_side(report: Report) -> Report:
        said = report.impression[0]
        assert said.finding.side is Side.BILATERAL
        finding = said.finding.model_copy(update={"side": Side.LEFT})
        return report.model_copy(
            update={"impression": (said.model_copy(update={"finding": finding}), *report.impression[1:])}
        )

    assert told_of(hand, pair, lambda report: report) == set()
    assert told_of(hand, pair, one_side) == {"side"}
