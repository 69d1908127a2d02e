"""Whether the finding behind a sentence, which programs read instead of its words, is that of its lesions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from petrg.anatomy import Side
from petrg.draft.mismatch import Mismatch, differs, shown
from petrg.language.wording import common_side
from petrg.report import Finding, Lesion, Statement

__all__ = ["check_finding"]


def check_finding(
    at: str, statement: Statement, lesions: Sequence[Lesion], *, unlinked: bool = False
) -> Iterator[Mismatch]:
    """Disagreements between ``statement.finding`` and ``lesions``, those that the statement names.

    What a finding leaves out is not asked of it; what it states has to be that of its lesions. ``unlinked`` allows a
    finding of no lesion, such as one on CT, to name a side.
    """
    finding, at = statement.finding, f"{at}.finding"
    if finding is None:
        return
    if set(finding.lesion_ids) != set(statement.lesion_ids):
        yield Mismatch("source", at, _named(finding.lesion_ids), _named(statement.lesion_ids))
    if finding.suv_max is not None:
        hottest = max((lesion.suv_max for lesion in lesions), default=None)
        if differs(finding.suv_max, hottest):
            yield Mismatch("number", f"{at}.suv_max", shown(finding.suv_max), shown(hottest))
    if finding.size_mm and not any(_same_size(finding.size_mm, lesion.axes_mm) for lesion in lesions):
        yield Mismatch("number", f"{at}.size_mm", " x ".join(map(shown, finding.size_mm)), "other diameters")
    if lesions:
        yield from _place(at, finding, lesions)
    elif finding.side is not None and not unlinked:
        yield Mismatch("side", at, finding.side.value, "no lesion")


def _place(at: str, finding: Finding, lesions: Sequence[Lesion]) -> Iterator[Mismatch]:
    if finding.region not in {lesion.region.id for lesion in lesions}:
        yield Mismatch("region", at, finding.region.value, lesions[0].region.id.value)
    groups = {lesion.nodal_group for lesion in lesions}
    if finding.nodal_group is not None and finding.nodal_group not in groups:
        yield Mismatch("region", at, finding.nodal_group.value, "another nodal group")
    measured = common_side(lesions)
    by_group = finding.nodal_group.side if finding.nodal_group is not None and measured is Side.MIDLINE else None
    if finding.side is not None and finding.side not in (measured, by_group):
        yield Mismatch("side", at, finding.side.value, "no one side" if measured is None else measured.value)


def _same_size(stated: Sequence[float], measured: Sequence[float] | None) -> bool:
    return measured is not None and not any(differs(*pair) for pair in zip(stated, measured, strict=False))


def _named(ids: Sequence[str]) -> str:
    return f"lesions {', '.join(ids)}" if ids else "no lesion"
