"""What the scores say, in words: only what their tests carry, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Literal, get_args

from petrg.evaluate.scores import Count, Estimate, Metric, PermutationTest, Row, Scores
from petrg.evaluate.statistics.comparisons import TOO_FEW

__all__ = ["decimals", "listed", "p_words", "sentences", "shown"]

Verdict = Literal["worse", "alike", "better"]
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_GROUPS = (("text",), ("classes",), ("lesions", "numbers", "faults"))
_NAMES = {
    "permuted": "the system's own reports dealt to other patients of the same sex",
    "template": "the healthy template copied word for word",
    "normal": "labels that call every region normal",
    "second-reader": "the second reader",
    "against": "the other system",
}
_COSTS = {"text": "text scores 0", "classes": "labels count as wrong"}
"""What a missing prediction costs, by group of scores."""
_MEANING = {
    ("permuted", "alike"): ": nothing here shows that the reports belong to their patients",
    ("permuted", "better"): ": the reports fit their own patients better than others",
    ("template", "worse"): ", which looks at no scan",
    ("template", "alike"): ", which looks at no scan",
    ("normal", "worse"): ", which find nothing",
    ("normal", "alike"): ", which find nothing",
}


def sentences(scores: Scores) -> tuple[str, ...]:
    """Sentences on the headline scores.

    A score is called better or worse than a control only where the Holm-corrected p of their test is below its
    alpha; else it is called not distinguishable. Nothing is said where there is no test.
    """
    metrics = {metric.key: metric for metric in scores.metrics if metric.headline}
    said = list(_warnings(scores))
    system = scores.rows[0]
    for row in _told_first(scores.rows[1:]):
        tests = [t for t in scores.tests if t.against == row.key and t.metric in metrics]
        if any(t.note.startswith(TOO_FEW) for t in tests):
            said.append(f"Too few patients or permutations to tell the scores from {_NAMES[row.key]}.")
        tests = [t for t in tests if t.distinguishable is not None]
        for group, verdict in product(_GROUPS, _VERDICTS):
            chosen = [t for t in tests if metrics[t.metric].group in group]
            chosen = [t for t in chosen if _verdict(t, metrics[t.metric]) == verdict]
            if chosen:
                said.append(_sentence(verdict, chosen, metrics, system, row, len(tests)))
    said += _lengths(scores)
    said += _another_patient(scores, system, list(metrics.values()))
    said += _undefined(system, metrics.values())
    said += _lacking(scores)
    return tuple(said)


def shown(estimate: Estimate, metric: Metric) -> str:
    """A score with its interval.

    >>> bleu = Metric(key="BLEU-4", title="", group="text", low=0, high=1, better="higher", definition="")
    >>> shown(Estimate(value=0.32467, low=0.2911, high=0.3602), bleu)
    '0.325 [0.291, 0.360]'
    """
    if estimate.value is None:
        return "not given"
    digits = decimals(metric)
    text = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def decimals(metric: Metric) -> int:
    """How many decimals of a score are printed: two of a percentage, three else."""
    return 2 if metric.high == 100.0 else 3


def listed(items: Sequence[str]) -> str:
    """Items as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def p_words(ps: Sequence[float]) -> str:
    """P values in a sentence, one or their range.

    >>> p_words([0.0312]), p_words([0.001, 0.25])
    ('p = 0.031', 'p from 0.001 to 0.250')
    """
    low, high = min(ps), max(ps)
    return f"p = {low:.3f}" if f"{low:.3f}" == f"{high:.3f}" else f"p from {low:.3f} to {high:.3f}"


def _told_first(rows: Sequence[Row]) -> list[Row]:
    order = list(_NAMES)
    return sorted((row for row in rows if row.key in _NAMES), key=lambda row: order.index(row.key))


def _verdict(test: PermutationTest, metric: Metric) -> Verdict:
    if not test.distinguishable or test.difference is None:
        return "alike"
    return "better" if (test.difference > 0) == (metric.better == "higher") else "worse"


def _sentence(
    verdict: Verdict, tests: Sequence[PermutationTest], metrics: dict[str, Metric], system: Row, row: Row, over: int
) -> str:
    ours, theirs = [], []
    for test in tests:
        metric = metrics[test.metric]
        ours.append(f"{metric.key} {shown(system.estimates[metric.key], metric)}")
        other = row.estimates[metric.key].value
        theirs += [] if other is None else [f"{other:.{decimals(metric)}f}"]
    be = "are" if len(ours) > 1 else "is"
    verb = {"alike": "not distinguishable from", "better": "better than", "worse": "worse than"}[verdict]
    p = p_words([test.p_holm for test in tests if test.p_holm is not None])
    holm = f", Holm-corrected over {over} scores" if over > 1 else ""
    meaning = _MEANING.get((row.key, verdict), "")
    return f"{listed(ours)} {be} {verb} {_NAMES[row.key]} ({', '.join(theirs)}; {p}{holm}){meaning}."


