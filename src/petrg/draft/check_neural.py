"""What may be asked of a sentence that a network worded: less than of one of ours, and one thing more.

It may name several regions, write numbers that are marked as unverified, and leave a side out. What it says of uptake
is held against the foci: increased where none was measured, or normal where a lesion was, disagrees with the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from petrg.anatomy import Region, Side
from petrg.draft.mismatch import Mismatch
from petrg.draft.neural_text import read_findings
from petrg.draft.neural_words import neural_words
from petrg.draft.normal import may_lie_in
from petrg.language.wording import is_located
from petrg.language.words import Language
from petrg.report import Finding, Lesion, LesionStatus, Modality, Report, Statement, StatementKind, Uptake

__all__ = ["NETWORK", "check_uptake", "is_worded_by_network", "named_regions", "unverified"]

NETWORK = "petrg3d:"
"""How the writer of a report begins whose findings a network worded."""


def is_worded_by_network(report: Report) -> bool:
    """Whether a network worded the findings."""
    return report.writer.startswith(NETWORK)


@lru_cache(maxsize=256)
def named_regions(text: str, language: Language) -> frozenset[Region]:
    """The regions that ``text`` names."""
    return frozenset(g.region for g in read_findings(text, language))


def unverified(report: Report) -> int:
    """How many numbers of the findings are marked as unverified."""
    mark = neural_words(report.language).unverified
    return sum(s.text.count(mark) for section in report.findings for s in section.statements)


def check_uptake(at: str, region: Region, statement: Statement, report: Report) -> Iterator[Mismatch]:
    """Uptake that is said to be increased where no focus may lie, or normal where a lesion does that is not told.

    A focus whose nature or region is in doubt contradicts no sentence; the report tells it beside.
    """
    finding, foci = statement.finding, report.record.lesions
    if statement.lesion_ids or finding is None or statement.modality is Modality.CT:
        return
    if statement.kind is StatementKind.FINDING and finding.uptake is Uptake.HIGH:
        if not any(focus.region.id is finding.region or finding.region in may_lie_in(focus) for focus in foci):
            yield Mismatch("claim", at, "increased uptake", "no focus there")
        return
    if statement.kind is not StatementKind.NORMAL or finding.uptake is None:
        return
    told = _told(region, report)
    for focus in foci:
        sure = focus.status is LesionStatus.LESION and is_located(focus)
        if sure and focus.id not in told and _lies(finding, focus):
            yield Mismatch("claim", at, "normal uptake", f"focus {focus.id}")
            return


def _told(region: Region, report: Report) -> set[str]:
    """The foci that the network itself tells in a region: what is normal there is the rest of it."""
    added = neural_words(report.language).also_measured.casefold()
    own = (s for s in report[region].statements if not s.text.casefold().startswith(added))
    return {name for s in own for name in s.lesion_ids}


def _lies(finding: Finding, focus: Lesion) -> bool:
    """Whether a focus lies in the place that a finding names."""
    if focus.region.id is not finding.region:
        return False
    if finding.side in (Side.LEFT, Side.RIGHT) and focus.side is not finding.side:
        return False
    return finding.nodal_group is None or focus.nodal_group in (None, finding.nodal_group)
