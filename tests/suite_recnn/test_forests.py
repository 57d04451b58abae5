import numpy as np
import pytest
import torch

from lightning_suite import forest as packed
from suite_recnn import forests
from suite_recnn.clustering import cluster
from suite_recnn.forests import FEATURES, Forest, ForestData, Grown
from suite_recnn.jets import Jets, kinematics


@pytest.fixture
def grown(make_jets) -> Forest:
    return forests.grow(make_jets([5, 1, 9, 2]), "cambridge-aachen", "none")


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
    assert np.isfinite(forests.grow(jets, "kt", "none").features).all()


def test_a_batch_is_a_forest_that_the_ops_accept(grown) -> None:
    data = ForestData(grown, np.arange(4), np.array([1, 0, 1, 0], dtype=np.float32))
    batch = data.batch([2, 0, 1])
    packed.check(batch.children, batch.offsets, len(batch.features), "test")
    assert batch.offsets.tolist() == [0, 17, 26, 27]
    assert batch.labels.tolist() == [1, 1, 0]
    assert batch.leaf_counts().tolist() == [9, 5, 1]


def test_a_batch_has_the_trees_of_its_jets(grown) -> None:
    batch = ForestData(grown, np.array([3, 2]), None).batch([1, 0])
    begin, end = grown.offsets[2:4]
    np.testing.assert_array_equal(batch.features[:17], grown.features[begin:end])
    np.testing.assert_array_equal(batch.children[:17], grown.children[begin:end])
    assert batch.children[-1].tolist() == [17, 18]
    assert batch.labels is None


def test_the_trees_of_many_jets_do_not_depend_on_how_many_are_clustered_at_once(make_jets, monkeypatch) -> None:
    jets = make_jets([5, 1, 9, 2])
    whole = forests.grow(jets, "cambridge-aachen", "recnn")
    monkeypatch.setattr(forests, "BLOCK", 3)
    cut = forests.grow(jets, "cambridge-aachen", "recnn")
    for name in ("features", "children", "offsets"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name), err_msg=name)


def test_joined_forests_are_the_forest_of_all_jets(make_jets) -> None:
    jets = make_jets([5, 1, 9, 2])
    parts = [forests.grow(jets.take(np.array(places)), "kt", "none") for places in ([0], [1, 2], [3])]
    whole, joined = forests.grow(jets, "kt", "none"), forests.join(parts)
    for name in ("features", "children", "offsets"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), err_msg=name)


def test_scaled_features_have_median_zero_and_interquartile_range_one(make_jets) -> None:
    forest = forests.grow(make_jets([40] * 30), "cambridge-aachen", "none")
    center, scale = forests.robust_scale(forest, np.arange(30))
    scaled = (torch.from_numpy(forest.features) - center) / scale
    quartiles = scaled.quantile(torch.tensor([0.25, 0.5, 0.75]), dim=0)
    torch.testing.assert_close(quartiles[1], torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(quartiles[2] - quartiles[0], torch.ones(8), atol=1e-4, rtol=0)


def test_the_scale_is_that_of_the_chosen_jets_alone(make_jets) -> None:
    forest = forests.grow(make_jets([10, 40]), "cambridge-aachen", "none")
    alone = forests.grow(make_jets([10, 40]).take(np.array([0])), "cambridge-aachen", "none")
    ours, theirs = forests.robust_scale(forest, np.array([0])), forests.robust_scale(alone, np.array([0]))
    torch.testing.assert_close(ours, theirs)


def test_a_feature_that_never_differs_is_not_divided_by_nothing() -> None:
    jets = Jets(np.tile([3.0, 4.0, 0.0, 5.0], (3, 1)), np.array([0, 1, 2, 3]))
    _, scale = forests.robust_scale(forests.grow(jets, "kt", "none"), np.arange(3))
    assert scale.tolist() == [1.0] * 8


# The cache


def test_what_was_kept_is_found_again(grown, tmp_path) -> None:
    forests.keep(tmp_path / "trees", Grown(grown, {"sample": np.array(["w", "w", "qcd", "w"])}))
    found = forests.load(tmp_path / "trees")
    assert found is not None
    np.testing.assert_array_equal(found.forest.features, grown.features)
    np.testing.assert_array_equal(found.forest.children, grown.children)
    assert found.columns["sample"].tolist() == ["w", "w", "qcd", "w"]


def test_nothing_is_found_where_nothing_was_kept(tmp_path) -> None:
    assert forests.load(tmp_path / "trees") is None


def test_what_was_cut_short_is_grown_again_and_replaced(grown, tmp_path) -> None:
    forests.keep(tmp_path / "trees", Grown(grown, {}))
    (tmp_path / "trees" / "features.npy").write_bytes(b"cut")
    assert forests.load(tmp_path / "trees") is None
    forests.keep(tmp_path / "trees", Grown(grown, {}))
    assert forests.load(tmp_path / "trees") is not None


def test_trees_that_cannot_be_kept_are_no_reason_to_stop(grown, tmp_path) -> None:
    (tmp_path / "a file").write_text("where the folder would be")
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        forests.keep(tmp_path / "a file" / "trees", Grown(grown, {}))


def test_what_was_kept_can_be_read_by_others(grown, tmp_path) -> None:
    forests.keep(tmp_path / "trees", Grown(grown, {}))
    plain = tmp_path / "plain"
    plain.mkdir()
    assert (tmp_path / "trees").stat().st_mode == plain.stat().st_mode


def test_the_process_that_comes_first_wins_and_leaves_nothing_half_done(grown, make_jets, tmp_path) -> None:
    other = forests.grow(make_jets([3]), "kt", "none")
    forests.keep(tmp_path / "trees", Grown(grown, {}))
    forests.keep(tmp_path / "trees", Grown(other, {}))
    found = forests.load(tmp_path / "trees")
    assert found is not None and len(found.forest) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["trees"]


def test_other_bytes_or_other_settings_have_another_place(tmp_path) -> None:
    file = tmp_path / "w.parquet"
    file.write_bytes(b"one")
    first = forests.cached_place(file, {"algorithm": "kt"})
    assert forests.cached_place(file, {"algorithm": "kt"}) == first
    assert forests.cached_place(file, {"algorithm": "anti-kt"}) != first
    file.write_bytes(b"two")
    assert forests.cached_place(file, {"algorithm": "kt"}) != first


def test_trees_lie_beside_the_data(tmp_path) -> None:
    (tmp_path / "w.parquet").write_bytes(b"one")
    assert forests.cached_place(tmp_path / "w.parquet", {}).parent == tmp_path / ".trees"


def test_beside_data_that_cannot_be_written_trees_go_into_the_cache(tmp_path, monkeypatch) -> None:
    (tmp_path / "w.parquet").write_bytes(b"one")
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(forests.os, "access", lambda path, mode: False)
    assert forests.cached_place(tmp_path / "w.parquet", {}).parent == tmp_path / "cache" / "trees"
