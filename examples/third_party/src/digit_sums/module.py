"""Training by the mean absolute error with Adam; the accuracy counts the sums that are right when rounded."""

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from digit_sums.data import Sets
from digit_sums.network import DeepSet


class DigitSum(LightningModule):
    """Adds up the digits of a set.

    Args:
        embedding_dim: width of the embedding of a digit.
        hidden_dim: width of phi, which is summed over the set.
        learning_rate: learning rate of Adam.
        epsilon: epsilon of Adam; the authors' 0.001 keeps its steps small near the minimum.
    """

    def __init__(
        self, embedding_dim: int = 100, hidden_dim: int = 30, learning_rate: float = 1e-3, epsilon: float = 1e-3
    ) -> None:
        super().__init__()
        self.network = DeepSet(embedding_dim, hidden_dim)
        self.learning_rate = learning_rate
        self.epsilon = epsilon

    def forward(self, batch: Sets) -> Tensor:
        """Return the sum of each set, not rounded: (set,)."""
        sums: Tensor = self.network(batch.digits, batch.offsets)  # set
        return sums

    def training_step(self, batch: Sets, batch_idx: int) -> Tensor:
        """Return the mean absolute error of a batch."""
        return self.measure(batch, "train")

    def validation_step(self, batch: Sets, batch_idx: int) -> None:
        """Log the metrics of a batch of the validation sets."""
        self.measure(batch, "val")

    def test_step(self, batch: Sets, batch_idx: int) -> None:
        """Log the metrics of a batch of the test sets, which are larger."""
        self.measure(batch, "test")

    def predict_step(self, batch: Sets, batch_idx: int) -> dict[str, Tensor]:
        """Return the size of each set, and its sum."""
        return {"digits": batch.offsets.diff(), "sum": self(batch)}

    def embed_step(self, batch: Sets, batch_idx: int) -> Tensor:
        """Return the sum of phi over each set: (set, hidden)."""
        codes: Tensor = self.network.encode(batch.digits, batch.offsets)  # set hidden
        return codes

    def measure(self, batch: Sets, stage: str) -> Tensor:
        """Log error and accuracy of a batch, and return the error."""
        sums: Tensor = self(batch)
        loss: Tensor = (sums - batch.sums).abs().mean()
        accuracy = (sums.round() == batch.sums).float().mean()
        self.log(f"{stage}_loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(sums))
        self.log(f"{stage}_accuracy", accuracy, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(sums))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam over all parameters."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate, eps=self.epsilon)
