"""transformers' Trainer with our order, our randomness, our checkpoints and our validation."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments

from petrg.errors import ModelError
from petrg.model.device import cpu_has_bfloat16
from petrg.train import checkpoint
from petrg.train.batch import Collate
from petrg.train.config import TrainConfig
from petrg.train.examples import Examples
from petrg.train.learner import Learner
from petrg.train.order import BucketedBatches
from petrg.train.parallel import full, put, shard, world, zero2
from petrg.train.parts import trained
from petrg.train.validate import Scored, margin
from petrg.train.watch import Watch

__all__ = ["Best", "PETRGTrainer", "arguments", "on_this_processor", "state_of", "steps_of"]

_LOWEST = -1e9
_STATE = "trainer_state.json"  # where the Trainer looks for it


@dataclass
class Best:
    """The best validation so far, and how many have passed since; what each said.

    Better is a wider margin over the control; of equal margins, the lower loss.
    """

    value: tuple[float, float] | None = None
    step: int | None = None
    waited: int = 0
    stopped: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, found: Scored, name: str, step: int, patience: int | None) -> None:
        """Take a validation in."""
        ahead, loss = margin(found, name), found.get("loss")
        value = (_LOWEST if ahead is None else ahead, _LOWEST if loss is None else -loss)
        self.history = [h for h in self.history if h["step"] < step] + [{"step": step, **found}]
        if self.value is None or value > tuple(self.value):
            self.value, self.step, self.waited = value, step, 0
        else:
            self.waited += 1
        self.stopped = patience is not None and self.waited >= patience


def on_this_processor(config: TrainConfig) -> TrainConfig:
    """``config`` in float32 where it asks for bfloat16 of a CPU without instructions for it, else as it is."""
    lacks = config.precision == "bf16" and _on_cpu(config) and not cpu_has_bfloat16()
    return config.model_copy(update={"precision": "fp32"}) if lacks else config


def _on_cpu(config: TrainConfig) -> bool:
    return config.device == "cpu" or not torch.cuda.is_available()


def arguments(config: TrainConfig, out: Path) -> TrainingArguments:
    """The Trainer's own arguments: its reports, saves and evaluations are ours."""
    cpu = _on_cpu(config)
    made = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=config.batches.cases,
        gradient_accumulation_steps=config.batches.accumulation,
        num_train_epochs=config.batches.epochs,
        learning_rate=config.optimiser.lr,
        weight_decay=config.optimiser.weight_decay,
        adam_beta1=config.optimiser.betas[0],
        adam_beta2=config.optimiser.betas[1],
        adam_epsilon=config.optimiser.eps,
        max_grad_norm=config.optimiser.clip,
        lr_scheduler_type="constant_with_warmup" if config.optimiser.schedule == "constant" else "cosine",
        warmup_steps=config.optimiser.warmup_steps,
        optim="adamw_torch",
        bf16=config.precision == "bf16" and config.parallel != "fsdp2",
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and world()[0] > 1 else None,
        ddp_find_unused_parameters=False,
        deepspeed=zero2(config) if config.parallel == "zero2" else None,
        dataloader_num_workers=config.batches.workers,
        seed=config.seed,
        save_strategy="no",
        eval_strategy="no",
        logging_steps=10,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
    )
    if made.n_gpu > 1:  # several GPUs in one process would be DataParallel, which nobody asked for
        made._n_gpu = 1
    return made


