"""Words that the styles of one language share: places, sides, denials, sentences of technique; all of it TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from petrg.anatomy import NodalGroup, Region, Side
from petrg.report.classes import FindingKind

__all__ = ["Denial", "Language", "SideWords", "Site", "Words", "words_of"]

Language = Literal["zh", "en"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(_Strict):
    """How a place is named: without a side, and on each side where it has sides."""

    plain: str
    left: str | None = None
    right: str | None = None
    both: str | None = None


class SideWords(_Strict):
    """Words that name a side in running text."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    both: tuple[str, ...]


class Denial(_Strict):
    """Abnormal phrases and what may stand before them in a healthy sentence."""

    clause_ends: str
    negations: tuple[str, ...]
    excuses: tuple[str, ...]
    closers: tuple[str, ...]
    carries_over_commas: bool
    healthy: tuple[str, ...]
    doubts: tuple[str, ...]
    abnormal: tuple[str, ...]

    def affirmed(self, text: str) -> str | None:
        """The first abnormal phrase of ``text`` that is not denied in its clause, or None.

        >>> words_of("zh").denial.affirmed("双肺未见结节，心包积液")
        '积液'
        >>> words_of("en").denial.affirmed("No nodule, mass or effusion in the lungs.") is None
        True
        >>> words_of("en").denial.affirmed("No nodule is seen, small effusion")
        'effusion'
        """
        for clause in re.split(f"[{re.escape(self.clause_ends)}]", text):
            denied = False
            for part in re.split("[,，]", clause):
                own = _first(self.negations + self.excuses, part)
                denied = own is not None or (denied and self.carries_over_commas)
                phrase = _first(self.abnormal, part)
                if phrase is not None and not denied:
                    return phrase
                denied = denied and _first(self.closers, part) is None
        return None

    def reassures(self, text: str) -> str | None:
        """The first phrase by which ``text`` calls something healthy or denies a disease, or None.

        >>> words_of("en").denial.reassures("CT is normal"), words_of("en").denial.reassures("no effusion elsewhere")
        ('normal', 'effusion')
        >>> words_of("zh").denial.reassures("本区PET摄取是否正常无法判断") is None
        True
        """
        for part in re.split(f"[{re.escape(self.clause_ends)},，]", text):
            said = _first(self.healthy, part)
            if said is not None and _first(self.doubts, part) is None:
                return said
            denied = _first(self.abnormal, part)
            if denied is not None and _first(self.negations, part) is not None:
                return denied
        return None


class Words(_Strict):
    """The words of one language."""

    language: Language
    or_: str = Field(alias="or")
    and_: str = Field(alias="and")
    last_and: str
    title_tail: str
    ellipsis: str
    side_words: SideWords
    denial: Denial
    kind_words: dict[FindingKind, tuple[str, ...]]
    groups: dict[NodalGroup, str]
    sites: dict[Region, Site]
    sentences: dict[str, str]
    time_points: dict[str, str]

    def site(self, region: Region, side: Side | None, group: NodalGroup | None) -> str:
        """Where a focus lies, as a noun phrase; a nodal group of the other side gives way to the measured side.

        >>> words_of("en").site(Region.NECK_NODES, Side.LEFT, None)
        'the left neck'
        >>> words_of("zh").site(Region.AXILLA_CHEST_WALL, Side.LEFT, NodalGroup.AXILLA_LEFT)
        '左腋窝'
        """
        if group is not None and {group.side, side} != {Side.LEFT, Side.RIGHT}:
            return self.groups[group]
        site = self.sites[region]
        if not region.sided:
            return site.plain
        named = {Side.LEFT: site.left, Side.RIGHT: site.right, Side.BILATERAL: site.both}
        return (named.get(side) if side is not None else None) or site.plain

    def kinds_in(self, text: str) -> frozenset[FindingKind]:
        """The kinds of finding that ``text`` speaks of by its words.

        >>> sorted(kind.value for kind in words_of("en").kinds_in("no effusion or calcified stones"))
        ['calcification', 'effusion']
        """
        return frozenset(kind for kind, words in self.kind_words.items() if _first(words, text) is not None)

    def title(self, region: Region) -> str:
        """The region's title as running text names it.

        >>> words_of("zh").title(Region.PELVIC_ORGANS), words_of("en").title(Region.RETROPERITONEUM)
        ('盆腔脏器', 'retroperitoneum')
        """
        return re.sub(self.title_tail, "", region.title(self.language))

    def listed(self, items: Sequence[str], most: int = 3, last: str | None = None) -> str:
        """``items`` as a list in words, ``last`` before the last one; beyond ``most`` the rest is "others".

        >>> words_of("en").listed(["a", "b"]), words_of("zh").listed(["甲", "乙", "丙"])
        ('a and b', '甲、乙及丙')
        """
        if len(items) > most:
            return self.and_.join(items[:most]) + self.ellipsis
        return (last or self.last_and).join(part for part in (self.and_.join(items[:-1]), items[-1]) if part)

    def sides_in(self, text: str) -> frozenset[Side]:
        """The sides that ``text`` names; a word for both names left and right.

        >>> sorted(words_of("zh").sides_in("双肺未见结节"))
        [<Side.LEFT: 'left'>, <Side.RIGHT: 'right'>]
        """
        words = self.side_words
        both = _first(words.both, text) is not None
        left = both or _first(words.left, text) is not None
        right = both or _first(words.right, text) is not None
        return frozenset(side for side, said in ((Side.LEFT, left), (Side.RIGHT, right)) if said)


def _first(phrases: tuple[str, ...], text: str) -> str | None:
    lowered = text.lower()
    return next((p for p in phrases if _stands_in(p, lowered)), None)


def _stands_in(phrase: str, text: str) -> bool:
    if not phrase.isascii():
        return phrase in text
    return re.search(rf"(?<![a-z-]){re.escape(phrase)}(?![a-z])", text) is not None


@cache
def words_of(language: Language) -> Words:
    """The words of ``language``."""
    text = files("petrg.language.words").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return Words.model_validate({"language": language, **tomllib.loads(text)})
