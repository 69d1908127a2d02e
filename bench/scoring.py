"""Rows of `make bench` on scoring: text metrics against the libraries they equal, whole commands, the reader."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import text_metrics

Row = dict[str, Any]
_CHAIN = "text metrics of {n} distinct pairs, against jieba + nltk + rouge-score + pycocoevalcap"
_PASS = "text metrics of 1,000 distinct pairs, against one pass of jieba"
_PAIRS = "petrg score text, 135 pairs, wall"
_READER = "labels of a report, every sentence new, one core"


def why_not() -> str:
    """Why these rows cannot be measured here; empty where they can."""
    shared = Path(os.environ.get("PETRG_SHARED") or Path(__file__).parents[2] / "shared")
    if not (shared / "data" / "autopet_rg_lym").is_dir():
        return "the shared folder with the 45 released pairs is absent"
    try:
        import jieba  # noqa: F401
        import nltk  # noqa: F401
        import pycocoevalcap  # noqa: F401
        import rouge_score  # noqa: F401
    except ImportError as missing:
        return f"{missing.name} is not installed"
    return ""


def rows(home: Path, rounds: int, row: Callable[..., Row], against: Callable[..., Row]) -> list[Row]:
    """Every row, or each as skipped with the reason."""
    few = max(3, rounds // 2)
    targets = {_CHAIN.format(n=200): "peer / ours >= 8", _PASS: "ours / peer <= 1.5", _PAIRS: "<= 2.5 s"}
    targets[_READER] = ">= 500 a second"
    if reason := why_not():
        return [row(name, target, None, skipped=reason) for name, target in targets.items()]
    pairs, cutter = text_metrics.distinct_pairs(1000), text_metrics.jieba_tokenizer()
    some, texts = pairs[:200], [text for pair in pairs for text in pair]

    def ours(of: list[text_metrics.Pair]) -> Callable[[], object]:
        return lambda: text_metrics.ours(of)

    return [
        against(_CHAIN.format(n=200), ours(some), lambda: text_metrics.chain(some, cutter), few, at_least=8.0),
        against(_PASS, ours(pairs), lambda: [cutter.lcut(text) for text in texts], few, 1.5),
        _command(home, pairs[:135], few, row),
        _reader([text for _, text in pairs[:500]], row),
    ]


def _command(home: Path, pairs: list[text_metrics.Pair], rounds: int, row: Callable[..., Row]) -> Row:
    table = home / "pairs.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "reference", "prediction"), *((k, *p) for k, p in enumerate(pairs))])
    seconds = [machine.run("score", "text", str(table), "-o", str(home / "scores"))[0] for _ in range(rounds + 1)]
    spread = machine.spread(seconds[1:])  # the first one fills the cache of jieba's dictionary
    return row(_PAIRS, "<= 2.5 s", spread["median"] <= 2.5, ours_s=spread)


def _reader(texts: list[str], row: Callable[..., Row]) -> Row:
    from petrg.language.reading import labels, read

    labels(read(texts[0]))
    start = time.process_time()
    for text in texts:
        labels(read(text))
    rate = len(texts) / (time.process_time() - start)
    return row(_READER, ">= 500 a second", rate >= 500, per_second=round(rate))
