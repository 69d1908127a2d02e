"""Texts -> labels by petrg's own reader, which needs no language model."""

from __future__ import annotations

from collections.abc import Mapping

from petrg.anatomy import Region
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.language.reading import Basis, Evidence, LabelEvidence, labels, read, version
from petrg.progress import Progress, silent, track

__all__ = ["extract", "is_blank"]


def extract(texts: Mapping[str, str | None], language: str = "auto", progress: Progress = silent) -> LabelSet:
    """Labels of each text that says anything; a blank one is left out, since silence would read as "all normal".

    Parameters
    ----------
    texts : mapping of id -> text or None
    language : str
        A lexicon's code, or ``auto``: each text's own.

    Raises
    ------
    ReportError
        If there is no lexicon of that language.

    Examples
    --------
    >>> found = extract({"a": "肝右叶见低密度结节，放射性摄取增高，SUVmax：8.1。", "b": " "})
    >>> cell = found.cases["a"][Region.LIVER]
    >>> list(found.cases), cell.pet.name, cell.suv_max, cell.rules[0]
    (['a'], 'HIGH', 8.1, 'uptake.high')
    """
    told = {key: text for key, text in texts.items() if text is not None and not is_blank(text)}
    cases: dict[str, dict[Region, Cell]] = {}
    languages: dict[str, str] = {}
    for key, text in track(list(told.items()), "reading", progress):
        reading = read(text, language)
        cases[key] = {region: _cell(evidence) for region, evidence in labels(reading).items()}
        languages[key] = reading.language
    return LabelSet(labeller=version(), cases=cases, texts=told, languages=languages)


def is_blank(text: str | None) -> bool:
    """Whether a text says nothing: no letter and no digit.

    >>> is_blank(None), is_blank(" 。"), is_blank("正常")
    (True, True, False)
    """
    return text is None or not any(letter.isalnum() for letter in text)


def _cell(evidence: LabelEvidence) -> Cell:
    label, pet, ct, suv = evidence
    if pet.basis is Basis.SILENT and ct.basis is Basis.SILENT and suv is None and not label.description:
        return _SILENT  # most regions of most reports
    return Cell(
        pet=label.pet,
        ct=label.ct,
        suv_max=label.suv_max,
        description=label.description,
        basis=(pet.basis.value, ct.basis.value, suv.basis.value if suv else ""),
        rules=(pet.rule, ct.rule, suv.rule if suv else ""),
        spots=(_spots(pet), _spots(ct), _spots(suv) if suv else ()),
    )


def _spots(evidence: Evidence) -> tuple[Spot, ...]:
    return tuple(Spot(start, end) for start, end in evidence.at)


_SILENT = Cell(basis=("silent", "silent", ""), rules=("silence", "silence", ""))
