"""The shape of the network: everything that decides which tensors it has, and what of it a recipe fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from transformers import AutoConfig, PreTrainedConfig

from petrg.errors import ModelError, first_fault
from petrg.model.recipe import Recipe, StoredInput, laid_over
from petrg.report.model import Model

__all__ = [
    "DOMAINS",
    "LoraSpec",
    "Network",
    "PETRG3DConfig",
    "ResamplerConfig",
    "VisionConfig",
    "default_network",
    "expect_fit",
    "network_for",
]

DOMAINS = ("patients", "phantoms", "untrained")
"""Whose images trained an encoder: the first may see most."""
Positive = Annotated[int, Field(gt=0)]


class VisionConfig(Model):
    """The 3D vision transformer; the defaults are the released one's (RadFM's size).

    ``patch`` and ``position_tables`` follow the axes of the volumes as the recipe lays them out: (H, W, D) as stored
    for ``petrg3d-2025``, (z, y, x) for ``petrg-1``. ``dim`` is dealt to the three axes of the position, so 3 at least.
    ``stem`` "linear" takes a patch as one vector, "conv" through strided convolutions, which have no LayerNorm before
    them; ``share`` uses one transformer for CT and PET.
    """

    patch: tuple[Positive, Positive, Positive] = (32, 32, 4)
    channels: Positive = 3
    dim: Annotated[int, Field(ge=3)] = 768
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

    @model_validator(mode="after")
    def _stem(self) -> VisionConfig:
        if self.stem == "conv" and self.normalise_patches:
            raise ValueError("normalise_patches is of the linear stem; stem 'conv' needs normalise_patches = false")
        return self


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
    targets: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] | None = None


class Network(Model):
    """Everything but the language model; the defaults are the released shape, `default_network` a recipe's."""

    vision: VisionConfig = VisionConfig()
    resampler: ResamplerConfig = ResamplerConfig()
    lora: LoraSpec | None = LoraSpec()


def default_network(recipe: Recipe) -> Network:
    """The shape that a recipe is trained with where nothing else is asked for.

    Volumes as stored take the released shape. A grid in mm takes petrg's own: patches of 8 x 8 x 8 voxels through
    convolutions, which see how hot a patch is, positions in mm, a channel for each CT window, five latents a region.

    >>> default_network(Recipe.of("petrg3d-2025")) == Network()
    True
    >>> shape = default_network(Recipe.of("petrg-1"))
    >>> shape.vision.position, shape.vision.stem, shape.vision.channels, shape.resampler.latents
    ('mm', 'conv', 3, 120)
    """
    if isinstance(recipe.input, StoredInput):
        return Network()
    vision = VisionConfig(
        patch=(8, 8, 8),
        channels=len(recipe.input.windows_hu),
        dim=512,
        depth=8,
        dropout=0.0,
        position="mm",
        position_tables=(64, 32, 32),
        position_std=0.02,
        stem="conv",
        normalise_patches=False,
    )
    return Network(vision=vision, resampler=ResamplerConfig(latents=120, depth=4))


def expect_fit(network: Network, recipe: Recipe, table: str = "network") -> None:
    """Refuse a shape that cannot see what a recipe shows.

    On a grid in mm a position that is stretched, or a LayerNorm over a patch's raw values, would hide what the recipe
    keeps: where a patch lies in mm, and how hot it is. Volumes as stored have no mm.

    Parameters
    ----------
    table : str
        What the keys are of, for the message.

    Raises
    ------
    ModelError
        If they contradict each other; the first key that does is named.
    """
    if isinstance(recipe.input, StoredInput):
        rules: dict[str, tuple[object, str]] = {"position": ("stretched", "volumes as stored have no mm")}
    else:
        rules = {
            "position": ("mm", "a stretched position forgets the grid's mm"),
            "normalise_patches": (False, "a LayerNorm over raw values hides how hot a patch is"),
            "channels": (len(recipe.input.windows_hu), "one for each CT window of the recipe"),
        }
    for key, (wanted, why) in rules.items():
        found = getattr(network.vision, key)
        if found != wanted:
            raise ModelError(
                f"{table}.vision.{key} = {_said(found)} under recipe {recipe.name}",
                f"{_said(wanted)}: {why}",
                "set it so, or leave the key out",
            )


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def network_for(recipe: Recipe, given: Network | Mapping[str, Any] | None = None) -> Network:
    """The shape under a recipe: what is not given is the recipe's own (`default_network`).

    A ``Network`` is whole and taken as it is; of a mapping, tables and keys may be missing.

    Raises
    ------
    ModelError
        If a key is unknown or of another type, or contradicts the recipe (`expect_fit`).

    Examples
    --------
    >>> network_for(Recipe.of("petrg-1"), {"vision": {"dim": 96}}).vision.stem
    'conv'
    """
    values = given.model_dump() if isinstance(given, Network) else default_network(recipe).model_dump()
    try:
        network = Network.model_validate(laid_over(values, given) if isinstance(given, Mapping) else values)
    except ValidationError as error:
        key, fault = first_fault(error.errors(include_input=False, include_url=False))
        raise ModelError(
            f"the network's configuration breaks its schema: key {key!r}: {fault.removeprefix('Value error, ')}",
            "vision, resampler and lora of this petrg's schema",
            "correct it",
        ) from error
    expect_fit(network, recipe)
    return network


class PETRG3DConfig(PreTrainedConfig):
    """Configuration of `PETRG3D` in Hugging Face's manner.

    Parameters
    ----------
    network : mapping or Network, optional
        Vision, resampler, LoRA; what is not given is the recipe's (`network_for`).
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

    Raises
    ------
    ModelError
        If network, recipe or domain breaks its schema, or the network's shape contradicts the recipe.
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
        typed = Recipe.of(recipe)
        self.recipe = typed.model_dump(mode="json")
        self.network = network_for(typed, network).model_dump(mode="json")
        if domain not in DOMAINS:
            raise ModelError(f"domain {domain!r}", f"one of {', '.join(DOMAINS)}", "correct it")
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
        return network_for(self.typed_recipe, self.network)

    @property
    def typed_recipe(self) -> Recipe:
        """The recipe, checked."""
        return Recipe.of(self.recipe)
