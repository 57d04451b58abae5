"""How much each node of a jet's tree matters to the network: three measures of saliency.

``relative`` is the paper's, equation 2: |dL/dh_i| / |dL/dh_root| with h the embeddings of the nodes and L the logit. It
says how far a change of a node's embedding, whatever its direction, would be felt; it is 1 at the root by definition.

The two others say how much of L the node's own features explain. With s_i the scaled features, which are 0 at the
median of the training jets' nodes, and S those of the whole jet,

    gradient_input   sum over features of s_i dL/ds_i (S)                             Simonyan et al., arXiv:1312.6034,
                                                                                      and Shrikumar et al., 1605.01713
    integrated       sum over features of s_i integral from 0 to 1 of dL/ds_i (a S) da   Sundararajan et al., 1703.01365

Both have a sign: above 0 speaks for signal. The baseline of the integral is a tree of the same shape all of whose nodes
are median nodes, and the sum over all nodes of a jet, the root included, is L(S) - L(0): *completeness*. A node's
features are its own four-momentum, the sum of those below it, so that the momenta of its constituents enter again at
every node above them. FCN and LSTM read constituents only: theirs alone are other than 0.
"""

from typing import Literal

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_recnn.forests import JetBatch
from suite_recnn.interpretation.node_gradients import decision, node_gradients, relative_norms
from suite_recnn.network import CNN, JetNetwork

Method = Literal["relative", "gradient_input", "integrated"]
STEPS = 32
"""Points of the integral of ``integrated``."""


def saliency(network: JetNetwork, batch: JetBatch, method: Method = "relative", steps: int = STEPS) -> Tensor:
    """Return the saliency of every node, (node,), by one of the measures above.

    Args:
        network: in evaluation mode.
        batch: of jets.
        method: relative, gradient_input or integrated.
        steps: the number of points of the integral of ``integrated``.

    Raises:
        UsageError: the network has no such saliency: ``relative`` needs a recursive one, and the pixels of a CNN's
            image have no derivative by the constituents' directions.

    Example:
        >>> from suite_recnn.network import FCN
        >>> children = torch.tensor([[-1, -1], [-1, -1], [0, 1]])  # a jet of two constituents
        >>> batch = JetBatch(torch.randn(3, 8), children, torch.tensor([0, 3]), None)
        >>> saliency(FCN(), batch, "gradient_input")[2].item()  # the root, of which it sees nothing
        0.0
    """
    if method == "relative":
        return relative_norms(node_gradients(network, batch).gradients, batch.offsets)
    if isinstance(network, CNN):
        raise UsageError(
            f"--method {method} is not defined for a CNN: its image jumps where a constituent crosses the edge of a "
            "pixel, so that the score has no derivative by the directions of constituents"
        )
    scaled = network.scaler(batch.features).detach()
    if method == "gradient_input":
        mean_slope = _slopes(network, batch, scaled)
    else:
        points = ((step + 0.5) / steps * scaled for step in range(steps))  # the midpoint rule
        mean_slope = sum((_slopes(network, batch, point) for point in points), torch.zeros_like(scaled)) / steps
    values: Tensor = (scaled * mean_slope).sum(1)
    return values


def logits_of_scaled(network: JetNetwork, batch: JetBatch, scaled: Tensor) -> Tensor:
    """Return L, (jet,), of jets whose nodes have these scaled features, (node, feature); see `decision`."""
    return decision(network(batch._replace(features=network.scaler.inverse(scaled))))


def _slopes(network: JetNetwork, batch: JetBatch, scaled: Tensor) -> Tensor:
    """Return the derivative of the logits by the scaled features at a point: (node, feature)."""
    with torch.enable_grad():
        point = scaled.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(logits_of_scaled(network, batch, point).sum(), point)
    return gradient
