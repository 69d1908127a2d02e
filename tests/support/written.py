"""A writer whose text is given, so that what becomes of a text can be told beforehand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from petrg.draft.neural import NeuralWriter, Prepared, finish
from petrg.draft.pipeline import draft
from petrg.imaging import Study
from petrg.language.style import load_style
from petrg.model.generate import Drafted, is_looping
from petrg.model.inputs import Seen
from petrg.model.prompt import Ask
from petrg.model.recipe import Recipe
from petrg.report import Record, Report, Statement


def writer(recipe: str = "petrg-1", domain: str = "patients") -> NeuralWriter:
    """No weights behind it."""
    value = Recipe.of(recipe)
    config = SimpleNamespace(domain=domain, base_fingerprint="f" * 16)
    loaded: Any = SimpleNamespace(
        recipe=value,
        domain=domain,
        identity="0" * 16,
        place=SimpleNamespace(note=""),
        model=SimpleNamespace(config=config),
    )
    return NeuralWriter(loaded=loaded, how=value.generation)


def report_of(
    text: str,
    study: Study,
    record: Record,
    *,
    style: str = "zh-prose",
    recipe: str = "petrg-1",
    ended: bool = True,
    **how: Any,
) -> Report:
    """The report that a network's ``text`` becomes."""
    value = load_style(style)
    case = Prepared(study, draft(study, style=value, record=record), value, Ask(), Seen(None, None))
    return finish(case, Drafted([], text, ended, is_looping(text)), writer(recipe), **how)


def network_statements(report: Report) -> dict[str, list[Statement]]:
    """The statements on each region."""
    return {section.region.value: list(section.statements) for section in report.findings}


def codes(report: Report) -> set[str]:
    """The codes of its notes."""
    return {note.code for note in report.problems}
