"""`make bench`: speed and memory on the full-size phantom, on report texts, and of the network.

Writes bench/results.json and the tables in docs/bench.md. `python bench/run.py network` measures the network alone
(`studies` the rest) and leaves the other table as it is.

Warm files, two cores, two threads for every library. Each ratio comes from runs taken in turn in one process.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import machine
import network
import scoring
import table

HERE = Path(__file__).resolve().parent
SPACING_MM = 2.0
SEED = 11
Row = dict[str, Any]


def row(name: str, target: str, met: bool | None, **figures: Any) -> Row:
    """One line of the table; ``met`` None where nothing was promised or nothing measured."""
    return {"name": name, "target": target, "met": met, **figures}


def against(
    name: str, ours: Callable[[], object], peer: Callable[[], object], rounds: int, at_most: float | None = None,
    at_least: float | None = None,
) -> Row:  # fmt: skip
    """Ours against a peer: ``at_most`` bounds ours / peer, ``at_least`` bounds peer / ours."""
    mine, theirs = machine.paired(ours, peer, rounds)
    if at_least is not None:
        ratios = [t / m for m, t in zip(mine, theirs, strict=True)]
        target, met = f"peer / ours >= {at_least:g}", machine.spread(ratios)["median"] >= at_least
    else:
        ratios = [m / t for m, t in zip(mine, theirs, strict=True)]
        bound = at_most or float("inf")
        target, met = f"ours / peer <= {at_most:g}" if at_most else "", machine.spread(ratios)["median"] <= bound
    figures = {k: machine.spread(v) for k, v in (("ours_s", mine), ("peer_s", theirs), ("ratio", ratios))}
    return row(name, target, met if target else None, **figures)


def in_process(folder: Path, home: Path, rounds: int) -> list[Row]:
    """Reading and resampling against SimpleITK and MONAI."""
    import peers

    import petrg
    from petrg.imaging.resample import common_grid, resample

    study = petrg.read_study(folder)
    grid = common_grid(study, SPACING_MM)
    folders = peers.series_folders(study, folder, home)

    def to_grid(read: petrg.Study) -> list[petrg.Volume]:
        return [resample(volume, grid) for volume in (read.ct, read.pet) if volume is not None]

    def whole() -> list[petrg.Volume]:
        read = petrg.read_study(folder)
        common_grid(read, SPACING_MM)
        return to_grid(read)

    def read_all() -> petrg.Study:
        return petrg.read_study(folder)

    rows = [
        against("DICOM -> Study, against SimpleITK (names known)", read_all, peers.sitk_read(folders), rounds, 2.0),
        against("the same, SimpleITK sorting the names itself", read_all, peers.sitk_read_unsorted(folders), rounds),
        against(
            f"Study -> common {SPACING_MM:g} mm grid, against bare SimpleITK linear",
            lambda: to_grid(study), peers.sitk_resample(study, grid), rounds, 1.5,
        ),
    ]  # fmt: skip
    name = "DICOM -> common grid, against MONAI (ITKReader, Orientation, Spacing, ResampleToMatch)"
    if reason := peers.why_no_monai():
        return [*rows, row(name, "peer / ours >= 3", None, skipped=reason)]
    few = max(3, rounds // 2)
    return [*rows, against(name, whole, peers.monai_work(folders, SPACING_MM), few, at_least=3.0)]


def commands(folder: Path, home: Path, rounds: int) -> list[Row]:
    """Whole verbs as processes of their own."""
    reports = [machine.run("report", str(folder), "-o", str(home / f"report-{n}")) for n in range(rounds)]
    made = [machine.run("phantom", "--seed", str(n), "-o", str(home / "made")) for n in range(max(2, rounds // 2))]
    seconds, peak = machine.spread([s for s, _ in reports]), machine.spread([g for _, g in reports])
    phantom = machine.spread([s for s, _ in made])
    return [
        row("petrg report, wall", "<= 12 s", seconds["median"] <= 12, ours_s=seconds),
        row("petrg report, peak memory", "<= 3 GiB", peak["max"] <= 3, peak_gib=peak),
        row("petrg phantom, full DICOM study", "<= 20 s", phantom["median"] <= 20, ours_s=phantom),
    ]


def low_res_rate(cases: int) -> Row:
    """Low-resolution phantoms a second on two processes, started before the clock."""
    with ProcessPoolExecutor(machine.THREADS, mp_context=get_context("spawn")) as pool:
        list(pool.map(one_low_res, range(2 * machine.THREADS)))
        start = time.perf_counter()
        list(pool.map(one_low_res, range(cases), chunksize=4))
        rate = cases / (time.perf_counter() - start)
    return row("phantom arrays 48 x 64 x 128, two processes", ">= 20 a second", rate >= 20, per_second=round(rate, 1))


def one_low_res(seed: int) -> int:
    """One case; a size goes back, so that nothing but the making is timed."""
    from petrg.phantom import low_res

    low_res(seed)
    return seed


def studies(given: argparse.Namespace) -> list[Row]:
    """Reading, resampling, whole verbs, scoring."""
    home = Path(tempfile.mkdtemp(prefix="petrg-bench-"))
    try:
        folder = given.keep or home / "study"
        if not folder.exists():
            machine.run("phantom", "--seed", str(SEED), "-o", str(folder))
        return [
            *in_process(folder, home, given.rounds),
            *commands(folder, home, max(3, given.rounds // 2)),
            low_res_rate(120),
            *scoring.rows(home, given.rounds, row, against),
        ]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main() -> int:
    """Measure what is asked for and write the results; exits 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("part", nargs="?", choices=("all", *table.PARTS), default="all")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--keep", type=Path, help="a folder for the phantom, kept and used again")
    given = options.parse_args()
    machine.use_two_cores()
    file = HERE / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    measure = {"network": lambda: network.rows(row), "studies": lambda: studies(given)}  # before other work heats up
    asked = list(measure) if given.part == "all" else [given.part]
    for part in asked:
        about, rounds = machine.describe(), {"rounds": given.rounds} if part == "studies" else {}
        results[part] = {"machine": about, **rounds, "rows": measure[part]()}
        file.write_text(json.dumps(results, indent=1) + "\n")
    table.write(results)
    print(table.markdown(results))
    return 1 if any(r["met"] is False for part in asked for r in results[part]["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
