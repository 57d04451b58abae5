import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.graphs import products
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.products import sparse_product, sparse_recurrence, sparse_smoothing

TYPES = [torch.float32, torch.float64]


def matrix_of(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    some = scipy.sparse.random_array((rows, columns), density=0.1, rng=np.random.default_rng(0), format="csr")
    return sparse_rows(some, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("width", [1, 2, 5, 8, 15, 16, 17, 50, 113])
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


def test_a_product_has_the_same_bits_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WORTH_THREADS", 1)
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


def test_no_vectors_have_no_product() -> None:
    assert sparse_product(matrix_of(5, 5, torch.float64), torch.randn(5, 0).double()).shape == (5, 0)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("width", [1, 5, 20])
def test_a_block_may_lie_in_two_pieces(width: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, block, last = matrix_of(40, 70, torch.float32), torch.randn(70, width), torch.randn(40, width)
    expected = sparse_product(matrix, block), sparse_recurrence(matrix, block, last.clone(), -1, 0, 1)
    if not compiled:
        monkeypatch.setattr(products, "compiled_products", lambda: None)
    pieces = block[20:60].clone(), torch.cat([block[:20], block[60:]])
    assert torch.equal(sparse_product(matrix, pieces[0], pieces[1], 20), expected[0])
    found = sparse_recurrence(matrix, pieces[0], last, -1, 0, 1, pieces[1], 20)
    torch.testing.assert_close(found, expected[1])
    assert found is last


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("width", [1, 4, 7, 33])
def test_smoothing_gives_what_is_left_the_next_step_and_the_sum(
    width: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(products, "compiled_products", lambda: None)
    matrix, inverse = matrix_of(60, 60, torch.float32), torch.rand(60, 1)
    step, rest, total = torch.randn(60, width), torch.randn(60, width), torch.randn(60, width)
    left = rest - matrix @ step
    further = 0.3 * step + 1.7 * inverse * left
    expected = left, further, total + further
    results = rest, torch.empty_like(step), total  # in the place of what is given
    sparse_smoothing(matrix, step, inverse, rest, total, results, 0.3, 1.7)
    torch.testing.assert_close(results, expected)


def test_smoothing_has_the_same_bits_in_two_pieces_and_for_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "WORTH_THREADS", 1)
    matrix, inverse = matrix_of(90, 90, torch.float32), torch.rand(90, 1)
    step, rest, total = torch.randn(90, 5), torch.randn(90, 5), torch.randn(90, 5)
    whole = tuple(torch.empty_like(step) for _ in range(3))
    sparse_smoothing(matrix, step, inverse, rest, total, whole, 0.3, 1.7)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    some = slice(30, 60)
    rows = sparse_rows(scipy.sparse.csr_array(matrix.to_dense().numpy()[some]), torch.float32)
    parts = tuple(torch.empty(30, 5) for _ in range(3))
    others = torch.cat([step[:30], step[60:]])
    own = step[some].clone(), inverse[some].clone(), rest[some].clone(), total[some].clone()
    sparse_smoothing(rows, *own, parts, 0.3, 1.7, others, 30)
    torch.set_num_threads(before)
    for part, every in zip(parts, whole, strict=True):
        assert torch.equal(part, every[some])
