from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_suite import forest as packed
from suite_recnn import forests
from suite_recnn.clustering import cluster
from suite_recnn.forests import FEATURES, Forest, ForestData
from suite_recnn.jets import Jets, kinematics
from suite_recnn.lund import lund_coordinates


@pytest.fixture
def forest(make_jets) -> Forest:
    return forests.build_trees(make_jets([5, 1, 9, 2]), "cambridge-aachen", "none")


def test_the_features_of_a_node_are_those_of_the_sum_of_its_constituents(make_jets) -> None:
    jets = make_jets([9, 4])
    features = dict(zip(FEATURES, forests.features_of(cluster(jets.momenta, jets.offsets)).T, strict=True))
    roots = [16, 23]
    total = jets.totals()
    pt, eta, phi, mass = kinematics(total)
    expected = {
        "p": np.linalg.norm(total[:, :3], axis=1),
        "eta": eta,
        "phi": phi,
        "E": total[:, 3],
        "E/E_jet": [1, 1],
        "pt": pt,
        "theta": 2 * np.arctan(np.exp(-eta)),
        "log_mass": np.log(mass + 0.1),
    }
    assert list(expected) == list(FEATURES)
    for name, values in expected.items():
        np.testing.assert_allclose(features[name][roots], values, rtol=1e-6, err_msg=name)


def test_the_features_of_a_leaf_are_its_constituents(make_jets) -> None:
    jets = make_jets([9, 4])
    features = forests.features_of(cluster(jets.momenta, jets.offsets))
    np.testing.assert_allclose(features[:9, 3], jets.momenta[:9, 3], rtol=1e-6)
    np.testing.assert_allclose(features[17:21, 4], jets.momenta[9:, 3] / jets.totals()[1, 3], rtol=1e-6)


def test_theta_is_the_angle_to_the_beam(make_jets) -> None:
    jets = make_jets([9])
    theta = forests.features_of(cluster(jets.momenta, jets.offsets))[:9, 6]
    expected = np.arccos(jets.momenta[:, 2] / np.linalg.norm(jets.momenta[:, :3], axis=1))
    np.testing.assert_allclose(theta, expected, rtol=1e-5)


def test_a_particle_along_the_beam_has_finite_features() -> None:
    jets = Jets(np.array([[3.0, 4.0, 0.0, 5.0], [0.0, 0.0, 7.0, 7.0]]), np.array([0, 2]))
    assert np.isfinite(forests.build_trees(jets, "kt", "none").features).all()


def test_a_batch_is_a_forest_that_the_ops_accept(forest) -> None:
    data = ForestData(forest, np.arange(4), np.array([1, 0, 1, 0], dtype=np.float32))
    batch = data.batch([2, 0, 1])
    packed.check(batch.children, batch.offsets, len(batch.features), "test")
    assert batch.offsets.tolist() == [0, 17, 26, 27]
    assert batch.labels.tolist() == [1, 1, 0]
    assert batch.leaf_counts().tolist() == [9, 5, 1]


def test_a_batch_has_the_trees_of_its_jets(forest) -> None:
    batch = ForestData(forest, np.array([3, 2]), None).batch([1, 0])
    begin, end = forest.offsets[2:4]
    np.testing.assert_array_equal(batch.features[:17], forest.features[begin:end])
    np.testing.assert_array_equal(batch.children[:17], forest.children[begin:end])
    assert batch.children[-1].tolist() == [17, 18]
    assert batch.labels is None


def test_a_batch_has_the_weights_of_its_jets_and_the_fingerprint_is_of_them_too(forest) -> None:
    chosen, labels = np.array([3, 2, 0]), np.zeros(3, dtype=np.float32)
    alike, weighted, other = (
        ForestData(forest, chosen, labels, weights=None if weights is None else np.array(weights, dtype=np.float32))
        for weights in (None, [2, -1, 3], [2, -1, 4])
    )
    assert alike.batch([0]).weights is None
    assert weighted.batch([2, 1]).weights.tolist() == [3, -1]
    assert len({*alike.fingerprints(), *weighted.fingerprints(), *other.fingerprints()}) == 6


@pytest.mark.parametrize(("column", "by", "same"), [(7, 1e-4, True), (3, 1e-7, True), (3, 1e-4, False)])
def test_a_fingerprint_is_of_energies_and_not_of_the_last_bits_of_logarithms(forest, column, by, same) -> None:
    changed = replace(forest, features=forest.features.copy())
    changed.features[:, column] *= np.float32(1 + by)
    (now, earlier), (then, before) = (
        ForestData(each, np.array([3, 2, 0]), np.zeros(3, dtype=np.float32)).fingerprints()
        for each in (forest, changed)
    )
    assert (now == then) == same
    assert earlier != before


def test_the_trees_of_many_jets_do_not_depend_on_how_many_are_clustered_at_once(make_jets, monkeypatch) -> None:
    jets = make_jets([5, 1, 9, 2])
    whole = forests.build_trees(jets, "cambridge-aachen", "recnn")
    monkeypatch.setattr(forests, "BLOCK", 3)
    cut = forests.build_trees(jets, "cambridge-aachen", "recnn")
    for name in ("features", "children", "offsets"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name), err_msg=name)


