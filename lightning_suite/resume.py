"""Exact resume: a run that was interrupted and goes on ends bit for bit where it would have ended.

``last.ckpt`` is written at the border between two epochs, when everything of the old epoch has happened (validation,
schedulers that watch a metric, logging) and nothing of the new one has. It also holds the state of every random
generator of every process. What comes after is then a function of the checkpoint alone, provided that the order of
random draws is the same: an iterator over the training data draws its seed when it is made, and Lightning makes it
earlier in a resumed run than in one that goes on. ``LateLoader`` makes it when the first batch is asked for in both.
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


def random_state() -> dict[str, Any]:
    """The state of the global generators of this process, as tensors and plain values."""
    algorithm, keys, position, has_gauss, cached = numpy.random.get_state(legacy=True)
    return {
        "python": list(random.getstate()[1]),
        "python_gauss": random.getstate()[2],
        "numpy": [str(algorithm), torch.from_numpy(keys.astype("int64")), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Puts the global generators of this process into a state that ``random_state`` gave."""
    algorithm, keys, position, has_gauss, cached = state["numpy"]
    random.setstate((3, tuple(state["python"]), state["python_gauss"]))
    numpy.random.set_state((algorithm, keys.numpy().astype("uint32"), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


class LateLoader:
    """A loader whose iterator is made when its first batch is asked for, not when ``iter`` is called."""

    def __init__(self, loader: Iterable[Any]) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        yield from self.loader

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["loader"], name)


class ExactResume(Callback):
    """Keeps the random generators with the checkpoint and puts them back where an epoch begins."""

    def __init__(self) -> None:
        self._pending: list[dict[str, Any]] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Makes Lightning's training loader late; its own way in, after it has added distributed samplers."""
        strategy = trainer.strategy
        process = strategy.process_dataloader

        def process_late(dataloader: object) -> object:
            loader = process(dataloader)
            if trainer.state.stage is not RunningStage.TRAINING:
                return loader
            if self._pending:
                # Lightning takes every checkpoint of a run with max_steps for one from the middle of an epoch.
                _Loop.restarting.fset(trainer.fit_loop, False)  # type: ignore[attr-defined]
            return LateLoader(loader)  # type: ignore[arg-type]

        if stage == "fit":
            strategy.process_dataloader = process_late  # type: ignore[method-assign]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts back the generators of the checkpoint that training goes on from."""
        if self._pending:
            set_random_state(self._pending[min(trainer.global_rank, len(self._pending) - 1)])
            self._pending = []

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Adds the generators of every process, in the order of their ranks."""
        states = [random_state()]
        if trainer.world_size > 1:
            states *= trainer.world_size
            torch.distributed.all_gather_object(states, random_state())
        checkpoint["random_states"] = states

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Remembers the generators until the epoch begins."""
        if trainer.state.fn == "fit":
            self._pending = checkpoint["random_states"]


def save_at_border(trainer: Trainer, path: Path) -> None:
    """Writes a checkpoint that says the last epoch is over and none has begun.

    Lightning counts an epoch as ready before ``on_train_epoch_start``, the first hook that comes after the last
    epoch's schedulers and logging; a checkpoint that holds this count would take the old epoch's batches for its own.
    """
    progress = trainer.fit_loop.epoch_progress
    unfinished = progress.total.ready - progress.total.completed
    progress.total.ready -= unfinished
    progress.current.ready -= unfinished
    trainer.save_checkpoint(path)
    progress.total.ready += unfinished
    progress.current.ready += unfinished
