"""Finds jets in events: anti-kt, by FastJet.

Particles i and j are d_ij = min(pt_i^-2, pt_j^-2) (Delta_ij / R)^2 apart in rapidity and azimuth, and the nearest pair
is merged again and again, until a particle's distance d_iB = pt_i^-2 to the beam is the smallest and it is a jet
(Cacciari, Salam, Soyez: "The anti-kt jet clustering algorithm", 2008, arXiv:0802.1189; FastJet, arXiv:1111.6097).
Momenta are added (E-scheme).
"""

from dataclasses import dataclass
from typing import NamedTuple

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from suite_recnn.jets import Jets, kinematics, rows_of, sort_by_pt


@dataclass(frozen=True, kw_only=True)
class JetDefinition:
    """What counts as a jet.

    Attributes:
        radius: R of the anti-kt algorithm.
        pt_min: GeV; a jet has more transverse momentum than this.
        pt_max: GeV; and less than this.
        eta_max: its pseudorapidity is between minus and plus this.
        constituents_min: it has at least so many constituents.
    """

    radius: float = 0.8
    pt_min: float = 500.0
    pt_max: float = 700.0
    eta_max: float = 2.0
    constituents_min: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.radius < np.pi / 2:
            raise UsageError(f"radius of the jets: expected a number between 0 and pi / 2, got {self.radius}")
        if not 0 <= self.pt_min < self.pt_max:
            raise UsageError(
                f"transverse momentum of the jets: expected 0 <= pt_min < pt_max in GeV, got {self.pt_min} and "
                f"{self.pt_max}"
            )
        if not self.eta_max > 0:
            raise UsageError(f"pseudorapidity of the jets: expected eta_max above 0, got {self.eta_max}")
        if self.constituents_min < 1:
            raise UsageError(f"constituents of a jet: expected at least 1, got {self.constituents_min}")


class FoundJets(NamedTuple):
    """The jets of some events.

    Attributes:
        particles: (constituent,) rows of the particles' momenta; in each jet the hardest comes first.
        offsets: (jet + 1,) where each jet begins among them.
        events: (jet,) the place of its event; the jets of an event are ordered by falling transverse momentum.
    """

    particles: NDArray[np.int64]
    offsets: NDArray[np.int64]
    events: NDArray[np.int64]


def find_jets(momenta: NDArray[np.float64], offsets: NDArray[np.int64], definition: JetDefinition) -> FoundJets:
    """The jets of many events that fit the definition.

    Args:
        momenta: (particle, 4) px, py, pz, E in GeV, the particles of all events end to end.
        offsets: (event + 1,) where each event begins.
        definition: what counts as a jet.

    Raises:
        ValueError: the momenta or the offsets have another shape, or a momentum is not finite.
    """
    momenta = np.ascontiguousarray(momenta, dtype=np.float64)
    _check(momenta, offsets)
    filled = np.flatnonzero(np.diff(offsets) > 0)  # FastJet's arrays stumble over an event without particles
    if not len(filled):
        return FoundJets(np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64))
    particles, found, events = _clustered(momenta, offsets[np.append(filled, -1)], definition)
    particles = particles[sort_by_pt(momenta[particles], found)]
    events = filled[events]
    # Added up in the order that is handed out, so that nobody's own sum falls outside of the window.
    jets = Jets(momenta[particles], found)
    pt, eta, _, _ = kinematics(jets.totals())
    fits = (pt > definition.pt_min) & (pt < definition.pt_max) & (np.abs(eta) < definition.eta_max)
    fits &= jets.counts() >= definition.constituents_min
    kept = np.flatnonzero(fits)
    kept = kept[np.lexsort((-pt[kept], events[kept]))]
    rows, found = rows_of(found, kept)
    return FoundJets(particles[rows], found, events[kept])


def clustered(
    momenta: NDArray[np.float64], offsets: NDArray[np.int64], definition: fastjet.JetDefinition
) -> fastjet.ClusterSequence:
    """FastJet's clusterings of many lists of particles, without its title page on standard output.

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
    """Rows of the constituents, offsets and events of every jet above the lowest transverse momentum."""
    algorithm = fastjet.JetDefinition(fastjet.antikt_algorithm, definition.radius)
    clusters = clustered(momenta, offsets, algorithm)
    # A hair lower: whether a jet is above the limit is decided by our own sum, whose last digit may differ.
    places = clusters.constituent_index(definition.pt_min * (1 - 1e-9))  # event jet constituent
    jets_of_event = ak.to_numpy(ak.num(places, axis=1))
    counts = ak.to_numpy(ak.flatten(ak.num(places, axis=2), axis=None))
    events = np.repeat(np.arange(len(jets_of_event)), jets_of_event)
    within = ak.to_numpy(ak.flatten(places, axis=None)).astype(np.int64)
    rows = within + np.repeat(offsets[:-1][events], counts)
    return rows, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), events