def _another_patient(scores: Scores, system: Row, metrics: Sequence[Metric]) -> list[str]:
    """Scores on which nearly every draw of other patients' references goes before the system, on the same cases."""
    row = next((row for row in scores.rows if row.key == "random-reference"), None)
    said = []
    if row is None or not row.given:
        return []
    for group in _GROUPS:
        chosen = [m for m in metrics if m.group in group and _goes_before(row, system, m)]
        if chosen:
            ours = [f"{m.key} {shown(system.estimates[m.key], m)}" for m in chosen]
            theirs = [f"{row.estimates[m.key].value:.{decimals(m)}f}" for m in chosen]
            be = "are" if len(ours) > 1 else "is"
            said.append(
                f"{listed(ours)} {be} worse than what the reference of a random other patient of the same sex scores "
                f"({', '.join(theirs)}; in at least 97.5 % of {scores.permutations} draws)."
            )
    return said


def _goes_before(row: Row, system: Row, metric: Metric) -> bool:
    mine, theirs = system.estimates.get(metric.key), row.estimates.get(metric.key)
    if mine is None or theirs is None or mine.value is None or theirs.low is None or theirs.high is None:
        return False
    if mine.n != theirs.n or theirs.interval != "range of draws":
        return False
    return theirs.low > mine.value if metric.better == "higher" else theirs.high < mine.value


def _warnings(scores: Scores) -> Iterable[str]:
    counts = {count.key: count for count in scores.counts}
    missing, copied = counts.get("missing", counts.get("prediction-missing")), counts.get("copied")
    if copied is not None and copied.value == copied.of:
        yield "Every prediction equals its reference: check that the columns are the right ones."
    if missing is not None and missing.value:
        have = "has" if missing.value == 1 else "have"
        groups = {metric.group for metric in scores.metrics}
        costs = [what for group, what in _COSTS.items() if group in groups]
        yield f"{missing.value} of {missing.of} cases {have} no prediction: {', '.join(costs) or 'they find nothing'}."
    yield from _unread(counts)


_FAR = 2.0
"""From here on a length is called another than the references' (our choice)."""


def _lengths(scores: Scores) -> Iterable[str]:
    """Reports far longer or shorter than their references, whom most scores flatter."""
    ratio = scores.rows[0].estimates.get("Length-Characters")
    if ratio is None or ratio.value is None or 1 / _FAR <= ratio.value <= _FAR:
        return
    if ratio.value > _FAR:
        why = "a text that says everything also says what is right, and recall alone does not tell it from a report"
    else:
        why = "what is left out counts as normal, as most regions are"
    yield f"The reports are {ratio.value:.2f} x as long as the references: {why}."


def _unread(counts: Mapping[str, Count]) -> Iterable[str]:
    """What the scores do not rest on, though it might seem so."""
    left_out, hardly = counts.get("meta-left-out"), counts.get("hardly-read")
    if left_out is not None and left_out.value:
        have = "has" if left_out.value == 1 else "have"
        yield f"{left_out.value} of {left_out.of} cases of the table of patients {have} no report here and no score."
    if hardly is not None and hardly.value:
        are = "was" if hardly.value == 1 else "were"
        yield (
            f"{hardly.value} of {hardly.of} predictions {are} hardly read by petrg's reader, as a text in a language "
            "that it does not know: they count as normal in every region, whatever they say."
        )


def _undefined(system: Row, metrics: Iterable[Metric]) -> list[str]:
    lacking = [m.key for m in metrics if (e := system.estimates.get(m.key)) is not None and e.value is None]
    return [f"{listed(lacking)} {'are' if len(lacking) > 1 else 'is'} not defined on these cases."] if lacking else []


def _lacking(scores: Scores) -> list[str]:
    rows = [f"{row.title} ({row.reason})" for row in scores.rows if not row.given and row.kind == "control"]
    if not rows:
        return []
    what = "this control" if len(rows) == 1 else "these controls"
    return [f"Not given: {listed(rows)}. Without {what} the scores cannot show whether they mean anything."]
