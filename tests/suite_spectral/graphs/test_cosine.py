import pytest
import torch
from torch import Tensor

from lightning_suite.errors import DataError
from suite_spectral.graphs.cosine import CosineGraph, unit_rows


def rows() -> Tensor:
    found = torch.rand(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found[found < 0.4] = 0
    return found / found.norm(dim=1, keepdim=True).clamp_min(1e-9)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_is_that_of_the_cosines(sparse: bool, dtype: torch.dtype) -> None:
    block = torch.randn(8, 3, dtype=dtype, generator=torch.Generator().manual_seed(1))
    features = rows().to_sparse_csr() if sparse else rows()
    torch.testing.assert_close((rows() @ rows().T).to(dtype) @ block, CosineGraph(features).multiply(block))


def test_degrees_are_the_sums_of_the_cosines() -> None:
    torch.testing.assert_close((rows() @ rows().T).sum(dim=1), CosineGraph(rows()).degrees())


def test_features_of_both_signs_are_refused() -> None:
    with pytest.raises(DataError, match="features of 0 or more"):
        CosineGraph(torch.tensor([[1.0, 0.0], [-0.9, 0.1], [-0.9, 0.1]]))


def test_rows_have_unit_length_and_zeros_stay() -> None:
    features = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 2.0]]).double()
    assert unit_rows(features).norm(dim=1).tolist() == [1, 0, 1]


def test_sparse_rows_are_scaled_as_dense_ones() -> None:
    features = torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]).double()
    assert torch.equal(unit_rows(features.to_sparse_csr()).to_dense(), unit_rows(features))


def test_a_sparse_row_that_stores_nothing_but_zeros_stays() -> None:
    features = torch.sparse_csr_tensor([0, 1, 2], [0, 1], torch.tensor([0.0, 2.0]), size=(2, 2), check_invariants=False)
    assert unit_rows(features).values().tolist() == [0, 1]
