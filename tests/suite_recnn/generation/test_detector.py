"""The detector: probabilities and errors of tracks, cells and energies, as its tables say."""

import numpy as np
import pytest
from numpy.typing import NDArray

from suite_recnn.generation import cms_card
from suite_recnn.generation.cms_card import ECAL, ELECTRON, HCAL, K_LONG, MUON, PHOTON, PION, Calorimeter
from suite_recnn.generation.detector import Detector, DetectorOutput, impact, smear
from suite_recnn.jets import kinematics


def beam(number: int, pt: float, eta: float = 0.3, phi: float | None = 0.2, mass: float = 0.0) -> NDArray[np.float64]:
    """Equal particles; without an azimuth, all around."""
    angle = np.full(number, phi) if phi is not None else np.random.default_rng(0).uniform(-np.pi, np.pi, number)
    energy = np.full(number, np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2))
    return np.stack([pt * np.cos(angle), pt * np.sin(angle), np.full(number, pt * np.sinh(eta)), energy], axis=1)


def seen(
    momenta: NDArray[np.float64], kind: int, charge: float, word: Detector = "eflow", seed: int = 0
) -> DetectorOutput:
    """What the detector makes of particles that are each an event of its own."""
    number = len(momenta)
    charges = np.full(number, charge)
    return smear(momenta, np.full(number, kind), charges, np.arange(number + 1), word, np.random.default_rng(seed))


NUMBER = 20_000


@pytest.mark.parametrize(
    ("kind", "pt", "eta", "expected"),
    [
        (PION, 0.05, 0.3, 0.0),
        (PION, 0.5, 0.3, 0.70),
        (PION, 0.5, -2.0, 0.60),
        (PION, 20.0, 0.3, 0.95),
        (PION, 20.0, 2.2, 0.85),
        (PION, 20.0, 2.6, 0.0),
        (2212, 20.0, 0.3, 0.95),
        (ELECTRON, 200.0, 0.3, 0.99),
        (ELECTRON, 20.0, 2.0, 0.83),
        (MUON, 20.0, 0.3, 0.99),
        (MUON, 20.0, -2.0, 0.98),
    ],
)
def test_a_track_is_left_as_often_as_the_table_says(kind: int, pt: float, eta: float, expected: float) -> None:
    output = seen(beam(NUMBER, pt, eta), kind, -1.0 if kind in (ELECTRON, MUON) else 1.0)
    tracks = np.isin(np.abs(output.particle_ids), (PION, ELECTRON, MUON)).sum()
    error = np.sqrt(expected * (1 - expected) / NUMBER)
    assert tracks / NUMBER == pytest.approx(expected, abs=4 * error + 1e-12)


@pytest.mark.parametrize(
    ("eta", "expected"),
    [(0.3, np.hypot(0.01, 50 * 1e-4)), (1.0, np.hypot(0.015, 50 * 1.5e-4)), (2.0, np.hypot(0.025, 50 * 3.5e-4))],
)
def test_the_pt_of_muons_is_as_wide_as_the_table_says(eta: float, expected: float) -> None:
    pt = kinematics(seen(beam(NUMBER, 50.0, eta, mass=0.10566), MUON, -1.0).momenta).pt
    assert pt.mean() == pytest.approx(50.0, rel=4 * expected / np.sqrt(len(pt)))
    assert pt.std() / 50.0 == pytest.approx(expected, rel=4 / np.sqrt(2 * len(pt)))


def test_a_track_keeps_its_direction_and_has_the_mass_of_its_kind() -> None:
    track = kinematics(seen(beam(100, 50.0, 0.7, -2.0), MUON, -1.0).momenta)
    np.testing.assert_allclose(track.eta, 0.7)
    np.testing.assert_allclose(track.phi, -2.0)
    np.testing.assert_allclose(track.mass, 0.10566, rtol=1e-5)


@pytest.mark.parametrize(("kind", "charge", "expected"), [(-2212, -1.0, -211), (321, 1.0, 211), (13, -1.0, 13)])
def test_a_track_is_a_pion_an_electron_or_a_muon(kind: int, charge: float, expected: int) -> None:
    output = seen(beam(500, 50.0), kind, charge)
    assert set(output.particle_ids.tolist()) - {K_LONG} == {expected}


