"""A plugin in one file for the tests of the core whose method takes no gradients: an epoch collects, its end solves."""

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from lightning_suite import Plugin


class Mean(LightningModule):
    """The mean of some points, which lies in a buffer."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.sums: Tensor
        self.register_buffer("sums", torch.zeros(dim + 1))  # of the numbers of a point, and how many points there were

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return []

    def on_train_epoch_start(self) -> None:
        self.sums = torch.zeros_like(self.sums)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.sums += torch.cat([batch[0], torch.ones_like(batch[0][:, :1])], dim=1).sum(dim=0)

    def on_train_epoch_end(self) -> None:
        sums = self.all_gather(self.sums)
        assert isinstance(sums, Tensor)
        self.sums = sums.reshape(-1, len(self.sums)).sum(dim=0)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log(
            "val_distance", (batch[0] - self.sums[:-1] / self.sums[-1].clamp_min(1)).norm(dim=1).mean(), sync_dist=True
        )


class Points(LightningDataModule):
    """Points without labels, in their order."""

    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.points = TensorDataset(torch.randn(96, 4, generator=torch.Generator().manual_seed(0)))

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(self.points, batch_size=self.batch_size)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(self.points, batch_size=self.batch_size)


plugin = Plugin(name="solved", summary="The mean of some points", module="solved:Mean", data="solved:Points")
