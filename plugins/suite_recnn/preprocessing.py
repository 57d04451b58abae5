"""Rotates and boosts jets, so that jets which physics does not distinguish look the same to a network.

A collider has no preferred azimuth and, for the parts of protons that collide, no preferred velocity along the beam:
a rotation about the beam and a boost along it change nothing but coordinates. ``center`` uses them to bring each jet
to eta = phi = 0. ``recnn`` is the alignment of Louppe, Cho, Becot and Cranmer (arXiv:1702.00748): it brings the hardest
subjet there, then rotates the jet about the hardest subjet until the second one points down, and mirrors it so that the
third one is on the positive side.
"""

from typing import Literal, get_args

import awkward
import fastjet
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.offsets import offsets_of
from suite_recnn.jet_finding import clustered
from suite_recnn.jets import Jets, owners_of, sort_by_pt

Preprocessing = Literal["none", "center", "recnn"]
SUBJET_RADIUS = 0.3
"""Of the kt subjets that ``recnn`` aligns (arXiv:1702.00748)."""

Momenta = NDArray[np.float64]


def preprocess(jets: Jets, name: Preprocessing) -> Jets:
    """Return the jets preprocessed, with the same columns and the hardest constituent first.

    Args:
        jets: the jets.
        name: none, center or recnn.

    Raises:
        UsageError: there is no preprocessing of that name.

    Example:
        >>> jets = Jets(np.array([[3.0, 4.0, 1.0, 6.0]]), np.array([0, 1]))
        >>> preprocess(jets, "center").momenta.round(6).tolist()[0][:3]
        [5.0, 0.0, 0.0]
    """
    if name == "none":
        return jets
    if name == "center":
        return _ordered(jets, center(jets))
    if name == "recnn":
        return _ordered(jets, align(jets))
    raise UsageError(f"preprocess: expected one of {', '.join(get_args(Preprocessing))}, got {name!r}")


def center(jets: Jets) -> Momenta:
    """Return the constituents, (constituent, 4), in the frame in which their jet has pz = 0 and py = 0."""
    owner = owners_of(jets.offsets)
    axis = jets.totals()[owner]  # constituent, 4
    return boost_along_beam(rotate_about_beam(jets.momenta, -np.arctan2(axis[:, 1], axis[:, 0])), axis)


def align(jets: Jets) -> Momenta:
    """Return the constituents, (constituent, 4), aligned by their subjets as in arXiv:1702.00748."""
    owner = owners_of(jets.offsets)
    subjets = hardest_subjets(jets)  # jet, 3, 4
    # Subjets are transformed along with the constituents of their jet, because later steps use them.
    momenta = np.concatenate([subjets.reshape(-1, 4), jets.momenta])
    owner = np.concatenate([np.repeat(np.arange(len(jets)), 3), owner])
    first = subjets[:, 0][owner]
    momenta = boost_along_beam(rotate_about_beam(momenta, -np.arctan2(first[:, 1], first[:, 0])), first)
    subjets = momenta[: 3 * len(jets)].reshape(-1, 3, 4)
    across = subjets[:, 0] - subjets[:, 1]
    has_second = subjets[:, 1, 3] > 0
    angle = np.where(has_second, -np.arctan2(across[:, 2], across[:, 1]), 0.0)[owner]
    y, z = momenta[:, 1], momenta[:, 2]
    rotated = [momenta[:, 0], np.cos(angle) * y - np.sin(angle) * z, np.sin(angle) * y + np.cos(angle) * z]
    momenta = np.stack([*rotated, momenta[:, 3]], axis=1)
    third = momenta[: 3 * len(jets)].reshape(-1, 3, 4)[:, 2, 2]
    momenta[:, 2] *= np.where(third < 0, -1.0, 1.0)[owner]
    return momenta[3 * len(jets) :]


def hardest_subjets(jets: Jets) -> Momenta:
    """Return the three hardest kt subjets of each jet, (jet, 3, 4); zeros where there are fewer."""
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, SUBJET_RADIUS)
    subjets = clustered(jets.momenta, jets.offsets, definition).inclusive_jets()
    counts = awkward.to_numpy(awkward.num(subjets))
    momenta = np.stack([awkward.to_numpy(awkward.flatten(subjets[name])) for name in ("px", "py", "pz", "E")], axis=1)
    offsets = offsets_of(counts)
    momenta = momenta[sort_by_pt(momenta, offsets)]
    hardest = np.zeros((len(jets), 3, 4))
    for rank in range(3):
        exists = counts > rank
        hardest[exists, rank] = momenta[offsets[:-1][exists] + rank]
    return hardest


def rotate_about_beam(momenta: Momenta, angle: NDArray[np.float64]) -> Momenta:
    """Return momenta (n, 4) rotated about the z axis by angles (n,) in radians."""
    x, y, z, energy = momenta.T
    return np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z, energy], axis=1)


def boost_along_beam(momenta: Momenta, frame: Momenta) -> Momenta:
    """Return momenta (n, 4) in the frames in which the momenta of the same rows of ``frame`` have pz = 0."""
    x, y, z, energy = momenta.T
    velocity = frame[:, 2] / frame[:, 3]
    gamma = 1.0 / np.sqrt(np.maximum(1.0 - velocity * velocity, np.finfo(float).eps))
    return np.stack([x, y, gamma * (z - velocity * energy), gamma * (energy - velocity * z)], axis=1)


def _ordered(jets: Jets, momenta: Momenta) -> Jets:
    return Jets(momenta[sort_by_pt(momenta, jets.offsets)], jets.offsets, jets.columns)
