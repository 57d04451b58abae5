"""The networks of the paper: a recursive one over clustering trees, and those it is compared with (appendix C).

Every network reads a `JetBatch`, scales its features, gives three hidden layers by name, the ones that the paper looks
into (*Hidden(-3)* to *Hidden(-1)*), and a logit a jet: the higher, the more like signal.
"""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from lightning_suite.offsets import offsets_of
from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding
from lightning_suite.ops.tree_embedding import tree_embedding

FEATURE_DIM = 8
"""Of a batch; see ``suite_recnn.forests.FEATURES``."""
PAPER_DIM = 7
"""The first seven are those of the paper."""
HARDEST = 30
"""Constituents that FCN and LSTM see (appendix C)."""
MOMENTUM = (5, 1, 2, 3)
"""Of the features those that make a four-momentum: pt, eta, phi, E."""
PIXELS = 37
"""Of a jet image, along eta and along phi (appendix C)."""


class Batch(Protocol):
    """What a network reads; `suite_recnn.forests.JetBatch` is one."""

    @property
    def features(self) -> Tensor:
        """(node, 8)."""

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

    Both numbers are the training set's and lie in the checkpoint. Energies fall like a power, so that a root may lie a
    hundred interquartile ranges off; asinh leaves the bulk as it is and makes a logarithm of the tail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.center: Tensor
        self.scale: Tensor
        self.register_buffer("center", torch.zeros(FEATURE_DIM))
        self.register_buffer("scale", torch.ones(FEATURE_DIM))

    def set(self, center: Tensor, scale: Tensor) -> None:
        """Takes the statistics of a training set, (8,) each."""
        self.center.copy_(center)
        self.scale.copy_(scale)

    def forward(self, features: Tensor) -> Tensor:
        """(node, 8) -> (node, 8)."""
        return torch.asinh((features - self.center) / self.scale)


class JetNetwork(nn.Module, ABC):
    """A network over jets.

    Args:
        output_dim: width of its last hidden layer.
    """

    def __init__(self, output_dim: int) -> None:
        super().__init__()
        self.scaler = RobustScaler()
        self.output = nn.Linear(output_dim, 1)

    @abstractmethod
    def layers(self, batch: Batch) -> dict[str, Tensor]:
        """The last three hidden layers by name, the last one last: (jet, layer_dim) each."""

    def forward(self, batch: Batch) -> Tensor:
        """Logits, (jet,)."""
        *_, last = self.layers(batch).values()
        logits: Tensor = self.output(last)
        return logits.squeeze(1)


class Cell(nn.Module, ABC):
    """One step of the recursion: how a node's embedding comes from its children's and its own features.

    Args of its kinds:
        feature_dim: how many features of a node it reads, from the first.
        hidden_dim: width of an embedding.
    """

    @abstractmethod
    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        """Embeddings of all nodes: (node, feature), (node, 2), (jet + 1,) -> (node, hidden)."""


