"""The recursion of the tree networks: a node's embedding from its children's embeddings and its own features."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding
from lightning_suite.ops.gated_tree_embedding import step as gated_step
from lightning_suite.ops.tree_embedding import step, tree_embedding


def initialise(*layers: nn.Module) -> None:
    """Initialise weights by He's rule, which preserves the variance through layers with relu, and biases with 0."""
    for layer in layers:
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


class Cell(nn.Module, ABC):
    """A recursion: all nodes at once, and its two parts, a node by itself and an inner node over its children.

    Subclasses take ``feature_dim``, the number of features of a node that they read, and ``hidden_dim``, the width of
    an embedding.
    """

    @abstractmethod
    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        """Return the embeddings of all nodes: (node, feature), (node, 2), (jet + 1,) -> (node, hidden)."""

    @abstractmethod
    def alone(self, features: Tensor) -> Tensor:
        """Return u, a node's embedding by itself, which is a leaf's: (node, feature) -> (node, hidden)."""

    @abstractmethod
    def step(self, inputs: Tensor) -> Tensor:
        """Return the embeddings of inner nodes from [h_left, h_right, u]: (node, 3 * hidden) -> (node, hidden)."""


class SimpleCell(Cell):
    """relu(W_h [h_left, h_right, u] + b_h) with u = relu(W_u x + b_u)."""

    def __init__(self, feature_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.own: nn.Linear = nn.Linear(feature_dim, hidden_dim)
        self.inner: nn.Linear = nn.Linear(3 * hidden_dim, hidden_dim)
        initialise(self.own, self.inner)

    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        own, inner = self.own, self.inner
        features = features[:, : own.in_features]
        return tree_embedding(features, children, offsets, own.weight, own.bias, inner.weight, inner.bias)

    def alone(self, features: Tensor) -> Tensor:
        alone: Tensor = self.own(features[:, : self.own.in_features])
        return alone.relu()

    def step(self, inputs: Tensor) -> Tensor:
        return step(inputs, self.inner.weight, self.inner.bias)


class GatedCell(Cell):
    """`SimpleCell` with reset gates and a softmax over the new, the children's and the node's own value.

    Louppe, Cho, Becot and Cranmer (arXiv:1702.00748); the formula is in `lightning_suite.ops.gated_tree_embedding`.
    """

    def __init__(self, feature_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.own: nn.Linear = nn.Linear(feature_dim, hidden_dim)
        self.reset: nn.Linear = nn.Linear(3 * hidden_dim, 3 * hidden_dim)
        self.inner: nn.Linear = nn.Linear(3 * hidden_dim, hidden_dim)
        self.choice: nn.Linear = nn.Linear(4 * hidden_dim, 4 * hidden_dim)
        initialise(self.own, self.inner, self.reset, self.choice)

    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        own = self.own
        features = features[:, : own.in_features]
        return gated_tree_embedding(features, children, offsets, own.weight, own.bias, *self._gates())

    def alone(self, features: Tensor) -> Tensor:
        alone: Tensor = self.own(features[:, : self.own.in_features])
        return alone.relu()

    def step(self, inputs: Tensor) -> Tensor:
        return gated_step(inputs, *self._gates())

    def _gates(self) -> list[Tensor]:
        return [weight for layer in (self.reset, self.inner, self.choice) for weight in layer.parameters()]
