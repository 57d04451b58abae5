"""The saliency of every splitting of jets, and where on the Lund plane it is high.

Every inner node below the root is a splitting with a place on the Lund plane (`suite_recnn.lund`) and a saliency
(`suite_recnn.interpretation.attribution`). The root is left out: the paper's saliency is relative to it, and 1 there by
definition. Trees are Cambridge/Aachen trees, whatever the network was trained on: only of them the Lund plane has a
meaning. Cheng (2019), arXiv:1911.01872, section 3.

What training adds shows beside a network of random weights: a map that it has as well is one of the trees and of the
recursion, not of what was learnt (Adebayo et al.: "Sanity Checks for Saliency Maps", 2018, arXiv:1810.03292).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.progress import progress
from suite_recnn.interpretation.attribution import Method, saliency
from suite_recnn.interpretation.lund_plane import X_EDGES, Y_EDGES, LundMap, lund_map
from suite_recnn.interpretation.node_gradients import recursive
from suite_recnn.interpretation.subject import Subject, untrained
from suite_recnn.interpretation.trees import trees_of
from suite_recnn.jets import kinematics, owners_of
from suite_recnn.lund import lund_coordinates

BATCH = 128
"""Jets whose derivatives are computed at once."""


@dataclass(frozen=True, eq=False)
class Splittings:
    """All splittings of a subject's jets but the first of each; everything is (splitting,).

    Attributes:
        method: the measure of saliency.
        nodes: rows of the subject's forest.
        jets: the number of the jet.
        labels: of the jet: the number of its class.
        weights: of the jet.
        ln_inverse_delta: ln(1/Delta), infinite where the prongs have one direction.
        ln_kt: ln(kt / GeV).
        pt: transverse momentum of the node that splits, GeV.
        mass: GeV.
        saliency: of the node; not a number where the derivative at the root is zero.
        jet_weights: (class,) the sum of the weights of the jets of each class.
        jet_pt: the median transverse momentum of the jets, GeV.
    """

    method: Method
    nodes: NDArray[np.int64]
    jets: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    ln_inverse_delta: NDArray[np.float64]
    ln_kt: NDArray[np.float64]
    pt: NDArray[np.float64]
    mass: NDArray[np.float64]
    saliency: NDArray[np.float64]
    jet_weights: NDArray[np.float64]
    jet_pt: float

    def mean(self, label: int) -> float:
        """Return the weighted mean saliency of the splittings of a class."""
        chosen = (self.labels == label) & np.isfinite(self.saliency)
        return float(np.average(self.saliency[chosen], weights=self.weights[chosen]))

    def map(
        self,
        label: int,
        x_edges: NDArray[np.float64] = X_EDGES,
        y_edges: NDArray[np.float64] = Y_EDGES,
    ) -> LundMap:
        """Return the mean saliency of a class by cell of the Lund plane."""
        chosen = self.labels == label
        x, y, values = self.ln_inverse_delta[chosen], self.ln_kt[chosen], self.saliency[chosen]
        return lund_map(x, y, values, self.weights[chosen], float(self.jet_weights[label]), x_edges, y_edges)


def node_saliency(subject: Subject, method: Method = "relative") -> NDArray[np.float64]:
    """Return the saliency of every node of a subject's jets, (node,) of its forest; see `attribution.saliency`.

    Raises:
        UsageError: the network has no such saliency.
    """
    network = subject.tagger.network
    parts = []
    with progress(f"saliency ({method}) of {subject.name}", len(subject), unit="jets") as advance:
        for batch in subject.batches(BATCH):
            parts.append(saliency(network, batch, method).double().cpu().numpy())
            advance(len(batch.offsets) - 1)
    return np.concatenate(parts)


def splittings(subject: Subject, method: Method = "relative") -> Splittings:
    """Return all splittings of a subject's labelled jets below the roots, with their saliency.

    Args:
        subject: opened with ``algorithm="cambridge-aachen"``.
        method: relative, the paper's; gradient_input or integrated.

    Raises:
        UsageError: the network is not recursive, the trees are not Cambridge/Aachen trees, or no jet has a label.

    Example:
        The paper's Figure 1, as numbers:

            subject = open_subject(run, algorithm="cambridge-aachen")
            of_signal = splittings(subject).map(label=1)
    """
    recursive(subject.tagger.network)
    if subject.data.algorithm != "cambridge-aachen":
        raise UsageError(
            f"the Lund plane needs Cambridge/Aachen trees, and the jets were clustered with {subject.data.algorithm}: "
            'open_subject(..., algorithm="cambridge-aachen")'
        )
    if not (subject.labels >= 0).any():
        raise UsageError(f"saliency is shown by class, and no jet has a label: {subject.source}")
    values = node_saliency(subject, method)
    trees = trees_of(subject)
    lund = lund_coordinates(trees)
    moving = kinematics(trees.momenta)
    owners = owners_of(trees.offsets)
    inner = trees.children[:, 0] >= 0
    inner[trees.offsets[1:] - 1] = False
    nodes = np.flatnonzero(inner & (subject.labels[owners] >= 0))
    jets = owners[nodes]
    known = subject.labels >= 0
    with np.errstate(divide="ignore"):
        x, y = -np.log(lund.delta[nodes]), np.log(lund.kt[nodes])
    return Splittings(
        method,
        nodes,
        jets,
        subject.labels[jets],
        subject.weights[jets],
        x,
        y,
        moving.pt[nodes],
        moving.mass[nodes],
        values[nodes],
        np.bincount(subject.labels[known], subject.weights[known], len(subject.classes)).astype(np.float64),
        float(np.median(moving.pt[trees.offsets[1:] - 1])),
    )


def untrained_splittings(subject: Subject, method: Method = "relative", seed: int = 0) -> Splittings:
    """Return what `splittings` returns, of a network of the same settings and scaling with random weights.

    Raises:
        UsageError: see `splittings`.
    """
    return splittings(replace(subject, tagger=untrained(subject.tagger, seed)), method)
