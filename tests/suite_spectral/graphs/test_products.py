import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.graphs import products
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.products import WIDE, sparse_product, sparse_recurrence

TYPES = [torch.float32, torch.float64]


def matrix_of(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    some = scipy.sparse.random_array((rows, columns), density=0.1, rng=np.random.default_rng(0), format="csr")
    return sparse_rows(some, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("width", [WIDE - 1, WIDE, 50, 113])
def test_a_product_is_that_of_the_filled_matrix(width: int, dtype: torch.dtype) -> None:
    matrix, block = matrix_of(90, 70, dtype), torch.randn(70, width, dtype=dtype)
    expected = matrix.to_dense().double() @ block.double()
    torch.testing.assert_close(sparse_product(matrix, block).double(), expected, atol=1e-5, rtol=1e-5)
    turned = block.T.contiguous().T
    assert torch.equal(sparse_product(matrix, block), sparse_product(matrix, turned))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_recurrence_adds_three_terms_in_place(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, block, before = matrix_of(80, 80, dtype), torch.randn(80, 40, dtype=dtype), torch.randn(80, 40, dtype=dtype)
    expected = 2.5 * (matrix.to_dense() @ block) - 0.5 * block - before
    again, place = before.clone(), before.data_ptr()
    found = sparse_recurrence(matrix, block, before, 2.5, -0.5, -1)
    assert found.data_ptr() == place
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr(products, "compiled_products", lambda: None)
    torch.testing.assert_close(sparse_recurrence(matrix, block, again, 2.5, -0.5, -1), expected, atol=1e-5, rtol=1e-5)


def test_a_product_has_the_same_bits_for_any_number_of_threads() -> None:
    matrix, block, before = matrix_of(301, 301, torch.float32), torch.randn(301, 64), torch.get_num_threads()
    answers = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        answers.append(sparse_product(matrix, block))
    torch.set_num_threads(before)
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


def test_no_rows_have_no_product() -> None:
    assert sparse_product(matrix_of(0, 5, torch.float64), torch.randn(5, 40).double()).shape == (0, 40)
