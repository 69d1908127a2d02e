"""Scores as a table for a terminal: headline metrics down, the system and its controls across."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from petrg.evaluate.scores import Count, Metric, PermutationTest, Row, Scores
from petrg.evaluate.sentences import decimals, shown

__all__ = ["class_tables", "score_table"]

_WIDTH = 116
_ALWAYS = {"missing", "prediction-missing", "region-missing", "pet-invalid", "ct-invalid"}
"""Counts that are printed where they are 0, too."""


def score_table(scores: Scores) -> str:
    """The whole text, without a trailing newline.

    A control's cell holds its score and the p of its test against the system, Holm-corrected where that is done.
    """
    metrics = [metric for metric in scores.metrics if metric.headline]
    given = [row for row in scores.rows if row.given]
    head = ["", *(row.title for row in given)]
    body = [[metric.key, *(_cell(scores, row, metric) for row in given)] for metric in metrics]
    lines = [_facts(scores), "", *_aligned([head, *body])]
    if any(test.p_holm is not None for test in scores.tests):
        lines += ["p: of the difference from the system, Holm-corrected over the scores of the column"]
    lines += [f"{row.title}: not given, {row.reason}" for row in scores.rows if not row.given]
    lines += ["", *(_count(count) for count in scores.counts if count.value or count.key in _ALWAYS)]
    lines += [""]
    lines += [line for said in scores.sentences for line in textwrap.wrap(said, _WIDTH, subsequent_indent="  ")]
    return "\n".join(lines)


def class_tables(scores: Scores) -> str:
    """Precision, recall, F1 and support of every class, and agreement in every region."""
    classes = [
        [f"{c.modality} {c.value} {c.name}", f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", str(c.support)]
        for c in scores.classes
    ]
    regions = [
        [
            r.region,
            *map(_share, (r.pet_accuracy, r.pet_kappa, r.pet_abnormal_f1)),
            str(r.pet_abnormal),
            *map(_share, (r.ct_accuracy, r.ct_kappa, r.ct_abnormal_f1)),
            str(r.ct_abnormal),
        ]
        for r in scores.regions
    ]
    each = ("accuracy", "kappa", "F1 abnormal", "abnormal in reference")
    head = ("region", *(f"{modality} {name}" for modality in ("PET", "CT") for name in each))
    return "\n".join(
        [*_aligned([("class", "precision", "recall", "F1", "support"), *classes]), "", *_aligned([head, *regions])]
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _count(count: Count) -> str:
    return f"{count.title}: {count.value}{'' if count.of is None else f' of {count.of}'}"


def _facts(scores: Scores) -> str:
    facts = [f"{_many(scores.cases, 'case')} of {_many(scores.patients, 'patient')}"]
    facts += [f"tokenizer {scores.tokenizer}"] if scores.tokenizer else []
    facts += [f"labeller {scores.labeller}"] if scores.labeller else []
    facts += [f"{scores.bootstrap_draws} draws, {scores.permutations} permutations, seed {scores.seed}"]
    return "; ".join(facts)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cell(scores: Scores, row: Row, metric: Metric) -> str:
    estimate = row.estimates.get(metric.key)
    if estimate is None or estimate.value is None:
        return "-"
    if row.kind == "system" and row.key == "system":
        return shown(estimate, metric)
    test = next((t for t in scores.tests if t.against == row.key and t.metric == metric.key), None)
    return f"{estimate.value:.{decimals(metric)}f}{_p(test)}"


def _p(test: PermutationTest | None) -> str:
    if test is None or test.p is None:
        return ""
    p = test.p if test.p_holm is None else test.p_holm
    return f" (p {p:.3f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their cells; a head that is wider than its column is folded at its words."""
    widths = [max(_wide(row[i]) for row in rows[1:]) if len(rows) > 1 else 0 for i in range(len(rows[0]))]
    heads = [textwrap.wrap(cell, max(width, 9)) or [""] for cell, width in zip(rows[0], widths, strict=True)]
    widths = [max(width, *map(_wide, head)) for width, head in zip(widths, heads, strict=True)]
    tall = max(map(len, heads))
    folded = [[head[i] if i < len(head) else "" for head in heads] for i in range(tall)]
    return ["  ".join(map(_fill, row, widths)).rstrip() for row in (*folded, *rows[1:])]


def _fill(cell: str, width: int) -> str:
    return cell + " " * (width - _wide(cell))


def _wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
