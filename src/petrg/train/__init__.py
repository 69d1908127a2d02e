"""Training of PETRG-3D: configuration, data, losses, checkpoints, validation."""

from petrg.errors import MissingExtra

try:
    import accelerate  # type: ignore[import-untyped]  # noqa: F401
except ImportError as error:
    raise MissingExtra("training", error.name or "accelerate", "train") from error

from petrg.train.config import TrainConfig
from petrg.train.read_config import config_names, read_config

__all__ = ["TrainConfig", "config_names", "read_config"]
