"""A leaderboard as Markdown and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.evaluate.benchmark.boards import Board
from petrg.evaluate.page.leaderboard import Leaderboard, render_leaderboard
from petrg.evaluate.page.numerals import interval, number, places
from petrg.evaluate.scores import Metric, Row, Scores

__all__ = ["leaderboard_files", "to_markdown", "to_page"]

_LEGEND = (
    "*In italics*: controls, which looked at no scan, and readers. But for a system's own reports dealt to other "
    "patients, they belong to the benchmark and are the same for all systems.",
    "▽ not better than the best control of the benchmark. ≈ not distinguishable from the system's own reports dealt to "
    "other patients of the same sex (Holm-corrected p of 0.05 or more).",
    "Brackets: 95 % interval, bootstrap by patient; for another patient's reference and reports dealt to other "
    "patients the central 95 % of the draws.",
)


def leaderboard_files(boards: Sequence[Board]) -> dict[str, str]:
    """All files by name: ``leaderboard.md`` with a table a board, and a page a board.

    One board has the page ``leaderboard.html``; several have ``leaderboard-1.html`` and so on.
    """
    files = {"leaderboard.md": to_markdown(boards)}
    for at, board in enumerate(boards, 1):
        name = "leaderboard.html" if len(boards) == 1 else f"leaderboard-{at}.html"
        files[name] = render_leaderboard(to_page(board))
    return files


def to_page(board: Board) -> Leaderboard:
    """The board as `render_leaderboard` takes it."""
    systems = [
        scores.rows[0].model_copy(
            update={"key": f"system-{at}", "title": result.system, "how": _dealt(scores, board.metric)}
        )
        for at, (result, scores) in enumerate(board.results, 1)
    ]
    return Leaderboard(
        title=f"{board.result.title} ({board.result.benchmark} {board.result.version})",
        facts=_facts(board),
        metrics=board.metrics,
        rows=(*systems, *board.fixed),
        notes=_notes(board),
    )


def to_markdown(boards: Sequence[Board]) -> str:
    """Every board under a heading, with the facts that make its scores comparable."""
    parts = []
    if len(boards) > 1:
        parts.append(f"{len(boards)} tables: results that cannot be compared do not stand in one.\n")
    for board in boards:
        parts += [f"# {_plain(board.result.title)}\n", *(f"- {name}: {_plain(value)}" for name, value in _facts(board))]
        parts += ["", *_table(board), "", *(f"{line}\n" for line in (*_LEGEND, *map(_plain, _notes(board))))]
    return "\n".join(parts)


def _table(board: Board) -> list[str]:
    heads = [f"{metric.key} {'↑' if metric.better == 'higher' else '↓'}" for metric in board.metrics]
    lines = [_line(["Reports", *heads]), _line(["---", *("---:" for _ in heads)])]
    controls = [row for row in board.fixed if row.kind == "control"]
    for result, scores in board.results:
        row = scores.rows[0]
        marks = [_marks(row, metric, controls, scores) for metric in board.metrics]
        cells = [_cell(row, metric) + mark for metric, mark in zip(board.metrics, marks, strict=True)]
        lines.append(_line([f"**{_plain(result.system)}**", *cells]))
        dealt = next((r for r in scores.rows if r.key == "permuted"), None)
        if dealt is not None:
            lines.append(_italic(f"its reports, other patients ({_plain(result.system)})", dealt, board.metrics))
    lines += [_italic(_plain(row.title), row, board.metrics) for row in board.fixed]
    return lines


def _italic(title: str, row: Row, metrics: Sequence[Metric]) -> str:
    if not row.given:
        return _line([f"*{title}*", f"*not given: {_plain(row.reason)}*", *("" for _ in metrics[1:])])
    return _line([f"*{title}*", *(f"*{_cell(row, metric)}*" for metric in metrics)])


def _cell(row: Row, metric: Metric) -> str:
    estimate = row.estimates.get(metric.key)
    if estimate is None or estimate.value is None:
        return "–"
    span = interval(estimate, places(metric))
    return number(estimate.value, places(metric)) + (f" [{span}]" if span else "")


def _marks(row: Row, metric: Metric, controls: Sequence[Row], scores: Scores) -> str:
    estimate = row.estimates.get(metric.key)
    if estimate is None or estimate.value is None:
        return ""
    sign = 1.0 if metric.better == "higher" else -1.0
    others = [e.value for c in controls if (e := c.estimates.get(metric.key)) is not None and e.value is not None]
    below = any(sign * value >= sign * estimate.value for value in others)
    alike = any(t.metric == metric.key and t.against == "permuted" and t.distinguishable is False for t in scores.tests)
    return " ▽" * below + " ≈" * alike


def _dealt(scores: Scores, metric: Metric) -> str:
    """What became of the system's reports when they were dealt to other patients."""
    row = next((r for r in scores.rows if r.key == "permuted"), None)
    if row is None or not row.given:
        return f"its reports, other patients: not given{'' if row is None else f', {row.reason}'}"
    told = [t for t in scores.tests if t.against == "permuted" and t.distinguishable is not None]
    alike = sum(t.distinguishable is False for t in told)
    tested = f"not distinguishable from them on {alike} of {len(told)} scores" if told else "too few draws to tell"
    return f"its reports, other patients: {metric.key} {_cell(row, metric)}; {tested}"


def _facts(board: Board) -> tuple[tuple[str, str], ...]:
    result, scores = board.result, board.scores
    return (
        ("Benchmark", f"{result.benchmark} {result.version}"),
        ("Hash", result.hash),
        ("Cases", str(result.cases)),
        ("Tokenizer", scores.tokenizer or "none"),
        ("Labeller", scores.labeller or "none"),
        ("Sorted by", f"{board.metric.key}, {board.metric.better} is better"),
        ("Systems", str(len(board.results))),
        *((("In a table of its own for", board.apart),) if board.apart else ()),
    )


def _notes(board: Board) -> tuple[str, ...]:
    drawn = {(s.seed, s.bootstrap_draws, s.permutations) for _, s in board.results}
    notes = []
    if len(drawn) > 1:
        notes.append(
            f"Results were drawn with {len(drawn)} different seeds or numbers of draws; "
            "the rows of controls are those of the first system."
        )
    return tuple(notes)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_SIGNS = str.maketrans({**{sign: f"\\{sign}" for sign in "\\`*_[]<>|#"}, "\n": " ", "\r": " "})


def _plain(text: str) -> str:
    r"""Text from outside as Markdown that means only itself.

    >>> _plain("a|b *c*")
    'a\\|b \\*c\\*'
    """
    return text.translate(_SIGNS)
