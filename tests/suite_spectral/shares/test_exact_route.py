"""The exact route by rows of several processes: as one process, to the last bit, and as the route with all of W."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.clusters.clustering import cluster
from suite_spectral.graphs.leaf_order import LeafOrder
from suite_spectral.graphs.neighbour_graph import neighbour_graph
from suite_spectral.graphs.neighbours import Neighbours, nearest
from suite_spectral.settings import Settings
from suite_spectral.shares import spectrum as spectrum_module
from suite_spectral.shares.exact_route import cluster_by_rows, graph_by_rows
from suite_spectral.shares.share import Share

Together = Callable[[int, Callable[[Any], Any]], list[Any]]


def points_of(kind: str, n: int = 900) -> Tensor:
    """Points in a square, in two that hang together by a bridge, on two circles, or in a square beside a few others."""
    random = torch.Generator().manual_seed(0)
    points = torch.rand(n, 2, dtype=torch.float64, generator=random)
    if kind == "bridge":
        points[:, 0] = torch.where(torch.arange(n) % 2 == 0, points[:, 0], points[:, 0] + 1.02)
    if kind == "circles":
        angles, radius = 2 * torch.pi * points[:, 0], 1.0 + 2 * (torch.arange(n) % 3 == 0)
        points = torch.stack([radius * angles.cos(), radius * angles.sin()], 1) + points[:, 1:] / 20
    if kind == "loose":
        points[:12] += 5
        points[:, 0] = torch.where(torch.arange(n) % 2 == 0, points[:, 0], points[:, 0] + 1.02)
    return points[torch.from_numpy(LeafOrder(points).order)]


def clustered(points: Tensor, settings: Settings, group: Any) -> Clustering:
    share = Share.of(group, len(points))
    near = nearest(points, 9)
    own = Neighbours(near.indices[share.rows], near.distances[share.rows])
    return cluster_by_rows(graph_by_rows(own, settings, share)[0], points[share.rows], settings, seed=3)


def test_a_long_iteration_says_where_it_is(together: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum_module, "ORDERED", 320)
    points = points_of("bridge")
    said: list[str] = []

    def told(group: Any) -> None:
        share = Share.of(group, len(points))
        near = nearest(points, 9, rows=share.rows)
        graph, _ = graph_by_rows(near, Settings(n_clusters=2), share)
        cluster_by_rows(graph, points[share.rows], Settings(n_clusters=2), seed=3, progress=said.append)

    together(1, told)
    assert any("(multilevel): step 1, residual" in words for words in said), said


@pytest.mark.parametrize("solver", ["in shares", "by process 0"])
@pytest.mark.parametrize("kind", ["bridge", "circles", "loose"])
def test_any_number_of_processes_has_the_same_clusters(
    kind: str, solver: str, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    if solver == "in shares":
        monkeypatch.setattr(spectrum_module, "ORDERED", 320)
    points, settings = points_of(kind), Settings(n_clusters=3 if kind == "circles" else 2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*joined the nearest cluster")
        expected = together(1, lambda group: clustered(points, settings, group))[0]
        whole = cluster(neighbour_graph(points, 10), settings, points=points, seed=3)
        assert adjusted_rand_score(whole.labels, expected.labels) > 0.98
        assert expected.ncut == pytest.approx(whole.ncut, rel=0.02, abs=1e-12)
        assert expected.n_components == whole.n_components
        np.testing.assert_allclose(expected.spectrum.values[:2], whole.spectrum.values[:2], rtol=1e-3, atol=1e-10)
        for size in (2, 3, 4):
            parts = together(size, lambda group: clustered(points, settings, group))
            for name in ("labels", "rows"):
                assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(expected, name)), name
            assert torch.equal(torch.cat([part.spectrum.vectors for part in parts]), expected.spectrum.vectors)
            for part in parts:
                assert torch.equal(part.spectrum.values, expected.spectrum.values)
                assert torch.equal(part.centroids, expected.centroids)
                assert part.ncut == expected.ncut
