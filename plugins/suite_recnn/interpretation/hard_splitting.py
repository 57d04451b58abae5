"""The way of a jet from the root of its tree along the harder branches, and the hard splitting on it.

The hard splitting is that of soft drop with beta = 0 (Larkoski, Marzani, Soyez, Thaler, 2014, arXiv:1402.2657): the
first with z > 0.1, on Cambridge/Aachen trees. Files of jets do not say where the quarks of a decay went, so that
there is no other truth.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite_recnn.clustering import Trees
from suite_recnn.forests import MASS_MIN
from suite_recnn.jets import kinematics
from suite_recnn.lund import lund_coordinates

Z_CUT: Final = 0.1
"""Of soft drop: the share of transverse momentum that the softer branch of a hard splitting has at least."""


class Ways(NamedTuple):
    """The way of every jet from the root along the harder branches; a row is a jet, a column a depth.

    Attributes:
        nodes: (jet, depth) rows of the trees, -1 beyond the constituent in which a way ends.
        splits: (jet, depth) whether the node is an inner one.
        log_mass: (jet, depth) ln(m + 0.1 GeV); not a number beyond the end.
        hard: (jet,) the depth of the hard splitting, -1 where there is none.
    """

    nodes: NDArray[np.int64]
    splits: NDArray[np.bool_]
    log_mass: NDArray[np.float64]
    hard: NDArray[np.int64]


def ways_of(trees: Trees, z_cut: float = Z_CUT) -> Ways:
    """Return the ways from the roots along the harder branches, and the first splittings with z above the cut.

    Example:
        >>> momenta = np.array([[3.0, 0, 0, 3], [0, 1, 0, 1], [3, 1, 0, 4]])
        >>> ways = ways_of(Trees(momenta, np.array([[-1, -1], [-1, -1], [0, 1]]), np.array([0, 3])))
        >>> ways.nodes.tolist(), ways.hard.tolist()
        ([[2, 0]], [0])
    """
    begin = trees.offsets[:-1]
    node = trees.offsets[1:] - 1
    columns = []
    while (node >= 0).any():
        columns.append(node)
        harder = np.where(node >= 0, trees.children[node, 0], -1)
        node = np.where(harder >= 0, begin + harder, -1)
    nodes = np.stack(columns, axis=1)
    splits = (nodes >= 0) & (trees.children[nodes, 0] >= 0)
    log_mass = np.where(nodes >= 0, np.log(kinematics(trees.momenta).mass + MASS_MIN)[nodes], np.nan)
    hits = splits & (np.nan_to_num(lund_coordinates(trees).z)[nodes] > z_cut)
    return Ways(nodes, splits, log_mass, np.where(hits.any(axis=1), hits.argmax(axis=1), -1))
