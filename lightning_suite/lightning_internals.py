"""Every private name of Lightning, torchmetrics and argparse that the suite uses, and every message that it hides.

A minor release of Lightning may change any of them without notice, so they stand here alone, and
tests/lightning_suite/test_lightning_internals.py tries each on the installed version. Lightning is imported when it is
used, so that options can be listed without it.
"""

import contextlib
import inspect
import logging
import warnings
from argparse import Action, ArgumentParser
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lightning_suite.progress import is_quiet

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen

    from pytorch_lightning import LightningModule, Trainer
    from pytorch_lightning.loggers import Logger
    from torch.utils.data import DataLoader
    from torchmetrics import Metric

LOG_MESSAGES = (
    "💡",
    "GPU available",
    "TPU available",
    "`weights_only` was not set",
    "Restoring states",
    "Loaded model",
    "Loading `train_dataloader` to estimate",
    "`Trainer.fit` stopped: `max_epochs=",
    "\nDetected KeyboardInterrupt",
    "[rank: 0] Received SIGTERM",
)
"""The first words of Lightning's log messages that are the same in every run, or in every run that is interrupted."""

WARNINGS = (
    r".*LeafSpec",
    "The number of training batches",
    "The '.*dataloader' does not have many workers",
    "You have overridden `on_before_batch_transfer`",
    "Your `IterableDataset` has `__len__` defined",
    "Precision .* is not supported by the model summary",
)
"""How warnings of Lightning's begin that ask nothing of a user, as regular expressions: about its own code, small data,
loaders that keep up, modules that transform their batches whatever data they come from, streams that know their
length."""


def hide_messages() -> None:
    """Hide Lightning's messages that tell a user nothing about this run."""
    for handler in logging.getLogger("pytorch_lightning").handlers:
        handler.addFilter(is_news)
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)


def is_news(record: logging.LogRecord) -> bool:
    """Return whether a log message of Lightning's tells a user something about this run; `quiet` leaves warnings."""
    if is_quiet() and record.levelno < logging.WARNING:
        return False
    return not record.getMessage().startswith(LOG_MESSAGES)


def actions_of(parser: ArgumentParser) -> list[Action]:
    """Return the options and positional arguments of a parser, in the order in which they were added."""
    return parser._actions


def options_of(parser: ArgumentParser) -> dict[str, Action]:
    """Return the options of a parser by each of their spellings, such as ``-o`` and ``--output``."""
    return parser._option_string_actions


@contextlib.contextmanager
def imports_limited(listed: Collection[str]) -> Iterator[list[str]]:
    """Let jsonargparse import only what lies within some packages, modules or classes until the end of the block.

    Yields the list of the other paths that values named. Where a value has several types, jsonargparse passes over a
    denied import and takes it for something else, so the caller looks at the list.
    """
    from jsonargparse import _common as policy

    denied: list[str] = []

    def denying(path: str) -> str | None:
        if any(f"{path}.".startswith(f"{one}.") for one in listed):
            return None
        denied.append(path)
        return path

    before, policy.denying_import_path_entry = policy.denying_import_path_entry, denying
    was_enforced, policy.parsing_settings["import_paths_enforced"] = (
        policy.parsing_settings["import_paths_enforced"],
        True,
    )
    try:
        yield denied
    finally:
        policy.denying_import_path_entry = before
        policy.parsing_settings["import_paths_enforced"] = was_enforced


# Where a training is


def is_inside_epoch(trainer: "Trainer") -> bool:
    """Return whether an epoch has begun whose end has not been processed."""
    epoch: Any = trainer.fit_loop.epoch_progress.current
    return bool(epoch.processed < epoch.started)


def batches_taken(trainer: "Trainer") -> int:
    """Return how many batches of the current epoch have been trained on."""
    return int(trainer.fit_loop.epoch_loop.batch_progress.current.completed)


def forget_restart(trainer: "Trainer") -> None:
    """Let Lightning go on as in an epoch that was not interrupted.

    It takes every checkpoint of a run with max_steps for one from the middle of an epoch; in an epoch that goes on in
    its middle it passes over the schedulers that step at the end; and it keeps the iterator over the training data that
    it made before the epoch began.
    """
    from pytorch_lightning.loops.loop import _Loop

    loop = trainer.fit_loop
    # The fit loop's own setter always sets it with max_steps; that of its base obeys, in all loops inside too.
    _Loop.restarting.fset(loop, False)  # type: ignore[attr-defined]
    loop._loaded_from_state_dict = loop._resuming_from_checkpoint = False
    loop.update_restart_stage()


def begin_epoch_again(checkpoint: dict[str, Any]) -> None:
    """Let a checkpoint from the middle of an epoch say that the epoch has not begun."""
    progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
    for counts in (progress["total"], progress["current"]):
        counts["ready"] = counts["started"] = counts["processed"]


@contextlib.contextmanager
def between_batches(trainer: "Trainer") -> Iterator[None]:
    """Let Lightning's counters say, within the block, that what is about to begin has not begun.

    In ``on_train_epoch_start``, ``on_train_batch_start`` and ``on_train_end`` they count it as ready.
    """
    batches: Any = trainer.fit_loop.epoch_loop.batch_progress
    epochs: Any = trainer.fit_loop.epoch_progress
    ahead = [(progress, progress.total.ready - progress.total.started) for progress in (epochs, batches)]
    is_last, batches.is_last_batch = batches.is_last_batch, False
    for progress, count in ahead:
        progress.total.ready -= count
        progress.current.ready -= count
    try:
        yield
    finally:
        for progress, count in ahead:
            progress.total.ready += count
            progress.current.ready += count
        batches.is_last_batch = is_last


def on_loaders(trainer: "Trainer", change: Callable[[Any], Any], *, before: bool = False) -> None:
    """Let a function replace the loaders of the training data, before or after the strategy has processed them.

    It is called for each loader of a training; samplers of several processes have been put in by then.
    """
    from pytorch_lightning.trainer.states import RunningStage

    process = trainer.strategy.process_dataloader

    def changed(dataloader: object) -> object:
        if trainer.state.stage is not RunningStage.TRAINING:
            return process(dataloader)
        return process(change(dataloader)) if before else change(process(dataloader))

    trainer.strategy.process_dataloader = changed  # type: ignore[method-assign]


def around_requests(trainer: "Trainer", around: Callable[[Callable[[], Any]], Any]) -> None:
    """Let a function call ``train_dataloader()``, which it gets, and return what that returns."""
    source = trainer.fit_loop._data_source
    request = source.dataloader
    source.dataloader = lambda: around(request)  # type: ignore[method-assign]


@contextlib.contextmanager
def in_epoch(trainer: "Trainer", epoch: int) -> Iterator[None]:
    """Let ``trainer.current_epoch`` be another within the block."""
    current: Any = trainer.fit_loop.epoch_progress.current
    before, current.processed = current.processed, epoch
    try:
        yield
    finally:
        current.processed = before


def set_epoch_of_loaders(trainer: "Trainer", epoch: int) -> None:
    """Let Lightning count from this epoch those after which it asks for the training data again."""
    trainer.fit_loop._last_train_dl_reload_epoch = epoch


def loaders_of_training(trainer: "Trainer") -> list[Any]:
    """Return the loaders of the training data, or none before training has asked for them."""
    combined = trainer.fit_loop._combined_loader
    return [] if combined is None else list(combined.flattened)


def pass_over(trainer: "Trainer", batches: int) -> None:
    """Make the iterators over the training data anew and draw that many batches from them.

    Raises:
        StopIteration: there are fewer.
    """
    from lightning_fabric.utilities.data import _set_sampler_epoch

    fetcher: Any = trainer.fit_loop._data_fetcher
    for loader in loaders_of_training(trainer):
        _set_sampler_epoch(loader, trainer.current_epoch)
    iter(fetcher)
    for _ in range(batches):
        next(fetcher)
    fetcher.fetched -= batches  # Lightning adds them itself


def end_workers_with_the_epoch(loader: object) -> bool:
    """Make a loader start its workers anew in every epoch, and return whether it would have kept them."""
    if not getattr(loader, "persistent_workers", False):
        return False
    object.__setattr__(loader, "persistent_workers", False)  # a DataLoader refuses to be changed
    return True


def why_not_in_the_middle(trainer: "Trainer", epoch: int) -> str:
    """Return why an epoch cannot go on in its middle, or an empty text."""
    from pytorch_lightning.callbacks import StochasticWeightAveraging

    if "dataloader_iter" in inspect.signature(trainer.lightning_module.training_step).parameters:
        return "training_step draws its batches itself"
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    is_further = trainer.max_epochs not in (None, -1) and epoch >= trainer.max_epochs
    if is_further and any(isinstance(callback, StochasticWeightAveraging) for callback in callbacks):
        return "in it StochasticWeightAveraging gathers the statistics of batch normalisation"
    return ""


def wrap_only_what_learns(trainer: "Trainer") -> None:
    """Let several processes fit a module without gradients, which torch refuses to wrap for exchanging them."""
    from pytorch_lightning.strategies import DDPStrategy

    strategy = trainer.strategy
    if not isinstance(strategy, DDPStrategy):
        return
    wrap = strategy.configure_ddp

    def wrap_if_it_learns() -> None:
        if strategy.model is None or any(weights.requires_grad for weights in strategy.model.parameters()):
            wrap()

    strategy.configure_ddp = wrap_if_it_learns  # type: ignore[method-assign]


def copies_this_process(trainer: "Trainer") -> bool:
    """Return whether the other processes are copies of this one, made by ``multiprocessing``, and do all the work."""
    from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher

    return isinstance(trainer.strategy.launcher, _MultiProcessingLauncher)


@contextlib.contextmanager
def watching_children(watch: Callable[[list["Popen[bytes]"]], None]) -> Iterator[None]:
    """Hand the further processes that Lightning starts to ``watch``.

    Lightning's own observer kills this process without a word, within five seconds, when one of them fails.
    """
    from pytorch_lightning.strategies.launchers import subprocess_script

    script: Any = subprocess_script
    observer = script._launch_process_observer
    script._launch_process_observer = watch
    try:
        yield
    finally:
        script._launch_process_observer = observer


def go_on_from_nothing_else(trainer: "Trainer") -> None:
    """Let a trainer load the checkpoint that it is given or none, and write none when SLURM announces a job's end.

    Lightning writes ``hpc_ckpt_1.ckpt`` into its root then, and starts whatever has the same root from it.
    """
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    connector = trainer._checkpoint_connector
    connector.__class__ = type("GivenCheckpoints", (type(connector),), {"_hpc_resume_path": None})
    environment = trainer._accelerator_connector.cluster_environment
    if isinstance(environment, SLURMEnvironment):
        environment.auto_requeue = False


def set_root(trainer: "Trainer", folder: "Path") -> None:
    """Let Lightning write what it writes by itself into a folder."""
    changed: Any = trainer
    changed._default_root_dir = str(folder)


# What an epoch has gathered


def logged_values(trainer: "Trainer") -> dict[str, list[Any]]:
    """Return what ``LightningModule.log`` has gathered in the epoch, by Lightning's key: sum or extreme, and weight."""
    import torch

    return {
        name: [logged.value.detach().cpu(), getattr(logged, "cumulated_batch_size", torch.zeros(())).cpu()]
        for name, logged in trainer.fit_loop.epoch_loop._results.items()
        if logged.is_tensor and logged.meta.on_epoch
    }


def add_logged_values(trainer: "Trainer", earlier: dict[str, list[Any]]) -> None:
    """Add values that ``logged_values`` returned to those that are logged now, and remove them from ``earlier``.

    What has not been logged again stays in ``earlier``.
    """
    results: Any = trainer.fit_loop.epoch_loop._results
    for name in [name for name in earlier if name in results]:
        value, weight = earlier.pop(name)
        logged = results[name]
        before = value.to(logged.value.device)
        if logged.meta.is_max_reduction or logged.meta.is_min_reduction:
            logged.value = logged.meta.reduce_fx(before, logged.value)
        else:
            logged.value = before + logged.value
        if logged.meta.is_mean_reduction:
            logged.cumulated_batch_size = logged.cumulated_batch_size + weight.to(before.device)


