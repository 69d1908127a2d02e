"""Foci to sentences: how a style says what was measured, with slots where the numbers go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petrg.anatomy import Region, Side
from petrg.language.style import Style
from petrg.language.words import words_of
from petrg.report import Finding, Lesion, LesionStatus, Modality, NumberQuantity, StatementKind, Uptake, slot

__all__ = ["LEAST_MM", "LOCATED", "Worded", "common_side", "impression", "is_located", "region_foci", "rivals"]

LOCATED = 0.8
"""A region or a focus counts as located from this probability on; below it no region is called normal."""

GUESS = 0.2
"""Below this probability a region is no more than a guess and is not named."""

RIVAL = 0.1
"""A candidate region below this probability is not named."""

_KINDS = {
    LesionStatus.LESION: (StatementKind.FINDING, Uptake.HIGH),
    LesionStatus.INDETERMINATE: (StatementKind.INDETERMINATE, Uptake.EQUIVOCAL),
    LesionStatus.PHYSIOLOGIC: (StatementKind.PHYSIOLOGIC, Uptake.PHYSIOLOGIC),
}


_MANY = 3
"""Up to this many foci of one site each have a sentence of their own; more are counted and the hottest measured."""

LEAST_MM = 5.0
"""A diameter below the resolution of a PET is not said."""


@dataclass(frozen=True, slots=True)
class Worded:
    """A sentence before its numbers: no full stop, slots unfilled."""

    text: str
    kind: StatementKind
    modality: Modality | None = None
    lesion_ids: tuple[str, ...] = ()
    finding: Finding | None = None


def is_located(lesion: Lesion) -> bool:
    """Whether the focus was assigned to its region with p >= .8."""
    return lesion.region.probability >= LOCATED


def rivals(lesion: Lesion, at_least: float = RIVAL) -> tuple[Region, ...]:
    """The regions a focus may lie in besides its own, each with a probability of ``at_least``."""
    others = (c for c in lesion.region.candidates if c.id is not lesion.region.id and c.probability >= at_least)
    return tuple(c.id for c in others)


def common_side(lesions: Sequence[Lesion]) -> Side | None:
    """The side that ``lesions`` share; bilateral where they lie on both, None where they differ otherwise."""
    sides = {lesion.side for lesion in lesions}
    if sides == {Side.LEFT, Side.RIGHT}:
        return Side.BILATERAL
    return sides.pop() if len(sides) == 1 else None


def region_foci(lesions: Sequence[Lesion], style: Style, *, interpreted: bool) -> tuple[Worded, ...]:
    """Sentences on the foci of one region: lesions, then indeterminate, then physiologic uptake.

    More than three foci that share site and status make one sentence that counts them and measures the hottest.

    Parameters
    ----------
    lesions : sequence of Lesion
        The foci of one region.
    style : Style
    interpreted : bool
        False where the tracer is not known to be FDG: foci are then measured, not named.
    """
    by_heat = sorted(lesions, key=lambda lesion: -lesion.suv_max)
    groups: dict[tuple[LesionStatus | None, str], list[Lesion]] = {}
    for lesion in by_heat:
        status = lesion.status if interpreted else None
        groups.setdefault((status, _together(lesion, status, style)), []).append(lesion)
    order: list[LesionStatus | None] = [None, *_KINDS]
    ranked = sorted(groups.items(), key=lambda item: order.index(item[0][0]))
    return tuple(_group(status, part, style) for (status, _), group in ranked for part in _parts(status, group))


def _parts(status: LesionStatus | None, group: list[Lesion]) -> list[list[Lesion]]:
    if status is LesionStatus.PHYSIOLOGIC or len(group) > _MANY:
        return [group]
    return [[lesion] for lesion in group]


def impression(lesions: Sequence[Lesion], style: Style, *, interpreted: bool) -> tuple[Worded, ...]:
    """Lesions first, one line a region from head to foot; then all indeterminate foci in one line, hottest first.

    Physiologic uptake is left out. Without interpretation: one line a region.
    """
    lines: list[Worded] = []
    for region in Region:
        here = [lesion for lesion in lesions if lesion.region.id is region]
        if interpreted:
            here = [lesion for lesion in here if lesion.status is LesionStatus.LESION]
        lines += _impression_line(LesionStatus.LESION if interpreted else None, here, style)
    if interpreted:
        open_foci = [lesion for lesion in lesions if lesion.status is LesionStatus.INDETERMINATE]
        lines += _impression_line(LesionStatus.INDETERMINATE, open_foci, style)
    return tuple(lines)


def _together(lesion: Lesion, status: LesionStatus | None, style: Style) -> str:
    """What foci of one status must share to make one sentence: the site, or that there is no sure one."""
    if status is LesionStatus.PHYSIOLOGIC:
        return "physiologic"
    return _site(lesion, style) if is_located(lesion) else "uncertain"


def _group(status: LesionStatus | None, group: list[Lesion], style: Style) -> Worded:
    phrases, hottest = style.phrases, group[0]
    suv_max = slot(hottest.id, NumberQuantity.SUV_MAX)
    if status is LesionStatus.PHYSIOLOGIC:
        both = Side.BILATERAL if common_side(group) is Side.BILATERAL else None  # one side of it means nothing
        site = words_of(style.language).site(hottest.region.id, both, None)
        return _worded(phrases.physiologic.format(site=site, suv_max=suv_max), status, group)
    one, many = (phrases.measured, phrases.measured_foci) if status is None else (phrases.focus, phrases.foci)
    text = (one if len(group) == 1 else many).format(
        site=_site(hottest, style) if is_located(hottest) else _uncertain(group, style),
        count=_count(group),
        suv_max=suv_max,
        suv_low=slot(group[-1].id, NumberQuantity.SUV_MAX),
        details=_details(hottest, style),
    )
    return _worded(text + (phrases.undecided if status is LesionStatus.INDETERMINATE else ""), status, group)


def _worded(text: str, status: LesionStatus | None, group: list[Lesion]) -> Worded:
    kind, uptake = _KINDS[status] if status is not None else (StatementKind.MEASUREMENT, None)
    hottest, ids = group[0], tuple(lesion.id for lesion in group)
    finding = Finding(
        region=hottest.region.id,
        uptake=uptake,
        side=common_side(group),
        nodal_group=hottest.nodal_group if len({lesion.nodal_group for lesion in group}) == 1 else None,
        suv_max=hottest.suv_max,
        size_mm=hottest.axes_mm or (),
        lesion_ids=ids,
    )
    return Worded(text, kind, Modality.PET, ids, finding)


def _impression_line(status: LesionStatus | None, group: list[Lesion], style: Style) -> list[Worded]:
    if not group:
        return []
    phrases = style.phrases
    by_heat = sorted(group, key=lambda lesion: -lesion.suv_max)
    suv_max = slot(by_heat[0].id, NumberQuantity.SUV_MAX)
    sites = list(dict.fromkeys(_brief_site(lesion, by_heat, style) for lesion in by_heat))
    if len(group) == 1:
        one = phrases.impression_measured if status is None else phrases.impression
        text = one.format(site=sites[0], suv_max=suv_max)
    else:
        many = phrases.impression_measured_foci if status is None else phrases.impression_foci
        text = many.format(sites=words_of(style.language).listed(sites), count=_count(group), suv_max=suv_max)
    return [_worded(text + (phrases.undecided if status is LesionStatus.INDETERMINATE else ""), status, by_heat)]


def _count(group: list[Lesion]) -> str:
    return slot("+".join(lesion.id for lesion in group), NumberQuantity.LESIONS)


def _site(lesion: Lesion, style: Style) -> str:
    return words_of(style.language).site(lesion.region.id, lesion.side, lesion.nodal_group)


def _brief_site(lesion: Lesion, group: list[Lesion], style: Style) -> str:
    """The site of one focus in short; what was not located shares one site with the like of its region."""
    if is_located(lesion):
        return _site(lesion, style)
    if lesion.region.probability < GUESS:
        return style.phrases.unlocated
    like = [other for other in group if other.region.id is lesion.region.id and not is_located(other)]
    return style.phrases.uncertain_brief.format(site=_own_site(like, style))


def _uncertain(group: list[Lesion], style: Style) -> str:
    """The site of foci of one region that were not located, and where else they may lie."""
    if all(lesion.region.probability < GUESS for lesion in group):
        return style.phrases.unlocated
    words, side, own = words_of(style.language), common_side(group), _own_site(group, style)
    others = dict.fromkeys(words.site(r, side, None) for lesion in group for r in rivals(lesion))
    if not (elsewhere := [other for other in others if other != own]):
        return style.phrases.uncertain_brief.format(site=own)
    return style.phrases.uncertain.format(site=own, candidates=words.listed(elsewhere, last=words.or_))


def _own_site(group: list[Lesion], style: Style) -> str:
    """The site that foci of one region share, or else the region, with a side where it is the same."""
    sites = {_site(lesion, style) for lesion in group}
    side = common_side(group)
    return sites.pop() if len(sites) == 1 else words_of(style.language).site(group[0].region.id, side, None)


def _details(lesion: Lesion, style: Style) -> str:
    """The measures that this style says and this focus has; a phrase without a value is left out."""
    phrases, parts = style.phrases, []
    if phrases.size is not None and lesion.axes_mm is not None and min(lesion.axes_mm) >= LEAST_MM:
        long, short = (slot(lesion.id, q) for q in (NumberQuantity.LONG_AXIS_CM, NumberQuantity.SHORT_AXIS_CM))
        parts.append(phrases.size.format(long=long, short=short))
    for phrase, quantity, value in (
        (phrases.suv_mean, NumberQuantity.SUV_MEAN, lesion.suv_mean),
        (phrases.suv_peak, NumberQuantity.SUV_PEAK, lesion.suv_peak),
        (phrases.mtv, NumberQuantity.MTV_ML, lesion.mtv_ml),
        (phrases.hu, NumberQuantity.HU_MEAN, lesion.ct),
        (phrases.slice, NumberQuantity.SLICE, lesion.hottest),
    ):
        if phrase is not None and value is not None:
            parts.append(phrase.format(value=slot(lesion.id, quantity)))
    return "".join(parts)
