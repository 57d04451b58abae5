"""Exact resume: a run that was interrupted and goes on ends bit for bit where it would have ended.

``last.ckpt`` is written between two batches, when everything of the old one has happened (its step, schedulers,
validation, logging) and nothing of the new one has. Beside what Lightning keeps it holds, for every process, the state
of the random generators now and where the epoch's data began, how many batches have been taken since, and the averages
that the epoch has gathered. Going on puts the generators back to where the data began, passes over the batches that
were taken, and puts the generators to where they were.

The iterator over the training data draws its seed when it is made, and Lightning makes it earlier in a resumed run than
in one that goes on. ``LateLoader`` makes it when the first batch is asked for, in both.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loops.loop import _Loop
from pytorch_lightning.trainer.states import RunningStage
from pytorch_lightning.utilities import rank_zero_warn
from torchmetrics import Metric

from lightning_suite.errors import RunError

State = dict[str, Any]


def random_state() -> State:
    """The state of the global generators of this process, as tensors and plain values."""
    legacy: Any = numpy.random.get_state(legacy=True)
    algorithm, keys, position, has_gauss, cached = legacy
    _, python, gauss = random.getstate()
    return {
        "python": [torch.tensor(python), gauss],
        "numpy": [str(algorithm), torch.from_numpy(keys.astype("int64")), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: State) -> None:
    """Puts the global generators of this process into a state that ``random_state`` gave."""
    python, gauss = state["python"]
    random.setstate((3, tuple(python.tolist()), gauss))
    algorithm, keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state((algorithm, keys.numpy().astype("uint32"), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


class LateLoader:
    """A loader whose iterator is made when its first batch is asked for, and which can go on in the middle.

    Attributes:
        loader: what it gives the batches of.
        began: the state of the generators when the iterator was made.
    """

    def __init__(self, loader: Iterable[Any]) -> None:
        self.loader = loader
        self.began: State | None = None
        self._from: tuple[State, int, State] | None = None

    def go_on(self, began: State, taken: int, now: State) -> None:
        """Lets the next iterator be the one of an interrupted epoch, after the batches that were taken from it."""
        self._from = (began, taken, now)

    def __iter__(self) -> Iterator[Any]:
        began, taken, now = self._from or (None, 0, None)
        self._from = None
        if began is not None:
            set_random_state(began)
        self.began = random_state()
        batches = iter(self.loader)
        for _ in range(taken):
            next(batches)
        if now is not None:
            set_random_state(now)
        yield from batches

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    def state_dict(self) -> State:
        """Nothing: ``ExactResume`` keeps the state, of every process. Lightning asks for such a method."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Does nothing, see ``state_dict``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["loader"], name)


