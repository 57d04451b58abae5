"""The networks of the paper: a recursive one over clustering trees, and those it is compared with (appendix C).

Every network reads a `JetBatch`, scales its features, and returns a logit for each jet: the higher, the more like
signal; of more than two classes it returns one for each. Its last three hidden layers, which the paper analyses
(*Hidden(-3)* to *Hidden(-1)*), are available by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from lightning_suite.ragged import segment_sum
from suite_recnn.cells import Cell, GatedCell, SimpleCell, initialise
from suite_recnn.network_inputs import HARDEST, MOMENTUM, PIXELS, Batch, hardest_momenta, images, mass_waves

Network = Literal["recnn", "gated", "fcn", "lstm", "cnn"]
Pool = Literal["root", "mean", "sum"]
FEATURE_DIM = 8
"""The number of features; see ``suite_recnn.forests.FEATURES``. Where those of splittings follow there are more."""
PAPER_DIM = 7
"""The number of the paper's features, which come first."""
NODES = 100
"""What a sum over the nodes of a jet is divided by: about their number, so that it is of the size of an embedding."""


def _asinh(values: Tensor) -> Tensor:
    # torch 2.13 computes asinh on a CPU number by number: a tenth of a step. This form's derivative at 0 is not right.
    if values.requires_grad or values.device.type != "cpu" or torch.compiler.is_compiling():
        return torch.asinh(values)
    size = values.abs()
    return torch.log1p(size + size * (size / (1 + torch.hypot(size, size.new_ones(()))))).copysign(values)


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

    @property
    def is_set(self) -> bool:
        """Whether the features are scaled by anything."""
        return bool((self.scale != 1).any() or (self.center != 0).any())

    def set(self, center: Tensor, scale: Tensor) -> None:
        """Set median and interquartile range, (feature,) each."""
        self.center.copy_(center)
        self.scale.copy_(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return the scaled features: (node, feature) -> (node, feature)."""
        return _asinh((features - self.center) / self.scale)

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
        self.scaler: RobustScaler = RobustScaler(feature_dim)
        self.output: nn.Linear = nn.Linear(output_dim, 1)

    @abstractmethod
    def layers(self, batch: Batch) -> dict[str, Tensor]:
        """Return the last three hidden layers by name, the last one last: (jet, layer_dim) each."""

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits, (jet,), or (jet, class) of more than two classes."""
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
    short way for it. All arguments but the first two are not in the paper.

    Args:
        cell: the recursion; None: the paper's, of its seven features.
        hidden_dim: width of a node's embedding and of the dense layers.
        feature_dim: the number of features of a node in the data.
        pool: root; mean or sum: of all nodes' embeddings, beside the root's.
        layer_norm: whether the first dense layer sees the embedding with mean 0 and variance 1 over its coordinates.
        dropout: the share of the dense layers' units that is left out at random in training.
        waves: the number of frequencies of `mass_waves`; the cell reads these 2 * waves values before the features.

    Example:
        >>> network = RecNN(SimpleCell(PAPER_DIM, 4), 4)
        >>> sum(weight.numel() for weight in network.parameters())
        129
    """

    def __init__(
        self,
        cell: Cell | None = None,
        hidden_dim: int = 70,
        *,
        feature_dim: int = FEATURE_DIM,
        pool: Pool = "root",
        layer_norm: bool = False,
        dropout: float = 0.0,
        waves: int = 0,
    ) -> None:
        super().__init__(hidden_dim, feature_dim)
        self.cell: Cell = SimpleCell(PAPER_DIM, hidden_dim) if cell is None else cell
        self.waves = waves
        self.pool = pool
        embedding_dim = hidden_dim if pool == "root" else 2 * hidden_dim
        self.norm: nn.LayerNorm | nn.Identity = nn.LayerNorm(embedding_dim) if layer_norm else nn.Identity()
        self.dropout: nn.Dropout = nn.Dropout(dropout)
        self.dense_1: nn.Linear = nn.Linear(embedding_dim, hidden_dim)
        self.dense_2: nn.Linear = nn.Linear(hidden_dim, hidden_dim)
        initialise(self.dense_1, self.dense_2)

    def nodes(self, batch: Batch) -> Tensor:
        """Return the embeddings of all nodes, (node, hidden)."""
        embeddings: Tensor = self.cell(self.inputs(batch), batch.children, batch.offsets)
        return embeddings

    def inputs(self, batch: Batch) -> Tensor:
        """Return what the cell reads of each node, of which it takes the first ones: (node, input)."""
        scaled: Tensor = self.scaler(batch.features)
        return torch.cat([mass_waves(batch, self.waves), scaled], dim=1) if self.waves else scaled

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
        self.dense_1: nn.Linear = nn.Linear(HARDEST * len(MOMENTUM), 300)
        self.dense_2: nn.Linear = nn.Linear(300, 102)
        self.dense_3: nn.Linear = nn.Linear(102, 12)
        self.dense_4: nn.Linear = nn.Linear(12, 6)
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
        self.lstm: nn.LSTM = nn.LSTM(len(MOMENTUM), 70, batch_first=True)
        self.dense_1: nn.Linear = nn.Linear(70, 50)
        self.dense_2: nn.Linear = nn.Linear(50, 20)
        initialise(self.dense_1, self.dense_2)

    def layers(self, batch: Batch) -> dict[str, Tensor]:
        momenta, lengths = hardest_momenta(batch, self.scaler(batch.features))
        if torch.compiler.is_exporting():  # sequences cannot be packed in a graph
            last = (lengths - 1).clamp_min(0)[:, None, None].expand(-1, 1, self.lstm.hidden_size)
            embedding = self.lstm(momenta)[0].gather(1, last).squeeze(1)
        else:
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

    def __init__(self, radius: float = 0.8, feature_dim: int = FEATURE_DIM) -> None:
        super().__init__(64, feature_dim)
        self.radius = radius
        channels = [1, 16, 16, 8, 8]
        self.convolutions: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=1) for before, after in pairwise(channels)
        )
        self.dense_1: nn.Linear = nn.Linear(8 * (PIXELS // 4) ** 2, 128)
        self.dense_2: nn.Linear = nn.Linear(128, 64)
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


def build_network(options: Mapping[str, Any], feature_dim: int, classes: int) -> JetNetwork:
    """Return the network that the options of a model and the data ask for.

    Args:
        options: of the model, by name; see ``suite_recnn.module.JetTagger``.
        feature_dim: the number of features of a node in the data.
        classes: how many classes it distinguishes; two, or fewer, share one output.

    Raises:
        ValueError: there is no such network.

    Example:
        >>> build_network({"network": "fcn"}, 8, 2).output, build_network({"network": "fcn"}, 8, 3).output.out_features
        (Linear(in_features=6, out_features=1, bias=True), 3)
    """
    network = _of_two_classes(options, feature_dim)
    if classes > 2:
        network.output = nn.Linear(network.output.in_features, classes)
    return network


def _of_two_classes(options: Mapping[str, Any], feature_dim: int) -> JetNetwork:
    name = options["network"]
    match name:
        case "recnn" | "gated":
            cell, hidden_dim = SimpleCell if name == "recnn" else GatedCell, options["hidden_dim"]
            seen = feature_dim if options["mass"] or feature_dim > FEATURE_DIM else PAPER_DIM
            settings = {option: options[option] for option in ("pool", "layer_norm", "dropout")}
            waves = options["mass_waves"]
            read = cell(2 * waves + seen, hidden_dim)
            return RecNN(read, hidden_dim, feature_dim=feature_dim, waves=waves, **settings)
        case "fcn":
            return FCN(feature_dim)
        case "lstm":
            return LSTM(feature_dim)
        case "cnn":
            return CNN(options["image_radius"], feature_dim)
    raise ValueError(f"expected a network of {', '.join(get_args(Network))}, got {name!r}")
