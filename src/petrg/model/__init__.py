"""PETRG-3D: configuration, input recipes, 3D vision transformer, resampler, prompt, network, weights, processor."""

from petrg.errors import MissingExtra

try:
    import peft  # noqa: F401
    import safetensors  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401
except ImportError as error:
    raise MissingExtra("the network", error.name or "torch", "model") from error

from petrg.model.auto import PETRG3D, PETRG3DConfig, PETRG3DProcessor

__all__ = ["PETRG3D", "PETRG3DConfig", "PETRG3DProcessor"]
