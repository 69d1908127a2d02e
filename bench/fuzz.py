"""`make fuzz`: many seeded mutations of phantom headers of three vendors on several processes.

Prints how many were read and refused, and every failure with its seed; exits 1 on any failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from few import few_files
from hardness import try_case

VENDORS = ("siemens", "ge", "philips")
FIRST_SEED = 1_000_000  # other cases than those of the test suite
CHUNK = 100


def run(vendor: str, seeds: range) -> tuple[Counter[str], list[str]]:
    """Take the seeds of one chunk through petrg."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    warnings.simplefilter("ignore")  # pydicom's, on what was damaged on purpose
    with tempfile.TemporaryDirectory() as home:
        files = few_files(vendor, Path(home))
        for seed in seeds:
            try:
                outcomes[try_case(files, Path(home), seed)] += 1
            except AssertionError as error:
                failures.append(f"{vendor} {error}")
    return outcomes, failures


def main() -> int:
    """Run all mutations and print the tally."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mutations", type=int, default=20_000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--first", type=int, default=FIRST_SEED)
    given = options.parse_args()
    started, each = time.monotonic(), -(-given.mutations // len(VENDORS))
    step = max(CHUNK, -(-each // (4 * given.workers)))
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    with ProcessPoolExecutor(given.workers) as pool:
        jobs = [
            pool.submit(run, vendor, range(start, min(start + step, given.first + each)))
            for vendor in VENDORS
            for start in range(given.first, given.first + each, step)
        ]
        for job in jobs:
            seen, failed = job.result()
            outcomes += seen
            failures += failed
    print("\n".join(failures))
    took = time.monotonic() - started
    print(f"{outcomes.total() + len(failures)} mutations in {took:.0f} s: {dict(outcomes.most_common())}")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
