"""A network's text as the 24 regions of a report, with what was measured and not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from petrg.anatomy import Region
from petrg.draft.measured import write_statement
from petrg.draft.neural_sentence import Counts, SentenceWriter
from petrg.draft.neural_text import ReadText, read_text
from petrg.draft.neural_words import NeuralWords, neural_words
from petrg.language.style import Style
from petrg.language.wording import region_foci
from petrg.report import LesionStatus, Note, Record, RegionReport, Statement, StatementKind

__all__ = ["Told", "tell"]

Placed = dict[Region, list[Statement]]


class Told(NamedTuple):
    """The findings of a report, and what the reader should know of how they came about."""

    findings: tuple[RegionReport, ...]
    notes: tuple[Note, ...]


def tell(
    text: str,
    record: Record,
    style: Style,
    *,
    slots: bool,
    interpreted: bool,
    ended: bool = True,
    looping: bool = False,
) -> Told:
    """Split a network's text into the 24 regions and hold it against the record.

    A sentence that names several regions goes to the first of them, and the others point to it. One that names none
    stands after the sentence before it, or before the first one of the text. A region that the text leaves out says so.
    A focus that was measured and is not told, or told with numbers that are not its own alone, is told in the words of
    the measured writer.

    Parameters
    ----------
    text : str
        As decoded, slots and all.
    slots : bool
        See `petrg.draft.neural_sentence.SentenceWriter`.
    interpreted : bool
        Whether the tracer is known to be FDG.
    ended, looping : bool
        What the decoder says of the text; a text that is cut off or loops says so where it ends.
    """
    told = read_text(text, style.language)
    words = neural_words(style.language)
    writer = SentenceWriter(told, record, slots=slots)
    placed, under, unplaced, last = _place(told, writer)
    for faulty, remark in ((not ended, words.cut), (looping, words.looping)):
        if faulty:
            placed[last].append(Statement(text=remark, kind=StatementKind.REMARK))
    untold = _add_untold(placed, record, style, words, interpreted=interpreted)
    findings = tuple(
        RegionReport(region=region, statements=tuple(placed[region]) or (_silent(region, under, style, words),))
        for region in Region
    )
    return Told(findings, _notes(writer.counts, unplaced, untold, ended=ended, looping=looping))


def _place(told: ReadText, writer: SentenceWriter) -> tuple[Placed, dict[Region, Region], int, Region]:
    """The statements by region, where else a region is told, how many name none, and where the text ends."""
    placed: Placed = {region: [] for region in Region}
    under: dict[Region, Region] = {}
    here = next((p.regions[0] for p in told.passages if p.regions), next(iter(Region)))
    unplaced = 0
    for passage in told.passages:
        here = passage.regions[0] if passage.regions else here
        unplaced += not passage.regions
        placed[here].append(writer.write(passage))
        for region in (*passage.regions[1:], *passage.rest):
            under.setdefault(region, here)
    return placed, under, unplaced, here


def _silent(region: Region, under: dict[Region, Region], style: Style, words: NeuralWords) -> Statement:
    if region in under:
        said = words.described_under.format(region=under[region].title(style.language))
        return Statement(text=words.sentence(said), kind=StatementKind.REMARK)
    return Statement(text=words.sentence(words.not_described), kind=StatementKind.NOT_ASSESSED)


def _add_untold(placed: Placed, record: Record, style: Style, words: NeuralWords, *, interpreted: bool) -> int:
    """Tell the foci that no statement tells; how many of them are not physiologic."""
    told = {
        name for statements in placed.values() for s in statements for name in s.lesion_ids if _tells(s, name, words)
    }
    for region in Region:
        left = [focus for focus in record.lesions if focus.region.id is region and focus.id not in told]
        for worded in region_foci(left, style, interpreted=interpreted):
            said = replace(worded, text=words.also_measured + worded.text)
            placed[region].append(write_statement(said, record, style))
    return sum(focus.id not in told and focus.status is not LesionStatus.PHYSIOLOGIC for focus in record.lesions)


def _tells(said: Statement, lesion: str, words: NeuralWords) -> bool:
    """Whether a statement tells a lesion: with a number of it, or with no number that it should have been."""
    if any(lesion in number.source.split("+") for number in said.numbers):
        return True
    return not any(mark in said.text for mark in (words.unfilled, words.removed, words.unverified))


def _notes(counts: Counts, unplaced: int, untold: int, *, ended: bool, looping: bool) -> tuple[Note, ...]:
    rows: Sequence[tuple[bool, str, str]] = (
        (not ended, "text-cut", "the network's text does not end: it is cut off at its longest length"),
        (looping, "text-looping", "the network's text repeats itself at its end"),
        (
            counts.unfilled > 0,
            "slots-unfilled",
            f"numbers that the network's text asks for and that were not measured where it says: "
            f"{counts.unfilled} of {counts.slots}",
        ),
        (
            counts.removed > 0,
            "digits-removed",
            f"numbers that the network wrote itself, taken out: {counts.removed}",
        ),
        (
            counts.unverified > 0,
            "numbers-unverified",
            "numbers of the network's text that agree with no lesion of their region, marked in the text: "
            f"{counts.unverified}",
        ),
        (
            untold > 0,
            "foci-untold",
            f"foci that were measured and that the network's text does not tell, told beside it: {untold}",
        ),
        (
            unplaced > 0,
            "sentences-unplaced",
            f"sentences of the network's text that name no region, each left after the one before it: {unplaced}",
        ),
    )
    return tuple(Note(code=code, text=text) for wanted, code, text in rows if wanted)
