"""scores.html: what was scored, what the scores say, and beside them the controls."""

from __future__ import annotations

from markupsafe import Markup

from petrg.evaluate.cases.case import Cases
from petrg.evaluate.labels.label_set import LabelSet
from petrg.evaluate.page import view
from petrg.evaluate.page.colour import shade
from petrg.evaluate.page.forest import forest
from petrg.evaluate.page.sheet import render_sheet
from petrg.evaluate.page.words import words
from petrg.evaluate.page.worst import view_case
from petrg.evaluate.scores import Scores

__all__ = ["render_scores"]

_ORDER = (
    *("scored", "said", "counts", "summary", "forest", "confusion", "regions", "classes", "worst", "all_metrics"),
    "made",
)


def render_scores(
    scores: Scores,
    *,
    cases: Cases,
    reference_labels: LabelSet | None,
    prediction_labels: LabelSet | None,
    language: str = "en",
) -> str:
    """The page of ``scores``: one HTML document that fetches nothing and runs no script.

    Parameters
    ----------
    scores : Scores
    cases : Cases
        Texts of the worst cases; only those reach the page.
    reference_labels, prediction_labels : LabelSet or None
        Labels of both sides by one labeller, for the list of labels that differ; None where classes were not scored.
    language : "en" or "zh"
        Of titles and legends. Names and sentences of ``scores`` stand as they are.

    Returns
    -------
    str
        HTML, UTF-8, well under 1.5 MB for any number of cases: ten worst cases, at most 8,000 characters of a text.
    """
    say = words(language)
    metrics = view.headline(scores)
    metric_titles = view.metric_titles(scores.metrics, language)
    names = view.titles(scores.rows, language)
    rows = sorted(scores.rows, key=lambda row: ("system", "control", "reader").index(row.kind))
    given = [row for row in rows if row.given]
    body = {
        "scores": scores,
        "counts": view.counts(scores, language),
        "metric_titles": metric_titles,
        "facts": view.facts(scores, language),
        "headline": metrics,
        "names": names,
        "cells": {r.key: view.row_cells(r, scores.metrics, scores.rows, (), language) for r in given},
        "tested": {r.key: view.row_cells(r, metrics, scores.rows, scores.tests, language) for r in given},
        "panels": [(m, Markup(forest(m, rows, names, say, metric_titles[m.key]))) for m in metrics],
        "confusions": [(c, view.confusion_rows(c, language)) for c in scores.confusions],
        "heat": view.heat_rows(scores.regions, language),
        "ramp": ",".join(shade(k / 10)[0] for k in range(11)),
        "classes": view.classes(scores.classes, language),
        "worst": [view_case(w, cases, reference_labels, prediction_labels, language) for w in scores.worst[:10]],
        "rows": rows,
        "given": given,
        "made": _made(scores, language),
        "anchors": _anchors(scores),
    }
    return render_sheet("scores.html.j2", title=f"{say['title']}: {scores.system}", language=language, values=body)


def _anchors(scores: Scores) -> list[str]:
    shown = {
        "counts": scores.counts,
        "confusion": scores.confusions,
        "regions": scores.regions,
        "classes": scores.classes,
    }
    return [anchor for anchor in _ORDER if shown.get(anchor, True)]


def _made(scores: Scores, language: str) -> dict[str, str]:
    say = words(language)
    corrected = any(test.p_holm is not None for test in scores.tests)
    return {
        "version": scores.petrg,
        "draws": f"{scores.bootstrap_draws:,}",
        "permutations": f"{scores.permutations:,}",
        "holm": say["holm"]["yes" if corrected else "no"],
        "seed": str(scores.seed),
        "tokenizer": scores.tokenizer or say["none"],
        "labeller": scores.labeller or say["none"],
    }
