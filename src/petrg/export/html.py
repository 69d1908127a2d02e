"""A report as one self-contained HTML page: text, pictures, and the way from each number to its voxel."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from petrg.export import view
from petrg.export.links import Links
from petrg.export.words import label, words
from petrg.imaging import Study
from petrg.page.figure import render_figure
from petrg.page.shell import render_page
from petrg.report import WATERMARK, FindingKind, Modality, Report

__all__ = ["render_html"]


def render_html(report: Report, study: Study) -> str:
    """The page of ``report`` with pictures from ``study``, the study it was drafted from.

    The page fetches nothing: style and pictures are in it, and its policy forbids more. Numbers of
    the text are links to the place they were read at. Identity comes from ``report`` alone, so a
    de-identified report makes a page without any. A CT that the report set aside is not shown.

    Returns
    -------
    str
        HTML, UTF-8, a few MB at most: at most 24 findings have pictures, the rest are listed.
    """
    if study.ct is not None and all(fact.modality is not Modality.CT for fact in report.record.inputs):
        study = replace(study, ct=None, ct_series=None)
    language = report.language
    links = Links(report)
    body = _template().render(
        say=words(language),
        report=report,
        language=language,
        patient=view.patient(report),
        text=view.text(report, links),
        mips=view.projections(report, study, links),
        cards=view.cards(report, study, links),
        hidden=len(links.numbered) - len(links.shown),
        foci=view.foci(report, links),
        references=view.references(report),
        matrix=view.matrix(report),
        kinds=tuple(FindingKind),
        facts=view.facts,
        label=lambda group, key: label(group, key, language),
        figure=lambda figure: Markup(render_figure(figure)),
        provenance=view.provenance(report),
    )
    title = words(language)["title"]
    return render_page(title=title, language=language, banner=WATERMARK[language], body=Markup(body))


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("petrg.export", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
