import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.graphs.graph import SparseGraph, spread_evenly


def weights(n: int = 6) -> scipy.sparse.csr_array:
    random = scipy.sparse.random_array((n, n), density=0.5, rng=np.random.default_rng(0))
    return scipy.sparse.csr_array(random + random.T)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_is_that_of_the_matrix_in_the_type_of_the_block(dtype: torch.dtype) -> None:
    block = torch.randn(6, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
    product = SparseGraph.from_scipy(weights()).multiply(block)
    assert product.dtype == dtype
    torch.testing.assert_close(torch.from_numpy(weights().toarray()).to(dtype) @ block, product)


def test_degrees_are_the_sums_of_the_rows() -> None:
    expected = torch.from_numpy(weights().toarray().sum(axis=1))
    torch.testing.assert_close(expected, SparseGraph.from_scipy(weights()).degrees())


def test_entries_that_a_matrix_names_twice_are_added() -> None:
    twice = scipy.sparse.coo_array(([1.0, 2.0, 3.0, 3.0], ([0, 0, 1, 1], [1, 1, 0, 0])), shape=(2, 2))
    assert SparseGraph.from_scipy(twice).degrees().tolist() == [3.0, 6.0]


def test_integer_weights_are_taken() -> None:
    assert SparseGraph.from_scipy(scipy.sparse.csr_array(np.array([[0, 2], [2, 0]]))).degrees().tolist() == [2.0, 2.0]


def test_scipy_gets_the_same_matrix_back() -> None:
    np.testing.assert_array_equal(weights().toarray(), SparseGraph.from_scipy(weights()).scipy().toarray())


def test_scipy_shares_the_memory() -> None:
    graph = SparseGraph.from_scipy(weights())
    graph.scipy().data[0] = 7.0
    assert float(graph.matrix.values()[0]) == 7.0


def test_a_stored_0_is_no_edge() -> None:
    named = scipy.sparse.csr_array((np.array([1.0, 1.0, 0.0]), ([0, 1, 1], [1, 0, 2])), shape=(3, 3))
    assert SparseGraph.from_scipy(named).matrix.values().tolist() == [1, 1]


def test_the_matrix_of_the_caller_stays_as_it_is() -> None:
    columns = np.array([1, 1, 0])
    given = scipy.sparse.csr_array((np.array([1.0, 2.0, 3.0]), columns, np.array([0, 2, 3])), shape=(2, 2))
    SparseGraph.from_scipy(given)
    assert given.indptr.tolist() == [0, 2, 3]


def test_torch_does_not_warn_that_its_sparse_tensors_are_young() -> None:
    code = (
        "import torch; from suite_spectral.graphs.pixels import pixel_graph;"
        "torch.eye(3).to_sparse_csr(); pixel_graph(torch.rand(4, 4, 3))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "beta" not in done.stderr


def test_places_are_spread_evenly() -> None:
    assert spread_evenly(9, 3).tolist() == [0, 4, 8]


@pytest.mark.parametrize("chosen", [[], [7], [0, 1, 4, 5, 9], [4, 0, 9], list(range(10))])
def test_a_part_has_the_edges_between_its_points(chosen: list[int]) -> None:
    weights = scipy.sparse.random_array((10, 10), density=0.4, rng=np.random.default_rng(0)).tocsr()
    weights = scipy.sparse.csr_array(weights + weights.T)
    part = SparseGraph.from_scipy(weights).part(torch.tensor(chosen, dtype=torch.int64)).matrix
    assert torch.equal(part.to_dense(), torch.from_numpy(weights.toarray()[chosen][:, chosen]))
    assert part.crow_indices().dtype == part.col_indices().dtype == torch.int32
    lengths = part.crow_indices().diff()
    rows = torch.arange(len(chosen)).repeat_interleave(lengths)
    assert (torch.stack([rows, part.col_indices()]).T.tolist()) == sorted(
        torch.stack([rows, part.col_indices()]).T.tolist()
    )