class PETRGTrainer(Trainer):
    """Training of a `Learner` on ``batches`` of ``examples``.

    Every micro-batch draws its randomness from a seed of its own (run, epoch, studies), so that a resumed run needs no
    state of a generator: transformers restores that only after the first resumed batches.

    Parameters
    ----------
    validate : callable
        (step) -> scores; on every process.
    """

    optimizer: Any
    lr_scheduler: Any
    model_wrapped: Any

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        examples: Examples,
        collate: Collate,
        batches: BucketedBatches,
        out: Path,
        watch: Watch,
        validate: Callable[[int], Scored] | None,
    ) -> None:
        self.own, self.learner, self.validate, self.watch = config, learner, validate, watch
        self.checkpoints = out / "checkpoints"
        self.best, self.batches = Best(), batches
        args = arguments(config, out)
        if config.parallel == "fsdp2":
            learner.to(args.device)
            shard(learner, bf16=config.precision == "bf16", device=args.device.type)
        super().__init__(model=learner, args=args, train_dataset=examples, data_collator=collate, callbacks=[watch])
        self.remove_callback(PrinterCallback)
        watch.attach(self)
        _expect_wrapped(config, self.accelerator.num_processes)

    # data

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches in our order, dealt to the processes by ourselves."""
        train_set: Any = self.train_dataset
        return DataLoader(
            train_set,
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and self.args.device.type == "cuda",
        )

    # a step

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """One micro-batch, forward and backward, from its own seed."""
        seed = int(inputs["seed"])
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        if self.own.parallel == "fsdp2":
            model.set_requires_gradient_sync(bool(self.accelerator.sync_gradients))
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        mean = _over_processes(loss) * self.current_gradient_accumulation_steps
        self.watch.loss(mean, self.state.global_step + 1)
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        if norm is not None:
            norm = full(norm) if isinstance(norm, Tensor) else norm
            self.watch.gradient(float(norm), self.state.global_step + 1)
        return norm

    # validation

    def evaluate(self, *unused: Any, **ignored: Any) -> dict[str, float]:
        """Validate and judge; the Trainer's own evaluation has no part in it."""
        if self.validate is None:
            return {}
        self.learner.eval()
        found = self.validate(self.state.global_step)
        self.best.judge(found, self.own.validation.score, self.state.global_step, self.own.stop.patience)
        if self.best.stopped:
            self.control.should_training_stop = True
        self.watch.validated(found, self.state.global_step)
        return {}

    # checkpoints

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        state = self._optimiser_state()
        tensors = {name: full(p) for name, p in trained(self.learner)}
        if self.own.parallel == "zero2":
            self._save_engine()
        if self.is_world_process_zero():
            checkpoint.write(self.checkpoints, self.state.global_step, lambda to: self._fill(to, tensors, state))
            checkpoint.rotate(self.checkpoints, self.own.keep.last, self.best.step)
        self.accelerator.wait_for_everyone()

    def _fill(self, to: Path, tensors: dict[str, Tensor], state: tuple[dict[str, Tensor], Any]) -> None:
        checkpoint.save_tensors(to / "trained.safetensors", tensors)
        if state[0]:
            checkpoint.save_tensors(to / "optimiser.safetensors", state[0])
        self.state.save_to_json(str(to / _STATE))
        if self.own.parallel == "zero2":
            for part in (self.checkpoints / ".engine").iterdir():
                part.rename(to / part.name)
        rest = {
            "processes": world()[0],
            "groups": state[1],
            "schedule": self.lr_scheduler.state_dict(),
            "best": asdict(self.best),
            "watch": self.watch.state(),
        }
        (to / "run.json").write_text(json.dumps(rest, ensure_ascii=False) + "\n", encoding="utf-8")

    def _save_engine(self) -> None:
        """DeepSpeed's own files, from which the Trainer resumes: every process holds a share of the optimiser."""
        self.model_wrapped.save_checkpoint(str(self.checkpoints / ".engine"))
        self.accelerator.wait_for_everyone()

    def _optimiser_state(self) -> tuple[dict[str, Tensor], Any]:
        """Tensors by ``index.name`` in the order of parameters, and the groups' settings."""
        if self.own.parallel == "zero2":
            return {}, []
        state = self.optimizer.state_dict()
        tensors = {
            f"{index}.{name}": full(value) for index, own in state["state"].items() for name, value in own.items()
        }
        return tensors, state["param_groups"]

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        held = checkpoint.load_tensors(Path(resume_from_checkpoint) / "trained.safetensors")
        own = dict(trained(self.learner))
        if held.keys() != own.keys():
            raise ModelError("the checkpoint holds other tensors than are trained", "those of this run", "start anew")
        for name, parameter in own.items():
            put(parameter, held[name])

    def _load_optimizer_and_scheduler(self, checkpoint_path: str | None) -> None:
        if checkpoint_path is None:
            return
        rest = checkpoint.read_json(Path(checkpoint_path) / "run.json")
        if rest["processes"] != world()[0]:
            raise ModelError(
                f"{world()[0]} processes resume a run of {rest['processes']}", "as many as before", "start as many"
            )
        if self.own.parallel != "zero2":
            self._load_optimiser(Path(checkpoint_path), rest["groups"])
        self.lr_scheduler.load_state_dict(rest["schedule"])
        self.best = Best(**rest["best"])
        self.watch.restore(rest["watch"])

    def _load_optimiser(self, folder: Path, groups: Any) -> None:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        held = checkpoint.load_tensors(folder / "optimiser.safetensors")
        for key, value in held.items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = self._like(parameters[int(index)], value)
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _like(self, parameter: Tensor, value: Tensor) -> Tensor:
        if value.shape != parameter.shape or self.own.parallel != "fsdp2":
            return value
        made = torch.zeros_like(parameter, dtype=value.dtype)
        put(made, value)
        return made

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing: every micro-batch has a seed of its own."""

    def _load_callback_state(self) -> None:
        """Nothing: what callbacks need lies in the checkpoint's own file."""

    def load_step(self, step: int) -> None:
        """Put the tensors of an earlier checkpoint back.

        Raises
        ------
        ModelError
            If it is not there whole.
        """
        folder = self.checkpoints / checkpoint.name_of(step)
        if not checkpoint.complete(folder):
            raise ModelError(f"the checkpoint of step {step} is not there whole", "as it was written", "start anew")
        self._load_from_checkpoint(str(folder))

    def whole_state(self) -> dict[str, Tensor]:
        """The network's tensors, gathered from all processes by the first; what is tied stays tied."""
        held = self.learner.network.state_dict(keep_vars=True)
        whole: dict[int, Tensor] = {}
        for tensor in held.values():
            if id(tensor) not in whole:
                gathered = full(tensor).detach()
                whole[id(tensor)] = gathered.cpu() if self.is_world_process_zero() else gathered.new_empty(0)
        return {name: whole[id(tensor)] for name, tensor in held.items()}


def _over_processes(loss: Tensor) -> float:
    """The mean over processes: all judge one value, so that all stop at one step."""
    if world()[0] == 1:
        return float(loss)
    mean = loss.detach().clone().float()
    torch.distributed.all_reduce(mean)
    return float(mean) / world()[0]


def _expect_wrapped(config: TrainConfig, processes: int) -> None:
    if processes != world()[0]:
        raise ModelError(
            f"{processes} of {world()[0]} processes take part", "all of them", "start them with torchrun, all alike"
        )


def state_of(folder: Path) -> TrainerState:
    """The Trainer's state in a checkpoint."""
    return TrainerState.load_from_json(str(folder / _STATE))


def steps_of(config: TrainConfig, micro_batches: int) -> tuple[int, int]:
    """Steps of an epoch and of the run, from the micro-batches that one process has in an epoch."""
    each = max(1, math.ceil(micro_batches / config.batches.accumulation))
    return each, each * config.batches.epochs