class ExactResume(Callback):
    """Keeps with each checkpoint what Lightning does not, and puts it back when training goes on from one."""

    def __init__(self) -> None:
        self._loaders: list[LateLoader] = []
        self._loaded: State | None = None
        self._logged: State = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Makes Lightning's training loaders late; its own way in, after it has added distributed samplers."""
        strategy = trainer.strategy
        process = strategy.process_dataloader

        def process_late(dataloader: object) -> object:
            loader = process(dataloader)
            if trainer.state.stage is not RunningStage.TRAINING:
                return loader
            late = LateLoader(loader)  # type: ignore[arg-type]
            self._loaders.append(late)
            loaded = self._loaded
            if loaded is not None and loaded["taken"]:
                late.go_on(loaded["began"][len(self._loaders) - 1], loaded["taken"], loaded["now"])
            elif loaded is not None:
                # Lightning takes every checkpoint of a run with max_steps for one from the middle of an epoch.
                _Loop.restarting.fset(trainer.fit_loop, False)  # type: ignore[attr-defined]
            return late

        if stage == "fit":
            self._loaders = []
            strategy.process_dataloader = process_late  # type: ignore[method-assign]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lets every further process draw other numbers: the same would make the same dropout masks."""
        if trainer.global_rank > 0:
            seed = torch.initial_seed() + trainer.global_rank
            random.seed(seed)
            numpy.random.seed(seed % 2**32)
            torch.manual_seed(seed)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts the generators back where an epoch begins; one that goes on in its middle does not come here."""
        if self._loaded is not None:
            set_random_state(self._loaded["now"])
            self._loaded = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Puts back what the module's own metrics had gathered when the epoch was interrupted."""
        if self._loaded is not None:
            for name, values in self._loaded["metrics"].items():
                metric = pl_module.get_submodule(name)
                for key, value in values.items():
                    setattr(metric, key, value.to(pl_module.device) if isinstance(value, torch.Tensor) else value)
            # Else Lightning passes over the schedulers that step when this epoch ends.
            _Loop.restarting.fset(trainer.fit_loop, False)  # type: ignore[attr-defined]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Adds what had been logged in the epoch before it was interrupted to what is logged now."""
        if self._loaded is not None:
            self._logged, self._loaded = self._loaded["logged"], None
        self._merge(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Says what was logged in the epoch before it was interrupted and never again."""
        self._merge(trainer)  # what other callbacks logged after the last batch
        if self._logged:
            names = ", ".join(name.partition(".")[2] for name in self._logged)
            rank_zero_warn(f"{names}: logged in this epoch only before the interruption; its average is not known")
            self._logged = {}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Adds the state of every process, in the order of their ranks."""
        progress = trainer.fit_loop.epoch_loop.batch_progress.current
        epoch: Any = trainer.fit_loop.epoch_progress.current
        inside = epoch.processed < epoch.started
        own = {
            "now": random_state(),
            "began": [loader.began for loader in self._loaders],
            "taken": progress.completed if inside else 0,
            "logged": self._logged | _logged(trainer) if inside else {},
            "metrics": _metrics(pl_module) if inside else {},
        }
        states: list[Any] = [own] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(states, own)
        checkpoint["processes"] = states

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Remembers the state of this process until training begins.

        Raises:
            RunError: the epoch was interrupted in its middle, and there are more or fewer processes now.
        """
        if trainer.state.fn != "fit":
            return
        states = checkpoint["processes"]
        if len(states) != trainer.world_size and states[0]["taken"]:
            raise RunError(
                f"the run was interrupted in the middle of an epoch that {len(states)} processes shared, and there are "
                f"{trainer.world_size} now. Go on with as many: --trainer.devices, --trainer.num_nodes."
            )
        if len(states) != trainer.world_size:
            rank_zero_warn(
                f"{len(states)} processes began this run and {trainer.world_size} go on with it: "
                "the result will not be bit for bit that of an uninterrupted run"
            )
        self._loaded = states[min(trainer.global_rank, len(states) - 1)]

    def _merge(self, trainer: Trainer) -> None:
        results = trainer.fit_loop.epoch_loop._results
        for name in [name for name in self._logged if name in results]:
            value, weight = self._logged.pop(name)
            logged = results[name]
            before = value.to(logged.value.device)
            if logged.meta.is_max_reduction or logged.meta.is_min_reduction:
                logged.value = logged.meta.reduce_fx(before, logged.value)
            else:
                logged.value = before + logged.value
            if logged.meta.is_mean_reduction:
                logged.cumulated_batch_size = logged.cumulated_batch_size + weight.to(before.device)


def save_between_batches(trainer: Trainer, path: Path) -> None:
    """Writes a checkpoint in ``on_train_epoch_start``, ``on_train_batch_start`` or ``on_train_end``.

    Lightning has counted what is about to begin as ready by then; the checkpoint says that it has not begun, so that
    nothing of the old is taken for the new.
    """
    batches: Any = trainer.fit_loop.epoch_loop.batch_progress
    epochs: Any = trainer.fit_loop.epoch_progress
    ahead = [(progress, progress.total.ready - progress.total.started) for progress in (epochs, batches)]
    is_last, batches.is_last_batch = batches.is_last_batch, False
    for progress, count in ahead:
        progress.total.ready -= count
        progress.current.ready -= count
    trainer.save_checkpoint(path)
    for progress, count in ahead:
        progress.total.ready += count
        progress.current.ready += count
    batches.is_last_batch = is_last


def _logged(trainer: Trainer) -> State:
    """What ``LightningModule.log`` has gathered in the epoch, by Lightning's key: sum or extreme, and weight."""
    return {
        name: [logged.value.detach().cpu(), getattr(logged, "cumulated_batch_size", torch.zeros(())).cpu()]
        for name, logged in trainer.fit_loop.epoch_loop._results.items()
        if logged.is_tensor and logged.meta.on_epoch
    }


def _metrics(module: LightningModule) -> State:
    """What the module's own metrics have gathered in the epoch, by their place in it."""
    return {
        name: {key: getattr(metric, key) for key in (*metric._defaults, "_update_count")}
        for name, metric in module.named_modules()
        if isinstance(metric, Metric)
    }
