"""PETRG-3D among Hugging Face's Auto classes; registered when `petrg.model` is imported."""

from __future__ import annotations

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoProcessor

from petrg.model.config import PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor

__all__ = ["PETRG3D", "PETRG3DConfig", "PETRG3DProcessor"]

AutoConfig.register(PETRG3DConfig.model_type, PETRG3DConfig, exist_ok=True)
AutoModel.register(PETRG3DConfig, PETRG3D, exist_ok=True)
AutoModelForCausalLM.register(PETRG3DConfig, PETRG3D, exist_ok=True)
AutoProcessor.register(PETRG3DConfig, PETRG3DProcessor, exist_ok=True)
