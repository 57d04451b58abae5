"""Lund coordinates of jets made by hand, and of random jets beside those of FastJet."""

from collections.abc import Callable

import awkward
import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from suite_recnn.clustering import cluster
from suite_recnn.jet_finding import clustered
from suite_recnn.jets import Jets
from suite_recnn.lund import lund_coordinates, rapidity


def massless(*pt_y_phi: tuple[float, float, float]) -> NDArray[np.float64]:
    pt, y, phi = np.array(pt_y_phi).T
    momenta: NDArray[np.float64] = pt[:, None] * np.stack([np.cos(phi), np.sin(phi), np.sinh(y), np.cosh(y)], axis=1)
    return momenta


def test_two_particles_have_the_coordinates_of_the_formulas() -> None:
    # Delta is 0.5; m^2 = 2 pt_1 pt_2 (cosh 0.3 - cos 0.4) for massless particles
    trees = cluster(massless((30.0, 1.0, 2.0), (10.0, 1.3, 2.4)), np.array([0, 2]))
    found = lund_coordinates(trees)
    mass = np.sqrt(600 * (np.cosh(0.3) - np.cos(0.4)))
    np.testing.assert_allclose([values[2] for values in found], [0.5, 5.0, 0.25, mass, np.arctan2(0.3, 0.4)])
    assert np.isnan(np.stack(found)[:, :2]).all()  # constituents do not split


@pytest.mark.parametrize(("softer", "psi"), [((0.0, 0.1), 0), ((0.1, 0.0), 90), ((0.0, -0.1), 180), ((-0.1, 0.0), -90)])
def test_psi_is_the_direction_of_the_softer_one(softer: tuple[float, float], psi: float) -> None:
    found = lund_coordinates(cluster(massless((3.0, 0.0, 0.0), (1.0, *softer)), np.array([0, 2])))
    difference = np.angle(np.exp(1j * (found.psi[2] - np.radians(psi))))
    assert abs(difference) < 1e-12


def test_the_azimuth_is_periodic() -> None:
    found = lund_coordinates(cluster(massless((3.0, 0.0, 3.1), (1.0, 0.0, -3.1)), np.array([0, 2])))
    np.testing.assert_allclose([found.delta[2], found.psi[2]], [2 * np.pi - 6.2, 0], atol=1e-12)


def test_the_second_splitting_of_three_particles_is_that_of_a_sum() -> None:
    # 5 and 4 merge first; 1 is softer than their sum and 0.4 in rapidity above 5
    trees = cluster(massless((5.0, 0.0, 0.0), (4.0, 0.1, 0.0), (1.0, 0.4, 0.0)), np.array([0, 3]))
    found = lund_coordinates(trees)
    distance = float(0.4 - rapidity(trees.momenta[3]))
    np.testing.assert_allclose(np.stack(found)[:3, 3], [0.1, 0.4, 4 / 9])
    np.testing.assert_allclose(np.stack(found)[:3, 4], [distance, distance, 0.1])
    np.testing.assert_allclose(found.psi[3:], np.pi / 2)


def test_primary_splittings_are_those_of_fastjet(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([2, 3, 40, 75, 20], seed=3)
    trees = cluster(jets.momenta, jets.offsets, "cambridge-aachen")
    found = lund_coordinates(trees)
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    expected = clustered(jets.momenta, jets.offsets, definition).exclusive_jets_lund_declusterings(1)
    for jet, begin in enumerate(trees.offsets[:-1]):
        primary, node = [], trees.offsets[jet + 1] - 1
        while trees.children[node, 0] >= 0:  # the harder branch
            primary.append(node)
            node = begin + trees.children[node, 0]
        for name in ("Delta", "kt"):
            numbers = awkward.to_numpy(awkward.flatten(expected[jet][name], axis=None))
            np.testing.assert_allclose(getattr(found, name.lower())[primary], numbers, rtol=1e-9)


def test_a_turn_about_the_beam_changes_nothing(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([12, 1, 5])
    x, y, z, energy = jets.momenta.T
    turned = np.stack([-y, x, z, energy], axis=1)
    both = [lund_coordinates(cluster(momenta, jets.offsets)) for momenta in (jets.momenta, turned)]
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)


def test_particles_along_the_beam_and_without_momentum_have_finite_coordinates() -> None:
    momenta = np.array([[0.0, 0, 5, 5], [0, 0, -5, 5], [0, 0, 0, 0], [3, 0, 0, 3]])
    found = np.stack(lund_coordinates(cluster(momenta, np.array([0, 4]))))
    assert np.isfinite(found[:, 4:]).all()
    assert (found[2, 4:] >= 0).all() and (found[2, 4:] <= 0.5).all()


def test_no_jets_have_no_coordinates() -> None:
    found = lund_coordinates(cluster(np.zeros((0, 4)), np.array([0])))
    assert [values.shape for values in found] == [(0,)] * 5


def test_rapidity_keeps_its_precision_near_the_beam() -> None:
    momenta = massless((1e-3, 12.0, 0.0), (1e-3, -12.0, 0.0), (100.0, 0.0, 1.0))
    # E is rounded to 1.4e-14, E - pz is 6e-9: that is all that is known of the rapidity
    np.testing.assert_allclose(rapidity(momenta), [12, -12, 0], rtol=2e-7, atol=1e-12)
