"""What one sees of a training: a bar on a terminal, and a line for each epoch, which is all where no terminal is.

    epoch 3 of 12: 21 steps, train_loss 0.6777, val_auc 0.9012; 3 s, about 9 s left

Lines go to standard error, as all of `lightning_suite.progress`.
"""

import contextlib
import math
import sys
import time
from collections.abc import Mapping
from typing import Any, final

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback, ProgressBar
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.nn.parameter import is_lazy

from lightning_suite.progress import Task, duration, progress, say
from lightning_suite.running_average import is_average
from lightning_suite.tables import count, number, terminal_width

LONG = 60.0
"""Seconds that an epoch lasts before a line says how far it is, where no terminal shows a bar."""

MOST = 6
"""Metrics in a line at most."""

OFTEN = 1.0
"""Seconds between two looks at the metrics of the current batch."""


@final
class TrainingProgress(ProgressBar):
    """Lightning's progress bar by `lightning_suite.progress`.

    Args:
        monitor: the metric that is always in the line of an epoch.
    """

    def __init__(self, monitor: str = "") -> None:
        super().__init__()
        self._monitor = monitor
        self._is_enabled = True
        self._open = contextlib.ExitStack()
        self._task: Task | None = None
        self._evaluating = contextlib.ExitStack()
        self._evaluation: Task | None = None
        self._began = self._epoch_began = self._looked = 0.0
        self._share_before = 0.0
        self._epoch = 0  # that is going on, counted from 1

    def disable(self) -> None:
        """Show nothing from now on, as in the later of several processes."""
        self._is_enabled = False

    def enable(self) -> None:
        """Show everything again."""
        self._is_enabled = True

    def print(self, *args: Any, sep: str = " ", **kwargs: Any) -> None:
        """Print a line above the bars."""
        say(sep.join(map(str, args)))

    # Training

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember how far the run was."""
        self._began, self._share_before = time.monotonic(), _share(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what came of the epoch before, and show the new one."""
        self._end_epoch(trainer)
        self._epoch, self._epoch_began = trainer.current_epoch + 1, time.monotonic()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Show how far the epoch is; one that goes on in its middle begins there."""
        if self._task is None and self._is_enabled:
            total = _whole(self.total_train_batches)
            shown = progress(self._name(trainer), total, unit="batches", done=batch_idx, lines_after=LONG)
            self._task = self._open.enter_context(shown)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch."""
        if self._task is not None:
            self._task()
            if time.monotonic() > self._looked + OFTEN:
                self._looked = time.monotonic()
                self._task.stage("".join(_texts(trainer.progress_bar_metrics)[:1]))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what came of the last epoch."""
        self._end_epoch(trainer, is_last=True)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Take the bars away."""
        self._close()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Take the bars away."""
        self._close()

    def _end_epoch(self, trainer: Trainer, *, is_last: bool = False) -> None:
        self._close()
        if self._epoch and self._is_enabled:
            say(self._line(trainer, is_last))
        self._epoch = 0

    def _name(self, trainer: Trainer) -> str:
        return f"epoch {self._epoch}" + (f" of {trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else "")

    def _line(self, trainer: Trainer, is_last: bool) -> str:
        """Return the line of the epoch that has ended, all that it logged included."""
        logged = dict(trainer.callback_metrics)
        shown: dict[str, Any] = {self._monitor: logged[self._monitor]} if self._monitor in logged else {}
        shown |= trainer.progress_bar_metrics or logged
        stems = [name.removesuffix("_epoch") for name in shown if name.endswith("_epoch")]
        repeated = {f"{stem}_step" for stem in stems} | {f"{stem}_epoch" for stem in stems if stem in shown}
        steps = [count(trainer.global_step, "step")] if trainer.global_step else []
        texts = [*steps, *_texts({name: value for name, value in shown.items() if name not in repeated})[:MOST]]
        share, seconds = _share(trainer), time.monotonic() - self._began
        left = ""
        if self._share_before < share < 1 and not is_last:
            left = f", about {duration(seconds * (1 - share) / (share - self._share_before))} left"
        spent = duration(time.monotonic() - self._epoch_began)
        width = terminal_width() if sys.stderr is not None and sys.stderr.isatty() else None
        while True:
            line = f"{self._name(trainer)}: {', '.join(texts)}; {spent}{left}"
            if width is None or len(line) <= width or not texts:
                return line
            texts.pop()

    # Validation, test and prediction

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show how far the validation is; that of the sanity check is not shown."""
        if not trainer.sanity_checking:
            inside = trainer.state.fn == "fit"
            self._begin("validating", trainer.num_val_batches, LONG if inside else None)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show how far the test is."""
        self._begin("testing", trainer.num_test_batches)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show how far the prediction is."""
        self._begin("predicting", trainer.num_predict_batches)

    def on_validation_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Count the batch."""
        self._count()

    def on_test_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Count the batch."""
        self._count()

    def on_predict_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Count the batch."""
        self._count()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        self._end_evaluation()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        self._end_evaluation()

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        self._end_evaluation()

    def _begin(self, name: str, batches: list[int | float] | int | float, lines_after: float | None = None) -> None:
        self._end_evaluation()
        if self._is_enabled:
            total = _whole(sum(batches) if isinstance(batches, list) else batches)
            shown = progress(name, total, unit="batches", lines_after=lines_after)
            self._evaluation = self._evaluating.enter_context(shown)

    def _count(self) -> None:
        if self._evaluation is not None:
            self._evaluation()

    def _end_evaluation(self) -> None:
        self._evaluation = None
        self._evaluating.close()

    def _close(self) -> None:
        self._task = None
        self._end_evaluation()
        self._open.close()


@final
class ModelSize(Callback):
    """Says how large the module is, in three lines, when it has been built."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say it."""
        for line in model_size(pl_module):
            rank_zero_info(line)


def model_size(module: LightningModule) -> list[str]:
    """Return the lines about the size of a module: parameters, those that learn, and megabytes with its buffers.

    A running average of the weights takes memory, but adds no parameters.

    Example:
        >>> from torch import nn
        >>> print(*model_size(nn.BatchNorm1d(500)), sep="\\n")
        parameters  1,000
        trainable   1,000
        size        0.008 MB
    """
    tensors = [*module.parameters(), *module.buffers()]
    if any(is_lazy(tensor) for tensor in tensors):
        return []  # shapes become known with the first batch
    parameters = sum(weights.numel() for weights in module.parameters() if not is_average(weights))
    trainable = sum(weights.numel() for weights in module.parameters() if weights.requires_grad)
    if not parameters:  # nothing is learnt by gradients
        return []
    megabytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6
    size = f"{megabytes:,.1f}" if megabytes >= 1 else f"{megabytes:.2g}"
    return [f"parameters  {parameters:,}", f"trainable   {trainable:,}", f"size        {size} MB"]


def _share(trainer: Trainer) -> float:
    """Return which share of the training is done, 0 where nothing limits it."""
    if trainer.max_steps > 0:
        return trainer.global_step / trainer.max_steps
    epochs = trainer.max_epochs or -1
    return trainer.current_epoch / epochs if epochs > 0 else 0.0


def _texts(metrics: Mapping[str, Any]) -> list[str]:
    plain = {name: value for name, value in metrics.items() if isinstance(value, int | float | Tensor)}
    return [f"{name} {number(float(value))}" for name, value in plain.items()]


def _whole(batches: int | float) -> int | None:
    return int(batches) if math.isfinite(batches) else None
