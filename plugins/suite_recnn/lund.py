"""Lund coordinates: how wide, how hard and how uneven the splitting at each inner node of a tree is.

A node with the children 1 and 2, the softer of which has the transverse momentum pt_soft, has

    Delta = sqrt((y_1 - y_2)^2 + (phi_1 - phi_2)^2)       the distance of the children in rapidity and azimuth
    kt    = pt_soft Delta                                 the transverse momentum of the softer one about the other
    z     = pt_soft / (pt_1 + pt_2)                       the share of the softer one
    m     = the mass of the node
    psi   = atan2(y_soft - y_hard, phi_soft - phi_hard)   the azimuth of the softer one around the harder one

of which ln(1/Delta) and ln(kt) span the Lund plane of Cambridge/Aachen trees (Dreyer, Salam and Soyez: "The Lund Jet
Plane", 2018, arXiv:1807.04758, section 2), and whose logarithms and psi are what LundNet5 sees (Dreyer and Qu, 2021,
arXiv:2012.08526, section 3.1).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite_recnn.clustering import BEAM_RAPIDITY, Trees
from suite_recnn.jets import kinematics, owners_of

LUND_FEATURES = ("log_delta", "log_kt", "log_z", "cos_psi", "sin_psi")
FLOOR = 1e-5
"""The least Delta, kt (GeV) and z whose logarithm is taken: those of parallel particles are zero."""


class LundCoordinates(NamedTuple):
    """The splitting at each node: (node,) each, float64; not a number at a constituent, which does not split.

    Attributes:
        delta: at least 0.
        kt: GeV, at least 0.
        z: from 0 to 1/2.
        mass: GeV.
        psi: radians, in [-pi, pi].
    """

    delta: NDArray[np.float64]
    kt: NDArray[np.float64]
    z: NDArray[np.float64]
    mass: NDArray[np.float64]
    psi: NDArray[np.float64]


def lund_coordinates(trees: Trees) -> LundCoordinates:
    """Return the Lund coordinates of every node of trees, whichever algorithm made them.

    The softer child is the right one; of two that are equally hard it is the one with the greater number.

    Example:
        >>> momenta = np.array([[3.0, 0, 0, 3], [np.cos(0.1), np.sin(0.1), 0, 1], [3 + np.cos(0.1), np.sin(0.1), 0, 4]])
        >>> trees = Trees(momenta, np.array([[-1, -1], [-1, -1], [0, 1]]), np.array([0, 3]))
        >>> {name: float(values[-1].round(3)) for name, values in lund_coordinates(trees)._asdict().items()}
        {'delta': 0.1, 'kt': 0.1, 'z': 0.25, 'mass': 0.173, 'psi': 0.0}
    """
    inner = np.flatnonzero(trees.children[:, 0] >= 0)
    begin = trees.offsets[:-1][owners_of(trees.offsets)[inner]]
    harder, softer = (begin + trees.children[inner, side] for side in (0, 1))
    pt, _, phi, mass = kinematics(trees.momenta)
    y = rapidity(trees.momenta)
    dy = y[softer] - y[harder]
    dphi = (phi[softer] - phi[harder] + np.pi) % (2 * np.pi) - np.pi
    delta = np.hypot(dy, dphi)
    total = pt[harder] + pt[softer]
    z = np.divide(pt[softer], total, out=np.zeros_like(total), where=total > 0)

    def at_nodes(values: NDArray[np.float64]) -> NDArray[np.float64]:
        everywhere = np.full(len(pt), np.nan)
        everywhere[inner] = values
        return everywhere

    return LundCoordinates(*map(at_nodes, (delta, pt[softer] * delta, z, mass[inner], np.arctan2(dy, dphi))))


def lund_features(trees: Trees) -> NDArray[np.float64]:
    """Return what networks see of the splitting at each node, (node, 5), in the order of `LUND_FEATURES`.

    They are 0 at a constituent, where no splitting of a jet has ln z = 0 or cos psi = sin psi = 0. The mass is
    among the other features.
    """
    delta, kt, z, _, psi = lund_coordinates(trees)
    features = [np.log(np.maximum(values, FLOOR)) for values in (delta, kt, z)] + [np.cos(psi), np.sin(psi)]
    finite: NDArray[np.float64] = np.nan_to_num(np.stack(features, axis=1))
    return finite


def rapidity(momenta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rapidity of four-momenta: (..., 4) -> (...).

    A momentum along the beam has plus or minus (100,000 + its size), distinct and finite, as the clustering has it.

    Example:
        >>> rapidity(np.array([[3.0, 4, 0, 6], [0, 0, 2, 2]])).tolist()
        [0.0, 100002.0]
    """
    px, py, pz, energy = np.moveaxis(np.asarray(momenta, dtype=np.float64), -1, 0)
    along, pt2 = np.abs(pz), px * px + py * py
    square = np.square(energy + along)
    transverse2 = pt2 + np.maximum((energy + pz) * (energy - pz) - pt2, 0.0)  # of the mass, stable for light ones
    with np.errstate(divide="ignore", invalid="ignore"):
        size = -0.5 * np.log(transverse2 / square)
    size = np.where((transverse2 > 0) & (square > 0), size, BEAM_RAPIDITY + along)
    signed: NDArray[np.float64] = np.copysign(size, pz)
    return signed
