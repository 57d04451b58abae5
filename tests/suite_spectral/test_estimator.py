import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import networkx
import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import SpectralClustering as Reference
from sklearn.datasets import load_digits, make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from suite_spectral import SpectralClustering, spectral_clustering

Points = NDArray[np.float64]


EXPECTED = {
    "check_clustering": "gives points with coordinates below 0, whatever the tags say",
    "check_clustering(readonly_memmap=True)": "the same",
}
COSINE = {
    "check_positive_only_tag_during_fit": "features below 0 are taken while the cosines of each point add up to more"
}


def expected_failures(estimator: SpectralClustering) -> dict[str, str]:
    return {"precomputed": EXPECTED, "cosine": EXPECTED | COSINE}.get(str(estimator.affinity), {})


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        SpectralClustering(random_state=0, affinity=affinity)
        for affinity in ("nearest_neighbors", "precomputed", "cosine")
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learns_checks_pass(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def moons(n: int = 300, seed: int = 0) -> tuple[Points, NDArray[np.int64]]:
    points, classes = make_moons(n, noise=0.05, random_state=seed)
    return points, classes


def test_the_package_gives_the_estimator_and_stays_light() -> None:
    code = "import sys, suite_spectral; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_path())
    assert done.stdout == "False\n"
    assert SpectralClustering.__name__ == "SpectralClustering"  # asked of the package by this file


def _path() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_two_moons_are_found() -> None:
    points, classes = moons()
    found = SpectralClustering(2, random_state=0).fit_predict(points)
    assert adjusted_rand_score(classes, found) == 1.0


def test_new_points_of_the_moons_are_labelled() -> None:
    points, classes = moons()
    new, their = moons(200, seed=1)
    model = SpectralClustering(2, random_state=0).fit(points)
    agree = model.labels_[0] == classes[0]
    assert (model.predict(new) == (their if agree else 1 - their)).mean() > 0.99


def test_fitted_points_are_predicted_as_they_were_labelled() -> None:
    points, _ = make_blobs(300, centers=4, cluster_std=3.0, random_state=0)
    model = SpectralClustering(4, random_state=0).fit(points)
    assert (model.predict(points[::-1]) == model.labels_[::-1]).all()


def test_the_digits_are_clustered_as_scikit_learn_does() -> None:
    points = load_digits().data[:600]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = Reference(10, affinity="nearest_neighbors", random_state=0).fit_predict(points)
    actual = SpectralClustering(10, random_state=0).fit_predict(points)
    assert adjusted_rand_score(expected, actual) > 0.9


def test_the_cut_is_not_below_its_bound() -> None:
    points, _ = make_blobs(200, centers=3, cluster_std=2.0, random_state=1)
    model = SpectralClustering(3, random_state=0).fit(points)
    assert 0 < model.lower_bound_ <= model.ncut_


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf", "self-tuning"])
def test_each_affinity_of_points_separates_far_blobs(affinity: Any) -> None:
    points, classes = make_blobs(120, centers=[[0, 0], [9, 9]], random_state=0)
    found = SpectralClustering(2, affinity=affinity, random_state=0).fit_predict(points)
    assert adjusted_rand_score(classes, found) == 1.0


@pytest.mark.parametrize("route", ["exact", "landmarks", "best_of"])
def test_sigma_is_chosen_by_the_rule_on_every_route(route: Any) -> None:
    points, truth = moons()
    method = clone(SpectralClustering(2, affinity="rbf", sigma="stable", route=route, landmarks=60)).fit(points)
    assert adjusted_rand_score(truth, method.labels_) > 0.95
    new, classes = moons(seed=1)
    assert adjusted_rand_score(classes, method.predict(new)) > 0.95


@pytest.mark.parametrize("assign", ["discretize", "cluster_qr"])
@pytest.mark.parametrize("route", ["exact", "landmarks"])
def test_a_rotation_of_the_rows_finds_blobs_and_labels_new_ones(assign: Any, route: Any) -> None:
    points, classes = make_blobs(400, centers=[[0, 0], [6, 0], [0, 6], [6, 6]], random_state=0)
    model = SpectralClustering(4, assign_labels=assign, route=route, landmarks=80, n_neighbors=30, random_state=0)
    model.fit(points[:300])
    found = np.concatenate([model.labels_, model.predict(points[300:])])
    assert adjusted_rand_score(classes, found) > 0.97


@pytest.mark.parametrize("route", ["exact", "landmarks"])
def test_the_rows_have_as_many_vectors_as_are_asked_for(route: Any) -> None:
    points, classes = make_blobs(300, centers=[[0, 0], [6, 0], [0, 6]], cluster_std=0.8, random_state=0)
    model = SpectralClustering(3, n_components=5, n_neighbors=30, route=route, landmarks=80, random_state=0).fit(points)
    assert model.embedding_.shape == (300, 5)
    assert model.embed(points[:2] + 0.01).shape == (2, 5)
    assert adjusted_rand_score(classes, model.labels_) > 0.95
    assert adjusted_rand_score(model.predict(points + 0.01), model.labels_) > 0.95


def test_the_number_of_clusters_is_chosen_by_the_eigengap() -> None:
    points, _ = make_blobs(300, centers=[[0, 0], [6, 6], [0, 9]], random_state=0)
    assert SpectralClustering(None, affinity="rbf", sigma=1.0, random_state=0).fit(points).n_clusters_ == 3


def test_cosine_takes_sparse_features() -> None:
    block = np.random.default_rng(0).random((20, 5))
    features = scipy.sparse.block_diag([block, block], format="csr") + scipy.sparse.csr_array(np.full((40, 10), 1e-3))
    found = SpectralClustering(2, affinity="cosine", random_state=0).fit_predict(features)
    assert adjusted_rand_score(np.repeat([0, 1], 20), found) == 1.0


def test_a_graph_of_neighbours_that_is_given_is_clustered_as_that_of_the_points() -> None:
    points, _ = moons()
    graph = kneighbors_graph(points, 10, include_self=True)
    graph = (graph + graph.T) / 2
    expected = SpectralClustering(2, random_state=0).fit_predict(points)
    for given in (graph, scipy.sparse.csr_array(graph), graph.toarray()):
        assert (SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(given) == expected).all()


def test_new_nodes_of_a_given_graph_are_labelled_by_their_edges() -> None:
    points, _ = moons()
    weights = np.exp(-((points[:, None] - points[None]) ** 2).sum(2) / 0.02)
    model = SpectralClustering(2, affinity="precomputed", random_state=0).fit(weights)
    assert (model.predict(weights[:50]) == model.labels_[:50]).all()


def test_tensors_come_back_as_tensors() -> None:
    points, _ = moons()
    model = SpectralClustering(2, random_state=0).fit(torch.from_numpy(points))
    assert isinstance(model.labels_, torch.Tensor)
    assert isinstance(model.predict(torch.from_numpy(points[:5])), torch.Tensor)


def test_tensors_and_arrays_have_the_same_labels() -> None:
    points, _ = moons()
    expected = SpectralClustering(2, random_state=0).fit_predict(points)
    actual = SpectralClustering(2, random_state=0).fit(torch.from_numpy(points)).labels_
    assert (expected == actual.numpy()).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_tensors_on_a_gpu_stay_there() -> None:
    points, classes = moons()
    model = SpectralClustering(2, random_state=0).fit(torch.from_numpy(points).cuda())
    assert model.labels_.device.type == "cuda"
    assert adjusted_rand_score(classes, model.labels_.cpu().numpy()) == 1.0


def test_float32_is_enough_for_the_moons() -> None:
    points, classes = moons()
    found = SpectralClustering(2, random_state=0).fit_predict(points.astype(np.float32))
    assert adjusted_rand_score(classes, found) == 1.0


def test_landmarks_find_the_moons() -> None:
    points, classes = moons(600)
    model = SpectralClustering(2, route="landmarks", landmarks=100, random_state=0).fit(points)
    assert adjusted_rand_score(classes, model.labels_) == 1.0
    assert (model.predict(points) == model.labels_).all()


def test_the_better_of_both_routes_has_no_higher_cut_than_the_exact_one() -> None:
    points = np.random.default_rng(0).normal(size=(200, 2))
    exact, both = (
        SpectralClustering(5, affinity="rbf", sigma=1.0, route=route, landmarks=60, random_state=0).fit(points)
        for route in ("exact", "best_of")
    )
    assert both.ncut_ <= exact.ncut_
    assert "exactly" in both.report_


def test_gamma_is_another_way_to_say_sigma() -> None:
    points, _ = moons(100)
    one = SpectralClustering(2, affinity="rbf", gamma=50.0, random_state=0).fit(points)
    other = SpectralClustering(2, affinity="rbf", sigma=0.1, random_state=0).fit(points)
    assert one.ncut_ == pytest.approx(other.ncut_)


def test_a_clone_has_the_same_parameters() -> None:
    assert clone(SpectralClustering(3, sigma=0.5)).get_params()["sigma"] == 0.5


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_clusters": 0}, "n_clusters: expected a whole number of 1 or more, or None, got 0"),
        ({"n_clusters": 500}, "500 clusters were asked for, and there are 20"),
        ({"gamma": 1.0, "sigma": 1.0}, "not both"),
        ({"sigma": -1.0, "affinity": "rbf"}, "sigma.*-1"),
        ({"affinity": "euclid"}, "affinity.*'euclid'"),
        ({"route": "short"}, "route: expected one of exact, landmarks, best_of, got 'short'"),
        ({"route": "best_of", "affinity": "self-tuning"}, "landmarks are for"),
        ({"assign_labels": "sign", "n_clusters": 3}, "second eigenvector: it needs n_clusters 2, got 3"),
        ({"affinity": "precomputed"}, "square"),
        ({"assign_labels": "cluster_qr", "n_components": 3}, "as many clusters as there are vectors.* got 3 .* for 2"),
        ({"n_components": 21}, "expected from 1 to 20 eigenvectors"),
        ({"n_components": 61, "route": "landmarks", "landmarks": 60}, "landmarks: expected at least 61"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], said: str) -> None:
    points, _ = moons(20)
    with pytest.raises(ValueError, match=said):
        SpectralClustering(**{"n_clusters": 2, **parameters}).fit(points)


