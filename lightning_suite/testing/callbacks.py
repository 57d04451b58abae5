"""Callbacks with which the checks watch a training, stop it, or make it comparable."""

import copy
import random
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback, Checkpoint
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, IterableDataset, Subset

from lightning_suite import lightning_internals as internals


class Stopped(Exception):
    """``Stop`` has interrupted the training."""


class Stop(Checkpoint):
    """Interrupts training at the second batch of the second epoch, or at the first of an epoch with one batch.

    It is a Checkpoint, as Lightning calls those last: last.ckpt has been written by then.
    """

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Raise in the middle of an epoch, as a lost machine would."""
        if trainer.current_epoch == 1 and batch_idx == min(1, int(trainer.num_training_batches) - 1):
            raise Stopped


class Shake(Callback):
    """Gives training samples that are drawn at random when they are asked for, as random augmentation would."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replace the data of the training loaders; streams and data that is read in batches stay as they are."""
        if stage == "fit":
            internals.on_loaders(trainer, _shaken, before=True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw between two batches, as dropout would: generators that go on elsewhere give other samples."""
        random.random(), numpy.random.random(), torch.rand(())


class Shaken(Dataset[Any]):
    """Another data set, whose samples are drawn from the global generators instead of counted."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int):
            return self.data[index]
        drawn = random.randrange(10**6) + int(numpy.random.randint(10**6)) + int(torch.randint(10**6, ()))
        return self.data[(index + drawn) % len(self.data)]

    def __len__(self) -> int:
        return len(self.data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "data" not in self.__dict__:  # __getitems__ would pass by __getitem__
            raise AttributeError(name)
        return getattr(self.data, name)


class Watch(Callback):
    """Records the loss of every step, and which parameters learn.

    Attributes:
        losses: the loss that ``training_step`` returned, else the ``train_loss`` that it logged.
        without_gradient: names of parameters that no backward pass has reached.
        without_optimizer: names of parameters that no optimizer changes.
        parameters: number of parameters that require a gradient.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.without_gradient: list[str] = []
        self.without_optimizer: list[str] = []
        self.parameters: int = 0
        self._reached: set[str] = set()

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the parameters that have a gradient."""
        self._reached |= {name for name, weights in pl_module.named_parameters() if weights.grad is not None}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the loss."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            loss = trainer.callback_metrics.get("train_loss")
        if isinstance(loss, Tensor):
            self.losses.append(float(loss))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare the parameters that require a gradient with those that got one and those in optimizers."""
        wanted = {name: weights for name, weights in pl_module.named_parameters() if weights.requires_grad}
        self.parameters = len(wanted)
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        changed = {id(weights) for group in groups for weights in group["params"]}
        self.without_gradient = [name for name in wanted if name not in self._reached]
        self.without_optimizer = [name for name, weights in wanted.items() if id(weights) not in changed]


class Steady(Callback):
    """Makes training depend on the samples of a step alone, so that one process can be compared with several.

    Dropout is off and batch statistics are frozen, as in evaluation. The order of a plain loader is the one that
    Lightning gives to several processes, also when there is one: the permutation of ``DistributedSampler`` depends on
    seed and epoch alone, and process r of n draws every n-th sample from r on, so that step k of n processes with
    batches of b holds the samples that step k of one process with batches of n * b holds.

    Attributes:
        batches: how many batches an epoch has.
    """

    def __init__(self) -> None:
        self.batches: float = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replace the sampler of a single process; Lightning has already replaced those of several."""
        if stage == "fit" and trainer.world_size == 1 and internals.may_replace_samplers(trainer):
            internals.on_loaders(trainer, _as_one_of_one, before=True)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the number of batches."""
        self.batches = trainer.num_training_batches

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Switch to evaluation mode, which dropout and batch statistics of any kind follow; gradients still flow."""
        pl_module.eval()


class Reseed(Callback):
    """Puts the random generators into another state before evaluation, whose results must not depend on them."""

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed before validation, testing or prediction."""
        torch.manual_seed(20_260_000)

    on_test_start = on_predict_start = on_validation_start


def _as_one_of_one(loader: object) -> object:
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return loader
    return loader if isinstance(loader.sampler, DistributedSampler) else internals.with_sampler_of_one_process(loader)


def _shaken(loader: object) -> object:
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        return loader
    data: Any = loader.dataset
    while isinstance(data, Subset):
        data = data.dataset
    if hasattr(data, "__getitems__"):  # reads whole batches, whose samples it may need to be different ones
        return loader
    shaken = copy.copy(loader)
    object.__setattr__(shaken, "dataset", Shaken(loader.dataset))  # a DataLoader refuses to be changed
    return shaken
