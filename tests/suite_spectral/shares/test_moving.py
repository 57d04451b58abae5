"""Points and rows that go to other places, and come back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.shares.moving import Moved
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
N, KEPT = 400, 330


def places() -> np.ndarray:
    random = np.random.default_rng(0)
    result = np.full(N, -1, dtype=np.int64)
    result[random.permutation(N)[:KEPT]] = random.permutation(KEPT)
    return result


def moved(group: Any) -> Moved:
    share = Share.of(group, N)
    return Moved(share, places()[share.rows], Share.of(group, KEPT))


def test_rows_of_a_block_go_to_their_places_and_back(together: Together) -> None:
    block = torch.rand(N, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    kept = torch.from_numpy(places() >= 0)
    expected = torch.empty(KEPT, 3, dtype=torch.float64)
    expected[torch.from_numpy(places()[places() >= 0])] = block[kept]

    def there_and_back(group: Any) -> tuple[Tensor, Tensor]:
        move = moved(group)
        there = move.rows(block[move.share.rows])
        return there, move.back(there)

    for size in (1, 2, 3, 4):
        parts = together(size, there_and_back)
        assert torch.equal(torch.cat([there for there, _ in parts]), expected)
        assert torch.equal(torch.cat([back for _, back in parts]), block * kept[:, None])


def test_rows_of_a_matrix_go_to_their_places(together: Together) -> None:
    random = np.random.default_rng(2)
    ends = random.integers(N, size=(2, 9 * N))
    matrix = scipy.sparse.csr_array(scipy.sparse.coo_array((random.random(9 * N), tuple(ends)), shape=(N, N)))
    order = np.argsort(places(), kind="stable")[N - KEPT :]
    expected = matrix[order][:, order].sorted_indices()

    def rows(group: Any) -> scipy.sparse.csr_array:
        move = moved(group)
        whole = SharedRows(sparse_rows(matrix, torch.float64))
        own = whole if group.size == 1 else whole.some(move.share.rows).among(move.share)
        return move.matrix(own)

    for size in (1, 2, 3, 4):
        found = scipy.sparse.vstack(together(size, rows), format="csr")
        for name in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(expected, name), getattr(found, name))


def test_rows_that_stay_where_they_are_are_not_copied(together: Together) -> None:
    matrix = scipy.sparse.csr_array(scipy.sparse.random_array((N, N), density=0.02, rng=np.random.default_rng(3)))
    block = torch.rand(N, 2, dtype=torch.float64)

    def still(group: Any) -> scipy.sparse.csr_array:
        share = Share.of(group, N)
        move = Moved(share, np.arange(N)[share.rows], Share.of(group, N))
        own = block[share.rows]
        assert move.rows(own) is own
        assert move.back(own) is own
        whole = SharedRows(sparse_rows(matrix, torch.float64))
        rows = whole if group.size == 1 else whole.some(share.rows).among(share)
        found = move.matrix(rows)
        assert np.shares_memory(found.data, rows.scipy().data)
        return found

    for size in (1, 3):
        assert (scipy.sparse.vstack(together(size, still), format="csr") != matrix).nnz == 0
