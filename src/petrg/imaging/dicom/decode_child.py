"""The other side of `decode`: a process that decodes images sent to it, and may crash in doing so.

Run by path, so that it imports pydicom and its decoders only.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import warnings
from typing import IO

__all__ = ["limit_memory", "main"]

HEAD = struct.Struct("<QI")  # bytes of the file that follow (0: the same file again), frame
SHAPE = struct.Struct("<8sII")  # dtype, rows, columns; all zero where the image cannot be decoded
MAX_MEMORY = 8 * 1024**3
BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


def main(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until the pipe closes."""
    import pydicom
    from pydicom.pixels.utils import pixel_array

    ds = pydicom.Dataset()
    while head := requests.read(HEAD.size):
        length, frame = HEAD.unpack(head)
        data = requests.read(length)
        try:
            ds = pydicom.dcmread(io.BytesIO(data), force=True) if length else ds
            found = pixel_array(ds, index=frame, raw=True)
            rows, columns = found.shape
            reply = SHAPE.pack(found.dtype.str.encode(), rows, columns) + found.tobytes()
        except BROKEN:  # anything else ends this process, which the other side takes for a crash
            reply = SHAPE.pack(b"", 0, 0)
        replies.write(reply)
        replies.flush()


def limit_memory() -> None:
    """Let a header that claims a gigantic image fail here, not on the machine."""
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    limit_memory()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what decoders print must not mix with replies
    main(sys.stdin.buffer, out)
