"""Clusters by a rotation: those of indicators are found whatever the rotation, in any order of the points."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from suite_spectral.clusters.labelling import by_component
from suite_spectral.clusters.rotation import cluster_qr, discretize
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.graph import SparseGraph


def turned_indicators(n: int, count: int, noise: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return noisy indicators of some classes, turned by a random rotation, and the classes."""
    random = np.random.default_rng(seed)
    classes = random.permutation(np.arange(n) % count)
    rotation, _ = np.linalg.qr(random.normal(size=(count, count)))
    return (np.eye(count)[classes] + noise * random.normal(size=(n, count))) @ rotation, classes


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("divide", [cluster_qr, discretize])
def test_turned_indicators_are_recognised(divide, count):
    rows, classes = turned_indicators(200, count, 0.05)
    assert adjusted_rand_score(classes, divide(rows)) == 1.0


def test_the_order_of_points_does_not_matter_to_qr():
    rows, _ = turned_indicators(100, 5, 0.3)
    order = np.random.default_rng(1).permutation(100)
    assert (cluster_qr(rows)[order] == cluster_qr(rows[order])).all()


def test_the_seed_decides_how_discretize_begins():
    rows = np.random.default_rng(0).normal(size=(60, 6))
    found = [discretize(rows, random_state=seed).tolist() for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


def test_rows_of_zeros_and_the_caller_s_own_rows_are_left_alone():
    rows, classes = turned_indicators(100, 3, 0.05)
    rows[0] = 0
    before = rows.copy()
    assert adjusted_rand_score(classes[1:], discretize(rows, random_state=0)[1:]) == 1.0
    assert (rows == before).all()


def test_a_decomposition_that_never_converges_is_tried_so_often_and_no_more(monkeypatch):
    calls = []

    def fails(matrix):
        calls.append(matrix)
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "svd", fails)
    with pytest.raises(np.linalg.LinAlgError, match="SVD did not converge from any of 4"):
        discretize(np.ones((10, 4)), max_svd_restarts=4)
    assert len(calls) == 4


@pytest.mark.parametrize("assign", ["discretize", "cluster_qr"])
def test_each_component_is_divided_by_its_own_vectors(assign):
    block = np.kron(np.eye(2), np.ones((5, 5))) + 0.01
    weights = np.kron(np.eye(2), block)  # two components, each of two clusters
    graph = SparseGraph(torch.from_numpy(weights).to_sparse_csr())
    found = by_component(graph, spectrum(Laplacian(graph), 4), 4, assign=assign)
    assert found.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5


@pytest.mark.parametrize("assign", ["discretize", "cluster_qr"])
def test_a_cluster_without_points_is_said(assign):
    weights = torch.ones(6, 6, dtype=torch.float64)
    graph = SparseGraph(weights.to_sparse_csr())
    pairs = spectrum(Laplacian(graph), 3)
    same = pairs._replace(vectors=pairs.vectors[:, :1].expand(6, 3))
    with pytest.warns(RuntimeWarning, match=f"{assign} has left . of 3 clusters without a point"):
        by_component(graph, same, 3, assign=assign)
