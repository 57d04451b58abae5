"""The total derivative of a recursive network's logit by the embedding of every node of the tree.

A node acts on the logit through its parent alone, or directly where the layers above the tree read it, as they read the
root. With L the logit, J_p the derivative of one step of the recursion at the node's parent p, and d L the direct part,

    dL/dh_i = d L/d h_i + (J_p)^T dL/dh_p

so that the derivatives follow from the root down, one level of all trees after another. The ops embed all nodes at
once and give the derivative by features and weights only; the derivative by their result is the direct part alone.
Of more than two classes L is the highest of the logits: that of the class which the network takes the jet for.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite import forest
from lightning_suite.errors import UsageError
from suite_recnn.network import JetNetwork, RecNN
from suite_recnn.network_inputs import Batch


class NodeGradients(NamedTuple):
    """What node_gradients returns.

    Attributes:
        logits: (jet,) L.
        embeddings: (node, hidden) h_i.
        gradients: (node, hidden) dL/dh_i, L the logit of the node's jet.
    """

    logits: Tensor
    embeddings: Tensor
    gradients: Tensor


def recursive(network: JetNetwork) -> RecNN:
    """Return the network if it is a recursive one.

    Raises:
        UsageError: it is not: its jets have no nodes with embeddings.
    """
    if not isinstance(network, RecNN):
        raise UsageError(
            f"expected a run of --model.network recnn or gated, got {type(network).__name__}: it does not read the "
            "clustering tree, so that a splitting has no embedding to derive by"
        )
    return network


def decision(logits: Tensor) -> Tensor:
    """Return L, (jet,), from the logits of a network: (jet,), or (jet, class) of more than two classes.

    Example:
        >>> decision(torch.tensor([[0.5, 2.0, -1.0]])).tolist()
        [2.0]
    """
    return logits if logits.dim() == 1 else logits.amax(dim=1)


def node_gradients(network: JetNetwork, batch: Batch) -> NodeGradients:
    """Return the logits of jets, the embeddings of all nodes, and the derivatives of the logits by them.

    Args:
        network: a recursive one.
        batch: of jets.

    Raises:
        UsageError: the network is not recursive.

    Example:
        >>> from suite_recnn.cells import SimpleCell
        >>> from suite_recnn.forests import JetBatch
        >>> children = torch.tensor([[-1, -1], [-1, -1], [0, 1]])  # a jet of two constituents
        >>> batch = JetBatch(torch.randn(3, 8), children, torch.tensor([0, 3]), None)
        >>> node_gradients(RecNN(SimpleCell(7, 4), 4), batch).gradients.shape
        torch.Size([3, 4])
    """
    network = recursive(network)
    with torch.no_grad():
        alone = network.cell.alone(network.inputs(batch))
        embeddings = network.nodes(batch)
    hidden = embeddings.shape[1]
    with torch.enable_grad():
        nodes = embeddings.clone().requires_grad_()
        logits = decision(network.logits_of(network.layers_above(nodes, batch)))
        (gradients,) = torch.autograd.grad(logits.sum(), nodes)  # the direct part
        for level in reversed(forest.levels(batch.children)):
            left, right = batch.children[level].unbind(1)
            inputs = torch.cat([embeddings[left], embeddings[right], alone[level]], dim=1).requires_grad_()
            (below,) = torch.autograd.grad(network.cell.step(inputs), inputs, gradients[level])
            gradients[left] += below[:, :hidden]  # a node has one parent, so that no row comes twice
            gradients[right] += below[:, hidden : 2 * hidden]
    return NodeGradients(logits.detach(), embeddings, gradients)


def relative_norms(gradients: Tensor, offsets: Tensor) -> Tensor:
    """Return the saliency of every node, |dL/dh_i| / |dL/dh_root|, (node,): 1 at the root.

    Cheng (2019), arXiv:1911.01872, equation 2. It is relative to the root, so that it does not depend on whether L is
    the logit or the probability, and falls from the root down as far as the steps of the recursion shrink vectors. Not
    a number where the root's derivative is zero.

    Args:
        gradients: (node, hidden).
        offsets: (jet + 1,) where each tree begins; its root is its last node.

    Example:
        >>> gradients = torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]])
        >>> relative_norms(gradients, torch.tensor([0, 3])).tolist()
        [0.5, 0.0, 1.0]
    """
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=1)
    relative: Tensor = norms / norms[offsets[1:] - 1].repeat_interleave(offsets.diff())
    return relative
