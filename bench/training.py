"""What a training step on a language model of Qwen3-0.6B's shape costs: `python bench/training.py ours|padded`.

Weights are random and frozen but for the resamplers, the two projections, the marks and the adapters, as in the joint
recipe; the network round the language model has the released shape. One row a step, as released.

- ours: features of the frozen encoder are read from the cache on disk; the row is as long as its words; logits are made
  where the answer is taught.
- padded: the row is filled up to 2,048 tokens, logits are made everywhere and the loss ignores what is not taught, as
  in the released code. The vision that it recomputes is not in here: the caller adds what the baseline took for it.

Both keep what the layers need for the way back (no gradient checkpointing) and take AdamW's step.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

THREADS = 2
PATCHES = 5112
PADDED = 2048
CHARACTERS_A_TOKEN = 1.6  # Qwen's documentation: a token is about 1.5 to 1.8 Chinese characters
TEMPLATE, ANSWER, QUESTION = 454, 761, 110  # characters: a released template, the median released report, the question
IMAGES = 264


def lengths() -> tuple[int, int]:
    """Tokens of a case, and those of its answer."""
    words, answer = ((n / CHARACTERS_A_TOKEN) for n in (TEMPLATE + ANSWER + QUESTION, ANSWER))
    return IMAGES + round(words), round(answer)


def network(*, hidden: int = 1024, layers: int = 28) -> Any:
    """The released network on a random language model of Qwen3-0.6B's shape."""
    import torch
    from transformers import Qwen3Config

    from petrg.model.config import PETRG3DConfig
    from petrg.model.network import PETRG3D

    torch.manual_seed(0)
    text = Qwen3Config(
        vocab_size=151669, hidden_size=hidden, num_hidden_layers=layers, intermediate_size=3 * hidden,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True,
    )  # fmt: skip
    model = PETRG3D(PETRG3DConfig(recipe="petrg3d-2025", text_config=text))
    model.vision.requires_grad_(False)
    return model.train()


def step(model: Any, how: str, cached: Any) -> float:
    """Seconds of one step."""
    import torch
    import torch.nn.functional as F

    total, taught = lengths()
    first = model.span.first
    ids = torch.randint(0, first, (1, total))
    ids[0, :IMAGES] = torch.arange(first, first + IMAGES)
    labels = ids.clone()
    labels[:, : total - taught] = -100
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    start = time.perf_counter()
    found = cached()
    latents = model.condense(found["ct"][None], found["pet"][None])
    if how == "ours":
        loss = model(ids, None, latents=latents, labels=labels).loss
    else:
        fill = PADDED - total
        mask = F.pad(torch.ones_like(ids), (0, fill))
        logits = model(F.pad(ids, (0, fill)), mask, latents=latents, use_cache=False).logits
        wanted = F.pad(labels, (0, fill), value=-100)
        loss = F.cross_entropy(logits[0, :-1].float(), wanted[0, 1:], ignore_index=-100)
    loss.backward()
    optimiser.step()
    return time.perf_counter() - start


def measure(how: str, repeats: int) -> dict[str, Any]:
    """The best of ``repeats`` steps after a short one, in this process."""
    import torch

    from petrg.model.cache import TensorCache, cache_key

    torch.set_num_threads(THREADS)
    model = network()
    with tempfile.TemporaryDirectory() as home:
        cache, key = TensorCache(Path(home)), cache_key(content="bench")
        cache.keep(key, {m: torch.randn(PATCHES, 768) for m in ("ct", "pet")})
        seconds = [step(model, how, lambda: cache.find(key)) for _ in range(repeats)]
    total, taught = lengths()
    return {
        "seconds": min(seconds),
        "tokens": total if how == "ours" else PADDED,
        "of_the_case": total,
        "taught": taught,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("how", choices=("ours", "padded"))
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(measure(given.how, given.repeats)))


if __name__ == "__main__":
    main()
