"""A fast detector: what a detector like CMS would have measured of simulated particles, for many events at once.

This is a parametrisation with the published numbers of the CMS card of Delphes, not Delphes, and it has not been
compared with Delphes. As there, a charged particle bends in the solenoid's field and leaves a track with some
probability and some error of its transverse momentum; every particle that reaches a calorimeter shares its energy
between the electromagnetic (ECAL) and the hadronic (HCAL) towers that it hits; a tower's energy has an error. With
``towers`` these towers are what the detector saw. With ``eflow`` (energy flow) tracks take the place of the energy
that they left in the towers: a tower counts for what it has above its tracks when this neutral excess is significant;
when it is not, its tracks are scaled to the mean of the two measurements, weighted with their errors.

Simpler than Delphes: all particles come from the centre of the detector, a track has the mass of a charged pion unless
it is an electron or a muon, and objects are not identified or isolated; no pile-up.

de Favereau et al.: "DELPHES 3, A modular framework for fast simulation of a generic collider experiment", 2014,
arXiv:1307.6346, sections 2.1 to 2.4; the numbers are those of its card delphes_card_CMS.tcl.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.offsets import offsets_of
from suite_recnn.jets import kinematics, owners_of

Detector = Literal["none", "towers", "eflow"]
DETECTORS: tuple[Detector, ...] = ("none", "towers", "eflow")

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
"""Up to |eta|: a, b of the relative error sqrt(a^2 + (b pt)^2) of a track's transverse momentum, pt in GeV."""

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
"""Shares of a particle's energy; all that are not named leave theirs in the HCAL."""


class Grid(NamedTuple):
    """Cells of a calorimeter: rings in pseudorapidity, and in how many equal cells each is cut around the beam.

    Attributes:
        edges: (ring + 1,) pseudorapidities.
        cells: (ring,) cells of the ring.
        first: (ring + 1,) number of its first cell; the last is the number of all cells.
    """

    edges: Reals
    cells: NDArray[np.int64]
    first: NDArray[np.int64]


class Calorimeter(NamedTuple):
    """One of the two.

    Attributes:
        grid: its cells.
        energy_error: of energies (GeV) at pseudorapidities: the standard deviation, GeV.
        energy_min: GeV; a cell with less is silent.
        significance_min: a cell is silent below so many standard deviations.
        fractions: shares of a particle's energy by its unsigned identity.
        fraction: the share of all others.
        reports: the identity that its cells are given.
    """

    grid: Grid
    energy_error: Callable[[Reals, Reals], Reals]
    energy_min: float
    significance_min: float
    fractions: dict[int, float]
    fraction: float
    reports: int


class Detected(NamedTuple):
    """What the detector saw.

    Attributes:
        momenta: (object, 4) px, py, pz, E in GeV.
        particle_ids: (object,) PDG numbers as far as a detector knows them: a track is an electron, a muon or a charged
            pion (11, 13, 211 with their signs), ECAL energy a photon (22), HCAL energy a long-lived kaon (130).
        offsets: (event + 1,) where each event begins.
    """

    momenta: Reals
    particle_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]


