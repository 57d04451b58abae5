"""The particles of events as Pythia lists them, and the partons that jets come from."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from lightning_suite.offsets import offsets_of
from suite_recnn.generation.cms_card import NEUTRINOS
from suite_recnn.generation.settings import Recipe
from suite_recnn.jets import kinematics, owners_of

PARTICLE_ETA_MAX = 5.0
"""Particles beyond are invisible, with or without a detector."""


@dataclass(frozen=True, eq=False)
class EventRecord:
    """All particles of some events, as Pythia lists them, including those that decayed or radiated.

    Attributes:
        momenta: (particle, 4) px, py, pz, E in GeV.
        identities: (particle,) PDG numbers.
        status: (particle,) Pythia's status; positive for particles of the final state.
        daughters: (particle, 2) Pythia's two numbers, counted within the event.
        offsets: (event + 1,) where each event begins.
    """

    momenta: NDArray[np.float64]
    identities: NDArray[np.int32]
    status: NDArray[np.int32]
    daughters: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, events: Any) -> "EventRecord":
        """Return the record of the events that Pythia's ``nextBatch`` has generated."""
        particles = events.prt
        flat = ak.flatten(particles, axis=1)
        return cls(
            np.stack([ak.to_numpy(flat.p[name]) for name in ("px", "py", "pz", "e")], axis=1),
            ak.to_numpy(flat.id),
            ak.to_numpy(flat.status),
            np.stack([ak.to_numpy(flat.daughter1), ak.to_numpy(flat.daughter2)], axis=1),
            offsets_of(ak.to_numpy(ak.num(particles, axis=1))),
        )

    def events(self) -> NDArray[np.int64]:
        """Return the event of each particle: (particle,)."""
        return owners_of(self.offsets)

    def visible(self) -> NDArray[np.int64]:
        """Return the rows of the particles of the final state except neutrinos and those close to the beam."""
        rows = np.flatnonzero((self.status > 0) & ~np.isin(np.abs(self.identities), NEUTRINOS))
        eta = kinematics(self.momenta[rows]).eta
        return rows[np.abs(eta) < PARTICLE_ETA_MAX]

    def quarks_of(self, row: int) -> list[int]:
        """Return the rows of the quarks that a W or a top decays to, before they radiate."""
        first = int(self.offsets[np.searchsorted(self.offsets, row, side="right") - 1])
        quarks, left = [], [row]
        while left:
            particle = left.pop()
            for daughter in self._daughters(particle - first, first):
                kind = abs(int(self.identities[first + daughter]))
                if kind < 6:
                    quarks.append(first + daughter)
                elif kind in (6, 24):
                    left.append(first + daughter)
        return sorted(quarks)

    def nearest(
        self,
        recipe: Recipe,
        pt_min: float,
        eta: NDArray[np.float64],
        phi: NDArray[np.float64],
        events: NDArray[np.int64],
    ) -> "Truth":
        """Return, of the particles that may have made jets of a class, the nearest to each jet (jet,)."""
        rows = np.flatnonzero((self.status == -recipe.status) & np.isin(np.abs(self.identities), recipe.truth))
        partons = kinematics(self.momenta[rows])
        hard = partons.pt >= pt_min
        rows, axes = rows[hard], np.stack([partons.eta[hard], partons.phi[hard]])
        owners = self.events()[rows]
        best, distance = np.full(len(eta), -1), np.full(len(eta), np.inf)
        # The candidates of a jet follow each other; an event has at most two or three.
        begins, ends = np.searchsorted(owners, events), np.searchsorted(owners, events, side="right")
        for step in range(int((ends - begins).max(initial=0))):
            jets = np.flatnonzero(begins + step < ends)
            candidates = begins[jets] + step
            apart = separation(axes[0, candidates], axes[1, candidates], eta[jets], phi[jets])
            nearer = apart < distance[jets]
            distance[jets[nearer]], best[jets[nearer]] = apart[nearer], rows[candidates[nearer]]
        return Truth(best, distance)

    def _daughters(self, particle: int, first: int) -> list[int]:
        """Return a particle's daughters, all counted within the event that begins at ``first``."""
        one, two = map(int, self.daughters[first + particle])
        if one == 0:
            return []
        if two in (0, one):
            return [one]
        return list(range(one, two + 1)) if two > one else [two, one]


class Truth(NamedTuple):
    """The particle that is assigned to each jet: its row (jet,), -1 for none, and its distance (jet,) from the jet."""

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]


def separation(
    eta: NDArray[np.float64], phi: NDArray[np.float64], other_eta: Any, other_phi: Any
) -> NDArray[np.float64]:
    """Return the distance in pseudorapidity and azimuth."""
    around: NDArray[np.float64] = np.remainder(phi - other_phi + np.pi, 2 * np.pi) - np.pi
    apart: NDArray[np.float64] = np.hypot(eta - other_eta, around)
    return apart
