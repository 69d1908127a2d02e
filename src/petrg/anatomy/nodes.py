"""Nodal groups of Lugano staging, finer than the 24 regions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

from petrg.anatomy.region import Region
from petrg.anatomy.side import Side

__all__ = ["NodalGroup"]


class NodalGroup(StrEnum):
    """A group of lymph nodes as Lugano staging counts them (Barrington, JCO 2014;32:3048).

    >>> group = NodalGroup.AXILLA_LEFT
    >>> group.region.value, group.side.value, group.above_diaphragm, group.title("en")
    ('axilla-chest-wall', 'left', True, 'left axilla')
    """

    NECK_RIGHT = "neck-right"
    NECK_LEFT = "neck-left"
    INFRACLAVICULAR_RIGHT = "infraclavicular-right"
    INFRACLAVICULAR_LEFT = "infraclavicular-left"
    AXILLA_RIGHT = "axilla-right"
    AXILLA_LEFT = "axilla-left"
    MEDIASTINUM = "mediastinum"
    HILUM_RIGHT = "hilum-right"
    HILUM_LEFT = "hilum-left"
    SPLEEN_HILUM = "spleen-hilum"
    COELIAC = "coeliac"
    PARA_AORTIC = "para-aortic"
    MESENTERIC = "mesenteric"
    ILIAC_RIGHT = "iliac-right"
    ILIAC_LEFT = "iliac-left"
    INGUINAL_RIGHT = "inguinal-right"
    INGUINAL_LEFT = "inguinal-left"

    def title(self, language: str = "zh") -> str:
        """Name of the group in ``language`` (zh or en)."""
        return _facts()[self.value][language]

    @property
    def region(self) -> Region:
        """The region of the report that speaks of this group."""
        return Region(_facts()[self.value]["region"])

    @property
    def side(self) -> Side:
        """The side the group lies on; midline for unpaired groups."""
        return Side(_facts()[self.value]["side"])

    @property
    def above_diaphragm(self) -> bool:
        """Whether the group lies above the diaphragm."""
        return _facts()[self.value]["diaphragm"] == "above"


@cache
def _facts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files("petrg.anatomy").joinpath("nodes.toml").read_text(encoding="utf-8"))
