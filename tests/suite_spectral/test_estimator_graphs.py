"""Graphs of what scikit-learn's users pass: kernels, given weights and given distances."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.metrics.pairwise import kernel_metrics, laplacian_kernel
from sklearn.neighbors import NearestNeighbors

from suite_spectral import SpectralClustering
from suite_spectral.estimator_graphs import (
    KERNELS,
    Weigher,
    affinity_class,
    given_graph,
    is_kernel,
    kernel_weights,
    nearest_of_distances,
    refuse_negative,
)
from suite_spectral.estimator_inputs import Input
from suite_spectral.graphs.affinities import AFFINITIES

WEIGHTS = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
CPU = torch.device("cpu")


def test_every_kernel_of_scikit_learn_is_a_name_of_an_affinity() -> None:
    assert set(kernel_metrics()) <= set(KERNELS) | set(AFFINITIES)
    assert is_kernel("laplacian") and is_kernel(min) and not is_kernel("rbf")
    assert affinity_class("laplacian").of_graph and not affinity_class("rbf").of_graph


def test_a_kernel_has_the_parameters_that_it_knows() -> None:
    points = np.arange(6.0).reshape(3, 2)
    found = kernel_weights(points, None, "laplacian", {"gamma": 0.5, "degree": 3})
    np.testing.assert_array_equal(found, laplacian_kernel(points, gamma=0.5))


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_matrix])
def test_the_nearest_of_given_distances_are_those_of_the_points(form: Any) -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    finder = NearestNeighbors(n_neighbors=12).fit(points)
    expected = finder.kneighbors_graph(points, 5).toarray()
    distances = finder.kneighbors_graph(points, mode="distance" if form is not np.asarray else "connectivity")
    if form is np.asarray:
        distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (nearest_of_distances(distances, 5).toarray() == expected).all()


def test_a_matrix_of_weights_is_a_graph() -> None:
    assert given_graph(WEIGHTS).scipy().toarray().tolist() == WEIGHTS.tolist()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([[0.0, 1.0]], "a square matrix"),
        ([[0.0, 1.0], [0.5, 0.0]], "two different weights"),
        ([[0.0, -1.0], [-1.0, 0.0]], "0 or"),
    ],
)
def test_other_matrices_are_refused(weights: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given_graph(torch.tensor(weights))


def test_edges_of_one_direction_get_half_of_their_weight_in_both() -> None:
    weights = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.5], [3.0, 0.0, 0.0]])
    with pytest.warns(UserWarning, match="not symmetric; some edges have one direction alone"):
        graph = given_graph(weights)
    assert graph.scipy().toarray().tolist() == [[1, 1, 3], [1, 0, 0.25], [3, 0.25, 0]]


def test_rounding_of_float32_is_no_contradiction() -> None:
    weights = torch.tensor([[0.0, 1.0], [1.0 + 2**-22, 0.0]])
    assert given_graph(weights).degrees().diff().item() == 0
    with pytest.raises(ValueError, match="two different weights"):
        given_graph(weights.double())


def test_a_graph_without_edges_has_no_negative_weight() -> None:
    refuse_negative(torch.zeros(2, 2).to_sparse_csr())


def test_rows_that_a_kernel_has_seen_are_known_again() -> None:
    points = np.arange(6.0).reshape(3, 2)
    weigher = Weigher("linear", None, {})
    weigher.fit(Input(points, None))
    again = Input(np.array([[4.0, 5.0], [4.0, 5.5]], dtype=np.float32), None)
    assert weigher.known(again, CPU).tolist() == [2, -1]
    assert weigher.weights(again, CPU).to_dense().tolist() == (again.rows @ points.T).tolist()


def test_negative_weights_of_a_kernel_are_said_with_its_name() -> None:
    with pytest.raises(ValueError, match="weights of the affinity 'linear': expected weights of 0 or more"):
        Weigher("linear", None, {}).fit(Input(np.array([[1.0], [-1.0]]), None))


def test_given_distances_need_a_number_of_neighbours() -> None:
    with pytest.raises(ValueError, match=r"n_neighbors: expected a number .* got None"):
        Weigher("precomputed_nearest_neighbors", None, {}).fit(Input(np.zeros((3, 3)), None))


def test_a_chosen_regularisation_cannot_start_from_earlier_clusters() -> None:
    weights = np.kron(np.eye(2), np.ones((5, 5))) + 0.01
    earlier = SpectralClustering(2, affinity="precomputed", random_state=0).fit(weights)
    chosen = SpectralClustering(2, affinity="precomputed", regularisation=None, random_state=0)
    with pytest.raises(ValueError, match="warm_start: expected a number for regularisation beside it, got None"):
        chosen.fit(weights, warm_start=earlier)
