"""How long the conversion of a full-size released checkpoint takes, and in how much memory.

The file has the 831 tensors of Qwen3-8B and holds zeros: their places are holes, so that it takes no disk. What is
measured is therefore the converter, not a disk that reads 36 GB.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIDTHS = {"F32": 4, "BF16": 2}
NAMES = {"F32": "float32", "BF16": "bfloat16"}


def hollow(path: Path, shapes: dict[str, tuple[int, ...]], kind: str) -> None:
    """A safetensors file of zeros that takes no room."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape) * WIDTHS[kind]
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + at)


def hollow_pickle(path: Path, shapes: dict[str, tuple[int, ...]], kind: str) -> None:
    """The same in torch's own format."""
    import torch

    zeros = path.with_suffix(".zeros")
    longest = max(math.prod(shape) for shape in shapes.values())
    with zeros.open("wb") as file:
        file.truncate(longest * WIDTHS[kind])
    dtype = getattr(torch, NAMES[kind])
    state = {n: torch.from_file(str(zeros), size=math.prod(s), dtype=dtype).view(s) for n, s in shapes.items()}
    with torch.serialization.skip_data():
        torch.save(state, path)
    zeros.unlink()


def convert(file: Path, out: Path, dtype: str | None) -> dict[str, float]:
    """One conversion in this process: seconds and GiB."""
    from petrg.model.convert import convert_released, dtype_of

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    done = convert_released(file, out, dtype=dtype_of(dtype))
    return {
        "seconds": time.perf_counter() - start,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "before_gib": before / 2**20,
        "written_gb": done.bytes / 1e9,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=("safetensors", "bin"), help="this kind of file only")
    parser.add_argument("--one", nargs=3, metavar=("FILE", "OUT", "DTYPE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        file, out, dtype = given.one
        print(json.dumps(convert(Path(file), Path(out), dtype)))
        return
    from petrg.model.released import released_shapes

    shapes = released_shapes()
    print(f"{len(shapes)} tensors, {sum(map(math.prod, shapes.values())):,} values")
    print(f"{'file':>16} {'to':>9} {'GB':>6} {'written GB':>11} {'seconds':>8} {'peak GiB':>9} {'before GiB':>11}")
    with tempfile.TemporaryDirectory() as home:
        for kind, form in (("F32", "safetensors"), ("BF16", "safetensors"), ("BF16", "bin")):
            if given.form not in (None, form):
                continue
            file = Path(home) / f"model.{form}"
            (hollow if form == "safetensors" else hollow_pickle)(file, shapes, kind)
            for dtype in NAMES.values():
                call = [sys.executable, __file__, "--one", str(file), f"{home}/{kind}-{form}-{dtype}", dtype]
                made = subprocess.run(
                    call, capture_output=True, text=True, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
                )
                got = json.loads(made.stdout.splitlines()[-1])
                print(
                    f"{kind + ' ' + form:>16} {dtype:>9} {file.stat().st_size / 1e9:6.1f} {got['written_gb']:11.4f} "
                    f"{got['seconds']:8.1f} {got['peak_gib']:9.2f} {got['before_gib']:11.2f}"
                )
            file.unlink()


if __name__ == "__main__":
    main()
