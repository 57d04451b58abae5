"""Exact resume: a run that was interrupted and continues ends bit for bit where it would have ended.

``last.ckpt`` is written between two batches, when everything of the old one has happened (its step, schedulers,
validation, logging) and nothing of the new one has. Beside what Lightning keeps it holds, for every process, the state
of the random generators now and when the epoch's iterator was made, how many batches have been taken since, and the
averages that the epoch has gathered. A run that continues restores the generators as they were when the iterator was
made, passes over the batches that were taken, and restores the generators as they were when it was interrupted.

The iterator over the training data draws its seed when it is made, and Lightning makes it earlier in a resumed run than
in an uninterrupted one. ``LateLoader`` makes it when the first batch is asked for, in both.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_warn
from torchmetrics import Metric

from lightning_suite import lightning_internals as internals
from lightning_suite.errors import RunError

State = dict[str, Any]


def random_state() -> State:
    """Return the state of the global generators of this process, as tensors and plain values.

    Example:
        >>> before = random_state()
        >>> expected = random.random()
        >>> set_random_state(before)
        >>> expected == random.random()
        True
    """
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
    """Put the global generators of this process into a state that ``random_state`` returned."""
    python, gauss = state["python"]
    random.setstate((3, tuple(python.tolist()), gauss))
    algorithm, keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state((algorithm, keys.numpy().astype("uint32"), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


class LateLoader:
    """A loader whose iterator is made when its first batch is asked for, and which can continue in the middle.

    Args:
        loader: the loader that the batches come from.
        interrupted: of an epoch to continue: the state of the generators when its iterator was made, how many batches
            were taken since, and the state of the generators when it was interrupted.

    Attributes:
        began: the state of the generators when the iterator was made.

    Example:
        >>> list(LateLoader([1, 2, 3]))
        [1, 2, 3]
    """

    def __init__(self, loader: Iterable[Any], interrupted: tuple[State, int, State] | None = None) -> None:
        self.loader = loader
        self.began: State | None = None
        self._interrupted = interrupted

    def __iter__(self) -> Iterator[Any]:
        began, taken, now = self._interrupted or (None, 0, None)
        self._interrupted = None
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
        """Return nothing: ``ExactResume`` keeps the state of every process; Lightning calls the method all the same."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Do nothing, see ``state_dict``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["loader"], name)


class ExactResume(Callback):
    """Adds to each checkpoint what Lightning does not keep, and restores it when training continues from one."""

    def __init__(self) -> None:
        self._loaders: list[LateLoader] = []
        self._loaded: State | None = None
        self._logged: State = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make Lightning's training loaders late, after it has added distributed samplers."""
        if stage != "fit":
            return
        self._loaders = []

        def make_late(loader: Iterable[Any]) -> LateLoader:
            loaded, interrupted = self._loaded, None
            if loaded is not None and loaded["taken"]:
                interrupted = (loaded["began"][len(self._loaders)], loaded["taken"], loaded["now"])
            elif loaded is not None:
                internals.forget_restart(trainer)
            self._loaders.append(LateLoader(loader, interrupted))
            return self._loaders[-1]

        internals.on_loaders(trainer, make_late)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let every further process draw other numbers: the same would make the same dropout masks."""
        if trainer.global_rank > 0:
            seed = torch.initial_seed() + trainer.global_rank
            random.seed(seed)
            numpy.random.seed(seed % 2**32)
            torch.manual_seed(seed)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the generators where an epoch begins; one that continues in its middle does not come here."""
        if self._loaded is not None:
            set_random_state(self._loaded["now"])
            self._loaded = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Restore what the module's metrics had gathered when the epoch was interrupted."""
        if self._loaded is not None:
            for name, values in self._loaded["metrics"].items():
                metric = pl_module.get_submodule(name)
                for key, value in values.items():
                    setattr(metric, key, value.to(pl_module.device) if isinstance(value, torch.Tensor) else value)
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
        modules = pl_module.named_modules() if is_inside else ()
        metrics = {name: module for name, module in modules if isinstance(module, Metric)}
        own = {
            "now": random_state(),
            "began": [loader.began for loader in self._loaders],
            "taken": internals.batches_taken(trainer) if is_inside else 0,
            "logged": self._logged | internals.logged_values(trainer) if is_inside else {},
            "metrics": {name: internals.metric_state(metric) for name, metric in metrics.items()},
        }
        states: list[Any] = [own] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(states, own)
        checkpoint["processes"] = states

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: State) -> None:
        """Keep the state of this process until training begins.

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


def save_between_batches(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint in ``on_train_epoch_start``, ``on_train_batch_start`` or ``on_train_end``."""
    with internals.between_batches(trainer):
        trainer.save_checkpoint(path)
