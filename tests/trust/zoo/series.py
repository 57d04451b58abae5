"""A recurrent network that keeps its hidden state from batch to batch, on a data set and on a stream."""

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset


class Windows(Dataset):
    def __init__(self, length=20, noise=0.1):
        self.length = length
        self.noise = noise

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        x = torch.sin(torch.arange(index, index + 6).float())[:, None]
        return x + self.noise * torch.randn_like(x), x[-1]


class Waves(IterableDataset):
    def __iter__(self):
        for index in range(20):
            yield Windows(20)[index]


class Series(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(Windows(), batch_size=4, drop_last=True)

    def val_dataloader(self):
        return DataLoader(Windows(noise=0), batch_size=4)

    def test_dataloader(self):
        return DataLoader(Windows(noise=0), batch_size=4)

    def predict_dataloader(self):
        return DataLoader(Windows(noise=0), batch_size=4)


class Stream(Series):
    def train_dataloader(self):
        return DataLoader(Waves(), batch_size=4)


class Recurrent(pl.LightningModule):
    def __init__(self, hidden_dim=4):
        super().__init__()
        self.save_hyperparameters()
        self.lstm = nn.LSTM(1, hidden_dim, batch_first=True)
        self.head = nn.Linear(hidden_dim, 1)
        self.register_buffer("hidden", torch.zeros(2, 1, 4, hidden_dim))

    def forward(self, x, hidden=None):
        out, hidden = self.lstm(x, hidden)
        return self.head(out[:, -1]), hidden

    def on_train_epoch_start(self):
        self.hidden.zero_()

    def training_step(self, batch, batch_idx):
        x, y = batch
        guess, hidden = self(x, (self.hidden[0], self.hidden[1]))
        self.hidden = torch.stack(hidden).detach()
        loss = nn.functional.mse_loss(guess, y)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", nn.functional.mse_loss(self(batch[0])[0], batch[1]), prog_bar=True)

    def test_step(self, batch, batch_idx):
        self.log("test_loss", nn.functional.mse_loss(self(batch[0])[0], batch[1]))

    def predict_step(self, batch, batch_idx):
        return self(batch[0])[0]

    def configure_optimizers(self):
        optimizer = torch.optim.RMSprop(self.parameters(), lr=0.01)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]
