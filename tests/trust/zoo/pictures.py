"""Networks that make pictures, as Lightning's own examples have them: an autoencoder and a GAN."""

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Pictures(pl.LightningDataModule):
    def __init__(self):
        super().__init__()
        self.batch_size = 8

    def setup(self, stage):
        pictures = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(1))
        self.dataset = TensorDataset(pictures, pictures.mean((1, 2, 3)))

    def train_dataloader(self):
        return DataLoader(self.dataset, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.dataset, batch_size=self.batch_size)

    test_dataloader = val_dataloader
    predict_dataloader = val_dataloader


class AutoEncoder(pl.LightningModule):
    def __init__(self, latent_dim=3, encoder=None, loss=F.mse_loss, activation=nn.ReLU()):  # noqa: B008
        super().__init__()
        self.save_hyperparameters(ignore=["encoder"])
        self.encoder = encoder or nn.Sequential(nn.Flatten(), nn.Linear(16, latent_dim), activation)
        self.decoder = nn.Sequential(nn.Linear(latent_dim, 16), nn.Unflatten(1, (1, 4, 4)), nn.Dropout(0.1))
        self.loss = loss

    def forward(self, x):
        return self.encoder(x)

    def predict_step(self, batch, batch_idx):
        return self(batch[0])

    def shared_step(self, batch, name):
        x, _ = batch
        loss = self.loss(self.decoder(self(x)), x)
        self.log(name, loss)
        return loss

    def training_step(self, batch, batch_idx):
        return self.shared_step(batch, "train_loss")

    def validation_step(self, batch, batch_idx):
        self.logger.experiment.add_image("input", batch[0][0], self.global_step)
        self.shared_step(batch, "val_loss")

    def test_step(self, batch, batch_idx):
        self.logger.experiment.add_image("tested", batch[0][0], self.global_step)
        self.shared_step(batch, "test_loss")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class GAN(pl.LightningModule):
    def __init__(self, latent_dim: int = 5, lr: float = 2e-3, b1: float = 0.5, betas=(0.5, 0.999)):
        super().__init__()
        assert isinstance(betas, tuple)
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator = nn.Sequential(nn.Linear(latent_dim, 16), nn.BatchNorm1d(16), nn.Unflatten(1, (1, 4, 4)))
        self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
        self.validation_z = torch.randn(8, latent_dim)
        self.example_input_array = torch.zeros(2, latent_dim)

    def forward(self, z):
        return self.generator(z)

    def adversarial_loss(self, guess, is_real):
        return F.binary_cross_entropy_with_logits(guess, torch.full_like(guess, is_real))

    def training_step(self, batch):
        pictures, _ = batch
        optimizer_g, optimizer_d = self.optimizers()
        z = torch.randn(pictures.shape[0], self.hparams.latent_dim).type_as(pictures)

        self.toggle_optimizer(optimizer_g)
        made = self(z)
        self.logger.experiment.add_image("train/generated_images", made[0], self.current_epoch)
        g_loss = self.adversarial_loss(self.discriminator(made), 1.0)
        self.log("g_loss", g_loss, prog_bar=True)
        self.manual_backward(g_loss)
        optimizer_g.step()
        optimizer_g.zero_grad()
        self.untoggle_optimizer(optimizer_g)

        self.toggle_optimizer(optimizer_d)
        real = self.adversarial_loss(self.discriminator(pictures), 1.0)
        fake = self.adversarial_loss(self.discriminator(self(z).detach()), 0.0)
        d_loss = (real + fake) / 2
        self.log("d_loss", d_loss, prog_bar=True)
        self.manual_backward(d_loss)
        optimizer_d.step()
        optimizer_d.zero_grad()
        self.untoggle_optimizer(optimizer_d)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.adversarial_loss(self.discriminator(batch[0]), 1.0))

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.adversarial_loss(self.discriminator(batch[0]), 1.0))

    def predict_step(self, batch, batch_idx):
        return self.discriminator(batch[0])

    def configure_optimizers(self):
        lr, betas = self.hparams.lr, self.hparams.betas
        opt_g = torch.optim.Adam(self.generator.parameters(), lr=lr, betas=betas)
        opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=betas)
        return [opt_g, opt_d], []

    def on_validation_epoch_end(self):
        self.logger.experiment.add_image("generated", self(self.validation_z.to(self.device))[0], self.current_epoch)
