"""A plugin in one file whose data draws random numbers in all the ways that data can."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAccuracy, BinaryPrecision, BinaryRecall

from lightning_suite import Plugin

POINTS = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))


class Net(LightningModule):
    """A line with dropout, and three metrics that share their counts."""

    def __init__(self, learning_rate: float = 0.1, batch_size: int = 4, own: bool = False) -> None:
        super().__init__()
        self.learning_rate, self.batch_size = learning_rate, batch_size
        self.line = nn.Linear(4, 1)
        self.own = numpy.random.default_rng(0) if own else None
        self.metrics = MetricCollection([BinaryAccuracy(), BinaryPrecision(), BinaryRecall()])

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return [part + 0.1 * torch.randn_like(part) for part in tensors(batch)] if self.training else batch

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x = torch.cat(tensors(batch))
        noise = float(self.own.normal()) if self.own is not None else random.random() + float(numpy.random.normal())
        y = (x.sum(dim=1) > 0).float()
        logits = self.line(nn.functional.dropout(x, 0.3) + 0.1 * noise)[:, 0]
        self.metrics.update(logits.sigmoid(), y.long())
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y)
        self.log("train_loss", loss, on_step=True, on_epoch=True, batch_size=len(x))
        return loss

    def on_train_epoch_end(self) -> None:
        self.log_dict({name: float(value) for name, value in self.metrics.compute().items()})
        self.metrics.reset()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_loss", self.line(batch).square().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=max(steps, 30))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Augmented(Dataset[Tensor]):
    """Points that each access moves, by numbers from the global generators or from the data's own."""

    def __init__(self, points: Tensor = POINTS, own: Any = None) -> None:
        self.points, self.own = points, own

    def __getitem__(self, index: int) -> Tensor:
        if self.own is not None:
            return self.points[index] + float(self.own.random())
        return self.points[index] + torch.randn(4) + random.random() + float(numpy.random.normal())

    def __len__(self) -> int:
        return len(self.points)


class Shuffling(IterableDataset[Tensor]):
    """A stream through a buffer from which a random point is taken; its length is not known."""

    def __init__(self, count: int = 24) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Tensor]:
        waiting = list(POINTS[:3])
        for point in POINTS[3 : self.count]:
            yield waiting.pop(random.randrange(3)) + torch.randn(4)
            waiting.append(point)
        yield from waiting


class Deck(Sampler[int]):
    """Draws without replacement, one card when it is asked for."""

    def __iter__(self) -> Iterator[int]:
        left = list(range(24))
        while left:
            yield left.pop(int(torch.randint(len(left), ())))

    def __len__(self) -> int:
        return 24


def loader(data: Any = None, **options: Any) -> DataLoader[Any]:
    data = data if data is not None else Augmented()
    return DataLoader(data, batch_size=4, shuffle=None if isinstance(data, IterableDataset) else True, **options)


def two(mode: Any, second: Callable[[], Any] = lambda: loader(Augmented(POINTS[:12]))) -> CombinedLoader:
    return CombinedLoader({"a": loader(), "b": second()}, mode)


KINDS: dict[str, Callable[[], Any]] = {
    "augmentation": loader,
    "a generator of the loader": lambda: loader(generator=torch.Generator().manual_seed(3)),
    "a generator of the data": lambda: loader(Augmented(own=numpy.random.default_rng(4))),
    "a Mersenne twister of the data": lambda: loader(Augmented(own=random.Random(4))),
    "a legacy generator of the data": lambda: loader(Augmented(own=numpy.random.RandomState(4))),
    "a sampler that draws as it goes": lambda: DataLoader(Augmented(), batch_size=4, sampler=Deck()),
    "a stream": lambda: loader(Shuffling()),
    "workers": lambda: loader(num_workers=2),
    "persistent workers": lambda: loader(num_workers=1, persistent_workers=True),
    "a stream in a worker": lambda: loader(Shuffling(), num_workers=1),
    "unequal loaders": lambda: [loader(), loader(Augmented(POINTS[:8]))],
    "the shorter of two": lambda: two("min_size", lambda: loader(Augmented(torch.cat([POINTS, POINTS])))),
    "the longer of two": lambda: two("max_size"),
    "the longer of two in cycles": lambda: two("max_size_cycle"),
    "a stream and a shorter loader": lambda: CombinedLoader(
        [loader(Shuffling()), loader(Augmented(POINTS[:8]))], "max_size_cycle"
    ),
    "other data in every epoch": lambda: loader(Augmented(POINTS[torch.randperm(24)])),
}


class Data(LightningDataModule):
    """Data of one kind."""

    def __init__(self, kind: str = "augmentation", batch_size: int = 4) -> None:
        super().__init__()
        self.kind, self.batch_size = kind, batch_size

    def train_dataloader(self) -> Any:
        if self.batch_size != 4:
            return DataLoader(Augmented(), batch_size=self.batch_size, shuffle=True)
        return KINDS[self.kind]()

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(POINTS, batch_size=12)  # type: ignore[arg-type]


def tensors(batch: Any) -> list[Tensor]:
    """Return the tensors of a batch of one loader or of several."""
    if isinstance(batch, Tensor):
        return [batch]
    parts = batch.values() if isinstance(batch, dict) else batch
    return [part for part in parts if part is not None]


plugin = Plugin(name="drawing", summary="Data that draws", module="drawing:Net", data="drawing:Data")
