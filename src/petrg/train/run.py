"""A run from its configuration to a folder of weights."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch

from petrg.errors import ModelError, PetrgError
from petrg.evaluate.kinds import Readings
from petrg.files import write_file
from petrg.model.base import quiet
from petrg.model.cache import TensorCache
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.recipe import MmInput, Recipe, StoredInput
from petrg.progress import Progress, silent
from petrg.train import checkpoint
from petrg.train.augment import changes_of
from petrg.train.batch import Collate
from petrg.train.build import build, expect_start
from petrg.train.card import card_of
from petrg.train.cases import TrainCase, expect_apart, of_split
from petrg.train.config import Phantoms, TrainConfig
from petrg.train.directory import DirectorySource, directory_cases
from petrg.train.domain import domain_of
from petrg.train.estimate import Estimate, estimate
from petrg.train.examples import Examples
from petrg.train.features import Features
from petrg.train.images import Named, PreparedImages
from petrg.train.learner import Learner
from petrg.train.order import BucketedBatches
from petrg.train.parallel import expect_processes, gathered, world
from petrg.train.phantoms import phantom_cases
from petrg.train.trainer import Best, PETRGTrainer, arguments, on_this_processor, state_of
from petrg.train.validate import Scored, loss_of, score, write_texts
from petrg.train.watch import Watch

__all__ = ["Run", "Trained", "prepare", "train"]

Said = Callable[[int, Mapping[str, Any]], None]
Told = Callable[[Estimate], None]


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
    batches: BucketedBatches

    def split(self, name: Any) -> list[TrainCase]:
        """The cases of a split."""
        return of_split(self.cases, name)


def train(
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = silent,
    told: Told = lambda found: None,
    said: Said = lambda step, found: None,
) -> Trained:
    """Train and save; in float32 where bfloat16 is asked of a CPU without instructions for it.

    Parameters
    ----------
    out : Path
        Absent or empty, unless the run is resumed: ``train.json``, ``checkpoints/``, ``tensorboard/``,
        ``validation.json`` and, at the end, ``weights/``.
    resume : bool
        Go on from the last complete checkpoint; the weights come out as those of an unbroken run, bit for bit on one
        machine.
    told, said : callable
        Get the estimate before images are encoded and the first step, and each validation; in the first process alone.

    Raises
    ------
    ModelError
        If the configuration, the data or the weights cannot be used, or the run goes wrong.
    """
    expect_processes(config)
    out, main = Path(out), world()[1] == 0
    progress = progress if main else silent
    asked, config = config, on_this_processor(config)
    if config is not asked:
        progress("this processor has no bfloat16 instructions: training in float32", 0, 0)
    last = _begin(config, out, resume)
    try:
        ready = prepare(config, out, progress, told if main else None)
    except PetrgError:
        if main and not resume:
            _withdraw(out)
        raise
    trainer = _trainer(ready, out, progress, said if main else lambda step, found: None)
    if last is not None and _stopped(last):
        trainer.state = state_of(last)
        trainer.load_step(trainer.state.global_step)
        trainer.best = Best(**checkpoint.read_json(last / "run.json")["best"])
    else:
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return _finish(ready, trainer, out)


def prepare(config: TrainConfig, out: Path, progress: Progress = silent, told: Told | None = None) -> Run:
    """Data, network and cached features of a run, before any step.

    What cannot be used is refused, and the estimate is told, before images are encoded.
    """
    recipe = config.typed_recipe
    expect_start(config)
    cases = _cases(config, recipe, progress)
    texts = [t for c in of_split(cases, "train") for t in (c.answer, c.template or "")]
    texts += [recipe.prompt.system, recipe.prompt.without_template]
    network, processor = build(config, texts, out / "tokenizer")
    patch = network.config.parts.vision.patch
    cache = TensorCache(Path(config.cache) if config.cache else out / "cache")
    images = PreparedImages(cache, recipe, patch)
    first = _First(0, 0.0) if config.text_only else _expect_targets(config, recipe, cases, images)
    shown: Any = None if config.text_only else images
    examples = Examples(of_split(cases, "train"), processor, config, shown, changes_of(config.augment, recipe))
    lengths = examples.lengths()
    validated = of_split(cases, "validation")[: config.validation.cases]
    if config.stop.patience is not None and not validated:
        raise ModelError(
            f"stop.patience = {config.stop.patience} but nothing is validated",
            "cases of the split validation",
            "add them, or leave stop.patience out",
        )
    Examples(validated, processor, config, shown).lengths()  # none is too long
    used = [*examples.cases, *validated]
    processes, process = world()
    batches = BucketedBatches(lengths, config.batches.cases, config.seed, processes=processes, process=process)
    if told is not None:
        told(estimate(config, network, lengths, len(batches), first.patches, len(used), first.seconds))

    device = arguments(config, out).device
    torch.nn.Module.to(network, device)
    if config.checkpointing:
        _checkpoint_activations(network.language_model)
    if not config.text_only and config.vision == "frozen-cached":
        dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
        alone = config.dropout.ct > 0  # else no row shows the PET alone
        examples.images = features = Features(network, images, cache, dtype, pet_alone=alone)
        features.compute(network, used[process::processes], progress)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()
    collate = Collate(
        processor.pad_id, patch if config.vision == "trained" else None, isinstance(recipe.input, MmInput)
    )
    learner = Learner(network, config.parts, config.losses).to(device)
    return Run(config, cases, network, processor, learner, examples, collate, batches)


def _cases(config: TrainConfig, recipe: Recipe, progress: Progress) -> list[TrainCase]:
    if isinstance(config.data, Phantoms):
        cases = phantom_cases(config.data, recipe, progress)
    else:
        cases = directory_cases(config.data, recipe, images=not config.text_only)
    expect_apart(cases)
    if not of_split(cases, "train"):
        raise ModelError("no case of the split train", "at least one", "correct the manifest")
    return cases


class _First(NamedTuple):
    """What the first case's images are like: tokens of a modality, and the seconds that reading and scaling took."""

    patches: int
    seconds: float


