import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.eigen.row_scaling import scaled_rows


def test_plain_rows_are_the_vectors() -> None:
    vectors = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scaled_rows(vectors, torch.ones(5), "plain"), vectors)


def test_njw_rows_have_unit_length() -> None:
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.1, 0.0]])
    lengths = scaled_rows(vectors, torch.ones(3), "njw").norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([1.0, 0.0, 1.0]))


def test_random_walk_rows_are_divided_by_the_root_of_the_degree() -> None:
    rows = scaled_rows(torch.tensor([[2.0], [6.0]]), torch.tensor([2.0, 3.0]), "random-walk")
    assert rows.tolist() == [[1.0], [2.0]]


def test_a_point_without_degree_has_a_row_of_zeros() -> None:
    rows = scaled_rows(torch.tensor([[2.0], [6.0]]), torch.tensor([0.0, 3.0]), "random-walk")
    assert rows.tolist() == [[0.0], [2.0]]


def test_rows_of_another_name_are_refused() -> None:
    with pytest.raises(UsageError, match="'unit'"):
        scaled_rows(torch.ones(2, 2), torch.ones(2), "unit")  # type: ignore[arg-type]
