"""The shape of the network: everything that decides which tensors it has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from transformers import AutoConfig, PreTrainedConfig

from petrg.errors import ModelError
from petrg.model.recipe import Recipe
from petrg.report.model import Model

__all__ = ["LoraSpec", "Network", "PETRG3DConfig", "ResamplerConfig", "VisionConfig"]

Positive = Annotated[int, Field(gt=0)]


class VisionConfig(Model):
    """The 3D vision transformer; the defaults are the released one's (RadFM's size).

    ``patch`` and ``position_tables`` follow the axes of the volumes as the recipe lays them out: (H, W, D) as stored
    for ``petrg3d-2025``, (z, y, x) for ``petrg-1``. ``stem`` "linear" takes a patch as one vector, "conv" through two
    strided convolutions; ``share`` uses one transformer for CT and PET.
    """

    patch: tuple[Positive, Positive, Positive] = (32, 32, 4)
    channels: Positive = 3
    dim: Positive = 768
    depth: Positive = 12
    heads: Positive = 8
    head_dim: Positive = 64
    mlp_dim: Positive = 2048
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    position: Literal["stretched", "mm"] = "stretched"
    position_tables: tuple[Positive, Positive, Positive] = (16, 16, 128)
    position_std: Annotated[float, Field(gt=0)] = 1.0
    stem: Literal["linear", "conv"] = "linear"
    normalise_patches: Annotated[
        bool, Field(description="a LayerNorm before the linear stem, as released; it hides how hot a whole patch is")
    ] = True
    share: bool = True


class ResamplerConfig(Model):
    """The perceiver resampler of each modality; the defaults are the released ones."""

    latents: Positive = 128
    depth: Positive = 6
    heads: Positive = 8
    head_dim: Positive = 64
    mlp_ratio: Positive = 4


class LoraSpec(Model):
    """Low-rank adapters of the language model; ``targets`` None takes those of its family (`petrg.model.backbone`)."""

    rank: Positive = 8
    alpha: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    targets: tuple[str, ...] | None = None


class Network(Model):
    """Everything but the language model."""

    vision: VisionConfig = VisionConfig()
    resampler: ResamplerConfig = ResamplerConfig()
    lora: LoraSpec | None = LoraSpec()

    @model_validator(mode="after")
    def _divides(self) -> Network:
        if self.vision.dim < 3:
            raise ValueError("vision.dim must hold a part for each of three axes")
        return self


class PETRG3DConfig(PreTrainedConfig):
    """Configuration of `PETRG3D` in Hugging Face's manner.

    Parameters
    ----------
    network : mapping or Network
        Vision, resampler, LoRA.
    recipe : mapping, Recipe or str
        How images and text become tokens and back; a name such as "petrg-1", or the whole value. Weights are used under
        the recipe they were trained with and no other.
    text_config : PreTrainedConfig or mapping
        The language model's.
    base_model, base_revision : str, optional
        The language model that the network stands on: a folder or hub name, and the hub's commit.
    base_fingerprint : str, optional
        What its tensors look like (`petrg.model.base.fingerprint`): adapters mean nothing on another.
    embeds_base : bool
        Whether the language model's own tensors lie in the same folder, under ``language_model``.
    domain : str
        The images that trained the encoder: "patients", "phantoms" or "untrained".
    """

    model_type = "petrg3d"
    sub_configs = {"text_config": AutoConfig}  # noqa: RUF012  # transformers' own manner
    has_no_defaults_at_init = True

    def __init__(
        self,
        network: Any = None,
        recipe: Any = "petrg-1",
        text_config: Any = None,
        base_model: str | None = None,
        base_revision: str | None = None,
        base_fingerprint: str | None = None,
        embeds_base: bool = False,
        domain: str = "untrained",
        **kwargs: Any,
    ) -> None:
        self.network = network if isinstance(network, dict) else (network or Network()).model_dump(mode="json")
        self.recipe = Recipe.of(recipe).model_dump(mode="json")
        if isinstance(text_config, dict):
            text_config = AutoConfig.for_model(**text_config)
        self.text_config = text_config
        self.base_model, self.base_revision, self.base_fingerprint = base_model, base_revision, base_fingerprint
        self.embeds_base, self.domain = embeds_base, domain
        # transformers hands its own choice down to a text_config that a language model already runs with: without one
        # that model would lose its attention, and with it the causal mask
        kwargs.setdefault("attn_implementation", getattr(text_config, "_attn_implementation", None))
        super().__init__(**kwargs)

    @property
    def parts(self) -> Network:
        """The network's shape, checked."""
        try:
            return Network.model_validate(self.network)
        except ValueError as error:
            raise ModelError(
                "the network's configuration breaks its schema", "vision, resampler and lora", "correct config.json"
            ) from error

    @property
    def typed_recipe(self) -> Recipe:
        """The recipe, checked."""
        return Recipe.of(self.recipe)
