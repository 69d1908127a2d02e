"""The machine a measurement was made on, and how a measurement is made."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["THREADS", "describe", "measured", "paired", "run", "spread", "use_two_cores"]

THREADS = 2


def use_two_cores() -> None:
    """Hold this process and its children to two cores and every library to two threads; call before importing any."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ[name] = str(THREADS)


def describe() -> dict[str, Any]:
    """Processor, cores in use, memory, and versions of what was measured."""
    packages = ("petrg", "numpy", "pydicom", "SimpleITK", "itk", "monai", "torch", "transformers")
    return {
        "processor": _processor(),
        "cores_used": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
        "versions": {p: _version(p) for p in packages},
    }


def _processor() -> str:
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def measured(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes; its result is dropped after the clock stops."""
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    del result
    return seconds


def paired(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, run in turn (and in the other order every second round), after one warm run of each."""
    measured(ours)
    measured(peer)
    mine: list[float] = []
    theirs: list[float] = []
    for n in range(rounds):
        for work, seconds in ((ours, mine), (peer, theirs))[:: 1 if n % 2 else -1]:
            seconds.append(measured(work))
    return mine, theirs


# A child of a large process counts its parent's pages until it becomes another program: so a small one starts it.
_LAUNCH = """
import os, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def run(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak resident GiB of ``petrg`` with ``arguments`` as a process of its own.

    Raises
    ------
    RuntimeError
        If it exits with anything but 0.
    """
    command = [sys.executable, "-c", _LAUNCH, sys.executable, "-m", "petrg.cli.main", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"petrg {arguments[0]} exited with {done.returncode}")
    seconds, kib = done.stdout.split()
    return float(seconds), float(kib) / 2**20
