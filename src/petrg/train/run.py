"""A run from its configuration to a folder of weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from petrg.errors import ModelError
from petrg.evaluate.kinds import Readings
from petrg.files import write_file
from petrg.model.base import quiet
from petrg.model.cache import TensorCache
from petrg.model.card import Card, CardScore
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.recipe import MmInput, Recipe
from petrg.progress import Progress, silent
from petrg.train import checkpoint
from petrg.train.augment import changes_of
from petrg.train.batch import Collate
from petrg.train.build import build
from petrg.train.cases import TrainCase, expect_apart, of_split
from petrg.train.config import Phantoms, TrainConfig
from petrg.train.directory import directory_cases
from petrg.train.estimate import Estimate, estimate
from petrg.train.examples import Examples
from petrg.train.features import Features
from petrg.train.images import PreparedImages
from petrg.train.learner import Learner
from petrg.train.parallel import expect_processes, gathered, world
from petrg.train.phantoms import phantom_cases
from petrg.train.trainer import Best, PETRGTrainer, arguments
from petrg.train.validate import PERMUTED, Scored, loss_of, score, write_texts
from petrg.train.watch import Watch

__all__ = ["Run", "Trained", "prepare", "train"]

Said = Callable[[int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Trained:
    """What a run left: ``weights`` is the folder to use."""

    weights: Path
    steps: int
    best: Best


@dataclass(frozen=True, eq=False)
class Run:
    """Everything a run is made of, ready to start."""

    config: TrainConfig
    cases: Sequence[TrainCase]
    network: PETRG3D
    processor: PETRG3DProcessor
    learner: Learner
    examples: Examples
    collate: Collate

    def split(self, name: Any) -> list[TrainCase]:
        """The cases of a split."""
        return of_split(self.cases, name)


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = silent,
    told: Callable[[Estimate], None] = lambda found: None,
    said: Said = lambda step, found: None,
) -> Trained:
    """Train and save.

    Parameters
    ----------
    out : Path
        Absent or empty, unless the run is resumed: ``train.json``, ``checkpoints/``, ``tensorboard/``,
        ``validation.json`` and, at the end, ``weights/``.
    resume : bool
        Go on from the last complete checkpoint; the weights come out as those of an unbroken run, bit for bit on one
        machine.
    told, said : callable
        Get the estimate before the first step, and each validation; in the first process alone.

    Raises
    ------
    ModelError
        If the configuration, the data or the weights cannot be used, or the run goes wrong.
    """
    expect_processes(config)
    out, main = Path(out), world()[1] == 0
    progress = progress if main else silent
    last = _begin(config, out, resume)
    ready = prepare(config, out, progress)
    trainer = _trainer(ready, out, progress, said if main else lambda step, found: None)
    if main:
        told(_estimate(ready, trainer))
    if last is not None and _stopped(last):
        trainer.load_step(checkpoint.read_json(last / "trainer_state.json")["global_step"])
        trainer.best = Best(**checkpoint.read_json(last / "run.json")["best"])
    else:
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return _finish(ready, trainer, out)


def prepare(config: TrainConfig, out: Path, progress: Progress = silent) -> Run:
    """Data, network and cached features of a run, before any step."""
    recipe = config.typed_recipe
    cases = _cases(config, recipe, progress)
    texts = [t for c in of_split(cases, "train") for t in (c.answer, c.template or "")]
    texts += [recipe.prompt.system, recipe.prompt.without_template]
    network, processor = build(config, texts, out / "tokenizer")
    device = arguments(config, out).device
    torch.nn.Module.to(network, device)
    if config.checkpointing:
        _checkpoint_activations(network.language_model)
    patch = network.config.parts.vision.patch
    cache = TensorCache(Path(config.cache) if config.cache else out / "cache")
    images = PreparedImages(cache, recipe, patch)
    source: Any = None
    if not config.text_only:
        source = images
        if config.vision == "frozen-cached":
            dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
            source = Features(network, images, cache, dtype)
            processes, process = world()
            source.compute(network, cases[process::processes], progress)
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                torch.distributed.barrier()
    collate = Collate(
        processor.pad_id, patch if config.vision == "trained" else None, isinstance(recipe.input, MmInput)
    )
    examples = Examples(of_split(cases, "train"), processor, config, source, changes_of(config.augment, recipe))
    _expect_targets(config, examples)
    learner = Learner(network, config.parts, config.losses).to(device)
    return Run(config, cases, network, processor, learner, examples, collate)


def _cases(config: TrainConfig, recipe: Recipe, progress: Progress) -> list[TrainCase]:
    if isinstance(config.data, Phantoms):
        cases = phantom_cases(config.data, recipe, progress)
    else:
        cases = directory_cases(config.data, recipe, images=not config.text_only)
    expect_apart(cases)
    if not of_split(cases, "train"):
        raise ModelError("no case of the split train", "at least one", "correct the manifest")
    return cases


_TARGETS = (("patch_regions", "regions", "labels"), ("attention", "lesions", "masks"))


def _expect_targets(config: TrainConfig, examples: Examples) -> None:
    """Refuse a loss of whose targets no case has any: it would be 0 in silence."""
    asked = [row for row in _TARGETS if getattr(config.losses, row[0])]
    if not asked or examples.images is None:
        return
    for loss, name, folder in asked:
        if not any({name, f"patch_{name}"} & examples.images(c.source).keys() for c in examples.cases):
            raise ModelError(
                f"losses.{loss} is {getattr(config.losses, loss):g} but no case has its targets",
                f"files in the folder {folder} of the data",
                f"add them, or set losses.{loss} = 0",
            )


def _checkpoint_activations(lm: Any) -> None:
    """Compute activations anew in the backward pass; transformers has two names for it."""
    if hasattr(lm, "activation_checkpointing_enable"):
        lm.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    else:
        lm.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


# the folder


_MAY_CHANGE = ("keep", "device", "cache", "name")


def _begin(config: TrainConfig, out: Path, resume: bool) -> Path | None:
    """The checkpoint to go on from; refuses to mix two runs."""
    record, checkpoints = out / "train.json", out / "checkpoints"
    if not resume:
        if world()[1] == 0:  # the others find what it wrote
            if record.exists() or (out / "weights").exists():
                raise ModelError("the output folder holds a run", "an empty folder", "give --resume, or another -o")
            write_file(record, config.model_dump_json(indent=1) + "\n")
        return None
    if not record.is_file():
        raise ModelError("the folder to resume holds no run", "train.json of a run", "leave --resume out")
    key = _first_difference(json.loads(record.read_text(encoding="utf-8")), config.model_dump(mode="json"))
    if key is not None:
        raise ModelError(
            f"the run to resume has another {key}", "the configuration it was started with", "start anew in another -o"
        )
    return checkpoint.latest(checkpoints)


def _first_difference(own: Any, now: Any, key: str = "") -> str | None:
    if key in _MAY_CHANGE or key == "batches.workers":
        return None
    if isinstance(own, dict) and isinstance(now, dict):
        for name in sorted({*own, *now}):
            found = _first_difference(own.get(name), now.get(name), f"{key}.{name}" if key else name)
            if found is not None:
                return found
        return None
    return None if own == now else key


def _stopped(last: Path) -> bool:
    return bool(checkpoint.read_json(last / "run.json")["best"]["stopped"])


# the parts


def _trainer(ready: Run, out: Path, progress: Progress, said: Said) -> PETRGTrainer:
    history: list[PETRGTrainer] = []

    def heard(step: int, found: dict[str, Any]) -> None:
        if world()[1] == 0:
            write_file(out / "validation.json", json.dumps(history[0].best.history, indent=1) + "\n")
        said(step, found)

    watch = Watch(ready.config, progress=progress, curves=out / "tensorboard", said=heard)
    validate = _validation(ready, progress)
    made = PETRGTrainer(ready.config, ready.learner, ready.examples, ready.collate, out, watch, validate)
    history.append(made)
    return made


def _validation(ready: Run, progress: Progress) -> Callable[[int], Scored] | None:
    rule = ready.config.validation
    cases = ready.split("validation")[: rule.cases]
    if not cases:
        return None
    Examples(cases, ready.processor, ready.config, ready.examples.images).lengths()  # none is too long
    readings: dict[str, Readings] = {}

    def validate(step: int) -> Scored:
        progress(f"validating after step {step}", 0, 0)
        processes, process = world()
        apart = ready.config.parallel in ("ddp", "zero2") and processes > 1
        mine = cases[process::processes] if apart else cases
        losses = loss_of(ready.learner, ready.examples, ready.collate, mine)
        drafts: list[Any] = []
        if rule.write:
            with gathered(ready.learner):
                drafts = write_texts(
                    ready.learner, ready.examples, ready.collate, mine, batch=rule.batch, longest=rule.max_new_tokens
                )
        told = [
            (c.id, loss, *((d.text, d.ended) if d else ("", False)))
            for c, loss, d in zip(mine, losses, drafts or [None] * len(mine), strict=True)
        ]
        if apart:
            told = _from_all(told)
        by_id = {row[0]: row for row in told}
        rows = [by_id[c.id] for c in cases]
        found: Scored = {"loss": sum(row[1] for row in rows) / len(rows)}
        if rule.write:
            found["ended"] = sum(row[3] for row in rows) / len(rows)
            reader = readings.setdefault(cases[0].language, Readings(cases[0].language))
            found |= score(cases, [row[2] for row in rows], rule.draws, ready.config.seed, reader)
        return found

    return validate


def _from_all(mine: list[Any]) -> list[Any]:
    gathered_rows: list[Any] = [None] * world()[0]
    torch.distributed.all_gather_object(gathered_rows, mine)
    return [row for rows in gathered_rows for row in rows]


def _estimate(ready: Run, trainer: PETRGTrainer) -> Estimate:
    patches: list[int] = []
    if not ready.config.text_only:
        case = ready.split("train")[0]
        seen = ready.examples.images(case.source) if ready.examples.images else {}
        one = int(seen["wanted"].sum()) if "wanted" in seen else len(seen["ct"])
        patches = [one] * len(ready.cases)
    return estimate(ready.config, ready.network, trainer.batches.lengths.tolist(), len(trainer.batches), patches)


# the end


def _finish(ready: Run, trainer: PETRGTrainer, out: Path) -> Trained:
    """Take the best checkpoint's tensors and save the network."""
    best = trainer.best
    if best.step is not None and (trainer.checkpoints / checkpoint.name_of(best.step)).is_dir():
        trainer.load_step(best.step)
    network = ready.network
    network.config.domain = _domain(ready)
    state = trainer.whole_state()
    weights = out / "weights"
    if world()[1] == 0:
        aside = out / ".weights"
        shutil.rmtree(aside, ignore_errors=True)
        with quiet():
            network.save_pretrained(
                aside,
                processor=ready.processor,
                card=_card(ready, best),
                state_dict=state,
                full=True if _embeds(ready) else None,
            )
        shutil.rmtree(weights, ignore_errors=True)
        aside.rename(weights)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
    return Trained(weights, trainer.state.global_step, best)


