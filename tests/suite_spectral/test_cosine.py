import pytest
import torch
from torch import Tensor

from lightning_suite.errors import DataError
from suite_spectral.cosine import CosineGraph


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
