"""Laplacian eigenmaps: scikit-learn's own vectors where they are defined, and one choice where they are not."""

import warnings
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import make_s_curve
from sklearn.manifold import SpectralEmbedding as Reference
from sklearn.manifold import spectral_embedding as reference
from sklearn.neighbors import kneighbors_graph

from suite_spectral import SpectralEmbedding, spectral_embedding

TWO_RINGS = scipy.sparse.csr_array(networkx.to_numpy_array(networkx.disjoint_union(*map(networkx.cycle_graph, (9, 6)))))


def curve(n: int = 200) -> NDArray[np.float64]:
    points: NDArray[np.float64] = make_s_curve(n, random_state=0)[0]
    return points


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("n", [200, 1700])
def test_the_vectors_are_those_of_scikit_learn(normalised: bool, n: int) -> None:
    directed = kneighbors_graph(curve(n), 12, include_self=True)
    weights = (directed + directed.T) / 2
    choice = {"n_components": 3, "norm_laplacian": normalised, "drop_first": False, "random_state": 0}
    np.testing.assert_allclose(spectral_embedding(weights, **choice), reference(weights, **choice), atol=1e-4)


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf"])
def test_the_estimator_is_that_of_scikit_learn(affinity: str) -> None:
    points = curve()
    expected = Reference(2, affinity=affinity).fit(points)
    actual = SpectralEmbedding(2, affinity=affinity).fit(points)
    np.testing.assert_allclose(actual.embedding_, expected.embedding_, atol=1e-5)
    assert abs(actual.affinity_matrix_ - expected.affinity_matrix_).max() < 1e-6


@pytest.mark.parametrize("normalised", [True, False])
def test_of_two_components_comes_the_constant_and_what_tells_them_apart(normalised: bool) -> None:
    with pytest.warns(UserWarning, match="not fully connected: .* 2 components apart"):
        rows = spectral_embedding(TWO_RINGS, n_components=2, norm_laplacian=normalised, drop_first=False)
    assert np.ptp(rows[:, 0]) < 1e-10
    assert np.ptp(rows[:9, 1]) < 1e-10 and np.ptp(rows[9:, 1]) < 1e-10
    assert rows[:9, 1].mean() * rows[9:, 1].mean() < 0


def test_the_weight_of_a_point_with_itself_does_not_count() -> None:
    path = networkx.to_numpy_array(networkx.path_graph(7))
    loops = path + np.diag(np.arange(7.0))
    np.testing.assert_allclose(spectral_embedding(loops, n_components=2), spectral_embedding(path, n_components=2))


def test_a_network_is_a_graph() -> None:
    network = networkx.path_graph(7)
    expected = spectral_embedding(networkx.to_numpy_array(network), n_components=2)
    np.testing.assert_array_equal(spectral_embedding(network, n_components=2), expected)
    np.testing.assert_array_equal(SpectralEmbedding(affinity="precomputed").fit_transform(network), expected)


def test_a_tensor_and_a_sparse_matrix_are_points_too() -> None:
    points = curve()
    expected = SpectralEmbedding(random_state=0).fit_transform(points)
    for same in (torch.from_numpy(points), scipy.sparse.csr_array(points)):
        np.testing.assert_array_equal(SpectralEmbedding(random_state=0).fit_transform(same), expected)


def test_frames_of_pandas_come_out_where_they_are_asked_for() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(curve(), columns=list("xyz"))
    model = clone(SpectralEmbedding()).set_output(transform="pandas")
    found = model.fit_transform(frame)
    assert list(found.columns) == ["spectralembedding0", "spectralembedding1"]
    assert model.feature_names_in_.tolist() == list("xyz")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_components": 0}, "n_components: expected a whole number of 1 or more, got 0"),
        ({"n_components": 20}, "n_components: expected at most 19, got 20"),
        ({"affinity": "cosine"}, "affinity: expected one of nearest_neighbors, .* or a function of the points"),
        ({"n_neighbors": 21}, "n_neighbors=21 counts the point itself"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SpectralEmbedding(**parameters).fit(curve(20))


def test_a_connected_graph_is_no_reason_to_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SpectralEmbedding(affinity="rbf").fit(curve(60))
