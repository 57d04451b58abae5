"""A function of a set of digits: rho(sum over the digits d of phi(d))."""

from lightning_suite import ragged
from torch import Tensor, nn


class DeepSet(nn.Module):
    """phi is an embedding and a layer with tanh, rho is linear, as in the authors' experiment with text.

    Args:
        embedding_dim: width of the embedding of a digit.
        hidden_dim: width of phi(d).
    """

    def __init__(self, embedding_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Embedding(10, embedding_dim), nn.Linear(embedding_dim, hidden_dim), nn.Tanh())
        self.rho = nn.Linear(hidden_dim, 1)

    def encode(self, digits: Tensor, offsets: Tensor) -> Tensor:  # digit; set + 1
        """Return the sum of phi over each set; set s is ``digits[offsets[s]:offsets[s + 1]]``."""
        return ragged.segment_sum(self.phi(digits), offsets)  # set hidden

    def forward(self, digits: Tensor, offsets: Tensor) -> Tensor:
        """Return the value of each set."""
        values: Tensor = self.rho(self.encode(digits, offsets)).squeeze(dim=1)  # set
        return values
