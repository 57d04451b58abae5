import numpy as np
import pytest

from suite_recnn.jets import Jets, concatenate, kinematics, sort_by_pt


def test_the_total_of_a_jet_is_the_sum_of_its_constituents(make_jets) -> None:
    jets = make_jets([3, 1, 7])
    expected = [jets.momenta[:3].sum(0), jets.momenta[3], jets.momenta[4:].sum(0)]
    np.testing.assert_allclose(jets.totals(), expected)


@pytest.mark.parametrize("counts", [[0, 2], [2, 0, 3], [2, 0], [0], []])
def test_a_jet_without_constituents_has_no_momentum(counts, make_jets) -> None:
    totals = make_jets(counts).totals()
    assert totals.shape == (len(counts), 4)
    assert [total.any() for total in totals] == [count > 0 for count in counts]


def test_jets_are_taken_in_the_order_asked_for_with_their_columns(make_jets) -> None:
    jets = make_jets([3, 1, 7])
    taken = jets.take(np.array([2, 0, 2]))
    assert taken.counts().tolist() == [7, 3, 7]
    assert taken.columns["event"].tolist() == [2, 0, 2]
    np.testing.assert_array_equal(taken.momenta[7:10], jets.momenta[:3])


def test_jets_are_taken_by_a_mask(make_jets) -> None:
    assert make_jets([3, 1, 7]).take(np.array([True, False, True])).counts().tolist() == [3, 7]


def test_no_jets_can_be_taken(make_jets) -> None:
    taken = make_jets([3, 2]).take(np.array([], dtype=np.int64))
    assert taken.momenta.shape == (0, 4)
    assert taken.offsets.tolist() == [0]


def test_concatenated_jets_keep_what_every_part_has(make_jets) -> None:
    first, second = make_jets([3, 1]), make_jets([2])
    first.columns["label"] = np.array([1, 0])
    both = concatenate([first, second])
    assert both.counts().tolist() == [3, 1, 2]
    assert list(both.columns) == ["event"]
    np.testing.assert_array_equal(both.take(np.array([2])).momenta, second.momenta)


def test_nothing_cannot_be_concatenated() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        concatenate([])


def test_the_hardest_constituent_comes_first_and_equals_keep_their_order() -> None:
    pt = np.array([1.0, 3.0, 3.0, 2.0, 5.0])
    momenta = np.stack([pt, 0 * pt, np.arange(5.0), 10 * pt], axis=1)
    assert sort_by_pt(momenta, np.array([0, 4, 5])).tolist() == [1, 2, 3, 0, 4]


def test_kinematics_are_those_of_a_known_momentum() -> None:
    pt, eta, phi, mass = 50.0, -1.3, 2.0, 80.4
    pz = pt * np.sinh(eta)
    energy = np.sqrt(pt**2 + pz**2 + mass**2)
    np.testing.assert_allclose(
        kinematics(np.array([pt * np.cos(phi), pt * np.sin(phi), pz, energy])), (pt, eta, phi, mass)
    )


def test_a_light_and_fast_particle_keeps_its_mass_in_float64() -> None:
    p = 600.0
    assert kinematics(np.array([p, 0, 0, np.hypot(p, 0.14)])).mass == pytest.approx(0.14, rel=1e-6)


@pytest.mark.parametrize(("pz", "eta"), [(5.0, np.inf), (-5.0, -np.inf), (0.0, 0.0)])
def test_a_momentum_along_the_beam_has_a_stated_pseudorapidity(pz, eta) -> None:
    assert kinematics(np.array([0.0, 0.0, pz, abs(pz)])).eta == eta


def test_columns_default_to_none() -> None:
    assert Jets(np.zeros((1, 4)), np.array([0, 1])).columns == {}
