import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_recnn.jets import Jets, kinematics
from suite_recnn.preprocessing import boost_along_beam, hardest_subjets, preprocess, rotate_about_beam


def pairwise_masses(momenta: np.ndarray) -> np.ndarray:
    """Invariant mass of every pair: what no rotation or boost may change."""
    return np.sort(kinematics(momenta[:, None] + momenta[None, :]).mass, axis=None)


def test_none_leaves_the_jets_alone(make_jets) -> None:
    jets = make_jets([5, 3])
    assert preprocess(jets, "none") is jets


def test_centred_jets_point_at_eta_and_phi_zero(make_jets) -> None:
    pt, eta, phi, mass = kinematics(preprocess(make_jets([40, 1, 12]), "center").totals())
    np.testing.assert_allclose([eta, phi], 0, atol=1e-9)
    expected = kinematics(make_jets([40, 1, 12]).totals())
    np.testing.assert_allclose(pt, expected.pt)
    np.testing.assert_allclose(mass, expected.mass, atol=1e-4)


@pytest.mark.parametrize("name", ["center", "recnn"])
def test_masses_within_a_jet_stay_what_they_were(name, make_jets) -> None:
    jets = make_jets([30])
    before, after = (pairwise_masses(some.momenta) for some in (jets, preprocess(jets, name)))
    np.testing.assert_allclose(after, before, atol=2e-4)


@pytest.mark.parametrize("name", ["center", "recnn"])
def test_where_a_jet_was_in_the_detector_no_longer_shows(name, make_jets) -> None:
    jets = make_jets([30, 17])
    frame = np.tile([0.0, 0.0, 300.0, 500.0], (len(jets.momenta), 1))
    moved = boost_along_beam(rotate_about_beam(jets.momenta, np.full(len(jets.momenta), 1.1)), frame)
    elsewhere = Jets(moved, jets.offsets, jets.columns)
    np.testing.assert_allclose(preprocess(jets, name).momenta, preprocess(elsewhere, name).momenta, atol=1e-6)


def test_aligned_jets_have_their_subjets_at_fixed_positions() -> None:
    pt, eta, phi = np.array([[300.0, 200.0, 100.0], [0.3, 0.8, 0.2], [3.0, 3.3, 2.4]])  # far apart: three subjets
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    for mirror in (1.0, -1.0):
        jet = Jets(momenta * [1, mirror, 1, 1], np.array([0, 3]))
        first, second, third = preprocess(jet, "recnn").momenta
        np.testing.assert_allclose(first, [300, 0, 0, 300], atol=1e-9)
        assert second[2] == pytest.approx(0, abs=1e-9)
        assert second[1] < 0
        assert third[2] > 0


def test_subjets_come_hardest_first_and_missing_ones_are_zero(make_jets) -> None:
    subjets = hardest_subjets(make_jets([1, 60]))
    pt = np.hypot(subjets[..., 0], subjets[..., 1])
    assert (pt[0] > 0).tolist() == [True, False, False]
    assert (np.diff(pt[1]) <= 0).all()


def test_a_jet_of_one_constituent_can_be_aligned(make_jets) -> None:
    momenta = preprocess(make_jets([1]), "recnn").momenta
    np.testing.assert_allclose(momenta, [[600, 0, 0, 600]], atol=1e-9)


def test_the_hardest_constituent_still_comes_first(make_jets) -> None:
    momenta = preprocess(make_jets([60]), "recnn").momenta
    assert (np.diff(np.hypot(momenta[:, 0], momenta[:, 1])) <= 0).all()


def test_columns_stay_with_their_jets(make_jets) -> None:
    assert preprocess(make_jets([4, 5]), "center").columns["event"].tolist() == [0, 1]


def test_an_unknown_preprocessing_is_refused_with_those_there_are(make_jets) -> None:
    with pytest.raises(UsageError, match="none, center, recnn"):
        preprocess(make_jets([2]), "centre")