class SimpleCell(Cell):
    """relu(W_h [h_left, h_right, u] + b_h) with u = relu(W_u x + b_u)."""

    def __init__(self, feature_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.own = nn.Linear(feature_dim, hidden_dim)
        self.inner = nn.Linear(3 * hidden_dim, hidden_dim)
        _initialise(self.own, self.inner)

    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        own, inner = self.own, self.inner
        features = features[:, : own.in_features]
        return tree_embedding(features, children, offsets, own.weight, own.bias, inner.weight, inner.bias)


class GatedCell(Cell):
    """The same with reset gates, and with a softmax that chooses between the new, the children's and the own value.

    Louppe, Cho, Becot and Cranmer (arXiv:1702.00748); the formula is in `lightning_suite.ops.gated_tree_embedding`.
    """

    def __init__(self, feature_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.own = nn.Linear(feature_dim, hidden_dim)
        self.reset = nn.Linear(3 * hidden_dim, 3 * hidden_dim)
        self.inner = nn.Linear(3 * hidden_dim, hidden_dim)
        self.choice = nn.Linear(4 * hidden_dim, 4 * hidden_dim)
        _initialise(self.own, self.inner, self.reset, self.choice)

    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        weights = [each for layer in (self.own, self.reset, self.inner, self.choice) for each in layer.parameters()]
        return gated_tree_embedding(features[:, : self.own.in_features], children, offsets, *weights)


class RecNN(JetNetwork):
    """Recursive embedding of the clustering tree, then two dense layers of the same width (appendix A).

    Args:
        cell: the recursion.
        hidden_dim: width of the embedding and of the dense layers.
    """

    def __init__(self, cell: Cell, hidden_dim: int) -> None:
        super().__init__(hidden_dim)
        self.cell = cell
        self.dense_1 = nn.Linear(hidden_dim, hidden_dim)
        self.dense_2 = nn.Linear(hidden_dim, hidden_dim)
        _initialise(self.dense_1, self.dense_2)

    def nodes(self, batch: Batch) -> Tensor:
        """Embeddings of all nodes, (node, hidden)."""
        h: Tensor = self.cell(self.scaler(batch.features), batch.children, batch.offsets)
        return h

    def layers_of(self, embedding: Tensor) -> dict[str, Tensor]:
        """The layers above embeddings of jets, (jet, hidden), with these as the first of them."""
        dense_1 = self.dense_1(embedding).relu()
        return {"embedding": embedding, "dense_1": dense_1, "dense_2": self.dense_2(dense_1).relu()}

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        return self.layers_of(self.nodes(batch)[batch.roots()])


class FCN(JetNetwork):
    """Dense layers of 300, 102, 12 and 6 on the four-momenta of the 30 hardest constituents (appendix C)."""

    def __init__(self) -> None:
        super().__init__(6)
        self.dense_1 = nn.Linear(HARDEST * len(MOMENTUM), 300)
        self.dense_2 = nn.Linear(300, 102)
        self.dense_3 = nn.Linear(102, 12)
        self.dense_4 = nn.Linear(12, 6)
        _initialise(self.dense_1, self.dense_2, self.dense_3, self.dense_4)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        momenta, _ = hardest_momenta(batch, self.scaler(batch.features))
        dense_2 = self.dense_2(self.dense_1(momenta.flatten(1)).relu()).relu()
        dense_3 = self.dense_3(dense_2).relu()
        return {"dense_2": dense_2, "dense_3": dense_3, "dense_4": self.dense_4(dense_3).relu()}


class LSTM(JetNetwork):
    """An LSTM of 70 over the four-momenta of the 30 hardest constituents, dense layers of 50 and 20 (appendix C)."""

    def __init__(self) -> None:
        super().__init__(20)
        self.lstm = nn.LSTM(len(MOMENTUM), 70, batch_first=True)
        self.dense_1 = nn.Linear(70, 50)
        self.dense_2 = nn.Linear(50, 20)
        _initialise(self.dense_1, self.dense_2)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        momenta, lengths = hardest_momenta(batch, self.scaler(batch.features))
        packed = pack_padded_sequence(momenta, lengths.cpu(), batch_first=True, enforce_sorted=False)
        embedding = self.lstm(packed)[1][0][0]  # jet 70: the state after each jet's last constituent
        dense_1 = self.dense_1(embedding).relu()
        return {"embedding": embedding, "dense_1": dense_1, "dense_2": self.dense_2(dense_1).relu()}


class CNN(JetNetwork):
    """Two convolutions of 16 channels, two of 8, each pair pooled, and dense layers of 128 and 64 (appendix C).

    The paper leaves kernels and the image's size open: kernels are 3 x 3, and the image is the square in (eta, phi)
    that the jet's circle fits in.

    Args:
        radius: half the side of the image.
    """

    def __init__(self, radius: float) -> None:
        super().__init__(64)
        self.radius = radius
        channels = [1, 16, 16, 8, 8]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=1) for before, after in pairwise(channels)
        )
        self.dense_1 = nn.Linear(8 * (PIXELS // 4) ** 2, 128)
        self.dense_2 = nn.Linear(128, 64)
        _initialise(*self.convolutions, self.dense_1, self.dense_2)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        image = images(batch, self.radius).unsqueeze(1)
        for place, convolution in enumerate(self.convolutions):
            image = convolution(image).relu()
            if place % 2:
                image = functional.max_pool2d(image, 2)
        flatten = image.flatten(1)
        dense_1 = self.dense_1(flatten).relu()
        return {"flatten": flatten, "dense_1": dense_1, "dense_2": self.dense_2(dense_1).relu()}


def hardest_momenta(batch: Batch, scaled: Tensor) -> tuple[Tensor, Tensor]:
    """(pt, eta, phi, E) of the hardest constituents, scaled: (jet, 30, 4), zeros where there are fewer; and (jet,)
    how many there are."""
    lengths = batch.leaf_counts().clamp_max(HARDEST)
    place = torch.arange(HARDEST, device=scaled.device)
    there = place < lengths[:, None]  # jet 30
    rows = torch.where(there, batch.offsets[:-1, None] + place, 0)
    return torch.where(there[..., None], scaled[rows][..., list(MOMENTUM)], 0.0), lengths


def images(batch: Batch, radius: float) -> Tensor:
    """Jet images, (jet, eta pixel, phi pixel): each constituent's share of the jet's pt, around the jet's axis.

    Args:
        batch: the jets.
        radius: half the side of the image; what lies outside is left out.
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


def _initialise(*layers: nn.Module) -> None:
    """He initialisation, which keeps the size of what passes through layers with relu; biases begin at 0."""
    for layer in layers:
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
