"""How the reader's labels agree with an LLM's, and how many reports it reads in a second.

    python bench/labels.py [--dev] [--clean] [--repeats 20]

The texts are ``Cleaned_Pred_report`` of the shared folder's ``autopet_rg_lym``. The first 25 cases in file order
were used to develop the reader; the others are only ever measured. ``--dev`` leaves them alone. ``--clean`` adds the
clean reports of ``tests/language/clean``, labelled by their writer; those of ``*-held.toml`` are only measured too.
No text is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from petrg.anatomy import Region
from petrg.language.reading import labels, read, version
from petrg.report import to_authors_json

DEVELOPED_ON = 25
DRAWS, SEED = 2000, 20140917
Pair = tuple[str, str]
Case = tuple[list[Pair], list[Pair], list[tuple[float | None, float | None]]]


def kappa(pairs: Sequence[Pair]) -> float:
    """Cohen's kappa of pairs of classes (Cohen 1960)."""
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(left[k] * right[k] for k in left) / n**2
    return (agreed - chance) / (1 - chance) if chance < 1 else 1.0


def suv_agreement(pairs: Sequence[tuple[float | None, float | None]]) -> float:
    """Share of the pairs with an SUV on either side whose SUVs are equal to 0.05."""
    named = [(a, b) for a, b in pairs if a is not None or b is not None]
    return sum(_equal(a, b) for a, b in named) / len(named) if named else float("nan")


def _equal(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= 0.051


def compare(text: str, theirs: dict[str, dict[str, str]]) -> Case:
    """One case: (LLM, ours) pairs of its 24 regions for PET, CT and SUV."""
    ours = to_authors_json({region: row.label for region, row in labels(read(text)).items()})
    pet = [(theirs[k]["pet_status"], ours[k]["pet_status"]) for k in theirs]
    ct = [(theirs[k]["ct_status"], ours[k]["ct_status"]) for k in theirs]
    return pet, ct, [(_number(theirs[k]["suv"]), _number(ours[k]["suv"])) for k in theirs]


def compare_clean(report: dict[str, Any]) -> Case:
    """One clean report: (writer, ours) pairs; a region that its labels leave out is normal."""
    ours = {region.value: row.label for region, row in labels(read(report["text"])).items()}
    theirs = {r.value: report["labels"].get(r.value, {}) for r in Region}
    pet = [(str(row.get("pet", 5)), str(int(ours[key].pet or 5))) for key, row in theirs.items()]
    ct = [(str(row.get("ct", 8)), str(int(ours[key].ct or 8))) for key, row in theirs.items()]
    return pet, ct, [(row.get("suv"), ours[key].suv_max) for key, row in theirs.items()]


def clean(name: str) -> list[Case]:
    """The cases of one file of clean reports."""
    folder = Path(__file__).parents[1] / "tests" / "language" / "clean"
    reports = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))["report"]
    return [compare_clean(report) for report in reports]


def _number(shown: str) -> float | None:
    found = re.search(r"[0-9]+(?:\.[0-9]+)?", shown)
    return float(found.group()) if found else None


def interval(cases: Sequence[Case], score: Callable[[list], float], part: int) -> tuple[float, float, float]:
    """The score over all pairs and its 95 % bootstrap interval by case."""
    draw = random.Random(SEED)
    values = []
    for _ in range(DRAWS):
        sample = draw.choices(cases, k=len(cases))
        values.append(score([pair for case in sample for pair in case[part]]))
    values = sorted(v for v in values if v == v)
    low, high = values[int(0.025 * len(values))], values[int(0.975 * len(values)) - 1]
    return score([pair for case in cases for pair in case[part]]), low, high


def table(name: str, cases: Sequence[Case]) -> None:
    """Print one block of the agreement table, then the errors by kind."""
    suvs = sum(a is not None or b is not None for case in cases for a, b in case[2])
    print(f"\n{name}: {len(cases)} cases, {sum(len(c[0]) for c in cases)} regions, {suvs} with an SUV on either side")
    for title, score, part in (("PET kappa", kappa, 0), ("CT kappa", kappa, 1), ("SUV agreement", suv_agreement, 2)):
        value, low, high = interval(cases, score, part)
        print(f"  {title:14} {value:.3f}  [{low:.3f}, {high:.3f}]")
    for title, part in (("PET", 0), ("CT", 1)):
        wrong = Counter(pair for case in cases for pair in case[part] if pair[0] != pair[1])
        shown = ", ".join(f"{a}->{b} x{n}" for (a, b), n in wrong.most_common(8))
        print(f"  {title} errors (theirs -> ours): {sum(wrong.values())}: {shown}")
    kinds = Counter(
        "missed" if b is None else "added" if a is None else "other value"
        for case in cases
        for a, b in case[2]
        if (a is not None or b is not None) and not _equal(a, b)
    )
    print(f"  SUV errors: {dict(kinds)}")


def speed(texts: Sequence[str], repeats: int) -> None:
    """Print reports a second of one core (CPU time); nothing is remembered from one report to the next."""
    for text in texts:
        labels(read(text))
    start = time.process_time()
    for _ in range(repeats):
        for text in texts:
            labels(read(text))
    print(f"  {repeats * len(texts) / (time.process_time() - start):7.0f} reports/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="only the cases the reader was developed on")
    parser.add_argument(
        "--clean", action="store_true", help="the clean reports too; with --dev only those for development"
    )
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    print(version())
    folder = Path(os.environ.get("PETRG_SHARED") or Path(__file__).parents[2] / "shared") / "data" / "autopet_rg_lym"
    with (folder / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    theirs = json.loads((folder / "prediction_labels.json").read_text(encoding="utf-8"))
    developed, held_out = rows[:DEVELOPED_ON], rows[DEVELOPED_ON:]
    table("developed on", [compare(r["Cleaned_Pred_report"], theirs[r["AccNum"]]) for r in developed])
    if not options.dev:
        table("held out", [compare(r["Cleaned_Pred_report"], theirs[r["AccNum"]]) for r in held_out])
    for kind in ("dev", "held") if options.clean and not options.dev else ("dev",) if options.clean else ():
        for language in ("zh", "en"):
            table(f"clean {language}-{kind}", clean(f"{language}-{kind}"))
    for name in ("zh-machine-dev", "en-dev2") if options.clean else ():
        table(f"second for development: {name}", clean(name))
    print(f"\nspeed on {len(developed)} reports, {sum(len(r['Cleaned_Pred_report']) for r in developed)} characters")
    speed([r["Cleaned_Pred_report"] for r in developed], options.repeats)


if __name__ == "__main__":
    main()
