import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.clusters.clustering import cluster
from suite_spectral.eigen.filtered import filtered
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.solvers import single_products
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings


def blocks(n: int = 900, count: int = 6) -> tuple[SparseGraph, torch.Tensor]:
    draw, truth = np.random.default_rng(0), np.arange(n) % count
    chance = np.where(truth[:, None] == truth, 0.1, 0.005)
    upper = np.triu(draw.random((n, n)) < chance, 1)
    return SparseGraph.from_scipy(scipy.sparse.csr_array((upper + upper.T).astype(float))), torch.from_numpy(truth)


def test_the_pairs_are_those_of_the_dense_matrix() -> None:
    laplacian = Laplacian(blocks()[0])
    unit = torch.eye(900, dtype=torch.float64)
    expected, vectors = torch.linalg.eigh(unit - laplacian.similarity(unit))
    null = laplacian.root / laplacian.root.norm()
    start = torch.randn(900, 11, generator=torch.Generator().manual_seed(0))
    found = filtered(*single_products(laplacian), start, null, 5, tolerance=1e-3)
    torch.testing.assert_close(found.values[:5], expected[1:6], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.vectors.T @ found.vectors, torch.eye(6).double(), atol=1e-4, rtol=0)
    assert float((null @ found.vectors).abs().max()) < 1e-5
    angles = torch.linalg.svdvals(vectors[:, 1:6].T @ found.vectors[:, :5])
    assert float(angles.min()) > 0.999999


def test_more_rounds_leave_smaller_residuals() -> None:
    laplacian, seen = Laplacian(blocks()[0]), []
    null = laplacian.root / laplacian.root.norm()
    start = torch.randn(900, 11, generator=torch.Generator().manual_seed(0))
    filtered(
        *single_products(laplacian),
        start,
        null,
        5,
        tolerance=1e-9,
        limit=2,
        report=lambda step, ratio: seen.append(ratio),
    )
    assert len(seen) == 3
    assert seen[0] > 2 * seen[1] > 4 * seen[2]


def test_a_pair_that_a_gap_tells_from_the_others_may_stay_rough() -> None:
    laplacian, rounds = Laplacian(blocks()[0]), []
    null = laplacian.root / laplacian.root.norm()
    for accurate in (None, 5):  # the blocks are six, and the pair behind them is one of many that are near to it
        start = torch.randn(900, 14, generator=torch.Generator().manual_seed(0))
        products = single_products(laplacian)
        found = filtered(*products, start, null, 6, tolerance=3e-2, accurate=accurate, limit=30)
        rounds.append(found.steps)
        assert float(found.residuals[:5].max()) <= 3e-2 * float(found.values[5] - found.values[4])
    assert rounds[1] < rounds[0] < 30


def test_the_blocks_of_a_block_model_are_found() -> None:
    graph, truth = blocks()
    found = cluster(graph, Settings(n_clusters=6, solver="filtered"))
    assert found.spectrum.solver == "filtered"
    pairs = torch.unique(truth * 6 + found.labels)
    assert len(pairs) == 6  # each block is one cluster


def test_what_it_cannot_resolve_is_said() -> None:
    path = scipy.sparse.diags_array([np.ones(2999), np.ones(2999)], offsets=[-1, 1]).tocsr()
    with pytest.warns(RuntimeWarning, match="less accurate than asked for: the solver filtered"):
        cluster(SparseGraph.from_scipy(path), Settings(n_clusters=3, solver="filtered"))
