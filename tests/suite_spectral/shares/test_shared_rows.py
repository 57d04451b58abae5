import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows, transposed

Together = Callable[[int, Callable[[Any], Any]], list[Any]]

BANDED, ANYWHERE, OWN = "banded", "anywhere", "own alone"


def matrix(kind: str, n: int = 400) -> scipy.sparse.csr_array:
    random = np.random.default_rng(0)
    rows = np.repeat(np.arange(n), 9)
    columns = {BANDED: rows + random.integers(-20, 20, 9 * n), ANYWHERE: random.integers(n, size=9 * n), OWN: rows}[
        kind
    ]
    entries = random.standard_normal(9 * n), (rows, columns.clip(0, n - 1))
    return scipy.sparse.coo_array(entries, shape=(n, n)).tocsr()


def block(width: int, n: int = 400) -> Tensor:
    return torch.randn(n, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", [BANDED, ANYWHERE, OWN])
@pytest.mark.parametrize("width", [1, 5, 40])  # the last is compiled
def test_any_number_of_processes_gives_the_same_product(kind: str, width: int, together: Together) -> None:
    whole, vectors = SharedRows(sparse_rows(matrix(kind), torch.float64)), block(width)
    expected = whole.times(vectors)
    np.testing.assert_allclose(expected, matrix(kind) @ vectors.numpy(), atol=1e-12)
    for size in (2, 3, 4):

        def product(group: Any) -> tuple[Tensor, Tensor]:
            share = Share.of(group, 400)
            rows = whole.some(share.rows).among(share)
            return rows.times(vectors[share.rows]), rows.times_joined(vectors[share.rows])

        found = together(size, product)
        assert torch.equal(torch.cat([rows for rows, _ in found]), expected)
        assert all(torch.equal(joined, expected) for _, joined in found)


def test_rows_of_another_kind_than_the_points_can_be_held(together: Together) -> None:
    whole, vectors = SharedRows(sparse_rows(matrix(BANDED)[:90], torch.float64)), block(3)

    def product(group: Any) -> Tensor:
        share = Share.of(group, 400)
        some = slice(0, 70) if group.rank == 0 else slice(70, 90)
        return whole.some(some).among(share).times_joined(vectors[share.rows])

    assert all(torch.equal(joined, whole.times(vectors)) for joined in together(2, product))


def test_a_process_needs_few_points_of_others_in_a_band(together: Together) -> None:
    whole = SharedRows(sparse_rows(matrix(BANDED), torch.float64))

    def columns(group: Any) -> int:
        share = Share.of(group, 400)
        return whole.some(share.rows).among(share).matrix.shape[1] - len(share)

    assert all(0 < count <= 20 for count in together(2, columns))


def test_rows_travel_without_the_others() -> None:
    whole = SharedRows(sparse_rows(matrix(BANDED), torch.float64))
    sent = pickle.dumps(whole.some(slice(10, 30)))
    assert len(sent) < len(pickle.dumps(whole)) / 5
    assert torch.equal(pickle.loads(sent).times(block(2)), whole.times(block(2))[10:30])


def entries(rows: scipy.sparse.csr_array) -> tuple[list[int], list[int], list[float]]:
    rows = rows.sorted_indices()
    return rows.indptr.tolist(), rows.indices.tolist(), rows.data.tolist()


@pytest.mark.parametrize("kind", [BANDED, ANYWHERE, OWN])
def test_any_number_of_processes_gives_the_same_sparse_product(kind: str, together: Together) -> None:
    left, right = matrix(kind), matrix(ANYWHERE)[:, :130].tocsr()
    whole = SharedRows(sparse_rows(left, torch.float64))
    expected = whole.times_rows(right)
    np.testing.assert_allclose(expected.toarray(), left.toarray() @ right.toarray(), atol=1e-12)
    for size in (2, 3, 4):

        def product(group: Any) -> scipy.sparse.csr_array:
            share = Share.of(group, 400)
            return whole.some(share.rows).among(share).times_rows(right[share.rows])

        assert entries(scipy.sparse.vstack(together(size, product), format="csr")) == entries(expected)


@pytest.mark.parametrize("kind", [BANDED, ANYWHERE])
def test_any_number_of_processes_transposes_to_the_same_rows(kind: str, together: Together) -> None:
    whole = matrix(kind)[:, :130].tocsr()
    expected = whole.T.tocsr()
    for size, starts in ((1, [0, 130]), (2, [0, 100, 130]), (3, [0, 0, 70, 130]), (4, [0, 20, 40, 130, 130])):

        def part(group: Any) -> scipy.sparse.csr_array:
            share = Share.of(group, 400)
            return transposed(whole[share.rows], share, starts)  # noqa: B023  # called at once

        parts = together(size, part)
        assert [each.shape[0] for each in parts] == np.diff(starts).tolist()
        assert entries(scipy.sparse.vstack(parts, format="csr")) == entries(expected)
        assert all(each.has_sorted_indices for each in parts)


def test_a_matrix_in_single_precision_asks_for_the_same_points(together: Together) -> None:
    whole, vectors = SharedRows(sparse_rows(matrix(BANDED), torch.float64)), block(3).float()

    def product(group: Any) -> Tensor:
        share = Share.of(group, 400)
        return whole.some(share.rows).among(share).single().times(vectors[share.rows])

    assert torch.equal(torch.cat(together(2, product)), whole.single().times(vectors))
