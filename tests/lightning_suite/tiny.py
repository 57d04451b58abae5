"""A plugin in one file for the tests of the core: all that a run can depend on, in a few parameters.

Dropout draws from torch, the noise from numpy and Python; a scheduler watches the training loss. The environment
variable TINY_KILL ends the process as ``kill -9`` does: ``step N`` before the N-th optimizer step, ``write N`` in the
middle of the N-th checkpoint.
"""

import os
import random
import signal
from pathlib import Path
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_suite import Inputs, Plugin, TakesInputs


class TinyNet(LightningModule):
    """Two layers."""

    def __init__(self, hidden: int = 8, learning_rate: float = 0.01) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, 2))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        kill_at("step", self.global_step)
        noise = float(numpy.random.normal()) + random.random()
        loss = nn.functional.cross_entropy(self.network(batch[0] + 0.01 * noise), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", nn.functional.cross_entropy(self.network(batch[0]), batch[1]), sync_dist=True)

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("test_loss", nn.functional.cross_entropy(self.network(batch[0]), batch[1]))

    def predict_step(self, batch: list[Tensor], batch_idx: int) -> dict[str, Tensor]:
        return {"x": batch[0][:, 0], "label": self.network(batch[0]).argmax(dim=1)}

    def embed_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return batch[0]

    def configure_optimizers(self) -> dict[str, object]:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.05)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "train_loss_epoch"}}


class TinyData(TakesInputs, LightningDataModule):
    """Points on two sides of a plane; in memory a list of four numbers is a point."""

    def __init__(self, points: int = 96, batch_size: int = 16, workers: int = 0) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.workers = workers
        x = torch.randn(points, 4, generator=torch.Generator().manual_seed(0))
        self.points = TensorDataset(x, (x.sum(dim=1) > 0).long())

    def train_dataloader(self) -> DataLoader[list[Tensor]]:
        return DataLoader(self.points, batch_size=self.batch_size, shuffle=True, num_workers=self.workers)

    def val_dataloader(self) -> DataLoader[list[Tensor]]:
        return DataLoader(self.points, batch_size=self.batch_size)

    def test_dataloader(self) -> DataLoader[list[Tensor]]:
        return DataLoader(self.points, batch_size=self.batch_size)

    def predict_dataloader(self) -> DataLoader[list[Tensor]]:
        return DataLoader(self.points, batch_size=self.batch_size)

    def inputs(self, given: Any, module: Any) -> Inputs:
        points = torch.as_tensor(given, dtype=torch.float32)
        return Inputs(([part] for part in points.reshape(-1, 4).split(self.batch_size)), is_single=points.ndim == 1)

    def read_inputs(self, path: str | Path, module: Any) -> Any:
        return [[float(number) for number in line.split()] for line in Path(path).read_text().splitlines()]


def kill_at(what: str, count: int) -> None:
    """End this process without a chance to tidy up, when TINY_KILL names this moment."""
    if os.environ.get("TINY_KILL") == f"{what} {count}":
        os.kill(os.getpid(), signal.SIGKILL)


if os.environ.get("TINY_KILL", "").startswith("write"):
    save, writes = torch.save, iter(range(1, 1000))

    def save_and_die(*arguments: object) -> None:
        save(*arguments)
        kill_at("write", next(writes))

    torch.save = save_and_die

plugin = Plugin(
    name="tiny",
    summary="Two layers and a plane",
    module="tiny:TinyNet",
    data="tiny:TinyData",
    renamed={"model.width": "model.hidden", "data.size": "data.points", "data.workers=none": "data.workers=0"},
)
