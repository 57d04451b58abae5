"""Small networks with the optimizers, schedulers, averages and arguments that ordinary modules have."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, StochasticWeightAveraging
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Points(pl.LightningDataModule):
    def __init__(self, batch_size: int = 4, transform=lambda x: 2 * x):
        super().__init__()
        self.save_hyperparameters()
        self.transform = transform

    def prepare_data(self):
        pass

    def setup(self, stage=None):
        x = torch.randn(48, 3, generator=torch.Generator().manual_seed(7))
        points = TensorDataset(self.transform(x), x.sum(1, keepdim=True))
        self.train, self.val, self.test = random_split(points, [24, 12, 12])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.hparams.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=self.hparams.batch_size)

    def test_dataloader(self):
        return DataLoader(self.test, batch_size=self.hparams.batch_size)

    def predict_dataloader(self):
        return DataLoader(self.test, batch_size=self.hparams.batch_size)


class Regressor(pl.LightningModule):
    """What the others share."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, batch_idx):
        loss = nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", nn.functional.mse_loss(self(batch[0]), batch[1]))

    def test_step(self, batch, batch_idx):
        self.log("test_loss", nn.functional.mse_loss(self(batch[0]), batch[1]))

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return self(batch[0])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


class SeveralOptimizers(Regressor):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        optimizers, schedulers = self.optimizers(), self.lr_schedulers()
        loss = nn.functional.mse_loss(self(batch[0]), batch[1])
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(optimizers[0], gradient_clip_val=0.5, gradient_clip_algorithm="norm")
        optimizers[0].step()
        if batch_idx % 2 == 0:
            optimizers[1].step()
        for scheduler in schedulers:
            scheduler.step()
        self.log("train_loss", loss)

    def configure_optimizers(self):
        first = torch.optim.AdamW(self.body.parameters(), lr=0.01)
        second = torch.optim.SGD(self.head.parameters(), lr=0.1, momentum=0.5)
        return (
            {"optimizer": first, "lr_scheduler": torch.optim.lr_scheduler.StepLR(first, 3)},
            {"optimizer": second, "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(second, 10)},
        )


class StepScheduler(Regressor):
    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        steps = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=int(steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_callbacks(self):
        return [LearningRateMonitor("step")]


class Plateau(Regressor):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.5)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


class WithNetwork(Regressor):
    def __init__(self, network: nn.Module = nn.Linear(3, 1), lr=0.02, optimizer=torch.optim.SGD, width=3):  # noqa: B008
        super().__init__()
        self.save_hyperparameters()
        del self.body, self.head
        self.network = network

    def forward(self, x):
        return self.network(x)

    def configure_optimizers(self):
        return self.hparams.optimizer(self.parameters(), lr=self.hparams.lr)


class Compiled(Regressor):
    def __init__(self):
        super().__init__()
        self.body = torch.compile(self.body, backend="eager")


class Averaging(Callback):
    """An exponential moving average of the weights, used for validation and kept in the checkpoint."""

    def __init__(self, decay):
        self.decay = decay
        self.average = None

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        now = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}
        old = self.average or now
        self.average = {name: old[name].lerp(value, 1 - self.decay) for name, value in now.items()}

    def on_validation_epoch_start(self, trainer, pl_module):
        if self.average:
            self.kept = {name: value.clone() for name, value in pl_module.state_dict().items()}
            pl_module.load_state_dict(self.average)

    def on_validation_epoch_end(self, trainer, pl_module):
        if self.average:
            pl_module.load_state_dict(self.kept)

    def state_dict(self):
        return {"average": self.average}

    def load_state_dict(self, state):
        self.average = state["average"]


class MovingAverage(Regressor):
    def configure_callbacks(self):
        return [Averaging(0.9)]


class Swa(Regressor):
    def configure_callbacks(self):
        return StochasticWeightAveraging(swa_lrs=0.05, swa_epoch_start=1)
