"""The 24 regions a whole-body PET/CT report walks through."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Region"]


class Region(StrEnum):
    """A region of PETRG-Score; iteration is head to foot, the order of dictation.

    Values are stable identifiers used in files; names for people come from :meth:`title`.

    Examples
    --------
    >>> len(Region), Region.LIVER.title("zh"), Region("neck-nodes").title("en")
    (24, '肝脏', 'cervical lymph nodes')
    >>> Region.from_title("肝脏")
    <Region.LIVER: 'liver'>
    """

    BRAIN = "brain"
    ORBIT_SINUS = "orbit-sinus"
    PHARYNX_LARYNX = "pharynx-larynx"
    THYROID_SALIVARY = "thyroid-salivary"
    NECK_NODES = "neck-nodes"
    LUNG_PLEURA = "lung-pleura"
    MEDIASTINUM_HILA = "mediastinum-hila"
    HEART = "heart"
    AXILLA_CHEST_WALL = "axilla-chest-wall"
    BREAST = "breast"
    LIVER = "liver"
    BILIARY = "biliary"
    SPLEEN = "spleen"
    PANCREAS = "pancreas"
    KIDNEYS = "kidneys"
    ADRENALS = "adrenals"
    GI_TRACT = "gi-tract"
    RETROPERITONEUM = "retroperitoneum"
    PERITONEUM = "peritoneum"
    PELVIC_ORGANS = "pelvic-organs"
    PELVIC_INGUINAL_NODES = "pelvic-inguinal-nodes"
    SPINE = "spine"
    PELVIS_LIMB_BONES = "pelvis-limb-bones"
    MUSCLE_SUBCUTIS = "muscle-subcutis"

    def title(self, language: str = "zh") -> str:
        """Name of the region in ``language`` (zh or en); zh is the key of label files."""
        return str(_facts()[self.value][language])

    @property
    def sided(self) -> bool:
        """Whether a finding here is said to be left or right."""
        return bool(_facts()[self.value]["sided"])

    @classmethod
    def from_title(cls, title: str) -> Region:
        """The region of a zh or en title.

        Raises
        ------
        KeyError
            If no region has that title.
        """
        for region in cls:
            if title in (region.title("zh"), region.title("en")):
                return region
        raise KeyError(title)


@cache
def _facts() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("petrg.anatomy").joinpath("regions.toml").read_text(encoding="utf-8"))
