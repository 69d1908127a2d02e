"""Rows of `make bench` on the network, against the released design written plainly.

The baseline is ``bench/released_cost.py`` of the shared folder, run as it is, in the same run and with as many threads.
Every measurement is a process of its own, the best of two runs on either side, so that both are warm. Weights are
random; shapes are the released ones.

    python bench/network.py see float32 [--body]      one of ours alone
    python bench/network.py embedding
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
SHAPE = (288, 256, 284)
PATCH = (32, 32, 4)
PATCHES = 5112
LENGTH, VOCABULARY, HIDDEN = 1408, 151669, 4096
THREADS = 2
SEED = 11
NO_BF16 = "not measured: no AVX512-BF16 or AMX here"
# A child counts its parent's pages until it becomes another program: so a small process starts it.
_LAUNCH = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def baseline() -> Path:
    """The released design written plainly, of the shared folder."""
    shared = Path(os.environ.get("PETRG_SHARED") or Path(__file__).parents[2] / "shared")
    return shared / "bench" / "released_cost.py"


def run(*command: str | Path) -> dict[str, Any]:
    """The JSON that a process of its own prints."""
    whole = [sys.executable, "-c", _LAUNCH, sys.executable, *map(str, command)]
    done = subprocess.run(whole, check=True, capture_output=True, text=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


def why_not() -> str:
    """Why these rows cannot be measured here; empty where they can."""
    if not baseline().is_file():
        return "the shared folder with the baseline is absent"
    try:
        import petrg.model  # noqa: F401
    except ImportError as missing:
        return str(missing)
    return ""


def rows(row: Callable[..., Row]) -> list[Row]:
    """Every row, or each as skipped with the reason."""
    grid = f"CT and PET of {' x '.join(map(str, SHAPE))}"
    both, alone = f"{grid}, fp32: encoder, resamplers, projections", "the encoder alone, against twice its linear floor"
    half, thin = f"{grid}, bf16, within 2e-2 of fp32", "peak memory above the weights, fp32"
    body, body_half = "the same grid under petrg-1 on a body, fp32", "the same grid under petrg-1 on a body, bf16"
    words, learn = f"embedding of {LENGTH:,} tokens", "a training step on Qwen3-0.6B's shape, features cached"
    targets = {
        both: "peer / ours >= 2.8", half: "peer / ours >= 4", alone: "ours / floor <= 1.25", thin: "ours / peer <= 0.3",
        body: "peer / ours >= 6", body_half: "peer / ours >= 9", words: "peer / ours >= 300",
        learn: "peer / ours >= 5",
    }  # fmt: skip
    if reason := why_not():
        return [row(name, target, None, skipped=reason) for name, target in targets.items()]
    plain = run(baseline(), "vision", "--threads", str(THREADS), "--repeats", "2")
    floor = run(baseline(), "linear", "--threads", str(THREADS))
    ours, on_body = run(__file__, "see", "float32"), run(__file__, "see", "float32", "--body")
    seconds = plain["seconds"]
    made = [
        _ratio(row, both, targets[both], ours["seconds"], seconds, at_least=2.8),
        _bf16(row, half, targets[half], seconds, 4.0),
        _ratio(
            row, alone, targets[alone], ours["vit_seconds"], 2 * floor["floor_seconds_per_modality_torch.float32"],
            at_most=1.25,
        ),
        _memory(row, thin, targets[thin], ours, plain),
        _ratio(row, f"{body}, {_kept(on_body)}", targets[body], on_body["seconds"], seconds, at_least=6.0),
        _bf16(row, body_half, targets[body_half], seconds, 9.0, "--body"),
    ]  # fmt: skip
    table = run(baseline(), "embedding", "--threads", str(THREADS), "--repeats", "2")
    mine = run(__file__, "embedding")
    made.append(_ratio(row, words, targets[words], mine["seconds"], table["seconds"], at_least=300.0))
    return [*made, _step(row, learn, targets[learn], seconds)]


def _ratio(
    row: Callable[..., Row], name: str, target: str, ours: float, peer: float, *, at_least: float | None = None,
    at_most: float | None = None,
) -> Row:  # fmt: skip
    ratio = peer / ours if at_most is None else ours / peer
    met = ratio >= at_least if at_least is not None else at_most is not None and ratio <= at_most
    return row(name, target, met, ours_s=_one(ours), peer_s=_one(peer), ratio=_one(ratio))


def _memory(row: Callable[..., Row], name: str, target: str, ours: Row, plain: Row) -> Row:
    mine, theirs = ((r["peak_rss_mib"] - r["weights_mib"]) / 1024 for r in (ours, plain))
    return row(
        name, target, mine / theirs <= 0.3, peak_gib=_one(mine), peer_gib=_one(theirs), ratio=_one(mine / theirs)
    )


def _bf16(row: Callable[..., Row], name: str, target: str, peer: float, at_least: float, *how: str) -> Row:
    from petrg.model.device import cpu_has_bfloat16

    if not cpu_has_bfloat16():
        return row(name, target, None, skipped=NO_BF16)
    ours = run(__file__, "see", "bfloat16", *how)
    made = _ratio(row, f"{name}, {ours['off']:.1e} off", target, ours["seconds"], peer, at_least=at_least)
    return {**made, "met": made["met"] and ours["off"] <= 2e-2}


def _step(row: Callable[..., Row], name: str, target: str, vision: float) -> Row:
    script = Path(__file__).with_name("training.py")
    ours, padded = run(script, "ours", "--repeats", "2"), run(script, "padded")
    name = f"{name}, {ours['tokens']:,} tokens, against vision as released and {padded['tokens']:,} tokens"
    return _ratio(row, name, target, ours["seconds"], vision + padded["seconds"], at_least=5.0)


def _kept(seen: Row) -> str:
    return f"{seen['patches']:,} of {PATCHES:,} patches"


def _one(value: float) -> dict[str, float]:
    return dict.fromkeys(("median", "min", "max"), round(value, 4))


def body_of_phantom() -> tuple[Any, Any, Any]:
    """CT (windows, 284, 256, 288) and PET (1, …) of a full-size phantom as petrg-1 takes them, and what it looks at.

    The grid is the released one, 1.5 x 1.5 x 3 mm, from the scan's top down and in its middle: it is narrower than the
    scan's field, so that no air is lent to it.
    """
    import numpy as np

    from petrg.imaging import Grid
    from petrg.imaging.resample import resample
    from petrg.model.mm_input import body_mask, body_patches, suv_curve, windows
    from petrg.model.recipe import Recipe
    from petrg.phantom import make

    rule, phantom = Recipe.of("petrg-1").input, make(SEED)
    step, shape = (3.0, 1.5, 1.5), SHAPE[::-1]
    ends = phantom.ct.grid.to_mm([(0, 0, 0), [n - 1 for n in phantom.ct.grid.shape]])
    origin = ends.mean(axis=0) - (np.array(SHAPE) - 1) / 2 * step[::-1]
    origin[2] = ends[:, 2].max() - (shape[0] - 1) * step[0]
    grid = Grid.from_spacing(shape, step, tuple(map(float, origin)))
    hu = resample(phantom.ct, grid, fill=-1000.0).array
    body = body_mask(hu > rule.air_hu, rule.couch_mm, step)
    wanted = body_patches(body, PATCH[::-1], rule.margin_mm, step)
    return windows(hu, rule), suv_curve(resample(phantom.pet, grid).array, rule)[None], wanted


def network(body: bool, vocabulary: int = 64) -> Any:
    """The released shapes; on a body with petrg-1's own positions and stem, else as released. No layers of words."""
    import torch
    from transformers import Qwen3Config

    from petrg.model.config import Network, PETRG3DConfig, VisionConfig
    from petrg.model.network import PETRG3D

    torch.manual_seed(0)
    text = Qwen3Config(
        vocab_size=vocabulary, hidden_size=HIDDEN, num_hidden_layers=1, intermediate_size=8, num_attention_heads=1,
        num_key_value_heads=1, head_dim=8, tie_word_embeddings=True,
    )  # fmt: skip
    mm = {"patch": PATCH[::-1], "position": "mm", "position_tables": (128, 16, 16), "normalise_patches": False}
    parts = Network(vision=VisionConfig(**mm) if body else VisionConfig(), lora=None)
    recipe = "petrg-1" if body else "petrg3d-2025"
    return PETRG3D(PETRG3DConfig(network=parts, recipe=recipe, text_config=text)).eval()