def _embeds(ready: Run) -> bool:
    """Whether the language model is no published one any more."""
    config = ready.network.config
    return "language_model" in ready.config.parts or config.base_model is None or config.embeds_base


def _domain(ready: Run) -> str:
    """Whose images trained the encoder: these, unless no image was shown; phantoms' frozen encoder stays phantoms'."""
    config, before = ready.config, ready.network.config.domain
    reached = {"vision", "resamplers", "projections"} & set(config.parts)
    if config.text_only or not reached:
        return before
    if isinstance(config.data, Phantoms):
        return "phantoms"
    return "phantoms" if before == "phantoms" and config.vision == "frozen-cached" else "patients"


def _card(ready: Run, best: Best) -> Card:
    config = ready.config
    found = next((h for h in best.history if h["step"] == best.step), {})
    names = [k for k in found if k not in ("step", "ended") and not k.endswith(PERMUTED)]
    scores = [
        CardScore(
            name=name,
            value=found[name],
            controls={} if name == "loss" else {"other patients' reports": found.get(name + PERMUTED)},
        )
        for name in names
    ]
    kind = "digital phantoms made by petrg" if isinstance(config.data, Phantoms) else "a set in the PETRG layout"
    optimiser = config.optimiser
    return Card(
        source="trained with petrg train",
        data=kind,
        cases={split: len(ready.split(split)) for split in ("train", "validation")},
        training={
            "configuration": config.name or None,
            "parts": " ".join(config.parts),
            "epochs": config.batches.epochs,
            "step": best.step,
            "learning rate": optimiser.lr,
            "warm-up steps": optimiser.warmup_steps,
            "cases a step": config.batches.cases * config.batches.accumulation * world()[0],
            "precision": config.precision,
            "seed": config.seed,
        },
        scores=tuple(scores),
        scored_on=f"{len(ready.split('validation')[: config.validation.cases])} validation cases",
        languages=(config.data.language,),
    )