def test_weights_of_one_direction_are_clustered_as_those_of_both() -> None:
    weights = np.kron(np.eye(2), np.triu(np.ones((4, 4))))
    with pytest.warns(UserWarning, match="some edges have one direction alone"):
        labels = SpectralClustering(2, affinity="precomputed").fit_predict(weights)
    assert labels.tolist() == [0] * 4 + [1] * 4


def test_points_of_another_dimension_are_refused() -> None:
    points, _ = moons(50)
    with pytest.raises(ValueError, match="3 features"):
        SpectralClustering(2, random_state=0).fit(points).predict(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_clusters", 2.5, "a whole number of 1 or more, or None, got 2.5"),
        ("n_clusters", "two", "a whole number of 1 or more, or None, got 'two'"),
        ("n_neighbors", 1, "a whole number of 2 or more, or None, got 1"),
        ("n_neighbors", 2.5, "a whole number of 2 or more"),
        ("eigen_tol", -1, "a number of 0 or more, auto, or None, got -1"),
        ("sigma", "wide", "a number above 0, stable, or None, got 'wide'"),
        ("assign_labels", "discretise", "one of kmeans, discretize, .*, got 'discretise'. Did you mean 'discretize'"),
        ("eigen_solver", "amgg", "one of auto, .*, got 'amgg'. Did you mean 'amg'"),
        ("weights", "distance", "one of connectivity, gaussian, self-tuning"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_own_name(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected {expected}"):
        SpectralClustering(**{"n_clusters": 2, name: value}).fit(moons()[0])


def test_the_old_name_of_a_parameter_works_and_says_the_new_one() -> None:
    points = moons()[0]
    with pytest.warns(FutureWarning, match="largest is called max_clusters now"):
        old = SpectralClustering(None, largest=3, random_state=0).fit(points)
    new = SpectralClustering(None, max_clusters=3, random_state=0).fit(points)
    assert (old.labels_ == new.labels_).all()
    with pytest.warns(FutureWarning, match="memory is called memory_gib"):
        SpectralClustering(2, affinity="rbf", memory=0.1).fit(points)
    with pytest.warns(FutureWarning, match="'better' is called 'best_of'"):
        SpectralClustering(2, route="better").fit(points)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_tensors_are_points_too(layout: torch.layout) -> None:
    points = torch.from_numpy(moons()[0])
    sparse = points.to_sparse(layout=layout)
    assert torch.equal(SpectralClustering(2).fit_predict(sparse), SpectralClustering(2).fit_predict(points))


def test_a_sparse_tensor_may_be_a_graph() -> None:
    weights = torch.block_diag(torch.ones(4, 4), torch.ones(3, 3)).to_sparse_csr()
    labels = SpectralClustering(2, affinity="precomputed").fit_predict(weights)
    assert labels.tolist() == [0] * 4 + [1] * 3


def test_tensors_of_bfloat16_are_clustered() -> None:
    points = torch.from_numpy(moons()[0]).bfloat16()
    assert torch.equal(SpectralClustering(2).fit_predict(points), SpectralClustering(2).fit_predict(points.float()))


def test_new_points_of_a_graph_need_weights_of_0_or_more() -> None:
    clusters = SpectralClustering(2, affinity="precomputed").fit(np.eye(4) + 1)
    with pytest.raises(ValueError, match="weights of 0 or more"):
        clusters.predict(-np.ones((1, 4)))


@pytest.mark.parametrize("number", [np.int64(2), np.uint8(2)])
def test_whole_numbers_of_numpy_are_numbers(number: Any) -> None:
    clusters = SpectralClustering(number, n_neighbors=number + 8, landmarks=number + 8, route="best_of").fit(moons()[0])
    assert clusters.n_clusters_ == 2


# In place of scikit-learn's


def test_a_graph_that_is_not_connected_is_said() -> None:
    with pytest.warns(UserWarning, match="not fully connected: 2 components, clustered one by one"):
        SpectralClustering(2, n_neighbors=3).fit([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]])


@pytest.mark.parametrize(
    "affinity", ["laplacian", "polynomial", "chi2", lambda one, other: 1 / (1 + abs(one - other).sum())]
)
def test_a_kernel_clusters_and_labels_new_points(affinity: Any) -> None:
    points, classes = make_blobs(90, centers=[[1, 9], [9, 1]], random_state=0)
    points = np.abs(points)
    model = SpectralClustering(2, affinity=affinity, gamma=0.5, random_state=0).fit(points[:60])
    assert adjusted_rand_score(classes[:60], model.labels_) == 1.0
    assert (model.predict(points[:60]) == model.labels_).all()
    assert adjusted_rand_score(classes[60:], model.predict(points[60:])) == 1.0
    assert model.affinity_matrix_.shape == (60, 60)


def test_a_function_as_affinity_gets_its_own_arguments_alone() -> None:
    def close(one: Any, other: Any, *, width: float) -> float:
        return float(np.exp(-((one - other) ** 2).sum() / width))

    points, classes = make_blobs(40, centers=[[0, 0], [9, 9]], random_state=0)
    model = SpectralClustering(2, affinity=close, kernel_params={"width": 2.0}, random_state=0).fit(points)
    assert adjusted_rand_score(classes, model.labels_) == 1.0
    with pytest.raises(TypeError, match="width"):
        SpectralClustering(2, affinity=close).fit(points)


def test_given_distances_are_clustered_as_the_points() -> None:
    points, classes = moons()
    distances = NearestNeighbors(n_neighbors=15).fit(points).kneighbors_graph(points, mode="distance")
    model = SpectralClustering(2, affinity="precomputed_nearest_neighbors", random_state=0).fit(distances)
    assert adjusted_rand_score(classes, model.labels_) == 1.0
    assert (model.predict(distances[:20]) == model.labels_[:20]).all()
    expected = SpectralClustering(2, random_state=0).fit(points).affinity_matrix_
    assert abs(model.affinity_matrix_ - expected).max() == 0


@pytest.mark.parametrize("memory_gib", [1.0, 1e-6])
def test_the_weights_of_all_pairs_can_be_seen(memory_gib: float) -> None:
    points, _ = moons(60)
    model = SpectralClustering(2, affinity="rbf", gamma=3.0, memory_gib=memory_gib, random_state=0).fit(points)
    np.testing.assert_allclose(model.affinity_matrix_, rbf_kernel(points, gamma=3.0), atol=1e-6)


def test_landmarks_have_no_matrix_of_all_points() -> None:
    model = SpectralClustering(2, route="landmarks", landmarks=30, random_state=0).fit(moons(100)[0])
    assert not hasattr(model, "affinity_matrix_")


def test_a_network_is_clustered_in_the_order_of_its_nodes() -> None:
    network = networkx.disjoint_union(networkx.complete_graph(6), networkx.complete_graph(5))
    network.add_edge(0, 6)
    model = SpectralClustering(2, affinity="precomputed", random_state=0).fit(network)
    assert model.labels_.tolist() == [0] * 6 + [1] * 5


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_points_with_names(library: str) -> None:
    frames = pytest.importorskip(library)
    points, _ = moons(100)
    frame = frames.DataFrame({"x": points[:, 0], "y": points[:, 1]})
    model = SpectralClustering(2, random_state=0).fit(frame)
    assert model.feature_names_in_.tolist() == ["x", "y"]
    assert (model.predict(frame) == SpectralClustering(2, random_state=0).fit_predict(points)).all()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frames.DataFrame({"x": points[:, 0], "z": points[:, 1]}))


def test_a_generator_of_numpy_draws_as_a_seed_does() -> None:
    points = np.random.default_rng(0).normal(size=(200, 2))
    one, same, other = (
        SpectralClustering(9, n_init=2, random_state=np.random.default_rng(seed)).fit_predict(points)
        for seed in (1, 1, 2)
    )
    assert (one == same).all()
    assert (one != other).any()


def test_it_works_where_estimators_do(tmp_path: Path) -> None:
    points, classes = moons(200)
    steps = make_pipeline(StandardScaler(), SpectralClustering(2, random_state=0))
    search = GridSearchCV(steps, {"spectralclustering__n_neighbors": [5, 150]}, cv=2)
    search.fit(points, classes)
    assert search.score(points, classes) == adjusted_rand_score(classes, search.predict(points))
    assert search.best_params_ == {"spectralclustering__n_neighbors": 5}
    joblib.dump(search.best_estimator_, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    assert (again.predict(points) == search.best_estimator_[-1].labels_).all()


def test_a_score_needs_classes() -> None:
    points, _ = moons(100)
    with pytest.raises(ValueError, match="expected the known classes y, got None; without them, compare ncut_ of fits"):
        SpectralClustering(2, random_state=0).fit(points).score(points)


@pytest.mark.parametrize("n", [80, 300])
def test_threads_are_used_for_the_fit_alone_and_change_nothing(n: int) -> None:
    points, _ = moons(n)
    before, used = torch.get_num_threads(), []

    def affinity(one: Any, other: Any) -> float:
        used.append(torch.get_num_threads())
        return 1.0

    SpectralClustering(2, affinity=affinity, n_jobs=3).fit(points[:5])
    assert set(used) == {3} and torch.get_num_threads() == before
    one, two = (SpectralClustering(2, n_jobs=count, random_state=0).fit(points) for count in (1, 2))
    assert (one.embedding_ == two.embedding_).all()


def test_what_is_done_is_printed_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    SpectralClustering(2, affinity="rbf", verbose=True).fit(moons(60)[0])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Computing graph of 60 points" and said[-1] == "Computing label assignment using kmeans"
    SpectralClustering(2, affinity="rbf").fit(moons(60)[0])
    assert capsys.readouterr().out == ""


def test_the_function_of_a_graph_gives_the_labels_of_the_estimator() -> None:
    weights = rbf_kernel(moons(60)[0], gamma=20.0)
    expected = SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(weights)
    for solver in (None, "amg", "lobpcg"):
        assert (spectral_clustering(weights, n_clusters=2, eigen_solver=solver, random_state=0) == expected).all()
