"""Where links of a page lead: from numbers to evidence and from evidence back to the text."""

from __future__ import annotations

from markupsafe import Markup, escape

from petrg.export.words import label
from petrg.report import LesionStatus, Number, Report, Statement

__all__ = ["MOST_SHOWN", "Links"]

MOST_SHOWN = 24
"""How many findings have pictures."""


class Links:
    """The anchors of one report's page.

    ``numbered`` are the foci that are findings (lesions and indeterminate ones) in the record's
    order, ``shown`` those of them that have pictures, at most `MOST_SHOWN`: those whose numbers the
    text states, then lesions before indeterminate foci, hotter ones first.
    """

    def __init__(self, report: Report) -> None:
        self._language = report.language
        foci = report.record.lesions
        self.numbered = tuple(f for f in foci if f.status is not LesionStatus.PHYSIOLOGIC)
        stated = {n.source for s in report.statements() for n in s.numbers}
        ranked = sorted(
            self.numbered, key=lambda f: (f.id not in stated, f.status is not LesionStatus.LESION, -f.suv_max)
        )
        first = {f.id for f in ranked[:MOST_SHOWN]}
        self.shown = tuple(f for f in self.numbered if f.id in first)
        self._row = {f.id: k for k, f in enumerate(foci, 1)}
        self._statement: dict[int, int] = {id(s): k for k, s in enumerate(report.statements(), 1)}
        self._first_mention: dict[str, int] = {}
        for k, statement in enumerate(report.statements(), 1):
            for focus in (*statement.lesion_ids, *(n.source for n in statement.numbers)):
                self._first_mention.setdefault(focus, k)

    def card(self, focus_id: str) -> str:
        """The anchor of a focus's pictures."""
        return f"finding-{self._row[focus_id]}"

    def row(self, focus_id: str) -> str:
        """The anchor of a focus's row in the table."""
        return f"focus-{self._row[focus_id]}"

    def evidence(self, source: str) -> str | None:
        """The anchor that ``source`` of a number (see `petrg.report.slots`) leads to, None where nothing does."""
        if source in ("liver", "blood_pool"):
            return f"reference-{source}"
        if source == "totals":
            return "totals"
        if source == "acquisition":
            return "acquisition"
        if source == "search.all":
            return "assessed"
        if source.startswith("search."):
            return f"assessed-{source.removeprefix('search.')}"
        source = source.split("+")[0]  # a count leads to the first, the hottest, of those it counts
        if source not in self._row:
            return None
        return self.card(source) if any(f.id == source for f in self.shown) else self.row(source)

    def statement(self, statement: Statement) -> str:
        """The anchor of a sentence of the report."""
        return f"text-{self._statement[id(statement)]}"

    def back(self, focus_id: str) -> str:
        """The anchor of the first sentence that speaks of a focus, else of the findings."""
        k = self._first_mention.get(focus_id)
        return "findings" if k is None else f"text-{k}"

    def linked(self, statement: Statement) -> Markup:
        """The sentence with each of its numbers a link to its evidence; everything else escaped."""
        out, last = Markup(), 0
        for number in sorted(statement.numbers, key=lambda n: n.span.start):
            out += escape(statement.text[last : number.span.start])
            out += self._number(number, statement.text[number.span.start : number.span.end])
            last = number.span.end
        return out + escape(statement.text[last:])

    def _number(self, number: Number, shown: str) -> Markup:
        anchor = self.evidence(number.source)
        if anchor is None:
            return escape(shown)
        unit = "" if number.unit == "1" else f" {number.unit}"
        title = label("facts" if number.source == "acquisition" else "quantities", number.quantity, self._language)
        named = f"{number.source} " if number.source in self._row else ""
        what = f"{named}{title} {number.value:.4g}{unit}"
        if number.where is not None:
            slice_word = label("slices", number.where.modality, self._language)
            what += f", {slice_word} {number.where.slice_number}"
        return Markup('<a class="number" href="#{}" title="{}">{}</a>').format(anchor, what, shown)
