"""Finds jets in events: anti-kt, by FastJet.

Particles i and j are d_ij = min(pt_i^-2, pt_j^-2) (Delta_ij / R)^2 apart in rapidity and azimuth, and the nearest pair
is merged again and again, until a particle's distance d_iB = pt_i^-2 to the beam is the smallest: it is then a jet
(Cacciari, Salam, Soyez: "The anti-kt jet clustering algorithm", 2008, arXiv:0802.1189; FastJet, arXiv:1111.6097).
Momenta are added (E-scheme).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from lightning_suite.constraints import Condition, Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.offsets import offsets_of, select
from suite_recnn.jets import Jets, kinematics, sort_by_pt

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "radius": [Condition("a number between 0 and pi / 2", lambda radius: 0 < radius < np.pi / 2)],
    "pt_min": [Interval(float, 0)],
    "pt_max": [Interval(float, 0)],
    "eta_max": [Interval(float, 0, closed="neither")],
    "constituents_min": [Interval(int, 1)],
}


@dataclass(frozen=True, kw_only=True)
class JetDefinition:
    """The jets to find.

    Attributes:
        radius: R of the anti-kt algorithm.
        pt_min: the transverse momentum of a jet is above, GeV.
        pt_max: the transverse momentum of a jet is below, GeV.
        eta_max: the pseudorapidity of a jet is between -eta_max and eta_max.
        constituents_min: the least number of constituents.

    Example:
        >>> JetDefinition(radius=0.4, pt_min=200).pt_max
        700.0
    """

    radius: float = 0.8
    pt_min: float = 500.0
    pt_max: float = 700.0
    eta_max: float = 2.0
    constituents_min: int = 3

    def __post_init__(self) -> None:
        check(CONSTRAINTS, vars(self))
        if not self.pt_min < self.pt_max:
            raise UsageError(
                f"pt_min and pt_max: expected the first below the second, in GeV, got {self.pt_min} and {self.pt_max}"
            )


class FoundJets(NamedTuple):
    """The jets of some events.

    Attributes:
        particles: (constituent,) rows of the particles' momenta; in each jet the hardest comes first.
        offsets: (jet + 1,) where each jet begins among the constituents.
        events: (jet,) the number of its event; the jets of an event are ordered by falling transverse momentum.
    """

    particles: NDArray[np.int64]
    offsets: NDArray[np.int64]
    events: NDArray[np.int64]


def find_jets(momenta: NDArray[np.float64], offsets: NDArray[np.int64], definition: JetDefinition) -> FoundJets:
    """Return the jets of many events.

    Args:
        momenta: (particle, 4) px, py, pz, E in GeV, the particles of all events end to end.
        offsets: (event + 1,) where each event begins.
        definition: of the jets.

    Raises:
        ValueError: the momenta or the offsets have another shape, or a momentum is not finite.

    Example:
        >>> event = np.array([[300.0, 0, 0, 300], [290, 30, 0, 292], [-250, 10, 0, 251]])
        >>> jets = find_jets(event, np.array([0, 3]), JetDefinition(constituents_min=1))
        >>> jets.particles.tolist(), jets.offsets.tolist()
        ([0, 1], [0, 2])
    """
    momenta = np.ascontiguousarray(momenta, dtype=np.float64)
    _check(momenta, offsets)
    filled = np.flatnonzero(np.diff(offsets) > 0)  # FastJet fails on an event without particles
    if not len(filled):
        return FoundJets(np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64))
    particles, jet_offsets, events = _clustered(momenta, offsets[np.append(filled, -1)], definition)
    particles = particles[sort_by_pt(momenta[particles], jet_offsets)]
    events = filled[events]
    # Summed in the order of the result, so that a caller's sum of the constituents is within the window, too.
    jets = Jets(momenta[particles], jet_offsets)
    pt, eta, _, _ = kinematics(jets.totals())
    fits = (pt > definition.pt_min) & (pt < definition.pt_max) & (np.abs(eta) < definition.eta_max)
    fits &= jets.counts() >= definition.constituents_min
    selected = np.flatnonzero(fits)
    selected = selected[np.lexsort((-pt[selected], events[selected]))]
    rows, jet_offsets = select(jet_offsets, selected)
    return FoundJets(particles[rows], jet_offsets, events[selected])


def clustered(
    momenta: NDArray[np.float64], offsets: NDArray[np.int64], definition: fastjet.JetDefinition
) -> fastjet.ClusterSequence:
    """Return FastJet's clusterings of many lists of particles, without its banner on standard output.

    Args:
        momenta: (particle, 4) px, py, pz, E in GeV.
        offsets: (list + 1,) where each list begins.
        definition: FastJet's algorithm and radius.
    """
    fastjet.ClusterSequenceArea.set_fastjet_banner_stream(None)
    columns = [ak.contents.NumpyArray(np.ascontiguousarray(column)) for column in momenta.T]
    record = ak.contents.RecordArray(columns, ["px", "py", "pz", "E"], parameters={"__record__": "Momentum4D"})
    return fastjet.ClusterSequence(ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), record)), definition)


def _check(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> None:
    if momenta.ndim != 2 or momenta.shape[1] != 4:
        raise ValueError(f"find_jets: momenta must be of shape (particle, 4), got {momenta.shape}")
    if offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(momenta):
        raise ValueError(f"find_jets: offsets must go from 0 to the {len(momenta)} particles, got {offsets}")
    if (np.diff(offsets) < 0).any():
        raise ValueError("find_jets: offsets must not fall")
    if not np.isfinite(momenta).all():
        row = int(np.flatnonzero(~np.isfinite(momenta).all(axis=1))[0])
        raise ValueError(f"find_jets: the momentum of particle {row} is not finite: {momenta[row]}")


def _clustered(
    momenta: NDArray[np.float64], offsets: NDArray[np.int64], definition: JetDefinition
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of the constituents, offsets and events of all jets above the lowest transverse momentum."""
    algorithm = fastjet.JetDefinition(fastjet.antikt_algorithm, definition.radius)
    clusters = clustered(momenta, offsets, algorithm)
    # Slightly lower: our own sum, whose last digit may differ, decides whether a jet is above the limit.
    indices = clusters.constituent_index(definition.pt_min * (1 - 1e-9))  # event jet constituent
    jets_of_event = ak.to_numpy(ak.num(indices, axis=1))
    counts = ak.to_numpy(ak.flatten(ak.num(indices, axis=2), axis=None))
    events = np.repeat(np.arange(len(jets_of_event)), jets_of_event)
    within = ak.to_numpy(ak.flatten(indices, axis=None)).astype(np.int64)
    rows = within + np.repeat(offsets[:-1][events], counts)
    return rows, offsets_of(counts), events
