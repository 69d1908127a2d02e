"""What is watched while training runs: losses that go wrong, when to validate and to save, time left, curves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from petrg.errors import ModelError
from petrg.progress import Progress, silent
from petrg.train.config import TrainConfig

__all__ = ["Watch", "lasting"]

_SMOOTH = 0.9


def lasting(seconds: float) -> str:
    """A time for people.

    >>> lasting(40), lasting(200), lasting(9000)
    ('40 s', '3 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class Watch(TrainerCallback):
    """Callbacks of a run.

    Parameters
    ----------
    curves : Path, optional
        A folder for TensorBoard.
    said : callable
        Gets each validation: (step, scores).
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        progress: Progress = silent,
        curves: Path | None = None,
        said: Callable[[int, dict[str, Any]], None] = lambda step, found: None,
    ) -> None:
        self.config, self.progress, self.curves, self.said = config, progress, curves, said
        self.smooth: float | None = None
        self.lowest = math.inf
        self.last = math.nan
        self.writer: Any = None
        self.began, self.first = 0.0, 0
        self.trainer: Any = None

    def attach(self, trainer: Any) -> None:
        """The trainer it watches."""
        self.trainer = trainer

    # what a resumed run must know again

    def state(self) -> dict[str, float | None]:
        """What the judgement of divergence rests on, for a checkpoint."""
        return {"smooth": self.smooth, "lowest": self.lowest if math.isfinite(self.lowest) else None}

    def restore(self, state: dict[str, float | None]) -> None:
        """Go on from a checkpoint's `state`."""
        lowest = state["lowest"]
        self.smooth, self.lowest = state["smooth"], math.inf if lowest is None else lowest

    # what goes wrong

    def loss(self, value: float, step: int) -> None:
        """Take the loss of a micro-batch of ``step`` in, its mean over processes.

        Raises
        ------
        ModelError
            If it is no number, or the run diverges.
        """
        if not math.isfinite(value):
            raise ModelError(
                f"the loss is {value} at step {step}", "a finite loss", "lower optimiser.lr and start anew"
            )
        self.last = value
        self.smooth = value if self.smooth is None else _SMOOTH * self.smooth + (1 - _SMOOTH) * value
        self.lowest = min(self.lowest, self.smooth)
        factor = self.config.stop.divergence
        if factor is not None and step > self.config.stop.after_steps and self.smooth > factor * self.lowest:
            raise ModelError(
                f"the loss rose to {self.smooth:.3g} at step {step}, from {self.lowest:.3g} at best",
                f"at most {factor:g} times the best (stop.divergence)",
                "lower optimiser.lr and start anew",
            )

    def gradient(self, norm: float, step: int) -> None:
        """Take the gradient's norm of ``step`` in.

        Raises
        ------
        ModelError
            If it is no number.
        """
        if not math.isfinite(norm):
            raise ModelError(
                f"the gradient's norm is {norm} at step {step}", "a finite norm", "lower optimiser.lr and start anew"
            )
        self.curve("gradient norm", norm, step)

    # when

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Start the clock and the curves."""
        self.began, self.first = time.monotonic(), state.global_step
        if self.curves is not None and state.is_world_process_zero:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.curves), purge_step=state.global_step + 1)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Tell the batches which epoch it is."""
        self.trainer.batches.set_epoch(state.global_step // self._each(state))

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Say how far it is and how long it will take; ask for a checkpoint where one is due."""
        done, total, each = state.global_step, state.max_steps, self._each(state)
        for name, part in self.trainer.learner.said.items():
            self.curve(f"loss/{name}", float(part), done)
        spent = time.monotonic() - self.began
        left = lasting(spent / max(done - self.first, 1) * (total - done))
        epoch = f"epoch {-(-done // each)} of {self.config.batches.epochs}"
        self.progress(f"training, {epoch}, loss {self.last:.3f}, {left} left", done, total)
        every = self.config.keep.every_steps
        if every is not None and done % every == 0 and done % each:
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Ask for validation and checkpoint where they are due."""
        epoch = round(state.global_step / self._each(state))
        last = state.global_step >= state.max_steps
        control.should_evaluate = epoch % self.config.validation.every == 0 or last
        control.should_save = epoch % self.config.keep.every_epochs == 0 or control.should_evaluate

    def on_train_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Close the curves."""
        if self.writer is not None:
            self.writer.close()

    def _each(self, state: Any) -> int:
        return max(1, state.max_steps // self.config.batches.epochs)

    # curves

    def curve(self, name: str, value: float, step: int) -> None:
        """A point of a curve."""
        if self.writer is not None:
            self.writer.add_scalar(name, value, step)

    def validated(self, found: dict[str, float | None], step: int) -> None:
        """A validation to the curves and to whoever listens."""
        for name, value in found.items():
            if value is not None:
                self.curve(f"validation/{name}", value, step)
        self.said(step, dict(found))
