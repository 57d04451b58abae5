"""A fast detector simulation: what a detector like CMS would measure of particles, for many events at once.

This is a parametrisation with the published numbers of the CMS card of Delphes, not Delphes, and it has not been
compared with Delphes. As there, a charged particle bends in the solenoid's field and leaves a track with a certain
probability and error of its transverse momentum; each particle that reaches a calorimeter divides its energy between
the electromagnetic (ECAL) and the hadronic (HCAL) tower that it hits; a tower's energy has an error. With ``towers``
the detector reports these towers. With ``eflow`` (energy flow) tracks replace the energy that they deposited in the
towers: a tower reports its excess over its tracks where this neutral excess is significant; where it is not, its tracks
are scaled to the mean of the two measurements, weighted with their errors.

Simpler than Delphes: all particles come from the centre of the detector, a track has the mass of a charged pion unless
it is an electron or a muon, and objects are not identified or isolated; no pile-up. A tower that reports nothing leaves
its tracks as they are, where Delphes rescales these, too: by up to 7 % for soft tracks at |eta| > 1.5, which changes a
jet's mass by 0.3 %.

de Favereau et al.: "DELPHES 3, A modular framework for fast simulation of a generic collider experiment", 2014,
arXiv:1307.6346, sections 2.1 to 2.4; the numbers are those of its card delphes_card_CMS.tcl.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.offsets import offsets_of
from suite_recnn.generation.cms_card import (
    ECAL,
    ELECTRON,
    FIELD,
    HALF_LENGTH,
    HCAL,
    MASSES,
    MUON,
    PION,
    RADIUS,
    TURN,
    Calorimeter,
    Reals,
    cells_of,
    centres_of,
    efficiency,
    momentum_error,
)
from suite_recnn.jets import kinematics, owners_of

Detector = Literal["none", "towers", "eflow"]
DETECTORS: tuple[Detector, ...] = ("none", "towers", "eflow")


class DetectorOutput(NamedTuple):
    """The objects that the detector reports.

    Attributes:
        momenta: (object, 4) px, py, pz, E in GeV.
        particle_ids: (object,) PDG numbers that a detector can assign: a track is an electron, a muon or a charged pion
            (11, 13, 211 with their signs), ECAL energy a photon (22), HCAL energy a long-lived kaon (130).
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
) -> DetectorOutput:
    """Return what the detector reports of the stable particles of events; with ``none`` the particles as they are.

    Args:
        momenta: (particle, 4) px, py, pz, E in GeV at the centre of the detector.
        particle_ids: (particle,) PDG numbers.
        charges: (particle,) in units of the positron's.
        offsets: (event + 1,) where each event begins.
        detector: none, towers or eflow.
        generator: of the random numbers; the same generator state and particles give the same output.
    """
    if detector == "none":
        return DetectorOutput(momenta, particle_ids.astype(np.int32), offsets)
    events = owners_of(offsets)
    kinds = np.abs(particle_ids).astype(np.int64)
    eta, phi = impact(momenta, charges)
    tracks = _tracks(momenta, particle_ids, charges, generator)
    if detector == "towers":  # tracks are drawn all the same, so that the energies are those of the energy flow
        tracks = _Tracks(tracks.rows[:0], tracks.momenta[:0], tracks.errors[:0], tracks.particle_ids[:0])
    parts = [(tracks.momenta, tracks.particle_ids, events[tracks.rows])]
    for calorimeter in (ECAL, HCAL):
        neutral, owners, scale = _neutral_excess(calorimeter, momenta, kinds, eta, phi, events, tracks, generator)
        tracks.momenta[:] *= scale[:, None]
        parts.append((neutral, np.full(len(neutral), calorimeter.reports, np.int32), owners))
    owners = np.concatenate([part[2] for part in parts])
    order = np.argsort(owners, kind="stable")
    return DetectorOutput(
        np.concatenate([part[0] for part in parts])[order],
        np.concatenate([part[1] for part in parts])[order],
        offsets_of(np.bincount(owners, minlength=len(offsets) - 1)),
    )


def impact(momenta: Reals, charges: Reals) -> tuple[Reals, Reals]:
    """Return pseudorapidity and azimuth, (particle,) each, of the point where a particle hits a calorimeter's face.

    On its helix of radius r = pt / (0.3 q B) a particle is at the distance 2 r |sin(s / 2r)| from the beam after the
    path s across it, turned by s / 2r, and at z = s pz / pt along it. It hits the barrel at the first s with that
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


def log_normal(means: Reals, errors: Reals, generator: np.random.Generator) -> Reals:
    """Return log-normal draws with these means and standard deviations; 0 where the mean is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.sqrt(np.log1p((errors / means) ** 2))
        drawn = means * np.exp(width * generator.standard_normal(len(means)) - width**2 / 2)
    return np.where(means > 0, drawn, 0.0)


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


def _neutral_excess(
    calorimeter: Calorimeter,
    momenta: Reals,
    kinds: NDArray[np.int64],
    eta: Reals,
    phi: Reals,
    events: NDArray[np.int64],
    tracks: _Tracks,
    generator: np.random.Generator,
) -> tuple[Reals, NDArray[np.int64], Reals]:
    """Return the excess of cells over the tracks that hit them, and the factor of each track's momentum (track,).

    The excess is given as momenta (cell, 4) with the cells' events (cell,).
    """
    share = _shares(calorimeter, kinds)
    cells = cells_of(calorimeter.grid, eta, phi)
    hits = (share > 0) & (cells >= 0)
    # The cells of all events are numbered, and those that are hit become towers.
    key = events * calorimeter.grid.first[-1] + cells
    towers, tower_of_hit = np.unique(key[hits], return_inverse=True)
    energy = _sums(tower_of_hit, share[hits] * momenta[hits, 3], len(towers))
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
    # Without a neutral particle, tower and tracks have measured the same energy.
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


def _sums(towers: NDArray[np.int64], values: Reals, size: int) -> Reals:
    """Return the sum of the values of each tower: (size,)."""
    return np.bincount(towers, weights=values, minlength=size).astype(np.float64, copy=False)


def _shares(calorimeter: Calorimeter, kinds: NDArray[np.int64]) -> Reals:
    share = np.full(len(kinds), calorimeter.fraction)
    for kind, fraction in calorimeter.fractions.items():
        share[kinds == kind] = fraction
    return share


def _momenta(pt: Reals, eta: Reals, phi: Reals, mass: Reals) -> Reals:
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.stack([px, py, pz, np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)], axis=1)
