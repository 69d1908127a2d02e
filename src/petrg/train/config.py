"""What a training run is: every value that decides its result, typed.

The optimiser's and the batches' defaults are the released run's; recipe, data and validation are petrg's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from petrg.anatomy import Region
from petrg.errors import ModelError
from petrg.model.config import Network, default_network, expect_fit
from petrg.model.recipe import Recipe, laid_over
from petrg.report.model import Model

__all__ = [
    "Augment",
    "Batches",
    "Directory",
    "Dropout",
    "Keep",
    "Losses",
    "Optimiser",
    "Part",
    "Phantoms",
    "Start",
    "Stop",
    "TinyLM",
    "TrainConfig",
    "Validation",
    "expect_region_latents",
]

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Weight = Annotated[float, Field(ge=0)]
Part = Literal["lora", "resamplers", "projections", "token_rows", "vision", "language_model"]


class Phantoms(Model):
    """Digital patients, made on the fly; the seeds of the splits never meet.

    ``styles`` are hospitals, dealt in turn; none takes the language's usual one. ``text`` "abnormal" leaves the healthy
    sentences out of the answers.
    """

    kind: Literal["phantoms"] = "phantoms"
    train: Count = 1000
    validation: Whole = 24
    seed: Whole = 0
    language: Literal["zh", "en"] = "zh"
    styles: tuple[str, ...] = ()
    sex: Literal["F", "M"] | None = None
    lesions: Whole | None = None
    noise: bool = True
    text: Literal["report", "abnormal"] = "report"


class Directory(Model):
    """Patients in the PETRG layout: ``images/``, reports, ``template.json`` and a manifest."""

    kind: Literal["directory"] = "directory"
    path: Annotated[str, Field(min_length=1)]
    manifest: str = "manifest.csv"
    template: str = "template.json"
    language: Literal["zh", "en"] = "zh"


class TinyLM(Model):
    """A small Qwen3 of random weights and a tokenizer learned from the training texts."""

    hidden: Count = 64
    layers: Count = 2
    heads: Count = 4
    mlp: Count = 128
    vocabulary: Annotated[int, Field(ge=300, description="at least every byte, the ends and the slots")] = 2048
    positions: Count = 4096

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden {self.hidden} over {self.heads} heads is no even width a head")
        return self


class Start(Model):
    """What training starts from: exactly one of ``base``, ``weights`` and ``scratch``.

    Parameters
    ----------
    base : str, optional
        A language model, folder or hub name; everything of ours begins at random, but for ``vision``.
    revision : str, optional
        The hub's commit of ``base``.
    weights : str, optional
        A folder of `PETRG3D.save_pretrained`: goes on from there, shape and language model as they are.
    scratch : TinyLM, optional
        A language model of random weights.
    vision : str, optional
        A folder of PETRG-3D weights whose image encoder is taken over, or "random" with a new network: said aloud,
        since a frozen encoder that nothing trained sees little.
    dtype : str
        In which ``base`` is loaded; what is trained is float32.
    network : Network, optional
        The shape of a new network. `TrainConfig` fills in what is not given (`petrg.model.config.default_network`).
    """

    base: str | None = None
    revision: str | None = None
    weights: str | None = None
    scratch: TinyLM | None = None
    vision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    network: Network | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [n for n in ("base", "weights", "scratch") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} given; exactly one of base, weights, scratch")
        if self.weights is not None and self.network is not None:
            raise ValueError("network given, but weights have their own: leave it out")
        if self.weights is not None and self.vision == "random":
            raise ValueError("vision = 'random' given, but weights have an encoder: leave it out, or name a folder")
        if self.base is None and (self.revision is not None or self.dtype != "auto"):
            raise ValueError(f"revision and dtype are of base, not of {given[0]}: leave them out")
        return self


class Optimiser(Model):
    """AdamW, its rate constant after a linear warm-up, or falling to 0 as a cosine."""

    lr: Annotated[float, Field(gt=0)] = 5e-5
    weight_decay: Weight = 0.0
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 1e-8
    clip: Annotated[float, Field(gt=0)] = 1.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: Whole = 30


class Batches(Model):
    """How cases become steps; ``cases`` is a micro-batch of one device, rows of like length side by side."""

    cases: Count = 1
    accumulation: Count = 8
    epochs: Count = 15
    workers: Whole = 0


class Dropout(Model):
    """How often a case is shown without its template, CT, PET or both, so that one model serves every ablation.

    The template is drawn apart from the images, of which at most one thing happens to a case.
    """

    template: Share = 0.0
    ct: Share = 0.0
    pet: Share = 0.0
    images: Share = 0.0

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.ct + self.pet + self.images > 1:
            raise ValueError("ct, pet and images together are above 1")
        return self


class Augment(Model):
    """Changes of an image that leave every word true: no mirror, ever."""

    shift_mm: Weight = 0.0
    noise: Annotated[Weight, Field(description="standard deviation, in units of the scaled image")] = 0.0


class Losses(Model):
    """Weights of losses beside the text's; 0 leaves one out.

    ``patch_regions`` asks each patch which region it lies in, ``latent_regions`` each region's latents for its uptake
    and structure, ``attention`` wants the latents of a region to look at its lesions. The last two need as many latents
    for each region (`expect_region_latents`).
    """

    patch_regions: Weight = 0.0
    latent_regions: Weight = 0.0
    attention: Weight = 0.0


class Validation(Model):
    """Each ``every`` epochs: the loss and, with ``write``, scores of written reports beside those of their controls.

    The controls are other patients' reports and the healthy template. ``cases`` are the first of the split, None for
    all; ``draws`` are the deals to other patients, and the draws of patients for the intervals.
    """

    every: Count = 1
    cases: Whole | None = None
    write: bool = True
    batch: Count = 4
    max_new_tokens: Count | None = None
    score: Literal["Lesion-F1", "PET-All", "CT-All", "loss"] = "Lesion-F1"
    draws: Count = 200


class Stop(Model):
    """When a run ends before its epochs do.

    ``patience`` is how many validations may pass without a better one; ``divergence`` how far above its best the
    smoothed loss may rise (a factor) before the run is given up.
    """

    patience: Count | None = None
    divergence: Annotated[float, Field(gt=1)] | None = 4.0
    after_steps: Annotated[int, Field(ge=0, description="before which divergence is not judged")] = 50


class Keep(Model):
    """When there is a checkpoint: each ``every_epochs``, with each validation, and each ``every_steps``.

    The ``last`` ones and the best are kept.
    """

    every_epochs: Count = 1
    every_steps: Count | None = None
    last: Count = 2


_RECIPE = "petrg-1"


class TrainConfig(Model):
    """A whole run.

    ``parts`` are what is trained, all else is frozen and in eval mode; ``vision`` "frozen-cached" reads the encoder's
    tokens from disk, "trained" runs it each step. The shape of a new network is whole: what of ``model.network`` is not
    given is the recipe's own, so that runs under one recipe go on from each other's weights.

    Raises
    ------
    ModelError
        If there is no such recipe, or the network's shape contradicts it.
    pydantic.ValidationError
        If anything else breaks the schema or contradicts itself; `petrg.train.read_config.config_of` makes it a
        ModelError that says where.
    """

    name: str = ""
    recipe: str = _RECIPE
    recipe_changes: Annotated[
        dict[str, Any], Field(description="laid over the recipe, table by table; a changed one needs a name of its own")
    ] = Field(default_factory=dict)
    data: Annotated[Phantoms | Directory, Field(discriminator="kind")] = Phantoms()
    model: Start
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = ("lora", "resamplers", "projections", "token_rows")
    vision: Literal["frozen-cached", "trained"] = "frozen-cached"
    text_only: Annotated[bool, Field(description="no image is shown at all")] = False
    optimiser: Optimiser = Optimiser()
    batches: Batches = Batches()
    dropout: Dropout = Dropout()
    augment: Augment = Augment()
    losses: Losses = Losses()
    validation: Validation = Validation()
    stop: Stop = Stop()
    keep: Keep = Keep()
    precision: Literal["fp32", "bf16"] = "bf16"
    checkpointing: Annotated[bool, Field(description="activations are computed again in the backward pass")] = True
    parallel: Literal["none", "ddp", "fsdp2", "zero2"] = "none"
    device: Literal["auto", "cpu"] = "auto"
    cache: Annotated[str | None, Field(description="folder of cached features; None: beside the run")] = None
    seed: Whole = 42

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, values: Any) -> Any:
        """Fill in the shape of a new network, so that the record of a run holds all of it."""
        if not isinstance(values, Mapping):
            return values
        model, recipe = values.get("model"), values.get("recipe", _RECIPE)
        changes = values.get("recipe_changes", {})
        if not isinstance(model, Mapping | Start) or not isinstance(recipe, str) or not isinstance(changes, Mapping):
            return values  # the schema says what is wrong with them
        start = dict(model)
        given = start.get("network")
        if start.get("weights") is None and (given is None or isinstance(given, Mapping)):
            start["network"] = laid_over(default_network(_recipe(recipe, changes)).model_dump(), given or {})
        return {**values, "model": start}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for fault in _faults(self):
            raise ValueError(fault)
        if self.model.network is not None:
            expect_fit(self.model.network, self.typed_recipe, "model.network")
            expect_region_latents(self.losses, self.model.network)
        return self

    @property
    def typed_recipe(self) -> Recipe:
        """The recipe with its changes."""
        return _recipe(self.recipe, self.recipe_changes)


def _recipe(name: str, changes: Mapping[str, Any]) -> Recipe:
    """A recipe with its changes; a ModelError if they break its schema or leave its name."""
    own = Recipe.of(name)
    changed = Recipe.of(laid_over(own.model_dump(mode="json"), changes))
    if changed != own and changed.name == own.name:
        raise ModelError(
            f"recipe_changes change {own.name!r} under its own name",
            "a name of its own",
            "give recipe_changes.name",
        )
    return changed


def expect_region_latents(losses: Losses, network: Network) -> None:
    """Refuse losses on the latents of regions where those are not dealt evenly: a shared one answers for several.

    Raises
    ------
    ModelError
        If a loss asks for them and their number is no multiple of the regions'.
    """
    latents, regions = network.resampler.latents, len(Region)
    asked = [name for name in ("latent_regions", "attention") if getattr(losses, name)]
    if asked and latents % regions:
        raise ModelError(
            f"losses.{asked[0]} with {latents} latents (network.resampler.latents)",
            f"a multiple of the {regions} regions",
            f"take {max(1, round(latents / regions)) * regions} latents, or set the loss to 0",
        )


def _faults(config: TrainConfig) -> list[str]:
    """What contradicts itself, in words."""
    parts, found = set(config.parts), []
    if len(parts) < len(config.parts):
        found.append("parts names one twice")
    if ("vision" in parts) != (config.vision == "trained"):
        found.append("parts holds 'vision' exactly where vision = 'trained'")
    if config.vision == "frozen-cached" and (config.augment.shift_mm or config.augment.noise):
        found.append("augment changes images, whose features are cached: vision = 'trained', or no augment")
    if config.vision == "frozen-cached" and config.losses.patch_regions:
        found.append("losses.patch_regions trains the image encoder: vision = 'trained', or 0")
    if config.text_only and (parts & {"vision", "resamplers", "projections"} or any(_aux(config.losses))):
        found.append("text_only shows no image, so neither its parts nor its losses can be trained")
    if config.text_only and any((config.dropout.ct, config.dropout.pet, config.dropout.images)):
        found.append(
            "text_only shows no image, so dropout.ct, dropout.pet and dropout.images leave out nothing: set them to 0"
        )
    if "lora" in parts and config.model.network is not None and config.model.network.lora is None:
        found.append("parts holds 'lora' but model.network.lora is none")
    if {"lora", "language_model"} <= parts:
        found.append("parts holds 'lora' and 'language_model': adapt it or train it")
    if config.parallel == "zero2" and config.device == "cpu":
        found.append("zero2 needs GPUs")
    starts_blind = config.model.vision is None and config.model.weights is None
    if config.vision == "frozen-cached" and starts_blind and not config.text_only:
        found.append(
            "the image encoder stays frozen but nothing says where it comes from: "
            'give model.vision, a folder of PETRG-3D weights, or "random"'
        )
    if config.validation.score != "loss" and not config.validation.write:
        found.append(f"validation.score {config.validation.score} needs validation.write")
    return found


def _aux(losses: Losses) -> tuple[float, ...]:
    return losses.patch_regions, losses.latent_regions, losses.attention
