"""What of a jet tagger is exported: its network, with the scaling of features, on trees that are clustered already."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from lightning_suite.exporting.exportable import Exportable
from lightning_suite.offsets import offsets_of
from suite_recnn.forests import FEATURES, JetBatch, of_each_jet
from suite_recnn.lund import LUND_FEATURES

LARGEST = 120
"""Constituents of the largest jets that are compared."""


class OfTrees(nn.Module):
    """The logits of jets from the arrays of their trees; nan for a jet without constituents.

    Args:
        logits: of a batch of jets.
        parts: the networks in it.
    """

    parts: nn.Module

    def __init__(self, logits: Callable[[JetBatch], Tensor], parts: nn.Module) -> None:
        super().__init__()
        self.parts, self.logits = parts, logits

    def forward(self, features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        """(node, feature), (node, 2), (jet + 1,) -> (jet,), or (jet, class) of more than two classes."""
        # One jet more, of a single particle at rest: there is a node even where all other jets have none.
        features = torch.cat([features, features.new_zeros(1, features.shape[1])])
        children = torch.cat([children, children.new_full((1, 2), -1)])
        filled = offsets.diff() > 0
        offsets = torch.cat([offsets, offsets[-1:] + 1])
        logits = self.logits(JetBatch(features, children, offsets, None))[:-1]
        return torch.where(filled if logits.dim() == 1 else filled[:, None], logits, torch.nan)


def exportable(
    logits: Callable[[JetBatch], Tensor],
    network: nn.Module,
    unscaled: Callable[[Tensor], Tensor],
    features: str,
    classes: Sequence[str],
) -> Exportable:
    """Return what is exported of a tagger.

    Args:
        logits: what it computes from a batch.
        network: what it computes with.
        unscaled: gives features as large as those of the training from numbers of about 1.
        features: which features it reads, ``paper`` or ``lund``.
        classes: the names of its classes where there are more than two.
    """
    names = [*FEATURES, *(LUND_FEATURES if features == "lund" else ())]

    def reference(features: Tensor, children: Tensor, offsets: Tensor) -> Tensor:
        return of_each_jet(logits, JetBatch(features, children, offsets, None))

    def sample(sizes: Sequence[int], generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        nodes = [max(0, 2 * size - 1) for size in sizes]
        offsets = offsets_of(torch.tensor(nodes))
        trees = [_tree(size, int(begin), generator) for size, begin in zip(sizes, offsets[:-1], strict=True)]
        scaled = torch.randn(sum(nodes), len(names), generator=generator)
        with torch.no_grad():
            values = unscaled(scaled)
        return values, torch.cat(trees), offsets

    return Exportable(
        network=OfTrees(logits, network),
        reference=reference,
        inputs={"features": {0: "node"}, "children": {0: "node"}, "offsets": {0: "jet + 1"}},
        outputs=["logits"],
        sample=sample,
        sizes=(0, LARGEST),
        metadata={"features": ",".join(names), "classes": ",".join(classes)},
        left_out="reading and clustering jets, and the features of their nodes; logits, not probabilities, come out",
    )


def _tree(leaves: int, first: int, generator: Generator) -> Tensor:
    """Return the children of a random tree whose nodes begin at a row: (node, 2)."""
    children = torch.full((max(0, 2 * leaves - 1), 2), -1)
    roots = list(range(leaves))
    for node in range(leaves, 2 * leaves - 1):
        at = int(torch.randint(len(roots) - 1, (), generator=generator))
        children[node] = torch.tensor([roots.pop(at), roots.pop(at)]) + first
        roots.append(node)
    return children
