"""A refit from earlier eigenvectors beside a fit from nothing."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import make_blobs, make_moons

from suite_spectral.estimator import SpectralClustering

N = 2000


@pytest.fixture(scope="module")
def network() -> Any:
    """Return a network of ten communities."""
    draw = np.random.default_rng(0)
    inside = [draw.integers(N // 10, size=(N // 2, 2)) + part * N // 10 for part in range(10)]
    edges = np.concatenate([*inside, draw.integers(N, size=(2 * N, 2))])
    edges = edges[edges[:, 0] != edges[:, 1]]
    half = scipy.sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(N, N)).tocsr()
    return half + half.T


def model(n_clusters: int = 4, **options: Any) -> SpectralClustering:
    return SpectralClustering(n_clusters, random_state=0, **options)


@pytest.mark.filterwarnings(
    "ignore:.*too small for clusters:RuntimeWarning", "ignore:.*not fully connected:UserWarning"
)
@pytest.mark.parametrize("what", ["edges", "nodes"])
@pytest.mark.parametrize("strays", [0, 3])
def test_a_hundredth_more_takes_half_the_steps(network: Any, what: str, strays: int) -> None:
    if strays:
        network = scipy.sparse.block_diag([network, np.ones((strays, strays))], format="csr")
    draw = np.random.default_rng(1)
    if what == "edges":
        fewer = scipy.sparse.triu(network, 1).tocoo()
        kept = draw.random(fewer.nnz) > 0.01
        half = scipy.sparse.coo_array((fewer.data[kept], (fewer.row[kept], fewer.col[kept])), shape=network.shape)
        before = (half + half.T).tocsr()
    else:
        order = draw.permutation(network.shape[0])
        network = network[order][:, order]
        before = network[: N - N // 100, : N - N // 100]
    options: dict[str, Any] = {"affinity": "precomputed", "n_clusters": 10}
    earlier = model(**options).fit(before)
    cold, warm = model(**options).fit(network), model(**options).fit(network, warm_start=earlier)
    assert 2 * warm.n_iter_ <= cold.n_iter_
    assert np.mean(warm.labels_ == cold.labels_) > 0.99


@pytest.mark.parametrize("noise", [0.05, 0.15])  # of two components, and of one
@pytest.mark.filterwarnings("ignore:the graph is not fully connected")
def test_points_may_come_in_another_order(noise: float) -> None:
    points, _ = make_moons(N, noise=noise, random_state=0)
    order = np.random.default_rng(0).permutation(N)
    earlier = model(3, eigen_solver="multilevel").fit(points)
    same = model(3, eigen_solver="multilevel").fit(points[order], warm_start=earlier)
    assert earlier.n_iter_ > same.n_iter_ == 0


@pytest.mark.parametrize(
    "options", [{"affinity": "rbf"}, {"affinity": "laplacian", "gamma": 0.1}, {"affinity": "self-tuning"}]
)
def test_other_graphs_are_started_warm_too(options: dict[str, Any]) -> None:
    points, _ = make_blobs(700, 5, centers=4, cluster_std=3.5, random_state=0)
    earlier = model(**options).fit(points[:-7])
    cold, warm = model(**options).fit(points), model(**options).fit(points, warm_start=earlier)
    assert warm.n_iter_ <= cold.n_iter_
    assert np.mean(cold.labels_ == warm.labels_) > 0.99


def test_cosines_of_texts_are_started_warm_too() -> None:
    counts = scipy.sparse.random_array((300, 40), density=0.2, random_state=np.random.default_rng(0), format="csr")
    earlier = model(affinity="cosine").fit(counts[:-3])
    assert model(affinity="cosine").fit(counts, warm_start=earlier).labels_.shape == (300,)


@pytest.mark.parametrize("wrong", [model(), 3])
def test_what_is_not_fitted_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="warm_start: expected a SpectralClustering fitted without landmarks"):
        model().fit(np.random.default_rng(0).random((20, 2)), warm_start=wrong)


def test_landmarks_leave_nothing_to_start_from() -> None:
    points = make_blobs(60, 2, random_state=0)[0]
    by_landmarks = model(3, route="landmarks", landmarks=20).fit(points)
    with pytest.raises(ValueError, match="without landmarks"):
        model(3).fit(points, warm_start=by_landmarks)
