"""One jet: its tree, where each splitting lies on the Lund plane, and how salient each node is to the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.pictures import GREY, drawing, numbers_of
from suite_recnn.clustering import Trees
from suite_recnn.interpretation.attribution import Method
from suite_recnn.interpretation.saliency import node_saliency
from suite_recnn.interpretation.subject import Subject
from suite_recnn.interpretation.trees import trees_of
from suite_recnn.jets import kinematics
from suite_recnn.lund import LundCoordinates, lund_coordinates

COLUMNS = ("node", "harder", "softer", "depth", "pt", "mass", "delta", "kt", "z", "saliency")
NAMED = 5
"""The number of splittings whose mass the picture names: the most salient ones of 1 GeV or more below the root."""


class JetTree(NamedTuple):
    """A jet's tree and the saliency of its nodes, the root last.

    Attributes:
        method: the measure of saliency.
        name: which jet it is, in words.
        trees: one tree.
        lund: (node,) each.
        depth: (node,) steps from the root.
        saliency: (node,).
    """

    method: Method
    name: str
    trees: Trees
    lund: LundCoordinates
    depth: NDArray[np.int64]
    saliency: NDArray[np.float64]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield the numbers of every node, under COLUMNS; momenta in GeV; a constituent has no children."""
        moving = kinematics(self.trees.momenta)
        for node, (harder, softer) in enumerate(self.trees.children.tolist()):
            numbers = (moving.pt, moving.mass, self.lund.delta, self.lund.kt, self.lund.z, self.saliency)
            shown = ("" if np.isnan(values[node]) else f"{values[node]:.5g}" for values in numbers)
            yield node, *(("", "") if harder < 0 else (harder, softer)), int(self.depth[node]), *shown


def jet_tree(subject: Subject, jet: int, method: Method = "relative") -> JetTree:
    """Return the tree of a jet with the saliency of its nodes.

    Args:
        subject: with any network that has such a saliency.
        jet: its number, from 0.
        method: relative, gradient_input or integrated.

    Raises:
        UsageError: there is no such jet, or the network has no such saliency.
    """
    if not 0 <= jet < len(subject):
        raise UsageError(f"--jet {jet}: expected a number from 0 to {len(subject) - 1}: {subject.source}")
    one = subject.take(np.array([jet]))
    values, trees = node_saliency(one, method), trees_of(one)
    depth = np.zeros(len(values), dtype=np.int64)
    for node in reversed(range(len(values))):  # parents come after their children
        if trees.children[node, 0] >= 0:
            depth[trees.children[node]] = depth[node] + 1
    label = int(one.labels[0])
    name = f"jet {jet}" + (f", {subject.classes[label]}" if label >= 0 else "")
    return JetTree(method, name, trees, lund_coordinates(trees), depth, values)


def places(tree: JetTree) -> NDArray[np.float64]:
    """Return where nodes are drawn, (node, 2): constituents in a row, harder branches left; ln(1/Delta) downwards."""
    children = tree.trees.children
    inner = children[:, 0] >= 0
    spot = np.zeros((len(children), 2))
    with np.errstate(divide="ignore"):
        spot[:, 1] = -np.log(np.where(inner, tree.lund.delta, 1.0))
    finite = spot[inner & np.isfinite(spot[:, 1]), 1]
    deepest = float(finite.max(initial=0.0))
    spot[inner, 1] = np.minimum(spot[inner, 1], deepest)
    spot[~inner, 1] = deepest + 0.4
    waiting, next_leaf = [len(children) - 1], 0
    while waiting:
        node = waiting.pop()
        if inner[node]:
            waiting += [int(children[node, 1]), int(children[node, 0])]
        else:
            spot[node, 0], next_leaf = next_leaf, next_leaf + 1
    for row in np.flatnonzero(inner):
        spot[row, 0] = spot[children[row], 0].mean()
    return spot


def draw_jet(picture: Path, tree: JetTree, *, title: str = "") -> Path:
    """Draw a jet's tree, its nodes coloured by saliency, write its numbers beside it, and return their path.

    A splitting is drawn at its ln(1/Delta); lines and circles are as wide as the root of the transverse momentum.

    Args:
        picture: the PNG file.
        tree: of the jet.
        title: of the picture.
    """
    children, spot, moving = tree.trees.children, places(tree), kinematics(tree.trees.momenta)
    size = np.sqrt(moving.pt / moving.pt[-1])
    known = tree.saliency[np.isfinite(tree.saliency)]
    end = float(np.abs(known).max(initial=0.0)) or 1.0
    signed = tree.method != "relative"
    with drawing(picture, COLUMNS, tree.rows(), width=9.0, height=5.0) as figure:
        axis = figure.subplots()
        for node, pair in enumerate(children.tolist()):
            for child in pair if pair[0] >= 0 else []:
                across = [spot[node, 0], spot[child, 0], spot[child, 0]]
                down = [spot[node, 1], spot[node, 1], spot[child, 1]]
                axis.plot(across, down, color=GREY, linewidth=0.4 + 3.5 * size[child], alpha=0.5, zorder=1)
        order = np.argsort(np.abs(np.nan_to_num(tree.saliency)))
        dots = axis.scatter(
            spot[order, 0],
            spot[order, 1],
            c=tree.saliency[order],
            s=12 + 110 * size[order],
            cmap="RdBu_r" if signed else "viridis",
            vmin=-end if signed else 0.0,
            vmax=end,
            edgecolors="black",
            linewidths=0.4,
            zorder=2,
        )
        below = order[(order != len(order) - 1) & (children[order, 0] >= 0)]
        named = below[moving.mass[below] >= 1][-NAMED:]
        for node in named.tolist():
            free = not any(0 < spot[other, 0] - spot[node, 0] < 4 for other in named)  # on the right
            words, aside = f"m = {moving.mass[node]:.0f} GeV", (7 if free else -7, 5)
            align = "left" if free else "right"
            axis.annotate(words, spot[node], aside, textcoords="offset points", ha=align, fontsize="small", zorder=3)
        figure.colorbar(dots, ax=axis, label=f"saliency, {tree.method}")
        axis.invert_yaxis()
        axis.set_xticks([])
        axis.set_xlabel("constituents, the harder branch of each splitting on the left")
        axis.set_ylabel("ln(1 / Δ) of the splitting")
        axis.set_title(title or tree.name)
    return numbers_of(picture)
