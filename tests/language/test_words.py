"""Lexica: a place for every region and side, and side words that are told apart."""

from __future__ import annotations

import pytest

from petrg.anatomy import NodalGroup, Region, Side
from petrg.language.words import words_of

BOTH = frozenset({Side.LEFT, Side.RIGHT})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_site_names_its_own_side_and_no_other(language) -> None:
    words = words_of(language)
    for region in Region:
        assert words.sides_in(words.site(region, None, None)) == frozenset()
        assert words.sides_in(words.site(region, Side.MIDLINE, None)) == frozenset()
        for side in (Side.LEFT, Side.RIGHT):
            expected = frozenset({side}) if region.sided else frozenset()
            assert words.sides_in(words.site(region, side, None)) == expected, region
        both = words.site(region, Side.BILATERAL, None)
        assert words.sides_in(both) in (BOTH, frozenset())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_nodal_group_names_the_side_it_lies_on(language) -> None:
    words = words_of(language)
    for group in NodalGroup:
        said = words.sides_in(words.site(group.region, group.side, group))
        assert said <= {group.side}, group
        assert (group.value.endswith(("left", "right"))) == bool(said), group


def test_the_measured_side_wins_over_a_nodal_group_of_the_other() -> None:
    words = words_of("en")
    assert words.site(Region.NECK_NODES, Side.RIGHT, NodalGroup.NECK_LEFT) == "the right neck"
    assert words.site(Region.NECK_NODES, Side.MIDLINE, NodalGroup.NECK_LEFT) == "the left neck"
    assert words.site(Region.RETROPERITONEUM, Side.LEFT, NodalGroup.PARA_AORTIC) == "the para-aortic region"


@pytest.mark.parametrize(
    ("language", "text", "sides"),
    [
        ("zh", "双肺", BOTH),
        ("zh", "左颈部及右颈部", BOTH),
        ("zh", "右肺/胸膜", {Side.RIGHT}),
        ("en", "the left neck", {Side.LEFT}),
        ("en", "bilaterally", BOTH),
        ("en", "bright leftover", set()),
        ("en", "Right lung", {Side.RIGHT}),
    ],
)
def test_side_words(language, text: str, sides) -> None:
    assert words_of(language).sides_in(text) == frozenset(sides)


def test_lists_in_words() -> None:
    assert words_of("en").listed(["the neck"]) == "the neck"
    assert words_of("en").listed(["a", "b", "c", "d"]) == "a, b, c and others"
    assert words_of("zh").listed(["左颈部", "右颈部"]) == "左颈部及右颈部"
