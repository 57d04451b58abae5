"""X as scikit-learn's users pass it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster
import torch

from suite_spectral import SpectralClustering, spectral_clustering
from suite_spectral.estimator_inputs import Input, as_arrays, as_tensor, is_network, network_weights, read, seed_of

WEIGHTS = torch.tensor([[0.0, 1.0], [1.0, 0.0]])


def test_a_dense_tensor_is_an_array_and_a_sparse_one_a_matrix_of_scipy() -> None:
    assert as_arrays(WEIGHTS.bfloat16()).dtype == np.float32
    for sparse in (WEIGHTS.to_sparse_csr(), WEIGHTS.to_sparse()):
        assert as_arrays(sparse).toarray().tolist() == WEIGHTS.tolist()


def test_a_matrix_of_scipy_becomes_a_sparse_tensor_or_a_dense_one() -> None:
    matrix = scipy.sparse.coo_array(WEIGHTS.numpy())
    assert as_tensor(matrix).layout == torch.sparse_csr
    assert torch.equal(as_tensor(matrix, sparse=False), WEIGHTS)


def test_an_array_that_may_only_be_read_is_copied() -> None:
    array = WEIGHTS.numpy().copy()
    array.flags.writeable = False
    as_tensor(array)[0, 0] = 5
    assert array[0, 0] == 0


def test_answers_are_of_the_kind_of_x() -> None:
    assert isinstance(Input(WEIGHTS, WEIGHTS).answer(WEIGHTS), torch.Tensor)
    assert isinstance(Input(WEIGHTS, None).answer(WEIGHTS), np.ndarray)


def test_a_network_has_the_weights_of_its_edges_in_the_order_of_its_nodes() -> None:
    network = networkx.Graph()
    network.add_nodes_from("cab")
    network.add_edge("a", "b", weight=2.5)
    network.add_edge("c", "b")
    assert is_network(network) and not is_network(WEIGHTS)
    assert network_weights(network).toarray().tolist() == [[0, 0, 1], [0, 0, 2.5], [1, 2.5, 0]]


def test_a_network_without_nodes_or_with_an_affinity_of_points_is_refused() -> None:
    with pytest.raises(ValueError, match="with nodes, got an empty one"):
        network_weights(networkx.Graph())
    with pytest.raises(ValueError, match="take affinity='precomputed'"):
        read(SimpleNamespace(affinity="rbf"), networkx.path_graph(3), reset=True)


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_random_state_gives_one_seed_after_the_other(make: Any) -> None:
    first, second = make(3), make(3)
    seeds = [seed_of(first), seed_of(first)]
    assert seeds == [seed_of(second), seed_of(second)]
    assert seeds[0] != seeds[1]


POINTS = [[0, 1], [2, 3], [0, 2], [9, 9], [9, 8], [8, 8]]


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        lambda points: tuple(map(tuple, points)),
        lambda points: [np.array(point) for point in points],
        lambda points: [torch.tensor(point) for point in points],
        lambda points: [[str(number) for number in point] for point in points],
        lambda points: np.array(points, dtype=object),
        lambda points: memoryview(np.array(points, dtype=float)),
    ],
)
def test_lists_are_read_as_the_array_of_their_numbers(kind: Callable[[Any], Any]) -> None:
    model = SpectralClustering(2, n_neighbors=4, random_state=0).fit(kind(POINTS))
    assert model.labels_.tolist() == [0, 0, 0, 1, 1, 1]
    assert isinstance(model.labels_, np.ndarray) and model.n_features_in_ == 2
    assert model.predict(kind([[8, 9], [1, 2]])).tolist() == [1, 0]


def test_two_points_in_lists_are_two_clusters() -> None:
    assert SpectralClustering(2).fit([[0, 1], [2, 3]]).labels_.tolist() == [0, 1]


def test_weights_may_be_lists_too() -> None:
    weights = (9 * np.kron(np.eye(2, dtype=int), np.ones((3, 3), dtype=int)) + 1).tolist()
    assert spectral_clustering(weights, n_clusters=2).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [[], []],
        [[0, 1]],
        [0, 1, 2],
        3.0,
        None,
        "text",
        [["a", "b"], ["c", "d"]],
        [[0, 1], [2]],
        [np.array([0, 1]), np.array([2])],
        [[[0, 1], [2, 3]], [[4, 5], [6, 7]]],
        [[0, None], [1, 2]],
        [[0, float("nan")], [1, 2]],
        [[0, float("inf")], [1, 2]],
        [[0j, 1], [2, 3]],
        {"a": [1, 2]},
    ],
)
def test_lists_that_are_no_points_are_refused_in_the_words_of_scikit_learn(wrong: Any) -> None:
    said = []
    for kind in (sklearn.cluster.SpectralClustering, SpectralClustering):
        with pytest.raises((TypeError, ValueError)) as refused:
            kind(2, affinity="nearest_neighbors", n_neighbors=2).fit(wrong)
        said.append((refused.type, f"{refused.value}"))
    assert said[0] == said[1]