def smear(
    momenta: Reals,
    particle_ids: NDArray[np.integer],
    charges: Reals,
    offsets: NDArray[np.int64],
    detector: Detector,
    generator: np.random.Generator,
) -> Detected:
    """What the detector sees of the stable particles of some events; with ``none`` the particles as they are.

    Args:
        momenta: (particle, 4) px, py, pz, E in GeV at the centre of the detector.
        particle_ids: (particle,) PDG numbers.
        charges: (particle,) in units of the positron's.
        offsets: (event + 1,) where each event begins.
        detector: which.
        generator: its draws depend on the particles of all events, so that equal calls have equal answers.
    """
    if detector == "none":
        return Detected(momenta, particle_ids.astype(np.int32), offsets)
    events = owners_of(offsets)
    kinds = np.abs(particle_ids).astype(np.int64)
    eta, phi = impact(momenta, charges)
    tracks = _tracks(momenta, particle_ids, charges, generator)
    if detector == "towers":  # tracks are thrown all the same: the energies are then those of the energy flow
        tracks = _Tracks(tracks.rows[:0], tracks.momenta[:0], tracks.errors[:0], tracks.particle_ids[:0])
    found = [(tracks.momenta, tracks.particle_ids, events[tracks.rows])]
    for calorimeter in (ECAL, HCAL):
        neutral, owners, scale = _measured(calorimeter, momenta, kinds, eta, phi, events, tracks, generator)
        tracks.momenta[:] *= scale[:, None]
        found.append((neutral, np.full(len(neutral), calorimeter.reports, np.int32), owners))
    owners = np.concatenate([part[2] for part in found])
    order = np.argsort(owners, kind="stable")
    return Detected(
        np.concatenate([part[0] for part in found])[order],
        np.concatenate([part[1] for part in found])[order],
        offsets_of(np.bincount(owners, minlength=len(offsets) - 1)),
    )


def impact(momenta: Reals, charges: Reals) -> tuple[Reals, Reals]:
    """Pseudorapidity and azimuth, each (particle,), of the point where a particle meets a calorimeter's face.

    On its helix of radius r = pt / (0.3 q B) a particle is at the distance 2 r |sin(s / 2r)| from the beam after the
    path s across it, turned by s / 2r, and at z = s pz / pt along it. It meets the barrel at the first s with that
    distance equal to the barrel's, or an endcap before; a particle that curls up within the barrel ends in an endcap.
    """
    pt, _, phi, _ = kinematics(momenta)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = momenta[:, 2] / pt
        curvature = TURN * charges * FIELD / pt  # 1 / r, with the sign of the charge
        half = np.abs(curvature) * RADIUS / 2
        barrel = np.where(half > 1e-9, 2 * np.arcsin(half) / np.abs(curvature), RADIUS)  # path; nan: never
        path = np.fmin(barrel, HALF_LENGTH / np.abs(slope))
        turned = path * curvature / 2
        distance = path * np.sinc(turned / np.pi)  # negative behind the beam, on the second half of a circle
        eta = np.arcsinh(slope * path / np.abs(distance))
    # In a field along +z a positive charge turns clockwise.
    azimuth = phi - turned + np.where(distance < 0, np.pi, 0.0)
    return np.nan_to_num(eta, nan=np.inf), np.remainder(np.nan_to_num(azimuth) + np.pi, 2 * np.pi) - np.pi


def efficiency(kind: int, pt: Reals, eta: Reals) -> Reals:
    """The probability that a particle of a kind (electron, muon or charged pion) leaves a track: (particle,)."""
    barrel, endcap = np.zeros_like(pt), np.zeros_like(pt)
    for lowest, in_barrel, in_endcap in EFFICIENCIES[kind]:
        barrel[pt > lowest], endcap[pt > lowest] = in_barrel, in_endcap
    return np.where(np.abs(eta) <= BARREL_ETA, barrel, np.where(np.abs(eta) <= TRACKER_ETA, endcap, 0.0))


def momentum_error(kind: int, pt: Reals, eta: Reals) -> Reals:
    """The relative error of the transverse momentum of such a particle's track: (particle,)."""
    steps = MOMENTUM_ERRORS[kind]
    ring = np.minimum(np.searchsorted([upto for upto, _, _ in steps], np.abs(eta)), len(steps) - 1)
    constant, slope = np.array(steps)[ring, 1:].T
    error: Reals = np.hypot(constant, slope * pt)
    return error


