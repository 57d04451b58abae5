"""The comparison of an exported network with its module: no wrong value is passed over."""

from collections.abc import Sequence
from itertools import chain

import pytest
import torch
from torch import Tensor, nn

from lightning_suite.exporting.comparison import batches, compared, relative_difference
from lightning_suite.exporting.exportable import EXAMPLES, Exportable


def doubling() -> Exportable:
    def sample(sizes: Sequence[int], generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(sum(sizes), generator=generator),)

    return Exportable(
        network=nn.Identity(), reference=lambda x: 2 * x, inputs={"x": {0: "value"}}, outputs=["y"], sample=sample
    )


def test_a_thousand_examples_of_all_sizes_are_compared() -> None:
    sizes = [*chain.from_iterable(batches(0, 200))]
    assert len(sizes) == EXAMPLES
    assert sizes[:3] == [0, 1, 200]
    assert min(sizes) == 0 and max(sizes) == 200 and len(set(sizes)) > 100
    assert len({len(batch) for batch in batches(0, 200)}) > 10


def test_what_is_equal_differs_by_nothing() -> None:
    assert compared(doubling(), lambda x: (2 * x,), 50) == (0.0, 50)


@pytest.mark.parametrize("factor", [1e-6, 1e-3])
def test_a_difference_is_relative(factor: float) -> None:
    difference, _ = compared(doubling(), lambda x: (2 * x * (1 + factor),), 50)
    assert difference == pytest.approx(factor, rel=0.1)


def test_a_wrong_value_in_a_single_example_is_found() -> None:
    def wrong_once(x: Tensor) -> tuple[Tensor]:
        return (torch.where(torch.arange(len(x)) == 199, 3 * x, 2 * x),)

    assert compared(doubling(), wrong_once)[0] > 0.01


@pytest.mark.parametrize(
    "wrong", [lambda x: (2 * x[:-1],), lambda x: (2 * x.double(),), lambda x: (2 * x / (x > -2),)], ids=range(3)
)
def test_other_shapes_types_and_infinities_differ_infinitely(wrong: object) -> None:
    assert compared(doubling(), wrong, 200)[0] == float("inf")  # type: ignore[arg-type]


def test_small_values_are_judged_by_the_size_of_all() -> None:
    expected, actual = torch.tensor([1.0, 1e-9]), torch.tensor([1.0, 1.1e-9])
    assert relative_difference([(expected, actual)]) < 1e-9


def test_values_are_judged_by_the_largest_of_their_row() -> None:
    expected = torch.tensor([[8.0, 1.0], [1.0, 1.0], [torch.nan, 1.0]], dtype=torch.float64)
    rms = (68 / 5) ** 0.5
    for place, size in (((0, 0), 8), ((0, 1), 8), ((1, 1), rms), ((2, 1), rms)):
        actual = expected.clone()
        actual[place] += 1e-3
        assert relative_difference([(expected, actual)]) == pytest.approx(1e-3 / size, rel=1e-6)
    cube = torch.tensor([[[1.0], [30.0]], [[20.0], [2.0]]])
    assert relative_difference([(cube[:1], cube[:1]), (cube[1:], cube[1:] + 1)]) == pytest.approx(1 / 20)


def test_nan_and_infinity_are_equal_to_themselves_alone() -> None:
    nan, inf = torch.nan, torch.inf
    assert relative_difference([(torch.tensor([nan, inf, -inf]), torch.tensor([nan, inf, -inf]))]) == 0
    for actual in (torch.tensor([nan, inf, inf]), torch.tensor([inf, inf, -inf]), torch.tensor([nan, 1.0, -inf])):
        assert relative_difference([(torch.tensor([nan, inf, -inf]), actual)]) == inf
