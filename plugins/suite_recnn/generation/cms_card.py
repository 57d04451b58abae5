"""The numbers of the CMS card of Delphes, delphes_card_CMS.tcl (arXiv:1307.6346): solenoid, tracker, calorimeters."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.offsets import offsets_of

Reals = NDArray[np.float64]

FIELD = 3.8
"""Tesla, along the beam."""
RADIUS = 1.29
"""Metres from the beam to the barrel's face, where the tracker ends."""
HALF_LENGTH = 3.0
"""Metres along the beam from the centre to an endcap's face."""
TURN = 0.299792458
"""GeV of transverse momentum that a unit charge has on a circle of one metre in one tesla."""

ELECTRON, MUON, PHOTON, PION, PION_0, K_SHORT, K_LONG, LAMBDA = 11, 13, 22, 211, 111, 310, 130, 3122
NEUTRINOS = (12, 14, 16)
MASSES = {ELECTRON: 0.000511, MUON: 0.10566, PION: 0.13957}
"""GeV, of the three kinds of track."""

MOMENTUM_ERRORS: dict[int, tuple[tuple[float, float, float], ...]] = {
    PION: ((0.5, 0.06, 1.3e-3), (1.5, 0.10, 1.7e-3), (2.5, 0.25, 3.1e-3)),
    ELECTRON: ((0.5, 0.03, 1.3e-3), (1.5, 0.05, 1.7e-3), (2.5, 0.15, 3.1e-3)),
    MUON: ((0.5, 0.01, 1.0e-4), (1.5, 0.015, 1.5e-4), (2.5, 0.025, 3.5e-4)),
}
"""Up to |eta|: a, b of the relative error sqrt(a^2 + (b pt)^2), at most 1, of a track's transverse momentum in GeV."""

EFFICIENCIES: dict[int, tuple[tuple[float, float, float], ...]] = {
    PION: ((0.1, 0.70, 0.60), (1.0, 0.95, 0.85)),
    ELECTRON: ((0.1, 0.73, 0.50), (1.0, 0.95, 0.83), (100.0, 0.99, 0.90)),
    MUON: ((0.1, 0.75, 0.70), (1.0, 0.99, 0.98)),
}
"""From a transverse momentum (GeV): the probability of a track for |eta| < 1.5 and for 1.5 < |eta| < 2.5."""
BARREL_ETA, TRACKER_ETA = 1.5, 2.5

_NOTHING = dict.fromkeys((MUON, *NEUTRINOS), 0.0)
ECAL_FRACTIONS = _NOTHING | {ELECTRON: 1.0, PHOTON: 1.0, PION_0: 1.0, K_SHORT: 0.3, LAMBDA: 0.3}
HCAL_FRACTIONS = _NOTHING | {ELECTRON: 0.0, PHOTON: 0.0, PION_0: 0.0, K_SHORT: 0.7, LAMBDA: 0.7}
"""Shares of a particle's energy; particles that are not named deposit it in the HCAL."""


class Grid(NamedTuple):
    """Cells of a calorimeter: rings in pseudorapidity, each divided into equal cells around the beam.

    Attributes:
        edges: (ring + 1,) pseudorapidities.
        cells: (ring,) the number of cells of each ring.
        first: (ring + 1,) the number of its first cell; the last is the number of all cells.
    """

    edges: Reals
    cells: NDArray[np.int64]
    first: NDArray[np.int64]


class Calorimeter(NamedTuple):
    """A calorimeter.

    Attributes:
        grid: its cells.
        energy_error: returns the standard deviation (GeV) of energies (GeV) at pseudorapidities.
        energy_min: the least energy that a cell reports, GeV.
        significance_min: the least energy that a cell reports, in standard deviations.
        fractions: the share of a particle's energy by its unsigned PDG number.
        fraction: the share of all other particles.
        reports: the PDG number that its cells report.
    """

    grid: Grid
    energy_error: Callable[[Reals, Reals], Reals]
    energy_min: float
    significance_min: float
    fractions: dict[int, float]
    fraction: float
    reports: int


def efficiency(kind: int, pt: Reals, eta: Reals) -> Reals:
    """Return the probability that an electron, muon or charged pion leaves a track: (particle,)."""
    barrel, endcap = np.zeros_like(pt), np.zeros_like(pt)
    for lowest, in_barrel, in_endcap in EFFICIENCIES[kind]:
        barrel[pt > lowest], endcap[pt > lowest] = in_barrel, in_endcap
    return np.where(np.abs(eta) <= BARREL_ETA, barrel, np.where(np.abs(eta) <= TRACKER_ETA, endcap, 0.0))