@pytest.mark.parametrize(
    ("kind", "calorimeter", "energy", "eta"),
    [(PHOTON, ECAL, 60.0, 0.3), (PHOTON, ECAL, 60.0, 2.0), (K_LONG, HCAL, 200.0, 0.3), (K_LONG, HCAL, 300.0, 4.0)],
)
def test_a_neutral_energy_is_right_on_average_and_as_wide_as_the_formula_says(
    kind: int, calorimeter: Calorimeter, energy: float, eta: float
) -> None:
    output = seen(beam(NUMBER, energy / np.cosh(eta), eta), kind, 0.0)
    assert set(output.particle_ids.tolist()) == {calorimeter.reports}
    ring = np.searchsorted(calorimeter.grid.edges, eta)
    centre = (calorimeter.grid.edges[ring - 1] + calorimeter.grid.edges[ring]) / 2
    expected = calorimeter.energy_error(np.array([energy]), np.array([centre]))[0]
    measured = output.momenta[:, 3]
    assert measured.mean() == pytest.approx(energy, abs=4 * expected / np.sqrt(NUMBER))
    assert measured.std() == pytest.approx(expected, rel=0.05)


def test_the_numbers_of_the_card() -> None:
    """Three resolutions worked out by hand."""
    assert cms_card.ecal_error(np.array([100.0]), np.array([0.0]))[0] == pytest.approx(np.sqrt(0.64 + 1.21 + 0.16))
    assert cms_card.hcal_error(np.array([100.0]), np.array([0.0]))[0] == pytest.approx(np.sqrt(25 + 225))
    assert cms_card.momentum_error(PION, np.array([100.0]), np.array([1.0]))[0] == pytest.approx(np.hypot(0.1, 0.17))


def test_the_error_of_a_track_is_at_most_its_momentum() -> None:
    hard = np.array([300.0, 400.0, 4000.0])
    expected = [np.hypot(0.25, 0.93), 1.0, 1.0]
    np.testing.assert_allclose(cms_card.momentum_error(PION, hard, np.full(3, 2.0)), expected)


@pytest.mark.parametrize(("calorimeter", "degrees"), [(ECAL, 10), (HCAL, 20)])
@pytest.mark.parametrize("eta", [-4.9, -4.6, 4.6, 4.9])
def test_the_last_rings_are_divided_as_the_card_says(calorimeter: Calorimeter, degrees: int, eta: float) -> None:
    cells = cms_card.cells_of(calorimeter.grid, np.array([eta]), np.zeros(1))
    assert np.degrees(cms_card.centres_of(calorimeter.grid, cells)[3][0]) == pytest.approx(degrees)


def test_a_muon_leaves_nothing_in_the_calorimeters_and_a_neutrino_nothing_at_all() -> None:
    assert len(seen(beam(500, 50.0), MUON, -1.0, "towers").momenta) == 0
    assert len(seen(beam(500, 50.0), 14, 0.0).momenta) == 0


def test_a_charged_hadron_is_a_track_and_seldom_also_neutral_energy() -> None:
    output = seen(beam(NUMBER, 20.0), PION, 1.0)
    tracks = np.bincount(np.repeat(np.arange(NUMBER), np.diff(output.offsets))[output.particle_ids == PION])
    neutral = np.repeat(np.arange(NUMBER), np.diff(output.offsets))[output.particle_ids == K_LONG]
    # An excess of a standard deviation counts, which a pion alone has in a sixth of the events.
    assert 0.05 < (tracks[neutral] == 1).sum() / NUMBER < 0.25


def test_a_neutral_particle_beside_a_track_is_its_excess() -> None:
    pair = np.concatenate([beam(1, 20.0), beam(1, 200.0)])
    momenta = np.tile(pair, (2000, 1))
    momenta[0::2] = beam(2000, 20.0, phi=0.2 + cms_card.TURN * cms_card.FIELD * cms_card.RADIUS / 20.0 / 2)
    kinds, charges = np.tile([PION, K_LONG], 2000), np.tile([1.0, 0.0], 2000)
    output = smear(momenta, kinds, charges, np.arange(0, 4001, 2), "eflow", np.random.default_rng(0))
    neutral = output.momenta[output.particle_ids == K_LONG, 3] / np.cosh(0.3)
    assert len(neutral) == 2000
    # The pion's energy is taken off where its track was output, in 95 of 100 events.
    assert neutral.mean() == pytest.approx(200 + 0.05 * 20, rel=0.01)


def test_a_track_whose_tower_agrees_is_scaled_to_their_weighted_mean() -> None:
    output = seen(beam(NUMBER, 400.0, phi=None), PION, 1.0)
    counts = np.diff(output.offsets)
    alone = np.repeat(counts == 1, counts) & (output.particle_ids == PION)
    by_track = 400 * np.hypot(0.06, 400 * 1.3e-3)
    assert kinematics(output.momenta[alone]).pt.std() < 0.5 * by_track


