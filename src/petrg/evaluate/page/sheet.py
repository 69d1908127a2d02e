"""The sheet that score pages are written on: templates, style, shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from petrg.evaluate.page.safe import soften, visible
from petrg.evaluate.page.view import absent_from
from petrg.evaluate.page.words import words
from petrg.page.shell import render_page

__all__ = ["render_piece", "render_sheet"]

GROUPS = ("text", "classes", "lesions", "numbers", "faults")


def render_sheet(template: str, *, title: str, language: str, values: Mapping[str, Any], banner: str = "banner") -> str:
    """A whole page from a template of this room; ``say`` holds the words of ``language``, ``banner`` is one's key."""
    say = words(language)
    body = _environment().get_template(template).render(say=say, language=language, **values)
    return render_page(title=visible(title), language=language, banner=say[banner], body=Markup(body), style=_style())


def render_piece(name: str, language: str, *arguments: Any) -> Markup:
    """One macro of ``pieces.html.j2`` (confusion_table, heat_map, sides, differ_table, diff_key) for another page."""
    module = _environment().get_template("pieces.html.j2").make_module({"say": words(language)})
    return Markup(getattr(module, name)(*arguments))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("petrg.evaluate.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(softened=soften, in_order=_in_order, absent_from=absent_from)
    return environment


def _shown(value: Any) -> Any:
    """What a template prints: no text from outside reaches a page with characters that cannot be seen."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _in_order(groups: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Groups of metrics in the order of a table."""
    return sorted(groups, key=lambda group: GROUPS.index(group[0]))


@cache
def _style() -> str:
    return files("petrg.evaluate.page").joinpath("scores.css").read_text(encoding="utf-8")
