"""One damaged study through petrg: it is read or refused with a typed line, in time, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import signal
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pydicom
from mutations import damage

import petrg
from petrg.errors import InputError

LIMIT_S = 20
IDENTITY = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDate")


class Hang(Exception):  # not an InputError, so no reader can take it for one of its own
    """A case took longer than `LIMIT_S`."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `Hang` in the main thread after ``seconds``."""

    def alarm(*_: object) -> None:
        raise Hang(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """Put ``files`` into an empty ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder


def try_case(files: Mapping[str, bytes], home: Path, seed: int) -> str:
    """Damage ``files`` by ``seed`` and take the result through petrg; the outcome in a word.

    Raises
    ------
    AssertionError
        With the seed and what was done, wherever petrg does anything but read or refuse.
    """
    damaged, said = damage(files, seed)
    folder = write(damaged, home / "in")
    secrets = frozenset().union(*map(identity, files.values()))
    try:
        with within(LIMIT_S), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return judge(folder, home / "out", deep=seed % 40 == 0, secrets=secrets)
    except (InputError, AssertionError) as error:
        raise AssertionError(f"{said}: {error}") from error
    except Exception as error:
        raise AssertionError(f"{said}: {type(error).__name__}: {error}") from error


@functools.lru_cache(maxsize=64)
def identity(raw: bytes) -> frozenset[str]:
    """Who the patient of an undamaged file is, in words long enough to be recognised."""
    head = pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=True, force=True)
    return frozenset(str(v) for k in IDENTITY if len(str(v := head.get(k) or "")) > 5)


def judge(folder: Path, out: Path, *, deep: bool, secrets: frozenset[str] = frozenset()) -> str:
    """Inspect, read, and where it reads convert; ``deep`` also drafts a report."""
    from petrg.imaging.inspect import inspect_path

    inspection = inspect_path(folder)
    shown = inspection.model_dump_json()
    assert not any(secret in shown for secret in secrets), "inspect shows the patient's identity"
    try:
        study = petrg.read_study(folder)
    except InputError as error:
        check_line(error, secrets)
        named = any(p.refusal for p in inspection.problems)
        if not named:
            raise AssertionError(f"refused ({error}) but inspect names no refusal") from error
        return type(error).__name__
    for volume in (study.ct, study.pet):
        assert volume is None or np.isfinite(volume.array).all(), "a voxel is not finite"
    if deep:
        from petrg.imaging.write import convert

        attempt(lambda: convert(study, out, "petrg"), out)
        if study.pet is not None:
            attempt(lambda: petrg.draft(study, pet_only=study.ct is None), out)
    return "read"


def attempt(work: object, out: Path) -> None:
    """Run ``work``; where it refuses, ``out`` must not exist, and nothing lies beside it."""
    try:
        work()  # type: ignore[operator]
    except InputError as error:
        check_line(error)
        assert not out.exists(), "refused, yet a partial output directory"
    finally:
        assert not list(out.parent.glob(".petrg-*")), "an aside folder was left behind"
        shutil.rmtree(out, ignore_errors=True)


def check_line(error: InputError, secrets: frozenset[str] = frozenset()) -> None:
    """The message is one line in three parts and does not say who the patient is."""
    line = str(error)
    assert "\n" not in line
    assert not any(secret in line for secret in secrets), "a message shows the patient's identity"
    assert line.count(" — ") >= 2, line
    assert " — expected " in line, line
