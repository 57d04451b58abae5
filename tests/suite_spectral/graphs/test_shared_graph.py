"""Graphs by rows of several processes beside those of one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.eigen.laplacian import components
from suite_spectral.graphs.edge_weights import edge_scale, gaussian_weights
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.neighbour_graph import graph_of
from suite_spectral.graphs.neighbours import Neighbours, nearest
from suite_spectral.graphs.shared_graph import SharedGraph, symmetric_rows
from suite_spectral.shares.share import Share

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
N = 400


def neighbours(parts: int = 1) -> Neighbours:
    points = torch.rand(N, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points[:, 0] += 9 * (torch.arange(N) % parts)  # far apart, every block of points in each
    return nearest(points, 6)


def rows_of(near: Neighbours, values: Tensor | None, mutual: Any, group: Any) -> scipy.sparse.csr_array:
    share = Share.of(group, N)
    return symmetric_rows(near.indices[share.rows], None if values is None else values[share.rows], share, mutual)


@pytest.mark.parametrize("mutual", ["mean", "either", "both"])
@pytest.mark.parametrize("weights", ["connectivity", "self-tuning"])
def test_any_number_of_processes_has_the_rows_of_one_graph(weights: Any, mutual: Any, together: Together) -> None:
    near = neighbours()
    scale = edge_scale(near, weights=weights)
    values = None if scale is None else gaussian_weights(near.distances, scale, scale, near.indices)
    expected = graph_of(near, weights=weights, scale=scale, mutual=mutual).scipy()
    for size in (1, 2, 3, 4):
        parts = together(size, lambda group: rows_of(near, values, mutual, group))
        found = scipy.sparse.vstack(parts, format="csr")
        found.sort_indices()
        for name in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(expected, name), getattr(found, name))


def test_an_unknown_way_of_making_it_symmetric_is_refused(together: Together) -> None:
    with pytest.raises(UsageError, match="either, both, mean"):
        together(1, lambda group: rows_of(neighbours(), None, "neither", group))


@pytest.mark.parametrize("parts", [1, 3, 40])  # 40: components of ten points each
def test_components_are_numbered_as_those_of_one_graph(parts: int, together: Together) -> None:
    near = neighbours(parts)
    expected = components(graph_of(near, weights="connectivity", scale=None, mutual="mean"))
    assert int(expected.max()) + 1 >= parts

    def found(group: Any) -> Tensor:
        share = Share.of(group, N)
        return SharedGraph(rows_of(near, None, "mean", group), share).components()

    for size in (1, 2, 3, 4):
        assert torch.equal(torch.cat(together(size, found)), expected)


def test_a_chain_through_all_processes_is_one_component(together: Together) -> None:
    """Each point is joined to one of another process: none has an edge of its own."""
    order = np.random.default_rng(0).permutation(N)
    edges = scipy.sparse.coo_array((np.ones(N - 1), (order[:-1], order[1:])), shape=(N, N))
    chain = scipy.sparse.csr_array(edges + edges.T)

    def found(group: Any) -> Tensor:
        share = Share.of(group, N)
        return SharedGraph(chain[share.rows], share).components()

    assert not torch.cat(together(4, found)).any()


def test_degrees_products_and_cuts_are_the_same_for_any_number_of_processes(together: Together) -> None:
    near = neighbours()
    whole = graph_of(near, weights="connectivity", scale=None, mutual="mean")
    labels = torch.arange(N) % 3
    block = torch.rand(N, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def found(group: Any) -> tuple[Tensor, Tensor, float, Tensor]:
        share = Share.of(group, N)
        graph = SharedGraph(whole.scipy()[share.rows], share)
        own = labels[share.rows]
        return graph.degrees(), graph.multiply(block[share.rows]), ncut(graph, own, 3), graph.total(block[share.rows])

    alone = together(1, found)[0]
    assert torch.equal(alone[0], whole.degrees())
    assert torch.equal(alone[1], whole.multiply(block))
    assert alone[2] == pytest.approx(ncut(SparseGraph(whole.matrix), labels, 3), rel=1e-12)
    torch.testing.assert_close(alone[3], block.sum(dim=0))
    for size in (2, 3, 4):
        parts = together(size, found)
        assert torch.equal(torch.cat([part[0] for part in parts]), alone[0])
        assert torch.equal(torch.cat([part[1] for part in parts]), alone[1])
        assert all(part[2] == alone[2] and torch.equal(part[3], alone[3]) for part in parts)
