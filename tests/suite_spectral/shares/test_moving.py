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
