"""What a training run is: every value that decides its result, typed; the defaults are the released recipe's."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from petrg.errors import ModelError
from petrg.model.config import Network
from petrg.model.recipe import Recipe
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
]

Share = Annotated[float, Field(ge=0, le=1)]
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
    vocabulary: Count = 2048
    positions: Count = 4096


class Start(Model):
    """What training starts from: exactly one of ``base``, ``weights`` and ``scratch``.

    Parameters
    ----------
    base : str, optional
        A language model, folder or hub name; everything of ours begins at random, but for ``vision``.
    weights : str, optional
        A folder of `PETRG3D.save_pretrained`: goes on from there.
    scratch : TinyLM, optional
        A language model of random weights.
    vision : str, optional
        A folder of PETRG-3D weights whose image encoder is taken over, or "random": said aloud, since a frozen encoder
        that nothing trained sees little.
    dtype : str
        Of a language model that stays frozen.
    """

    base: str | None = None
    revision: str | None = None
    weights: str | None = None
    scratch: TinyLM | None = None
    vision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    network: Network = Network()

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [n for n in ("base", "weights", "scratch") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} given; exactly one of base, weights, scratch")
        return self


class Optimiser(Model):
    """AdamW, its rate constant after a linear warm-up, or falling to 0 as a cosine."""

    lr: Annotated[float, Field(gt=0)] = 5e-5
    weight_decay: Weight = 0.0
    betas: tuple[Share, Share] = (0.9, 0.999)
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
    """How often a case is shown without its template, CT, PET or both, so that one model serves every ablation."""

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
    and structure, ``attention`` wants the latents of a region to look at its lesions.
    """

    patch_regions: Weight = 0.0
    latent_regions: Weight = 0.0
    attention: Weight = 0.0


class Validation(Model):
    """Each ``every`` epochs: the loss, and scores of written reports beside reports of other patients."""

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


class TrainConfig(Model):
    """A whole run.

    ``parts`` are what is trained, all else is frozen and in eval mode; ``vision`` "frozen-cached" reads the encoder's
    tokens from disk, "trained" runs it each step.
    """

    name: str = ""
    recipe: str = "petrg-1"
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

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    @property
    def typed_recipe(self) -> Recipe:
        """The recipe with its changes.

        Raises
        ------
        ModelError
            If there is none of that name, or the changes break its schema or leave its name.
        """
        own = Recipe.of(self.recipe)
        if not self.recipe_changes:
            return own
        changed = Recipe.of(_laid_over(own.model_dump(mode="json"), self.recipe_changes))
        if changed != own and changed.name == own.name:
            raise ModelError(
                f"recipe_changes change {own.name!r} under its own name",
                "a name of its own",
                "give recipe_changes.name",
            )
        return changed


def _laid_over(own: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    out = dict(own)
    for key, value in changes.items():
        inner = out.get(key)
        out[key] = _laid_over(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return out


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
    if "lora" in parts and config.model.weights is None and config.model.network.lora is None:
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
