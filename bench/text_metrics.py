"""How fast the text metrics are, against the libraries they equal.

    python bench/text_metrics.py [--pairs 1000] [--chain-pairs 100] [--rounds 3]

Pairs are the 45 of the shared folder's ``autopet_rg_lym`` with their sentences shuffled by a seed, so that no two are
equal. The chain is jieba -> nltk (BLEU, METEOR) -> rouge-score -> pycocoevalcap (CIDEr-D), each called the plain way.
The chain is slow, so it runs on ``--chain-pairs`` of the pairs and we on the same ones; 0 means all. Ours against one
pass of jieba's ``lcut`` runs on all pairs, in turn. ``--pairs-only`` prints seconds and peak memory of ours alone.
Seconds are of the processor, in one thread, so that neighbours on the machine count less.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEED = 20140917
COLUMNS = ("GT_report", "Cleaned_Pred_report")
Pair = tuple[str, str]


def shuffled(text: str, draw: random.Random) -> str:
    """The sentences of a report in another order."""
    sentences = re.findall(r"[^。；;\n]*[。；;\n]|[^。；;\n]+$", text)
    draw.shuffle(sentences)
    return "".join(sentences)


def distinct_pairs(count: int, seed: int = SEED) -> list[Pair]:
    """``count`` pairs, each a released pair with its sentences shuffled anew; no pair occurs twice."""
    shared = Path(os.environ.get("PETRG_SHARED") or HERE.parent.parent / "shared")
    with (shared / "data" / "autopet_rg_lym" / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [tuple(row[column] for column in COLUMNS) for row in csv.DictReader(file)]
    draw = random.Random(seed)
    made: dict[Pair, None] = {}
    while len(made) < count:
        reference, prediction = rows[draw.randrange(len(rows))]
        made[shuffled(reference, draw), shuffled(prediction, draw)] = None
    return list(made)


def jieba_tokenizer() -> Any:
    """An own jieba tokenizer, loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.CRITICAL)
    made = jieba.Tokenizer()
    made.tmp_dir = tempfile.gettempdir()
    made.initialize()
    return made


class NoWordNet:
    """WordNet without a word."""

    def synsets(self, word: str) -> list[object]:
        return []


class AsGiven:
    """rouge-score's tokenizer for texts that are cut already."""

    def tokenize(self, text: str) -> list[str]:
        return text.split(" ")


