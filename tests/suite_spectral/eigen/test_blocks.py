"""Tall blocks times small matrices: compiled and by torch, beside the same in one expression."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_spectral.eigen import blocks
from suite_spectral.eigen.blocks import added, imaged, inner_products, turned
from suite_spectral.shares.share import Share

Together = Callable[[int, Callable[[Any], Any]], list[Any]]

FORMS = ["compiled", "torch"]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(blocks, "compiled_blocks", lambda: None)
        monkeypatch.setattr(blocks, "CHUNK", 100)
    return str(request.param)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def basis_of(n: int, width: int, used: int) -> Tensor:
    """Return (point, 3 width), the columns in use orthonormal, the others not a number: nobody may read them."""
    basis = torch.full((n, 3 * width), torch.nan, dtype=torch.float64)
    basis[:, :used] = torch.linalg.qr(drawn(n, used))[0]
    return basis


@pytest.mark.parametrize(("n", "width", "used"), [(1, 1, 1), (7, 1, 3), (2050, 4, 12), (333, 5, 13), (1000, 38, 110)])
def test_the_columns_in_use_become_combinations(form: str, n: int, width: int, used: int) -> None:
    basis, image, values = drawn(n, 3 * width, seed=1), drawn(n, 3 * width, seed=2), drawn(width, seed=3)
    turn = drawn(used, min(used, 2 * width), seed=4)
    vectors, images = basis[:, :used] @ turn, image[:, :used] @ turn
    kept = turn.shape[1]
    first = min(width, kept)
    values = values[:first]
    residual, norms = turned(basis, image, values, used, turn, Share.alone(n))
    torch.testing.assert_close(basis[:, :kept], vectors)
    torch.testing.assert_close(image[:, :kept], images)
    expected = vectors[:, :first] * values - images[:, :first]
    torch.testing.assert_close(residual, expected, atol=1e-12, rtol=1e-10)
    torch.testing.assert_close(norms, expected.norm(dim=0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "width", "used", "more"), [(60, 1, 2, 1), (2050, 4, 8, 3), (900, 11, 22, 11)])
def test_an_added_block_is_orthogonal_and_of_unit_length(
    form: str, n: int, width: int, used: int, more: int, dtype: torch.dtype
) -> None:
    basis, block = basis_of(n, width, used), drawn(n, more, seed=1).to(dtype)
    null = drawn(n, seed=2) / drawn(n, seed=2).norm()
    null -= basis[:, :used] @ (basis[:, :used].T @ null)
    null /= null.norm()
    found = added(basis, used, block, null, Share.alone(n))
    assert torch.equal(basis[:, used : used + more], found)
    assert bool(basis[:, used + more :].isnan().all())
    known = torch.cat([basis[:, :used], null[:, None]], 1)
    torch.testing.assert_close(known.T @ found, torch.zeros(used + 1, more, dtype=torch.float64), atol=1e-13, rtol=0)
    torch.testing.assert_close(found.norm(dim=0), torch.ones(more, dtype=torch.float64))
    whole = torch.cat([known, found], 1)
    left = block.double() - whole @ torch.linalg.lstsq(whole, block.double()).solution
    torch.testing.assert_close(left, torch.zeros_like(left), atol=1e-10, rtol=0)


def test_a_block_of_zeros_stays_one(form: str) -> None:
    basis = basis_of(50, 2, 2)
    null = torch.ones(50, dtype=torch.float64) / 50**0.5
    found = added(basis, 2, torch.zeros(50, 2), null, Share.alone(50))
    assert torch.equal(found, torch.zeros(50, 2, dtype=torch.float64))


@pytest.mark.parametrize(("n", "width", "used", "more"), [(60, 1, 2, 1), (2050, 4, 8, 3), (900, 11, 22, 11)])
def test_an_image_is_the_block_less_its_product(form: str, n: int, width: int, used: int, more: int) -> None:
    basis, image = drawn(n, 3 * width, seed=1), torch.full((n, 3 * width), torch.nan, dtype=torch.float64)
    block, product = basis[:, used : used + more].clone(), drawn(n, more, seed=2)
    border, products = imaged(basis, image, used, block, product, Share.alone(n))
    torch.testing.assert_close(image[:, used : used + more], block - product)
    assert bool(image[:, used + more :].isnan().all())
    torch.testing.assert_close(border, basis[:, : used + more].T @ (block - product))
    torch.testing.assert_close(products, basis[:, : used + more].T @ block)


def test_more_columns_than_pay_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> None:
        raise AssertionError

    monkeypatch.setattr(blocks, "compiled_blocks", asked)
    monkeypatch.setattr(blocks, "MOST_COLUMNS", 11)
    basis = drawn(40, 12)
    turned(basis, basis.clone(), drawn(4), 12, drawn(12, 8), Share.alone(40))
    narrow = basis[:, :9].contiguous()
    with pytest.raises(AssertionError):
        turned(narrow, narrow.clone(), drawn(3), 9, drawn(9, 6), Share.alone(40))


STEPS: dict[str, Callable[[Tensor, Share], tuple[Tensor, ...]]] = {
    "inner products": lambda basis, share: (inner_products(basis, 12, drawn(3000, 4)[share.rows], share),),
    "turned": lambda basis, share: turned(basis, basis.clone(), drawn(4), 12, drawn(12, 8), share),
    "added": lambda basis, share: (
        added(basis, 8, drawn(3000, 4, seed=5)[share.rows], drawn(3000, seed=6)[share.rows], share),
    ),
    "imaged": lambda basis, share: imaged(
        basis, basis.clone(), 8, drawn(3000, 4)[share.rows], drawn(3000, 4, seed=5)[share.rows], share
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_the_bits_are_the_same_for_any_number_of_threads(step: str) -> None:
    before, answers = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            answers.append(STEPS[step](basis_of(3000, 4, 12), Share.alone(3000)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))


@pytest.mark.parametrize("step", STEPS)
def test_the_bits_are_the_same_for_any_number_of_processes(form: str, step: str, together: Together) -> None:
    expected = STEPS[step](whole := basis_of(3000, 4, 12), Share.alone(3000))
    for size in (2, 3):

        def found(group: Any, size: int = size) -> tuple[Tensor, ...]:
            share = Share.of(group, 3000)
            basis = basis_of(3000, 4, 12)[share.rows].clone()
            return *STEPS[step](basis, share), basis

        for one, *others in zip((*expected, whole), *together(size, found), strict=True):
            rows = torch.cat(others) if one.shape[0] == 3000 else others[0]
            assert torch.equal(rows, one)
