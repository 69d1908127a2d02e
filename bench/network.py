"""How fast the network sees, against the released design written plainly: `python bench/network.py`.

The baseline is ``bench/released_cost.py`` of the shared folder, run as a process of its own in the same run, with as
many threads. Weights are random; shapes are the released ones (CT and PET of 288 x 256 x 284 voxels, 5,112 patches).
``body`` leaves out the patches of air as petrg-1 does, on the grid and the body of a full-size phantom.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SHAPE = (288, 256, 284)
THREADS = 2


def baseline() -> Path:
    """The released design written plainly, of the shared folder."""
    shared = Path(os.environ.get("PETRG_SHARED") or Path(__file__).parents[2] / "shared")
    return shared / "bench" / "released_cost.py"


def run(*command: str) -> dict[str, Any]:
    """The JSON that a process of its own prints."""
    return json.loads(subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout)


def body_of_phantom() -> Any:
    """Which of the patches hold some of a phantom's body, on a grid of ``SHAPE`` in 1.5 x 1.5 x 3 mm."""
    import numpy as np

    from petrg.imaging import Grid
    from petrg.imaging.resample import resample
    from petrg.model.mm_input import body_mask, body_patches
    from petrg.model.recipe import Recipe
    from petrg.phantom import make

    rule = Recipe.of("petrg-1").input
    ct = make(11, size="small").ct
    centre = np.array(ct.grid.to_mm([(n - 1) / 2 for n in ct.grid.shape]))
    x, y, z = SHAPE
    origin = centre - (np.array(SHAPE) - 1) / 2 * (1.5, 1.5, 3.0)
    grid = Grid.from_spacing((z, y, x), (3.0, 1.5, 1.5), tuple(float(v) for v in origin))
    hu = resample(ct, grid, fill=-1000.0).array
    body = body_mask(hu > rule.air_hu)
    return (
        body_patches(body, (4, 32, 32), rule.margin_mm, (3.0, 1.5, 1.5))
        .reshape(z // 4, y // 32, x // 32)
        .transpose(2, 1, 0)
    )


def see(dtype: str, body: bool) -> dict[str, Any]:
    """Seconds and peak memory of encoding both modalities, once warm."""
    import torch
    from torch import nn

    from petrg.model.config import ResamplerConfig, VisionConfig
    from petrg.model.resampler import Resampler
    from petrg.model.vit import ViT3D, keep_patches

    torch.set_num_threads(THREADS)
    kind = getattr(torch, dtype)
    vision = ViT3D(VisionConfig()).eval().to(kind)
    ends = (
        nn.ModuleList(nn.Sequential(Resampler(768, ResamplerConfig()), nn.Linear(768, 4096)) for _ in range(2))
        .eval()
        .to(kind)
    )
    kept = keep_patches(torch.from_numpy(body_of_phantom().reshape(1, -1)).expand(2, -1)) if body else None
    volumes = torch.rand(2, 1, *SHAPE, dtype=kind)

    @torch.inference_mode()
    def encode() -> float:
        start = time.perf_counter()
        seen = vision(volumes, kept)
        vit = time.perf_counter() - start
        for end, tokens in zip(ends, seen, strict=True):
            end(tokens[None])
        return vit

    weights = sum(p.numel() * p.element_size() for m in (vision, ends) for p in m.parameters()) / 2**20
    encode()  # once, warm
    start = time.perf_counter()
    vit = encode()
    return {
        "seconds": time.perf_counter() - start,
        "vit_seconds": vit,
        "patches": int(5112 if kept is None else kept.at.shape[1]),
        "weights_mib": weights,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--see", choices=("float32", "bfloat16"))
    parser.add_argument("--body", action="store_true")
    given = parser.parse_args()
    if given.see:
        print(json.dumps(see(given.see, given.body)))
        return
    plain = run(str(baseline()), "vision", "--threads", str(THREADS))
    floor = run(str(baseline()), "linear", "--threads", str(THREADS))
    print(json.dumps({"baseline": plain, "floor": floor}))
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fast = "avx512_bf16" in flags or "amx_bf16" in flags
    for dtype in ("float32", "bfloat16") if fast else ("float32",):
        for body in ([], ["--body"]):
            ours = run(__file__, "--see", dtype, *body)
            print(dtype, body, json.dumps(ours), f"{plain['seconds'] / ours['seconds']:.2f} x")


if __name__ == "__main__":
    main()