def test_joined_forests_are_the_forest_of_all_jets(make_jets) -> None:
    jets = make_jets([5, 1, 9, 2])
    parts = [forests.build_trees(jets.take(np.array(places)), "kt", "none") for places in ([0], [1, 2], [3])]
    whole, joined = forests.build_trees(jets, "kt", "none"), forests.join(parts)
    for name in ("features", "children", "offsets"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), err_msg=name)


def test_scaled_features_have_median_zero_and_interquartile_range_one(make_jets) -> None:
    forest = forests.build_trees(make_jets([40] * 30), "cambridge-aachen", "none")
    center, scale = forests.robust_scale(forest, np.arange(30))
    scaled = (torch.from_numpy(forest.features) - center) / scale
    quartiles = scaled.quantile(torch.tensor([0.25, 0.5, 0.75]), dim=0)
    torch.testing.assert_close(quartiles[1], torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(quartiles[2] - quartiles[0], torch.ones(8), atol=1e-4, rtol=0)


def test_the_scale_is_that_of_the_chosen_jets_alone(make_jets) -> None:
    forest = forests.build_trees(make_jets([10, 40]), "cambridge-aachen", "none")
    alone = forests.build_trees(make_jets([10, 40]).take(np.array([0])), "cambridge-aachen", "none")
    ours, theirs = forests.robust_scale(forest, np.array([0])), forests.robust_scale(alone, np.array([0]))
    torch.testing.assert_close(ours, theirs)


def test_a_feature_that_never_differs_is_not_divided_by_nothing() -> None:
    jets = Jets(np.tile([3.0, 4.0, 0.0, 5.0], (3, 1)), np.array([0, 1, 2, 3]))
    _, scale = forests.robust_scale(forests.build_trees(jets, "kt", "none"), np.arange(3))
    assert scale.tolist() == [1.0] * 8


def test_a_jet_without_constituents_has_no_node_and_changes_no_other(make_jets) -> None:
    gaps = make_jets([0, 3, 0, 1, 5, 0])
    forest = forests.build_trees(gaps, "cambridge-aachen", "recnn")
    assert np.diff(forest.offsets).tolist() == [0, 5, 0, 1, 9, 0]
    filled = forests.build_trees(Jets(gaps.momenta, gaps.offsets[[0, 2, 4, 5]]), "cambridge-aachen", "recnn")
    np.testing.assert_array_equal(forest.features, filled.features)
    assert len(forests.build_trees(make_jets([0, 0]), "kt", "recnn").features) == 0


def test_what_is_computed_for_a_jet_without_constituents_is_nan(make_jets) -> None:
    forest = forests.build_trees(make_jets([0, 3, 0, 2]), "cambridge-aachen", "center")
    data = ForestData(forest, np.arange(4), None)
    expected = data.batch([1, 3]).leaf_counts()
    seen = forests.of_each_jet(lambda batch: batch.leaf_counts().float()[:, None], data.batch([0, 1, 2, 3]))
    torch.testing.assert_close(seen[[1, 3], 0], expected.float())
    assert seen[[0, 2]].isnan().all()
    assert forests.of_each_jet(lambda batch: batch.features[batch.roots()], data.batch([0, 2])).shape == (2, 8)


def test_features_of_splittings_follow_those_of_every_node(make_jets) -> None:
    jets = make_jets([9, 1, 4])
    trees = cluster(jets.momenta, jets.offsets)
    paper, lund = forests.features_of(trees), forests.features_of(trees, "lund")
    np.testing.assert_array_equal(lund[:, :8], paper)
    delta, kt, z, _, psi = lund_coordinates(trees)
    splits = trees.children[:, 0] >= 0
    expected = np.stack([np.log(delta), np.log(kt), np.log(z), np.cos(psi), np.sin(psi)], axis=1)
    np.testing.assert_allclose(lund[splits, 8:], expected[splits], rtol=1e-6)
    assert (lund[~splits, 8:] == 0).all()


def test_parallel_particles_have_finite_features() -> None:
    jets = Jets(np.array([[3.0, 0, 0, 3], [1, 0, 0, 1]]), np.array([0, 2]))
    assert np.isfinite(forests.build_trees(jets, "kt", "none", features="lund").features).all()


def test_splittings_are_scaled_by_inner_nodes_alone(make_jets) -> None:
    forest = forests.build_trees(make_jets([5, 1, 9]), "kt", "none", features="lund")
    center, scale = forests.robust_scale(forest, np.arange(3))
    splits = forest.features[forest.children[:, 0] >= 0, 8:]
    low, middle, high = np.percentile(splits, [25, 50, 75], axis=0)
    np.testing.assert_allclose(center[8:], middle, rtol=1e-5)
    np.testing.assert_allclose(scale[8:], high - low, rtol=1e-5)
    assert center[3] == pytest.approx(np.median(forest.features[:, 3]))
