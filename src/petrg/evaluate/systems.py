"""Whose reports are scored: a system, a reader, or a control that never saw the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from petrg.anatomy import Region
from petrg.evaluate.cases.case import Cases
from petrg.evaluate.cases.template import Template
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.report import Structure, Uptake

__all__ = ["Reports", "always_normal", "by_id", "not_given", "second_reader", "system", "template_copied"]

NORMAL = "always normal"
"""The labeller of labels that nobody read."""


@dataclass(frozen=True, kw_only=True)
class Reports:
    """The reports of one row of a table of scores, in the order of the cases.

    Parameters
    ----------
    key, title, kind, how : str
        As in :class:`petrg.evaluate.scores.Row`.
    texts : tuple of str or None, optional
        None as a whole where it has no texts, only labels; None for a case whose report is missing.
    labels : LabelSet, optional
        Where they are known without reading texts.
    where : tuple of int, optional
        The cases it can be formed for, where these are not all; the others do not count against it.
    reason : str
        Why it is not given; empty where it is.
    """

    key: str
    title: str
    kind: Literal["system", "control", "reader"]
    how: str
    texts: tuple[str | None, ...] | None = None
    labels: LabelSet | None = None
    where: tuple[int, ...] | None = None
    reason: str = ""

    @property
    def given(self) -> bool:
        """Whether it could be formed."""
        return not self.reason


def system(
    title: str, texts: Sequence[str | None] | None, labels: LabelSet | None = None, *, key: str = "system"
) -> Reports:
    """A system that is scored; a report that is missing scores 0."""
    made = None if texts is None else tuple(texts)
    return Reports(key=key, title=title, kind="system", how="as given", texts=made, labels=labels)


def not_given(key: str, title: str, how: str, reason: str, kind: Literal["control", "reader"] = "control") -> Reports:
    """A row that cannot be formed, kept to say so."""
    return Reports(key=key, title=title, kind=kind, how=how, reason=reason)


def template_copied(cases: Cases, template: Template | None, *, labels_only: bool = False) -> Reports:
    """The healthy template word for word, by hospital and sex: it looks at no scan and finds nothing."""
    key, title = "template", "healthy template, verbatim"
    how = "the template of the patient's hospital and sex, word for word"
    if labels_only:
        return not_given(key, title, how, "labels alone are scored; a template is a text")
    if template is None:
        return not_given(key, title, how, "no template: give --template")
    texts = tuple(template.of(case) for case in cases.cases)
    where = _where(texts)
    if not where:
        reason = "the template has no text for the hospital and sex of any case"
        if all(case.sex is None for case in cases.cases):
            reason = "the template is by sex and no sex is known: give --meta"
        return not_given(key, title, how, reason)
    return Reports(key=key, title=title, kind="control", how=how, texts=texts, where=_or_all(where, cases))


def always_normal(cases: Cases) -> Reports:
    """Every region of every case normal on PET and CT; labels without a text."""
    cells = dict.fromkeys(Region, Cell(pet=Uptake.NORMAL, ct=Structure.NORMAL))
    labels = LabelSet(labeller=NORMAL, cases=dict.fromkeys(cases.ids, cells))
    how = "every region normal on PET and CT (5 / 8); labels without a text"
    return Reports(key="normal", title="always normal", kind="control", how=how, labels=labels)


def second_reader(cases: Cases, texts: Sequence[str | None] | None, *, labels_only: bool = False) -> Reports:
    """Another physician's reports of the same scans, on the cases that have one."""
    key, title = "second-reader", "second reader"
    how = "another physician's reports of the same scans"
    if texts is None or not any(texts):
        reason = "labels alone are scored" if labels_only else "no second reports: give --second-reader"
        return not_given(key, title, how, reason, kind="reader")
    return Reports(
        key=key, title=title, kind="reader", how=how, texts=tuple(texts), where=_or_all(_where(texts), cases)
    )


def _where(texts: Sequence[str | None]) -> tuple[int, ...]:
    return tuple(i for i, text in enumerate(texts) if text is not None)


def _or_all(where: tuple[int, ...], cases: Cases) -> tuple[int, ...] | None:
    return None if len(where) == len(cases) else where


def by_id(cases: Cases, texts: Sequence[str | None]) -> Mapping[str, str]:
    """The texts that are there, by case id."""
    return {key: text for key, text in zip(cases.ids, texts, strict=True) if text is not None}
