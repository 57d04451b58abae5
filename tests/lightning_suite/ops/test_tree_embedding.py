"""The recursive embedding as torch knows it; test__trees.py has all that is true of both embeddings of trees."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.library import opcheck


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [[4, 1, 6], [1]])
def test_torch_finds_nothing_wrong_with_the_op(
    arguments: Callable[..., list[Tensor]], dtype: torch.dtype, sizes: list[int]
) -> None:
    inputs = arguments(sizes, dtype=dtype)
    ready = [tensor.clone().requires_grad_(tensor.is_floating_point()) for tensor in inputs]
    opcheck(torch.ops.lightning_suite.tree_embedding, tuple(ready))
    opcheck(torch.ops.lightning_suite.tree_embedding, (inputs[0], *ready[1:]))
    h = torch.ops.lightning_suite.tree_embedding(*inputs)
    for for_x in (True, False):
        opcheck(torch.ops.lightning_suite.tree_embedding_backward, (h, *inputs[:6], h, for_x))