def momentum_error(kind: int, pt: Reals, eta: Reals) -> Reals:
    """Return the relative error of the transverse momentum of such a particle's track: (particle,)."""
    steps = MOMENTUM_ERRORS[kind]
    ring = np.minimum(np.searchsorted([upto for upto, _, _ in steps], np.abs(eta)), len(steps) - 1)
    constant, slope = np.array(steps)[ring, 1:].T
    error: Reals = np.minimum(np.hypot(constant, slope * pt), 1.0)  # as Delphes' MomentumSmearing limits it
    return error


def ecal_error(energy: Reals, eta: Reals) -> Reals:
    """Return the standard deviation (GeV) of the energy of an ECAL cell."""
    eta = np.abs(eta)
    inner = np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.40**2)
    forward = np.sqrt((0.107 * energy) ** 2 + 2.08**2 * energy)
    growth = np.where(eta <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2)
    return np.where(eta <= 2.5, growth * inner, forward)


def hcal_error(energy: Reals, eta: Reals) -> Reals:
    """Return the standard deviation (GeV) of the energy of an HCAL cell."""
    inner = np.sqrt((0.05 * energy) ** 2 + 1.5**2 * energy)
    forward = np.sqrt((0.13 * energy) ** 2 + 2.7**2 * energy)
    return np.where(np.abs(eta) <= 3, inner, forward)


def cells_of(grid: Grid, eta: Reals, phi: Reals) -> NDArray[np.int64]:
    """Return the cell of each point, -1 outside of the calorimeter."""
    ring = np.searchsorted(grid.edges, eta, side="right") - 1
    inside = (ring >= 0) & (ring < len(grid.cells))
    ring = np.where(inside, ring, 0)
    around = np.floor((phi + np.pi) / (2 * np.pi) * grid.cells[ring]).astype(np.int64)
    return np.where(inside, grid.first[ring] + np.clip(around, 0, grid.cells[ring] - 1), -1)


def centres_of(grid: Grid, cells: NDArray[np.int64]) -> tuple[Reals, Reals, Reals, Reals]:
    """Return pseudorapidity and azimuth of the cells' centres, and the cells' widths in both."""
    ring = np.searchsorted(grid.first, cells, side="right") - 1
    low, high = grid.edges[ring], grid.edges[ring + 1]
    width = 2 * np.pi / grid.cells[ring]
    return (low + high) / 2, (cells - grid.first[ring] + 0.5) * width - np.pi, high - low, width


def _grid(rings: list[tuple[NDArray[np.floating], int]]) -> Grid:
    """Return the grid of rings at positive pseudorapidity, as upper edges and cells around the beam, and mirrored."""
    edges = np.concatenate([upper for upper, _ in rings])
    cells = np.concatenate([np.full(len(upper), around) for upper, around in rings])
    both = np.concatenate([cells[::-1], cells]).astype(np.int64)
    return Grid(np.concatenate([-edges[::-1], [0.0], edges]), both, offsets_of(both))


# Upper edges of the rings, and cells around the beam: 1 degree = 360, 5 = 72, 10 = 36, 20 = 18. The last rings are
# divided into 10 degrees in the ECAL, and into 20 in the HCAL.
_ECAL_FINE = 0.0174 * np.arange(1, 171)  # to 2.958
_FORWARD = np.array([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525])
_HCAL_BARREL = np.append(0.087 * np.arange(1, 19), 1.653)
_HCAL_ENDCAP = np.array([1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95])
_LAST = np.array([4.7, 5.0])

ECAL = Calorimeter(
    grid=_grid([(_ECAL_FINE, 360), (_FORWARD, 36), (_LAST, 36)]),
    energy_error=ecal_error,
    energy_min=0.5,
    significance_min=2.0,
    fractions=ECAL_FRACTIONS,
    fraction=0.0,
    reports=PHOTON,
)
HCAL = Calorimeter(
    grid=_grid([(_HCAL_BARREL, 72), (_HCAL_ENDCAP, 36), (_FORWARD, 36), (_LAST, 18)]),
    energy_error=hcal_error,
    energy_min=1.0,
    significance_min=1.0,
    fractions=HCAL_FRACTIONS,
    fraction=1.0,
    reports=K_LONG,
)
