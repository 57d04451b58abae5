"""The networks of the paper: a recursive one over clustering trees, and those it is compared with (appendix C).

Every network reads a `JetBatch`, scales its features, and returns a logit for each jet: the higher, the more like
signal. Its last three hidden layers, which the paper analyses (*Hidden(-3)* to *Hidden(-1)*), are available by name.
"""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from lightning_suite.offsets import offsets_of
from lightning_suite.ragged import segment_sum
from suite_recnn.cells import Cell, initialise

Pool = Literal["root", "mean", "sum"]
FEATURE_DIM = 8
"""The number of features; see ``suite_recnn.forests.FEATURES``. Where those of splittings follow there are more."""
PAPER_DIM = 7
"""The number of the paper's features, which come first."""
HARDEST = 30
"""The number of constituents that FCN and LSTM see (appendix C)."""
MOMENTUM = (5, 1, 2, 3)
"""The features that make a four-momentum: pt, eta, phi, E."""
NODES = 100
"""What a sum over the nodes of a jet is divided by: about their number, so that it is of the size of an embedding."""
PIXELS = 37
"""The number of pixels of a jet image along eta and along phi (appendix C)."""


class Batch(Protocol):
    """The input of a network, such as `suite_recnn.forests.JetBatch`."""

    @property
    def features(self) -> Tensor:
        """(node, feature)."""

    @property
    def children(self) -> Tensor:
        """(node, 2)."""

    @property
    def offsets(self) -> Tensor:
        """(jet + 1,)."""

    def roots(self) -> Tensor:
        """(jet,)."""

    def leaf_counts(self) -> Tensor:
        """(jet,)."""