@pytest.mark.parametrize("word", ["towers", "eflow"])
def test_the_energy_of_an_event_is_kept_within_some_per_cent(word: Detector) -> None:
    generator = np.random.default_rng(1)
    kinds = generator.choice([PION, -PION, PHOTON, K_LONG], 60_000, p=[0.32, 0.32, 0.26, 0.1])
    charges = np.where(np.abs(kinds) == PION, np.sign(kinds), 0.0)
    pt, eta = generator.exponential(12.0, 60_000), generator.uniform(-2, 2, 60_000)
    phi = generator.uniform(-np.pi, np.pi, 60_000)
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    output = smear(momenta, kinds, charges, np.arange(0, 60_001, 60), word, generator)
    assert output.momenta[:, 3].sum() == pytest.approx(momenta[:, 3].sum(), rel=0.08)


def test_a_cell_contains_the_points_that_are_its_own() -> None:
    generator = np.random.default_rng(2)
    for calorimeter in (ECAL, HCAL):
        eta, phi = generator.uniform(-5, 5, 5000), generator.uniform(-np.pi, np.pi, 5000)
        cells = cms_card.cells_of(calorimeter.grid, eta, phi)
        centre_eta, centre_phi, eta_width, phi_width = cms_card.centres_of(calorimeter.grid, cells)
        assert (np.abs(eta - centre_eta) <= eta_width / 2 + 1e-12).all()
        assert (np.abs(phi - centre_phi) <= phi_width / 2 + 1e-12).all()
        again = cms_card.cells_of(calorimeter.grid, centre_eta, centre_phi)
        assert (again == cells).all()


def test_no_cell_is_beyond_the_last_ring() -> None:
    eta = np.array([-5.01, 5.01, np.inf])
    assert (cms_card.cells_of(HCAL.grid, eta, np.zeros(3)) == -1).all()


def test_a_tower_points_to_somewhere_in_its_cell() -> None:
    output = seen(beam(NUMBER, 100.0, 0.30, 0.2), PHOTON, 0.0, "towers")
    measured = kinematics(output.momenta)
    low = np.floor(0.30 / 0.0174) * 0.0174
    assert measured.eta.min() >= low - 1e-9 and measured.eta.max() <= low + 0.0174 + 1e-9
    assert measured.eta.std() == pytest.approx(0.0174 / np.sqrt(12), rel=0.03)
    assert np.degrees(np.ptp(measured.phi)) == pytest.approx(1.0, abs=0.01)


def test_a_stiff_track_hits_where_it_points_and_a_soft_one_is_bent() -> None:
    momenta = np.concatenate([beam(1, 1e6), beam(2, 2.0)])
    eta, phi = impact(momenta, np.array([1.0, 1.0, -1.0]))
    turned = np.arcsin(0.3 * 3.8 * 1.29 / (2 * 2.0))
    assert phi.tolist() == pytest.approx([0.2, 0.2 - turned, 0.2 + turned], abs=1e-3)
    assert eta[0] == pytest.approx(0.3, abs=1e-4)


def test_a_neutral_particle_flies_straight() -> None:
    eta, phi = impact(beam(1, 0.3, 2.5, -3.0), np.zeros(1))
    assert (eta[0], phi[0]) == pytest.approx((2.5, -3.0))


def test_a_particle_that_curls_up_in_the_barrel_ends_in_an_endcap() -> None:
    """Its circle of 0.088 m never leaves the tracker, so that z / distance is that of the endcap's face."""
    eta, _ = impact(beam(1, 0.1, 1.0), np.ones(1))
    assert np.sinh(eta[0]) >= cms_card.HALF_LENGTH / (2 * 0.1 / (0.2998 * 3.8)) - 1e-9


def test_nothing_is_neither_made_nor_lost_of_an_event_without_particles() -> None:
    offsets = np.array([0, 0, 2, 2])
    output = smear(beam(2, 50.0), np.array([22, 22]), np.zeros(2), offsets, "towers", np.random.default_rng(0))
    assert output.offsets.tolist()[:2] == [0, 0] and output.offsets[2] == output.offsets[3] == len(output.momenta)


def test_events_do_not_share_towers() -> None:
    output = seen(beam(50, 100.0), PHOTON, 0.0, "towers")
    assert np.diff(output.offsets).tolist() == [1] * 50


def test_without_a_detector_the_particles_are_as_they_are() -> None:
    momenta = beam(3, 50.0)
    output = seen(momenta, PION, 1.0, "none")
    np.testing.assert_array_equal(output.momenta, momenta)


def test_equal_generators_give_equal_answers() -> None:
    momenta = beam(100, 20.0, phi=None)
    one, two, other = (seen(momenta, PION, 1.0, seed=seed).momenta for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert one.shape != other.shape or (one != other).any()
