"""Training runs of toy size for tests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from petrg.model.recipe import Recipe
from petrg.train import TrainConfig
from petrg.train.cases import TrainCase
from petrg.train.config import Directory
from petrg.train.directory import directory_cases
from petrg.train.examples import Shown
from petrg.train.read_config import config_of
from petrg.train.run import Run

AUX = {"losses__latent_regions": 1.0, "losses__attention": 1.0}
MANIFEST = "id,patient,split,sex,hospital\nAP_1,p1,train,F,AP\nAP_2,p2,validation,男,AP\n"
EVERYTHING = Shown(True, ("ct", "pet"))

TOY: dict[str, Any] = {
    "recipe": "petrg-1",
    "recipe_changes": {"name": "toy", "input": {"spacing_mm": [32.0, 32.0, 32.0]}},
    "data": {"kind": "phantoms", "train": 4, "validation": 0, "text": "abnormal", "sex": "F"},
    "model": {
        "vision": "random",
        "scratch": {"hidden": 32, "layers": 1, "heads": 2, "mlp": 48, "vocabulary": 400},
        "network": {
            "vision": {
                "patch": [4, 4, 4],
                "dim": 24,
                "depth": 1,
                "heads": 2,
                "head_dim": 8,
                "mlp_dim": 32,
                "dropout": 0.1,
                "position": "mm",
                "position_tables": [16, 8, 8],
                "position_std": 0.1,
                "stem": "linear",
                "normalise_patches": False,
            },
            "resampler": {"latents": 24, "depth": 1, "heads": 2, "head_dim": 8, "mlp_ratio": 1},
        },
    },
    "parts": ["resamplers", "projections", "token_rows", "language_model"],
    "optimiser": {"lr": 1e-3, "warmup_steps": 2},
    "batches": {"cases": 1, "accumulation": 2, "epochs": 2},
    "dropout": {"template": 0.5, "pet": 0.2, "ct": 0.2},
    "precision": "fp32",
    "checkpointing": False,
    "device": "cpu",
}


def toy(**sets: Any) -> TrainConfig:
    """The toy configuration with other values, keys joined by two underscores."""
    values = copy.deepcopy(TOY)
    for key, value in sets.items():
        *tables, last = key.split("__")
        inner = values
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[last] = value
    return config_of(values)


def batch_of(ready: Run, *what: Shown) -> dict[str, Any]:
    """The first cases of a run as a batch, of each just what is named."""
    cases = ready.split("train")
    return ready.collate([ready.examples.example(c, w) for c, w in zip(cases, what, strict=False)])


def cases_of(home: Path, recipe: Recipe | None = None, **more: bool) -> list[TrainCase]:
    """The cases of a folder in the PETRG layout, for petrg-1 if nothing else is said."""
    return directory_cases(Directory(path=str(home)), recipe or Recipe.of("petrg-1"), **more)


def tensors_of(weights: Path) -> dict[str, Any]:
    """Every tensor of a saved network, the language model's too."""
    from safetensors.torch import load_file

    return {
        f"{path.relative_to(weights)}:{name}": tensor
        for path in sorted(weights.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }
