"""Exact resume: a run that was interrupted and continues ends bit for bit where it would have ended.

``last.ckpt`` is written between two batches, when everything of the old one has happened (its step, schedulers,
validation, logging) and nothing of the new one has. Beside what Lightning keeps it holds, for every process: the state
of the global random generators when the batch that comes next had been drawn and nothing had been done with it, the
states of those that modules and data hold, the state when each loader's iterator over the epoch was made, how many
batches have been taken since, and the averages that the epoch has gathered.

A run that continues makes the iterators in the states in which they were made, draws the batches that were taken again,
and puts the generators into the state in which the run was interrupted. ``LateLoader`` sees to it that the same batches
come, whatever they draw: the iterator over the training data is made when its first batch is asked for (Lightning makes
it earlier in a resumed run than in an uninterrupted one), and later batches draw from a branch of their own.
"""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from torchmetrics import Metric, MetricCollection

from lightning_suite import generators
from lightning_suite import lightning_internals as internals
from lightning_suite.errors import RunError
from lightning_suite.generators import State, random_state, set_random_state
from lightning_suite.late_loader import LateLoader


class ExactResume(Callback):
    """Adds to each checkpoint what Lightning does not keep, and restores it when training continues from one.

    Args:
        goes_on: training continues from a checkpoint; one that begins restores others of its own while it searches for
            a learning rate or batch size.
    """

    def __init__(self, goes_on: bool = False) -> None:
        self._goes_on = goes_on
        self._trainer: Trainer | None = None
        self._loaded: State | None = None
        self._logged: State = {}
        self._waits = False
        self._requested: State = {}
        self._own: dict[str, generators.Own] = {}
        self._drawn: tuple[generators.Position, list[torch.Tensor], State] | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make Lightning's training loaders late, after it has added distributed samplers."""
        if stage != "fit":
            return
        self._trainer = trainer
        internals.on_loaders(trainer, self._make_late)
        internals.around_requests(trainer, self._request)
        if self._goes_on:
            internals.widen(trainer, pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let every further process draw other numbers, as the same would make the same dropout masks; go on."""
        if trainer.global_rank > 0:
            seed = torch.initial_seed() + trainer.global_rank
            random.seed(seed)
            numpy.random.seed(seed % 2**32)
            torch.manual_seed(seed)
        self._waits = False
        for loader in self._loaders():
            loader.waits = False
        self._find_own(trainer, pl_module)
        if self._loaded is None:
            return
        internals.set_epoch_of_loaders(trainer, self._requested["epoch"])
        _set_own(self._own, self._loaded.get("own", {}))
        states = zip(self._loaders(), self._loaded["began"], self._loaded.get("own_began", ()), strict=False)
        for loader, began, own in reversed(list(states)):  # one that two share as the first of them found it
            loader.begin = began if self._loaded["taken"] else None
            _set_own(loader.own_generators(), own)
        if not self._loaded["taken"]:
            internals.forget_restart(trainer)
            set_random_state(self._loaded["now"])
            return
        internals.restore_averaging(trainer)
        try:
            internals.pass_over(trainer, self._loaded["taken"])
        except StopIteration as error:
            raise RunError(
                f"the run was interrupted after {self._loaded['taken']} batches of an epoch, and its training data now "
                "ends before: is it the same data?"
            ) from error

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the generators where an epoch begins; one that continues in its middle does not come here."""
        if self._loaded is not None:
            set_random_state(self._loaded["now"])
            self._loaded = None
        self._find_own(trainer, pl_module)
        if trainer.current_epoch > 0:  # Lightning made those of the first before
            for loader in self._loaders():
                loader.end_epoch()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Restore what the module's metrics had gathered when the epoch was interrupted."""
        if self._loaded is not None:
            for name, values in self._loaded["metrics"].items():
                metric = pl_module.get_submodule(name)
                for key, value in values.items():
                    setattr(metric, key, _moved(value, pl_module.device))
            internals.forget_restart(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add what had been logged in the epoch before it was interrupted to what is logged now."""
        if self._loaded is not None:
            self._logged, self._loaded = self._loaded["logged"], None
        internals.add_logged_values(trainer, self._logged)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn of what was logged in the epoch before it was interrupted and never again."""
        internals.add_logged_values(trainer, self._logged)  # what other callbacks logged after the last batch
        if self._logged:
            names = ", ".join(name.partition(".")[2] for name in self._logged)
            rank_zero_warn(f"{names}: logged in this epoch only before the interruption; its average is not known")
            self._logged = {}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Add the state of every process, in the order of their ranks."""
        is_inside = internals.is_inside_epoch(trainer)
        loaders = self._loaders()
        now, states_of_own = random_state(), _states(self._own)
        if is_inside and self._drawn is not None:
            position, cuda, states_of_own = self._drawn
            now = generators.stored(position, cuda)
        own = {
            "now": now,
            "own": states_of_own,
            "began": [loader.began for loader in loaders],
            "own_began": [loader.own_began if is_inside else _states(loader.own_generators()) for loader in loaders],
            "taken": internals.batches_taken(trainer) if is_inside else 0,
            "requested": self._requested,
            "searched": internals.searched(trainer),
            "logged": self._logged | internals.logged_values(trainer) if is_inside else {},
            "metrics": _gathered(pl_module) if is_inside else {},
        }
        states: list[Any] = [own] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(states, own)
        checkpoint["processes"] = states

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Keep the state of this process until training begins."""
        if trainer.state.fn != "fit" or not self._goes_on:
            return
        states = checkpoint["processes"]
        began, now = len(states), trainer.world_size
        self._loaded = states[min(trainer.global_rank, began - 1)]
        self._waits = True
        internals.keep_searched(trainer, self._loaded.get("searched", {}))
        why = f"{began} processes shared it and {now} go on" if began != now else ""
        why = why or internals.why_not_in_the_middle(trainer, checkpoint["epoch"])
        if self._loaded["taken"] and why:
            rank_zero_warn(
                f"the run was interrupted in the middle of an epoch, which begins again, with the weights that it has: "
                f"{why}. The result will not be bit for bit that of an uninterrupted run"
            )
            internals.begin_epoch_again(checkpoint)
            self._loaded = self._loaded | {"taken": 0}
        elif began != now:
            rank_zero_warn(
                f"{began} processes began this run and {now} go on with it: "
                "the result will not be bit for bit that of an uninterrupted run"
            )

    def _make_late(self, loader: Iterable[Any]) -> LateLoader:
        if internals.end_workers_with_the_epoch(loader):
            rank_zero_info(
                "persistent_workers=True: workers start anew in every epoch all the same, because the state of their "
                "random generators could not be kept for resuming the run"
            )
        return LateLoader(loader, self._after_batch, waits=self._waits)

    def _loaders(self) -> list[LateLoader]:
        loaders = internals.loaders_of_training(self._trainer) if self._trainer is not None else []
        return [loader for loader in loaders if isinstance(loader, LateLoader)]

    def _request(self, request: Callable[[], Any]) -> Any:
        """Ask for the training data in the state and epoch in which it was asked for when the run was interrupted."""
        assert self._trainer is not None
        asked = self._loaded.get("requested") if self._loaded is not None else None
        if asked and self._waits:
            set_random_state(asked["state"])
            self._requested = asked
            with internals.in_epoch(self._trainer, asked["epoch"]):
                return request()
        self._requested = {"epoch": self._trainer.current_epoch, "state": random_state()}
        if self._loaded is not None and not self._waits and not self._loaded["taken"]:
            set_random_state(self._loaded["now"])
            self._loaded = None
            self._requested["state"] = random_state()
        return request()

    def _after_batch(self, position: generators.Position) -> None:
        """Keep where the generators are when a batch has been drawn, or put them where they were."""
        if self._loaded is not None and self._loaded["taken"]:
            set_random_state(self._loaded["now"])
            _set_own(self._own, self._loaded.get("own", {}))
            position = generators.position()
        self._drawn = position, generators.cuda_states(), _states(self._own)

    def _find_own(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the generators of the module, the data module and the validation data; loaders see to theirs."""
        of_loaders = {id(own) for loader in self._loaders() for own in loader.own_generators().values()}
        data = {"data": trainer.datamodule, "validation": trainer.val_dataloaders}  # type: ignore[attr-defined]
        found = generators.own_generators(module=pl_module, **data)
        self._own = {path: own for path, own in found.items() if id(own) not in of_loaders}


def _states(found: dict[str, generators.Own]) -> State:
    return {path: generators.own_state(own) for path, own in found.items()}


def _set_own(found: dict[str, generators.Own], states: State) -> None:
    for path in found.keys() & states.keys():
        generators.set_own_state(found[path], states[path])


def _gathered(pl_module: LightningModule) -> State:
    """Return what the module's metrics have gathered, by name."""
    modules = dict(pl_module.named_modules())
    for module in modules.values():
        if isinstance(module, MetricCollection):
            list(module.items())  # gives every metric of a group the states that only the group's first has updated
    return {name: internals.metric_state(metric) for name, metric in modules.items() if isinstance(metric, Metric)}


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, list):
        return [_moved(part, device) for part in value]
    return value.to(device) if isinstance(value, torch.Tensor) else value


def save_between_batches(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint in ``on_train_epoch_start``, ``on_train_batch_start`` or ``on_train_end``."""
    with internals.between_batches(trainer):
        trainer.save_checkpoint(path)