def metric_state(metric: "Metric") -> dict[str, Any]:
    """Return what a metric has gathered since its last reset, by the names of its attributes."""
    return {key: getattr(metric, key) for key in (*metric._defaults, "_update_count")}


# Callbacks and precisions that restore less than they keep


def widen(trainer: "Trainer", module: "LightningModule") -> None:
    """Give a module double precision before its weights are restored where it will train in it.

    Lightning does so afterwards, when they have been rounded to single precision.
    """
    from pytorch_lightning.plugins.precision import DoublePrecision

    if isinstance(trainer.precision_plugin, DoublePrecision):
        module.double()


def restore_averaging(trainer: "Trainer") -> None:
    """Let StochasticWeightAveraging make its scheduler where an epoch goes on in its middle.

    It does so when an epoch begins, and changes the learning rate then.
    """
    from pytorch_lightning.callbacks import StochasticWeightAveraging

    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, StochasticWeightAveraging):
            groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
            rates = [group["lr"] for group in groups]
            callback.on_train_epoch_start(trainer, trainer.lightning_module)
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate


# Searches for a learning rate and a batch size before training


def searched(trainer: "Trainer") -> dict[str, Any]:
    """Return what callbacks have searched for at the beginning of training, by the name of the attribute."""
    from pytorch_lightning.callbacks import BatchSizeFinder, LearningRateFinder
    from pytorch_lightning.tuner.lr_finder import _determine_lr_attr_name
    from pytorch_lightning.utilities.parsing import lightning_getattr

    names = []
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, LearningRateFinder) and callback._update_attr:
            names.append(_determine_lr_attr_name(trainer.lightning_module, callback._attr_name))
        elif isinstance(callback, BatchSizeFinder):
            names.append(callback._batch_arg_name)
    return {name: lightning_getattr(trainer.lightning_module, name) for name in names}


def keep_searched(trainer: "Trainer", values: dict[str, Any]) -> None:
    """Set what ``searched`` returned, and let callbacks not search again."""
    from pytorch_lightning.callbacks import BatchSizeFinder, LearningRateFinder
    from pytorch_lightning.utilities.parsing import lightning_setattr

    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, BatchSizeFinder | LearningRateFinder):
            callback.on_fit_start = lambda trainer, pl_module: None  # type: ignore[method-assign]
    for name, value in values.items():
        lightning_setattr(trainer.lightning_module, name, value)


# Samplers of several processes


def may_replace_samplers(trainer: "Trainer") -> bool:
    """Return the Trainer's ``use_distributed_sampler``."""
    return bool(trainer._accelerator_connector.use_distributed_sampler)


def with_sampler_of_one_process(loader: "DataLoader[Any]") -> "DataLoader[Any]":
    """Return a loader whose samples come in the order that Lightning gives to several processes, for one process."""
    from pytorch_lightning.trainer.connectors.data_connector import _get_distributed_sampler
    from pytorch_lightning.trainer.states import RunningStage
    from pytorch_lightning.utilities.data import _update_dataloader

    mode = RunningStage.TRAINING
    # Lightning shuffles what several processes train on also where one would take it in order.
    sampler = _get_distributed_sampler(loader, True, overfit_batches=0, mode=mode, num_replicas=1, rank=0)
    replaced: DataLoader[Any] = _update_dataloader(loader, sampler, mode=mode)
    return replaced


# Loggers


def in_folder(loggers: "Sequence[Logger]", folder: "Path") -> "Sequence[Logger]":
    """Return loggers that were given no folder; they now write into this one, TensorBoard's directly."""
    from pytorch_lightning.loggers import TensorBoardLogger

    for logger in loggers:
        for name in {"_root_dir", "_save_dir"} & vars(logger).keys():
            setattr(logger, name, str(folder))
        if isinstance(logger, TensorBoardLogger) and logger._version is None:
            logger._name = logger._version = ""
    return loggers
