"""Scores as people read them: as many places as the scale deserves, intervals, p values."""

from __future__ import annotations

from petrg.evaluate.scores import Estimate, Metric
from petrg.evaluate.sentences import decimals

__all__ = ["interval", "number", "p_value", "places"]

_MINUS = "\u2212"
_EN_DASH = "\u2013"


def places(metric: Metric) -> int:
    """Decimal places of a metric, as in the sentences: two of a percentage, three else."""
    return decimals(metric)


def number(value: float | None, digits: int) -> str:
    """``value`` to ``digits`` places, with a true minus and never a minus zero.

    >>> number(-0.0001, 3), number(-0.25, 2), number(None, 1)
    ('0.000', '−0.25', '–')
    """
    if value is None:
        return _EN_DASH
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", _MINUS)


def interval(estimate: Estimate, digits: int) -> str:
    """The interval as ``0.31-0.36``, with "to" where an end is negative; empty where there is none.

    >>> interval(Estimate(value=0.3, low=0.25, high=0.35), 2), interval(Estimate(value=0.3, low=-0.1, high=0.7), 1)
    ('0.25–0.35', '−0.1 to 0.7')
    """
    if estimate.low is None or estimate.high is None:
        return ""
    join = " to " if estimate.low < 0 else _EN_DASH
    return f"{number(estimate.low, digits)}{join}{number(estimate.high, digits)}"


def p_value(p: float) -> str:
    """A p value as journals print it.

    >>> p_value(0.0004), p_value(0.0312), p_value(0.2), p_value(1.0)
    ('p < 0.001', 'p = 0.031', 'p = 0.20', 'p = 1.00')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