def log_normal(means: Reals, errors: Reals, generator: np.random.Generator) -> Reals:
    """Draws with these means and standard deviations that are never negative; nothing stays nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.sqrt(np.log1p((errors / means) ** 2))
        drawn = means * np.exp(width * generator.standard_normal(len(means)) - width**2 / 2)
    return np.where(means > 0, drawn, 0.0)


def ecal_error(energy: Reals, eta: Reals) -> Reals:
    """The standard deviation (GeV) of the energy of an ECAL cell."""
    eta = np.abs(eta)
    inner = np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.40**2)
    forward = np.sqrt((0.107 * energy) ** 2 + 2.08**2 * energy)
    growth = np.where(eta <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2)
    return np.where(eta <= 2.5, growth * inner, forward)


def hcal_error(energy: Reals, eta: Reals) -> Reals:
    """The standard deviation (GeV) of the energy of an HCAL cell."""
    inner = np.sqrt((0.05 * energy) ** 2 + 1.5**2 * energy)
    forward = np.sqrt((0.13 * energy) ** 2 + 2.7**2 * energy)
    return np.where(np.abs(eta) <= 3, inner, forward)


def cells_of(grid: Grid, eta: Reals, phi: Reals) -> NDArray[np.int64]:
    """The cell of each point, -1 outside of the calorimeter."""
    ring = np.searchsorted(grid.edges, eta, side="right") - 1
    inside = (ring >= 0) & (ring < len(grid.cells))
    ring = np.where(inside, ring, 0)
    around = np.floor((phi + np.pi) / (2 * np.pi) * grid.cells[ring]).astype(np.int64)
    return np.where(inside, grid.first[ring] + np.clip(around, 0, grid.cells[ring] - 1), -1)


def centres_of(grid: Grid, cells: NDArray[np.int64]) -> tuple[Reals, Reals, Reals, Reals]:
    """Pseudorapidity and azimuth of the cells' centres, and their widths in both."""
    ring = np.searchsorted(grid.first, cells, side="right") - 1
    low, high = grid.edges[ring], grid.edges[ring + 1]
    width = 2 * np.pi / grid.cells[ring]
    return (low + high) / 2, (cells - grid.first[ring] + 0.5) * width - np.pi, high - low, width


class _Tracks(NamedTuple):
    """Tracks: rows (track,) of their particles, momenta (track, 4), relative errors (track,), identities (track,)."""

    rows: NDArray[np.int64]
    momenta: Reals
    errors: Reals
    particle_ids: NDArray[np.int32]


def _tracks(
    momenta: Reals, particle_ids: NDArray[np.integer], charges: Reals, generator: np.random.Generator
) -> _Tracks:
    charged = np.flatnonzero(charges != 0)
    kinds = np.abs(particle_ids[charged]).astype(np.int64)
    kinds[(kinds != ELECTRON) & (kinds != MUON)] = PION
    pt, eta, phi, _ = kinematics(momenta[charged])
    chance, errors, masses = np.zeros_like(pt), np.zeros_like(pt), np.zeros_like(pt)
    for kind in (PION, ELECTRON, MUON):
        of_kind = kinds == kind
        chance[of_kind] = efficiency(kind, pt[of_kind], eta[of_kind])
        errors[of_kind] = momentum_error(kind, pt[of_kind], eta[of_kind])
        masses[of_kind] = MASSES[kind]
    seen = generator.random(len(charged)) < chance
    rows, errors, masses, eta, phi = charged[seen], errors[seen], masses[seen], eta[seen], phi[seen]
    pt = log_normal(pt[seen], errors * pt[seen], generator)
    # The electron and the muon are the particles with positive numbers, and their charge is negative.
    signs = np.sign(charges[rows]) * np.where(kinds[seen] == PION, 1, -1)
    return _Tracks(rows, _momenta(pt, eta, phi, masses), errors, (signs * kinds[seen]).astype(np.int32))


