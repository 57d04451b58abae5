"""Jets turned so that what physics does not distinguish looks the same to a network.

A collider has no preferred azimuth and, for the parts of protons that collide, no preferred velocity along the beam:
a rotation about the beam and a boost along it change nothing but coordinates. ``center`` uses them to bring each jet
to eta = phi = 0. ``recnn`` is what Louppe, Cho, Becot and Cranmer do (arXiv:1702.00748): it brings the hardest subjet
there, then turns the jet about the hardest subjet until the second one points down, and mirrors it so that the third
one lies on the positive side.
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
"""Of the kt subjets that ``recnn`` turns by (arXiv:1702.00748)."""

Momenta = NDArray[np.float64]


def preprocess(jets: Jets, name: Preprocessing) -> Jets:
    """The jets turned; their columns stay as they were, and the hardest constituent comes first again.

    Args:
        jets: as they were found.
        name: none, center or recnn.

    Raises:
        UsageError: there is no preprocessing of that name.
    """
    if name == "none":
        return jets
    if name == "center":
        return _ordered(jets, center(jets))
    if name == "recnn":
        return _ordered(jets, turn(jets))
    raise UsageError(f"preprocess: expected one of {', '.join(get_args(Preprocessing))}, got {name!r}")


def center(jets: Jets) -> Momenta:
    """The constituents, (constituent, 4), seen from where their jet has pz = 0, turned so that it has py = 0."""
    owner = owners_of(jets.offsets)
    axis = jets.totals()[owner]  # constituent, 4
    return boost_along_beam(rotate_about_beam(jets.momenta, -np.arctan2(axis[:, 1], axis[:, 0])), axis)


def turn(jets: Jets) -> Momenta:
    """The constituents, (constituent, 4), after all the steps of arXiv:1702.00748."""
    owner = owners_of(jets.offsets)
    subjets = hardest_subjets(jets)  # jet, 3, 4
    # Subjets are turned along with the constituents, each under its jet, so that later steps can look at them.
    momenta = np.concatenate([subjets.reshape(-1, 4), jets.momenta])
    owner = np.concatenate([np.repeat(np.arange(len(jets)), 3), owner])
    first = subjets[:, 0][owner]
    momenta = boost_along_beam(rotate_about_beam(momenta, -np.arctan2(first[:, 1], first[:, 0])), first)
    subjets = momenta[: 3 * len(jets)].reshape(-1, 3, 4)
    across = subjets[:, 0] - subjets[:, 1]
    has_second = subjets[:, 1, 3] > 0
    angle = np.where(has_second, -np.arctan2(across[:, 2], across[:, 1]), 0.0)[owner]
    y, z = momenta[:, 1], momenta[:, 2]
    turned = [momenta[:, 0], np.cos(angle) * y - np.sin(angle) * z, np.sin(angle) * y + np.cos(angle) * z]
    momenta = np.stack([*turned, momenta[:, 3]], axis=1)
    third = momenta[: 3 * len(jets)].reshape(-1, 3, 4)[:, 2, 2]
    momenta[:, 2] *= np.where(third < 0, -1.0, 1.0)[owner]
    return momenta[3 * len(jets) :]


def hardest_subjets(jets: Jets) -> Momenta:
    """The three hardest kt subjets of each jet, (jet, 3, 4); where there are fewer, zeros."""
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, SUBJET_RADIUS)
    found = clustered(jets.momenta, jets.offsets, definition).inclusive_jets()
    counts = awkward.to_numpy(awkward.num(found))
    momenta = np.stack([awkward.to_numpy(awkward.flatten(found[name])) for name in ("px", "py", "pz", "E")], axis=1)
    offsets = offsets_of(counts)
    momenta = momenta[sort_by_pt(momenta, offsets)]
    result = np.zeros((len(jets), 3, 4))
    for place in range(3):
        there = counts > place
        result[there, place] = momenta[offsets[:-1][there] + place]
    return result


def rotate_about_beam(momenta: Momenta, angle: NDArray[np.float64]) -> Momenta:
    """Momenta (n, 4), each turned by its angle (n,) in radians about the z axis."""
    x, y, z, energy = momenta.T
    return np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z, energy], axis=1)


def boost_along_beam(momenta: Momenta, frame: Momenta) -> Momenta:
    """Momenta (n, 4) as they are where the momentum of the same row of ``frame`` has pz = 0."""
    x, y, z, energy = momenta.T
    velocity = frame[:, 2] / frame[:, 3]
    gamma = 1.0 / np.sqrt(np.maximum(1.0 - velocity * velocity, np.finfo(float).eps))
    return np.stack([x, y, gamma * (z - velocity * energy), gamma * (energy - velocity * z)], axis=1)


def _ordered(jets: Jets, momenta: Momenta) -> Jets:
    return Jets(momenta[sort_by_pt(momenta, jets.offsets)], jets.offsets, jets.columns)
