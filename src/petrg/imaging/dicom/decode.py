"""Compressed pixels, decoded in another process: decoders in C crash on corrupt data, and that must be an error.

Tried: GDCM ends the process on damaged JPEG, JPEG-LS and JPEG 2000 frames. It also holds Python's lock, so that two
processes decode twice as fast as two threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.imaging.dicom.decode_child import HEAD, SHAPE
from petrg.imaging.dicom.scan import Source

__all__ = ["Decoder"]

_CHILD = Path(__file__).with_name("decode_child.py")
_LIMIT_S = 15.0


class Decoder:
    """One decoding process, started on first use and again after a crash; for one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: Source | None = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def __call__(self, source: Source, frame: int) -> NDArray[np.integer[Any]]:
        """Stored words (rows, columns) of one frame.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it cannot be decoded.
        """
        data = b"" if source is self._sent and self._process is not None else source.read()
        try:
            found = self._ask(data, frame)
        except (OSError, EOFError) as error:  # the process is gone
            self._end()
            raise ValueError("the decoder crashed or took too long") from error
        self._sent = source
        if found is None:
            raise ValueError("cannot be decoded")
        return found

    def _ask(self, data: bytes, frame: int) -> NDArray[np.integer[Any]] | None:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = Timer(_LIMIT_S, process.kill)
        timer.start()
        try:
            process.stdin.write(HEAD.pack(len(data), frame) + data)
            process.stdin.flush()
            kind, rows, columns = SHAPE.unpack(_all(process.stdout.read(SHAPE.size), SHAPE.size))
            if not rows:
                return None
            dtype = np.dtype(kind.rstrip(b"\0").decode())
            size = rows * columns * dtype.itemsize
            return np.frombuffer(_all(process.stdout.read(size), size), dtype).reshape(rows, columns)
        finally:
            timer.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def _end(self) -> None:
        process, self._process, self._sent = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # a broken pipe with bytes still in its buffer
                continue


def _all(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise EOFError("the process ended")
    return data