def _measured(
    calorimeter: Calorimeter,
    momenta: Reals,
    kinds: NDArray[np.int64],
    eta: Reals,
    phi: Reals,
    events: NDArray[np.int64],
    tracks: _Tracks,
    generator: np.random.Generator,
) -> tuple[Reals, NDArray[np.int64], Reals]:
    """The excess of the cells over the tracks that hit them, as momenta (cell, 4) with the cells' events (cell,), and
    the factor of each track's momentum (track,)."""
    share = _shares(calorimeter, kinds)
    cells = cells_of(calorimeter.grid, eta, phi)
    hits = (share > 0) & (cells >= 0)
    # A cell of an event, numbered densely: only cells that are hit exist.
    key = events * calorimeter.grid.first[-1] + cells
    towers, place = np.unique(key[hits], return_inverse=True)
    energy = _sums(place, share[hits] * momenta[hits, 3], len(towers))
    centre_eta, centre_phi, eta_width, phi_width = centres_of(calorimeter.grid, towers % calorimeter.grid.first[-1])
    energy = log_normal(energy, calorimeter.energy_error(energy, centre_eta), generator)
    error = calorimeter.energy_error(energy, centre_eta)
    energy[(energy < calorimeter.energy_min) | (energy < calorimeter.significance_min * error)] = 0.0

    on_tower = hits[tracks.rows]
    tower = np.searchsorted(towers, key[tracks.rows[on_tower]])
    by_track = share[tracks.rows[on_tower]] * tracks.momenta[on_tower, 3]
    of_tracks = _sums(tower, by_track, len(towers))
    variance = _sums(tower, (tracks.errors[on_tower] * by_track) ** 2, len(towers))

    error = calorimeter.energy_error(energy, centre_eta)
    excess = np.maximum(energy - of_tracks, 0.0)
    seen = (excess > calorimeter.energy_min) & (excess > calorimeter.significance_min * np.sqrt(variance + error**2))
    # Where no neutral particle is seen, tower and tracks have measured the same energy.
    with np.errstate(divide="ignore", invalid="ignore"):
        by_tower = np.where(energy > 0, 1 / error**2, 0.0)
        best = (of_tracks / variance + by_tower * energy) / (1 / variance + by_tower)
        factor = np.where(~seen & (of_tracks > 0), best / of_tracks, 1.0)
    scale = np.ones(len(tracks.rows))
    scale[on_tower] = factor[tower]

    eta_seen = centre_eta + (generator.random(len(towers)) - 0.5) * eta_width
    phi_seen = centre_phi + (generator.random(len(towers)) - 0.5) * phi_width
    pt = excess[seen] / np.cosh(eta_seen[seen])
    neutral = _momenta(pt, eta_seen[seen], phi_seen[seen], np.zeros(len(pt)))
    return neutral, towers[seen] // calorimeter.grid.first[-1], scale


def _sums(places: NDArray[np.int64], values: Reals, size: int) -> Reals:
    """(size,) the values of each place added up."""
    return np.bincount(places, weights=values, minlength=size).astype(np.float64, copy=False)


def _shares(calorimeter: Calorimeter, kinds: NDArray[np.int64]) -> Reals:
    share = np.full(len(kinds), calorimeter.fraction)
    for kind, fraction in calorimeter.fractions.items():
        share[kinds == kind] = fraction
    return share


def _momenta(pt: Reals, eta: Reals, phi: Reals, mass: Reals) -> Reals:
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.stack([px, py, pz, np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)], axis=1)


def _grid(rings: list[tuple[NDArray[np.floating], int]]) -> Grid:
    """Of the rings for positive pseudorapidity, as edges and cells around the beam, and their mirror images."""
    edges = np.concatenate([upper for upper, _ in rings])
    cells = np.concatenate([np.full(len(upper), around) for upper, around in rings])
    both = np.concatenate([cells[::-1], cells]).astype(np.int64)
    return Grid(np.concatenate([-edges[::-1], [0.0], edges]), both, offsets_of(both))


# Upper edges of the rings, and cells around the beam: 1 degree = 360, 5 = 72, 10 = 36, 20 = 18.
_ECAL_FINE = 0.0174 * np.arange(1, 171)  # to 2.958
_FORWARD = np.array([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525])
_HCAL_BARREL = np.append(0.087 * np.arange(1, 19), 1.653)
_HCAL_ENDCAP = np.array([1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95])
_LAST = np.array([4.7, 5.0])

ECAL = Calorimeter(
    grid=_grid([(_ECAL_FINE, 360), (_FORWARD, 36), (_LAST, 18)]),
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