def _expect_targets(config: TrainConfig, recipe: Recipe, cases: Sequence[TrainCase], images: PreparedImages) -> _First:
    """Refuse a loss of whose targets no case has any: it would be 0 in silence."""
    taught = of_split(cases, "train")
    look: Callable[[Any], Named] = images if config.vision == "trained" else images.read
    _expect_files(config, recipe, taught)
    began = time.perf_counter()
    first = look(taught[0].source)
    took = time.perf_counter() - began
    for loss, _, held in _asked(config):
        if not any(len(seen.get(held, ())) for seen in chain([first], (look(c.source) for c in taught[1:]))):
            raise _no_targets(config, loss)
    return _First(int(first["wanted"].sum()), took)


_TARGETS = (("patch_regions", "labels", "regions"), ("attention", "mask", "lesion_regions"))
"""Losses with what the data needs for them, as a file of a case and among its images."""


def _asked(config: TrainConfig) -> Iterable[tuple[str, str, str]]:
    return (row for row in _TARGETS if getattr(config.losses, row[0]))


def _expect_files(config: TrainConfig, recipe: Recipe, cases: Sequence[TrainCase]) -> None:
    """The same from the names of files, before any is read."""
    files = [c.source for c in cases if isinstance(c.source, DirectorySource)]
    for loss, file, _ in _asked(config):
        if isinstance(recipe.input, StoredInput) or (files and not any(getattr(f, file) for f in files)):
            raise _no_targets(config, loss)


def _no_targets(config: TrainConfig, loss: str) -> ModelError:
    wanted = {
        "patch_regions": "label maps in the folder labels",
        "attention": "lesions in the masks of the folder masks",
    }
    return ModelError(
        f"losses.{loss} is {getattr(config.losses, loss):g} but no case has its targets",
        f"{wanted[loss]}, under a recipe with a grid in mm",
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
    try:
        own = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            "the record of the run to resume cannot be read", "train.json as it was written", "start anew in another -o"
        ) from error
    key = _first_difference(own, config.model_dump(mode="json"))
    if key is not None:
        raise ModelError(
            f"the run to resume has another {key}", "the configuration it was started with", "start anew in another -o"
        )
    return checkpoint.latest(checkpoints)


def _withdraw(out: Path) -> None:
    """Leave nothing of a run that was refused before its first step, so that it can be started anew here."""
    (out / "train.json").unlink(missing_ok=True)
    shutil.rmtree(out / "tokenizer", ignore_errors=True)
    if not any(out.iterdir()):
        out.rmdir()


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
    made = PETRGTrainer(ready.config, ready.learner, ready.examples, ready.collate, ready.batches, out, watch, validate)
    history.append(made)
    return made


def _validation(ready: Run, progress: Progress) -> Callable[[int], Scored] | None:
    rule = ready.config.validation
    cases = ready.split("validation")[: rule.cases]
    if not cases:
        return None
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


# the end


def _finish(ready: Run, trainer: PETRGTrainer, out: Path) -> Trained:
    """Take the best checkpoint's tensors and save the network."""
    best = trainer.best
    if best.step not in (None, trainer.state.global_step):
        trainer.load_step(best.step)
    network = ready.network
    network.config.domain = domain_of(ready.config, network.config.domain)
    state = trainer.whole_state()
    weights = out / "weights"
    if world()[1] == 0:
        aside = out / ".weights"
        shutil.rmtree(aside, ignore_errors=True)
        with quiet():
            network.save_pretrained(
                aside,
                processor=ready.processor,
                card=card_of(ready.config, {split: len(ready.split(split)) for split in ("train", "validation")}, best),
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
