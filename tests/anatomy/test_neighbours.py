"""Borders of regions: symmetric, complete, and as anatomy has them."""

from __future__ import annotations

from petrg.anatomy import Region
from petrg.anatomy.neighbours import neighbours


def test_borders_are_symmetric_and_no_region_borders_itself_or_nothing() -> None:
    for region in Region:
        assert neighbours(region)
        assert region not in neighbours(region)
        assert all(region in neighbours(other) for other in neighbours(region))


def test_known_borders_and_known_strangers() -> None:
    assert Region.ADRENALS in neighbours(Region.LIVER)
    assert Region.ADRENALS in neighbours(Region.RETROPERITONEUM)
    assert Region.AXILLA_CHEST_WALL in neighbours(Region.MUSCLE_SUBCUTIS)
    assert Region.PHARYNX_LARYNX in neighbours(Region.MUSCLE_SUBCUTIS)
    assert Region.BRAIN not in neighbours(Region.LIVER)
    assert Region.HEART not in neighbours(Region.PELVIC_ORGANS)