def chain(pairs: Sequence[Pair], cutter: Any) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Seconds of each step and the scores, by the libraries."""
    from nltk.translate.bleu_score import sentence_bleu
    from nltk.translate.meteor_score import single_meteor_score
    from pycocoevalcap.cider.cider_scorer import CiderScorer
    from rouge_score import rouge_scorer

    def add_one(p_n: list[Any], **_: Any) -> list[float]:
        return [(p.numerator + 1) / (p.denominator + 1) for p in p_n]

    weights = [tuple([1 / n] * n) for n in range(1, 5)]
    rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=AsGiven())
    cider = CiderScorer(n=4, sigma=6.0)
    seconds: dict[str, float] = dict.fromkeys(("jieba", "BLEU", "METEOR", "ROUGE", "CIDEr-D"), 0.0)
    scores: dict[str, list[float]] = {name: [] for name in ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")}

    def timed(step: str, call: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = call()
        seconds[step] += time.process_time() - start
        return result

    for pair in pairs:
        r, p = timed("jieba", lambda pair=pair: [[w for w in cutter.lcut(t) if w.strip()] for t in pair])
        scores["BLEU-4"].append(
            timed("BLEU", lambda r=r, p=p: sentence_bleu([r], p, weights, smoothing_function=add_one)[3])
        )
        scores["METEOR"].append(timed("METEOR", lambda r=r, p=p: single_meteor_score(r, p, wordnet=NoWordNet())))
        found = timed("ROUGE", lambda r=r, p=p: rouge.score(" ".join(r), " ".join(p)))
        scores["ROUGE-L"].append(found["rougeL"].fmeasure)
        timed("CIDEr-D", lambda r=r, p=p: cider.__iadd__((" ".join(p), [" ".join(r)])))
    scores["CIDEr-D"] = list(timed("CIDEr-D", cider.compute_score)[1])
    return seconds, scores


def ours(pairs: Sequence[Pair]) -> Any:
    """All metrics by petrg."""
    from petrg.evaluate.text import score_pairs, tokenizer

    return score_pairs([r for r, _ in pairs], [p for _, p in pairs], tokenizer("jieba"))


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def against_jieba(pairs: Sequence[Pair], cutter: Any, rounds: int) -> dict[str, float]:
    """Ours, one pass of jieba, and one pass of our own words, in turn; medians."""
    from petrg.evaluate.text import tokenizer

    texts, cut = [text for pair in pairs for text in pair], tokenizer("jieba")
    runs = [
        (
            timed(lambda: ours(pairs)),
            timed(lambda: [cutter.lcut(text) for text in texts]),
            timed(lambda: [cut(text) for text in texts]),
        )
        for _ in range(rounds)
    ]
    whole, theirs, own = (statistics.median(column) for column in zip(*runs, strict=True))
    ratios = [a / b for a, b, _ in runs]
    return {"ours_s": whole, "jieba_s": theirs, "our_words_s": own, "ours / jieba": statistics.median(ratios)}


def peak_mib(count: int) -> dict[str, float]:
    """Peak resident memory of a fresh process that makes and scores ``count`` pairs one at a time."""
    command = [sys.executable, __file__, "--pairs", str(count), "--pairs-only"]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    return json.loads(line)


def pairs_only(count: int) -> dict[str, float]:
    """Score a stream of ``count`` pairs that are made as they are read."""
    from itertools import islice, tee

    from petrg.evaluate.text import score_pairs, tokenizer

    base = distinct_pairs(45)

    def stream() -> Any:
        draw = random.Random(SEED)
        while True:
            reference, prediction = base[draw.randrange(len(base))]
            yield shuffled(reference, draw), shuffled(prediction, draw)

    left, right = tee(islice(stream(), count))
    seconds = timed(lambda: score_pairs((r for r, _ in left), (p for _, p in right), tokenizer("jieba")))
    return {"pairs": count, "seconds": seconds, "peak_mib": _peak_mib()}


def _peak_mib() -> float:
    """Peak resident memory of this process alone; ru_maxrss would count that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def family(count: int) -> dict[str, float]:
    """Seconds for 1,000 permutations among all of ``count`` cases, in two halves as of two sexes."""
    import numpy as np

    from petrg.evaluate.cases.case import Case, Cases
    from petrg.evaluate.text import text_family

    pairs = distinct_pairs(count)
    cases = Cases(cases=tuple(Case(id=str(i), reference=r, prediction=p) for i, (r, p) in enumerate(pairs)))
    draw, half = np.random.default_rng(SEED), count // 2
    orders = [np.r_[draw.permutation(half), half + draw.permutation(count - half)] for _ in range(1000)]
    start = time.process_time()
    made = text_family(cases, "jieba")
    made.permuted(np.array(orders))
    return {"cases": count, "seconds": time.process_time() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--chain-pairs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs-only", action="store_true")
    given = parser.parse_args()
    if given.pairs_only:
        print(json.dumps(pairs_only(given.pairs)))
        return
    pairs, cutter = distinct_pairs(given.pairs), jieba_tokenizer()
    ours(pairs[:2])
    few = pairs[: given.chain_pairs or None]
    seconds, scores = chain(few, cutter)
    mine = timed(lambda: ours(few))
    values = ours(few).values
    worst = max(max(abs(a - b) for a, b in zip(scores[name], values[name], strict=True)) for name in scores)
    whole = sum(seconds.values())
    print(
        f"chain on {len(few)} distinct pairs: {whole:.2f} s ({', '.join(f'{k} {v:.2f}' for k, v in seconds.items())})"
    )
    print(f"ours on the same: {mine:.3f} s; chain / ours = {whole / mine:.1f}; largest difference {worst:.1e}")
    found = against_jieba(pairs, cutter, given.rounds)
    print(f"{len(pairs)} pairs: " + ", ".join(f"{k} {v:.2f}" for k, v in found.items()))
    for count in (given.pairs, 4 * given.pairs):
        print("stream: " + ", ".join(f"{k} {v:.0f}" for k, v in peak_mib(count).items()))
    for count in (45, 135):
        print("1,000 permutations: " + ", ".join(f"{k} {v:.2f}" for k, v in family(count).items()))


if __name__ == "__main__":
    main()
