import itertools

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters import cuts
from suite_spectral.clusters.cuts import cut, cuts_reference, min_cut_2way, ncut, sweep, volumes
from suite_spectral.graphs.graph import Graph, SparseGraph


class DenseGraph(Graph):
    """A graph that gives away nothing but its products."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self.n = len(weights)
        self.device = weights.device

    def degrees(self) -> Tensor:
        return self.weights.sum(dim=1)

    def multiply(self, block: Tensor) -> Tensor:
        return self.weights @ block


def random_weights(n: int, seed: int, density: float = 0.4) -> Tensor:
    draw = np.random.default_rng(seed)
    upper = np.triu(draw.random((n, n)) * (draw.random((n, n)) < density))
    return torch.from_numpy(upper + upper.T)


def sparse(weights: Tensor) -> SparseGraph:
    return SparseGraph.from_scipy(scipy.sparse.csr_array(weights.numpy()))


def path(n: int) -> SparseGraph:
    weights = torch.zeros(n, n, dtype=torch.float64)
    inner = torch.arange(n - 1)
    weights[inner, inner + 1] = weights[inner + 1, inner] = 1
    return sparse(weights)


def test_the_cut_of_a_path_in_two_is_one_edge() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    assert cut(path(6), labels, 2).tolist() == [1, 1]
    assert volumes(path(6), labels, 2).tolist() == [5, 5]
    assert ncut(path(6), labels, 2) == pytest.approx(2 / 5)


def test_the_normalised_cut_is_its_definition() -> None:
    weights = random_weights(30, 0)
    labels = torch.arange(30) % 4
    expected = 0.0
    for cluster in range(4):
        inside = labels == cluster
        expected += float(weights[inside][:, ~inside].sum() / weights[inside].sum())
    assert ncut(sparse(weights), labels, 4) == pytest.approx(expected, rel=1e-12)
    assert ncut(DenseGraph(weights), labels, 4) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 9])
def test_the_compiled_cuts_are_the_reference_s(k: int) -> None:
    graph = sparse(random_weights(200, k))
    labels = torch.from_numpy(np.random.default_rng(k).integers(k, size=200))
    expected = cuts_reference(graph, labels, k)
    assert (k == 1) == (float(expected.sum()) == 0)
    assert cut(graph, labels, k).tolist() == expected.tolist()  # the same bits


def test_clusters_that_do_not_fit_a_block_are_cut_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, labels = DenseGraph(random_weights(30, 1)), torch.arange(30) % 7
    expected = cut(graph, labels, 7)
    monkeypatch.setattr(cuts, "BLOCK_VALUES", 60)
    torch.testing.assert_close(cut(graph, labels, 7), expected, rtol=1e-12, atol=0)


def test_components_are_cut_from_each_other_for_exactly_nothing() -> None:
    weights = torch.block_diag(random_weights(11, 2), random_weights(13, 3))
    labels = torch.cat([torch.zeros(11), torch.ones(13)]).long()
    assert ncut(sparse(weights), labels, 2) == 0


def test_a_cluster_without_points_or_volume_adds_nothing() -> None:
    weights = torch.block_diag(torch.ones(2, 2, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))
    assert ncut(sparse(weights), torch.tensor([0, 0, 2]), 3) == 0


def test_labels_of_another_number_are_refused() -> None:
    with pytest.raises(UsageError, match=r"6 of them, as labels, got int64 of shape \(5,\)"):
        ncut(path(6), torch.zeros(5, dtype=torch.int64), 2)
    with pytest.raises(UsageError, match="got float32"):
        cut(path(6), torch.zeros(6), 2)


def test_labels_beyond_the_clusters_are_refused() -> None:
    with pytest.raises(UsageError, match="labels from 0 to 1, got 0 to 2"):
        volumes(path(3), torch.tensor([0, 1, 2]), 2)


@pytest.mark.parametrize("kind", [sparse, DenseGraph])
def test_a_sweep_has_the_normalised_cut_of_every_threshold(kind: type[Graph]) -> None:
    graph = kind(random_weights(20, 4))  # type: ignore[call-arg]
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    found = sweep(graph, order)
    assert found.sizes.tolist() == list(range(1, 20))
    for size, value in zip(found.sizes.tolist(), found.ncuts.tolist(), strict=True):
        labels = torch.ones(20, dtype=torch.int64)
        labels[order[:size]] = 0
        assert value == pytest.approx(ncut(graph, labels, 2), rel=1e-9)


def test_a_sweep_of_a_graph_without_stored_edges_tries_a_grid() -> None:
    found = sweep(DenseGraph(random_weights(200, 5)), torch.arange(200), grid=16)
    assert len(found.sizes) == 16
    assert 1 <= int(found.sizes.min()) <= int(found.sizes.max()) <= 199


@pytest.mark.parametrize("seed", range(12))
def test_the_minimum_cut_is_the_least_of_all_separations(seed: int) -> None:
    weights = random_weights(9, seed, density=0.6)
    graph = sparse(weights)
    expected = min(
        float(cut(graph, torch.tensor([0, *rest]), 2)[0]) for rest in itertools.product((0, 1), repeat=8) if any(rest)
    )
    found = min_cut_2way(graph)
    assert found.weight == pytest.approx(expected, rel=1e-12)
    assert float(cut(graph, found.labels, 2)[0]) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_minimum_cut_finds_the_bridge_between_two_cliques() -> None:
    weights = torch.block_diag(torch.ones(40, 40), torch.ones(60, 60)).double()
    weights[0, 99] = weights[99, 0] = 0.5
    found = min_cut_2way(sparse(weights))
    assert found.weight == 0.5
    assert found.labels.tolist() == [1] * 40 + [0] * 60


def test_the_minimum_cut_splits_off_a_single_point_where_the_normalised_cut_does_not() -> None:
    weights = torch.block_diag(torch.ones(10, 10), torch.ones(10, 10), torch.zeros(1, 1)).double()
    weights[:5, 10:15] = weights[10:15, :5] = 0.1  # between the cliques: 2.5
    weights[20, 0] = weights[0, 20] = 1  # the hanging point
    graph = sparse(weights)
    found = min_cut_2way(graph)
    assert found.labels.nonzero().flatten().tolist() == [20]
    balanced = torch.tensor([0] * 10 + [1] * 10 + [0])
    assert ncut(graph, balanced, 2) < ncut(graph, found.labels, 2)


def test_the_minimum_cut_of_an_unconnected_graph_is_nothing() -> None:
    weights = torch.block_diag(torch.ones(3, 3), torch.ones(4, 4)).double()
    found = min_cut_2way(sparse(weights))
    assert found.weight == 0
    assert found.labels.tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_the_minimum_cut_of_one_point_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 2 points, got 1"):
        min_cut_2way(sparse(torch.ones(1, 1, dtype=torch.float64)))