class RobustScaler(nn.Module):
    """asinh((x - median) / interquartile range), feature by feature.

    Both numbers belong to the training set and are stored in the checkpoint. Energies fall like a power, so that a root
    may be a hundred interquartile ranges off; asinh is linear in the bulk and logarithmic in the tail.

    Args:
        feature_dim: the number of features of a node in the data, of which a network may read fewer.
    """

    def __init__(self, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__()
        self.center: Tensor
        self.scale: Tensor
        self.register_buffer("center", torch.zeros(feature_dim))
        self.register_buffer("scale", torch.ones(feature_dim))

    def set(self, center: Tensor, scale: Tensor) -> None:
        """Set median and interquartile range, (feature,) each."""
        self.center.copy_(center)
        self.scale.copy_(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return the scaled features: (node, feature) -> (node, feature)."""
        return torch.asinh((features - self.center) / self.scale)

    def inverse(self, scaled: Tensor) -> Tensor:
        """Return the features of which these are the scaled ones; of zeros the medians."""
        return self.center + self.scale * torch.sinh(scaled)


class JetNetwork(nn.Module, ABC):
    """A network that classifies jets.

    Args:
        output_dim: width of the last hidden layer.
        feature_dim: the number of features of a node in the data.
    """

    def __init__(self, output_dim: int, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__()
        self.scaler = RobustScaler(feature_dim)
        self.output = nn.Linear(output_dim, 1)

    @abstractmethod
    def layers(self, batch: Batch) -> dict[str, Tensor]:
        """Return the last three hidden layers by name, the last one last: (jet, layer_dim) each."""

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits, (jet,)."""
        return self.logits_of(self.layers(batch))

    def logits_of(self, layers: dict[str, Tensor]) -> Tensor:
        """Return the logits of jets, (jet,), from their layers."""
        *_, last = layers.values()
        logits: Tensor = self.output(last)
        return logits.squeeze(1)


class RecNN(JetNetwork):
    """Recursive embedding of the clustering tree, then two dense layers of the same width (appendix A).

    The embedding of a jet is that of its tree's root. What a splitting deep in the tree says has gone through all the
    nodes above it by then; ``pool`` puts the mean or the sum of all nodes' embeddings beside the root's, which is a
    short way for it. The three last arguments are not in the paper.

    Args:
        cell: the recursion.
        hidden_dim: width of a node's embedding and of the dense layers.
        feature_dim: the number of features of a node in the data.
        pool: root; mean or sum: of all nodes' embeddings, beside the root's.
        layer_norm: whether the first dense layer sees the embedding with mean 0 and variance 1 over its coordinates.
        dropout: the share of the dense layers' units that is left out at random in training.

    Example:
        >>> network = RecNN(SimpleCell(PAPER_DIM, 4), 4)
        >>> sum(weight.numel() for weight in network.parameters())
        129
    """

    def __init__(
        self,
        cell: Cell,
        hidden_dim: int,
        *,
        feature_dim: int = FEATURE_DIM,
        pool: Pool = "root",
        layer_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(hidden_dim, feature_dim)
        self.cell = cell
        self.pool = pool
        embedding_dim = hidden_dim if pool == "root" else 2 * hidden_dim
        self.norm = nn.LayerNorm(embedding_dim) if layer_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.dense_1 = nn.Linear(embedding_dim, hidden_dim)
        self.dense_2 = nn.Linear(hidden_dim, hidden_dim)
        initialise(self.dense_1, self.dense_2)

    def nodes(self, batch: Batch) -> Tensor:
        """Return the embeddings of all nodes, (node, hidden)."""
        embeddings: Tensor = self.cell(self.scaler(batch.features), batch.children, batch.offsets)
        return embeddings

    def layers_of(self, embedding: Tensor) -> dict[str, Tensor]:
        """Return the layers above embeddings of jets, (jet, embedding_dim), and these as the first of them."""
        dense_1 = self.dropout(self.dense_1(self.norm(embedding)).relu())
        return {"embedding": embedding, "dense_1": dense_1, "dense_2": self.dropout(self.dense_2(dense_1).relu())}

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        return self.layers_above(self.nodes(batch), batch)

    def layers_above(self, nodes: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the layers that follow from the embeddings of all nodes, (node, hidden); differentiable in them."""
        roots = nodes[batch.roots()]
        if self.pool == "root":
            return self.layers_of(roots)
        pooled = segment_sum(nodes, batch.offsets)
        nodes_of_jet = batch.offsets.diff()[:, None] if self.pool == "mean" else NODES
        return self.layers_of(torch.cat([roots, pooled / nodes_of_jet], dim=1))


class FCN(JetNetwork):
    """Dense layers of 300, 102, 12 and 6 on the four-momenta of the 30 hardest constituents (appendix C)."""

    def __init__(self, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__(6, feature_dim)
        self.dense_1 = nn.Linear(HARDEST * len(MOMENTUM), 300)
        self.dense_2 = nn.Linear(300, 102)
        self.dense_3 = nn.Linear(102, 12)
        self.dense_4 = nn.Linear(12, 6)
        initialise(self.dense_1, self.dense_2, self.dense_3, self.dense_4)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        momenta, _ = hardest_momenta(batch, self.scaler(batch.features))
        dense_2 = self.dense_2(self.dense_1(momenta.flatten(1)).relu()).relu()
        dense_3 = self.dense_3(dense_2).relu()
        return {"dense_2": dense_2, "dense_3": dense_3, "dense_4": self.dense_4(dense_3).relu()}


class LSTM(JetNetwork):
    """An LSTM of 70 over the four-momenta of the 30 hardest constituents, dense layers of 50 and 20 (appendix C)."""

    def __init__(self, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__(20, feature_dim)
        self.lstm = nn.LSTM(len(MOMENTUM), 70, batch_first=True)
        self.dense_1 = nn.Linear(70, 50)
        self.dense_2 = nn.Linear(50, 20)
        initialise(self.dense_1, self.dense_2)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        momenta, lengths = hardest_momenta(batch, self.scaler(batch.features))
        packed = pack_padded_sequence(momenta, lengths.cpu(), batch_first=True, enforce_sorted=False)
        embedding = self.lstm(packed)[1][0][0]  # jet 70: the state after each jet's last constituent
        dense_1 = self.dense_1(embedding).relu()
        return {"embedding": embedding, "dense_1": dense_1, "dense_2": self.dense_2(dense_1).relu()}


class CNN(JetNetwork):
    """Two convolutions of 16 channels, two of 8, each pair pooled, and dense layers of 128 and 64 (appendix C).

    The paper does not give kernels and size of the image: here kernels are 3 x 3, and the image is the square in
    (eta, phi) around the jet's circle.

    Args:
        radius: half the side of the image.
    """

    def __init__(self, radius: float, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__(64, feature_dim)
        self.radius = radius
        channels = [1, 16, 16, 8, 8]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=1) for before, after in pairwise(channels)
        )
        self.dense_1 = nn.Linear(8 * (PIXELS // 4) ** 2, 128)
        self.dense_2 = nn.Linear(128, 64)
        initialise(*self.convolutions, self.dense_1, self.dense_2)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        image = images(batch, self.radius).unsqueeze(1)
        for number, convolution in enumerate(self.convolutions):
            image = convolution(image).relu()
            if number % 2:
                image = functional.max_pool2d(image, 2)
        flatten = image.flatten(1)
        dense_1 = self.dense_1(flatten).relu()
        return {"flatten": flatten, "dense_1": dense_1, "dense_2": self.dense_2(dense_1).relu()}


def hardest_momenta(batch: Batch, scaled: Tensor) -> tuple[Tensor, Tensor]:
    """Return scaled (pt, eta, phi, E) of the hardest constituents, (jet, 30, 4), and their number, (jet,).

    Where there are fewer than 30 the rest is zero.
    """
    lengths = batch.leaf_counts().clamp_max(HARDEST)
    rank = torch.arange(HARDEST, device=scaled.device)
    exists = rank < lengths[:, None]  # jet 30
    rows = torch.where(exists, batch.offsets[:-1, None] + rank, 0)
    return torch.where(exists[..., None], scaled[rows][..., list(MOMENTUM)], 0.0), lengths


def images(batch: Batch, radius: float) -> Tensor:
    """Return jet images, (jet, eta pixel, phi pixel): the constituents' shares of the jet's pt, around its axis.

    Args:
        batch: of jets.
        radius: half the side of the image; constituents outside are left out.
    """
    jets = len(batch.offsets) - 1
    counts = batch.leaf_counts()
    owner = torch.arange(jets, device=counts.device).repeat_interleave(counts)
    first = offsets_of(counts)[:-1]
    leaves = torch.arange(len(owner), device=owner.device) + (batch.offsets[:-1] - first)[owner]
    axis = batch.features[batch.roots()][owner]
    constituents = batch.features[leaves]
    eta = constituents[:, 1] - axis[:, 1]
    phi = torch.remainder(constituents[:, 2] - axis[:, 2] + torch.pi, 2 * torch.pi) - torch.pi
    row = ((eta + radius) * (PIXELS / (2 * radius))).floor().long()
    column = ((phi + radius) * (PIXELS / (2 * radius))).floor().long()
    inside = (row >= 0) & (row < PIXELS) & (column >= 0) & (column < PIXELS)
    pixel = (owner * PIXELS + row) * PIXELS + column
    share = constituents[:, 5] / axis[:, 5].clamp_min(torch.finfo(axis.dtype).tiny)
    flat = share.new_zeros(jets * PIXELS * PIXELS)
    return flat.index_add(0, pixel[inside], share[inside]).reshape(jets, PIXELS, PIXELS)