def see(dtype: str, body: bool) -> dict[str, Any]:
    """Seconds and peak memory of encoding both modalities; in bfloat16 also how far off float32."""
    import torch

    from petrg.model.vit import keep_patches

    torch.set_num_threads(THREADS)
    model, kept = network(body), None
    if body:
        *volumes, wanted = body_of_phantom()
        ct, pet = (torch.from_numpy(v)[None] for v in volumes)
        kept = keep_patches(torch.from_numpy(wanted)[None])
    else:
        ct, pet = (torch.rand(1, 1, *SHAPE) for _ in range(2))

    @torch.inference_mode()
    def encode() -> tuple[float, float, Any]:
        start = time.perf_counter()
        tokens = model.see(ct, pet, kept)
        vit = time.perf_counter() - start
        latents = model.condense(*tokens)
        return time.perf_counter() - start, vit, latents

    exact = encode()[2] if dtype != "float32" else None
    model, ct, pet = (t.to(getattr(torch, dtype)) for t in (model, ct, pet))
    runs = [encode() for _ in range(2)]
    off = 0.0 if exact is None else float((runs[0][2].float() - exact).norm() / exact.norm())
    weights = sum(p.numel() * p.element_size() for n, p in model.named_parameters() if "language_model" not in n)
    return {
        "seconds": min(s for s, _, _ in runs),
        "vit_seconds": min(v for _, v, _ in runs),
        "patches": PATCHES if kept is None else kept.at.shape[1],
        "off": off,
        "weights_mib": weights / 2**20,
        "peak_rss_mib": peak_mib(),
    }


def embedding() -> dict[str, Any]:
    """Seconds of looking up a prompt's words, marks and latents in tables of the released size."""
    import torch

    torch.set_num_threads(THREADS)
    model = network(False, VOCABULARY)
    latents = torch.rand(1, 256, HIDDEN)
    ids = torch.cat((VOCABULARY + torch.arange(264), torch.randint(VOCABULARY, (LENGTH - 264,))))[None]

    @torch.inference_mode()
    def embed() -> float:
        start = time.perf_counter()
        model.embed(ids, latents).sum()
        return time.perf_counter() - start

    return {"seconds": min(embed() for _ in range(5))}


def peak_mib() -> float:
    """Peak resident memory of this process alone."""
    rows_ = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in rows_ if line.startswith("VmHWM:")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("see", "embedding"))
    parser.add_argument("dtype", nargs="?", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--body", action="store_true")
    given = parser.parse_args()
    print(json.dumps(see(given.dtype, given.body) if given.what == "see" else embedding()))


if __name__ == "__main__":
    main()
