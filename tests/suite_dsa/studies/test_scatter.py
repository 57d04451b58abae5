"""The measures of scatter at vectors whose scatter is known."""

import math

import pytest
import torch

from suite_dsa.studies.scatter import scatter


def test_static_vectors_do_not_scatter() -> None:
    static = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).expand(10, 3, 5)
    spread, alignment, beside_heads = scatter(static)
    torch.testing.assert_close(spread, torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(alignment, torch.ones(3))
    torch.testing.assert_close(beside_heads, torch.zeros(3), atol=1e-6, rtol=0)


def test_vectors_in_all_directions_have_no_common_one() -> None:
    angles = torch.arange(8) * math.pi / 4
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)[:, None]
    assert scatter(circle).alignment.item() == pytest.approx(0, abs=1e-6)
    assert scatter(circle + torch.tensor([100.0, 0.0])).spread.item() == pytest.approx(0.01, rel=1e-4)


def test_the_length_of_vectors_is_no_direction() -> None:
    one_way = torch.tensor([[[1.0, 1.0]], [[5.0, 5.0]]])
    spread, alignment, _ = scatter(one_way)
    assert alignment.item() == pytest.approx(1)
    assert spread.item() == pytest.approx(2 / 3)


def test_scatter_within_a_head_is_beside_the_distance_to_the_others() -> None:
    heads = torch.tensor([[[1.0, 0.0], [9.0, 0.0]], [[-1.0, 0.0], [7.0, 0.0]]])
    assert scatter(heads).beside_heads.tolist() == pytest.approx([1 / 8, 1 / 8])
    assert math.isnan(scatter(heads[:, :1]).beside_heads.item())
