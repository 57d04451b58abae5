"""Several loaders at once, and batches that are dictionaries."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import CombinedLoader
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Dictionaries(Dataset):
    def __init__(self, count, start):
        self.count = count
        self.start = start

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        x = torch.linspace(self.start, self.start + 1, self.count)[index].repeat(2)
        return {"x": x, "y": x.sum(), "name": f"point {index}"}


class Loaders(pl.LightningDataModule):
    def __init__(self, workers: int = 0):
        super().__init__()
        self.workers = workers

    def loader(self, count, start, shuffle=False):
        return DataLoader(Dictionaries(count, start), batch_size=4, shuffle=shuffle, num_workers=self.workers)

    def train_dataloader(self):
        return {"labelled": self.loader(16, 0, True), "unlabelled": self.loader(24, 1, True)}

    def val_dataloader(self):
        return [self.loader(8, 0), self.loader(12, 1)]

    def test_dataloader(self):
        return CombinedLoader({"a": self.loader(8, 0), "b": self.loader(8, 1)}, mode="min_size")

    def predict_dataloader(self):
        return self.loader(8, 0)


class ManyLoaders(pl.LightningModule):
    def __init__(self, **kwargs):
        super().__init__()
        self.net = nn.Linear(2, 1)

    def error(self, batch):
        return nn.functional.mse_loss(self.net(batch["x"])[:, 0], batch["y"])

    def training_step(self, batch, batch_idx):
        present = [part for part in batch.values() if part is not None]
        loss = sum(self.error(part) for part in present)
        self.log_dict({"train_loss": loss, "parts": float(len(present))}, batch_size=4)
        return {"loss": loss}

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("val_loss", self.error(batch), batch_size=4)

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.error(batch["a"]) + self.error(batch["b"]), batch_size=4)

    def predict_step(self, batch, batch_idx):
        return {"name": batch["name"], "guess": self.net(batch["x"])[:, 0]}

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)
