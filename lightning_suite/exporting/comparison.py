"""Compares an exported network with the module it came from, on batches of ragged examples."""

import random
from collections.abc import Iterator

import torch
from torch import Tensor

from lightning_suite.exporting.exportable import EXAMPLES, Exportable
from lightning_suite.exporting.formats import Runner, as_tuple
from lightning_suite.progress import progress

LARGEST_BATCH = 48


def compared(exportable: Exportable, run: Runner, examples: int = EXAMPLES) -> tuple[float, int]:
    """Return the largest relative difference between a file and the module, and how many examples were compared.

    A difference is relative to the largest of the module's values in the same row, which is what it computes of one
    example, or to the root mean square of all values of that output where that is larger; not-a-number is equal to
    itself. Values, dtypes and shapes that cannot be compared differ infinitely.

    A value is not judged by its own size, for it is a sum whose rounding error has the size of what is added up: in a
    language model of tweets, products of 45 in all make a gate, which float32 knows to 5e-6, and by its own size the
    module itself differed by 1.0e-5 from what it computes in double precision.
    """
    generator = torch.Generator().manual_seed(1)
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in exportable.outputs]
    count = 0
    with progress("comparing", examples, unit="examples") as advance, torch.inference_mode():
        for sizes in batches(*exportable.sizes, examples):
            inputs = exportable.sample(sizes, generator)
            expected, actual = as_tuple(exportable.reference(*inputs)), run(*inputs)
            if [(each.shape, each.dtype) for each in expected] != [(each.shape, each.dtype) for each in actual]:
                return float("inf"), count
            for pairs, *pair in zip(found, expected, actual, strict=True):
                pairs.append((pair[0].double(), pair[1].double()))
            count += len(sizes)
            advance(len(sizes))
    return max(relative_difference(pairs) for pairs in found), count


def batches(smallest: int, largest: int, examples: int = EXAMPLES) -> Iterator[list[int]]:
    """Yield the sizes of the examples of each batch, so many in all.

    The smallest, 1 and the largest come alone first, then batches of any number, short and long ones side by side.

    Example:
        >>> first, second, third, *more = batches(0, 200)
        >>> first, second, third, sum(map(len, more))
        ([0], [1], [200], 997)
    """
    generator = random.Random(0)
    left = examples
    for size in (smallest, max(1, smallest), largest):
        left -= 1
        yield [size]
    while left:
        count = min(left, generator.randint(1, LARGEST_BATCH))
        left -= count
        ends = (smallest, largest)
        yield [
            generator.choice(ends)
            if generator.random() < 0.1
            else int(smallest + (largest - smallest) ** generator.random())
            for _ in range(count)
        ]


def relative_difference(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """Return the largest relative difference of pairs of an expected and an actual tensor; see ``compared``.

    Example:
        >>> relative_difference([(torch.tensor([4.0, 3.0]), torch.tensor([4.0, 3.0]))])
        0.0
        >>> relative_difference([(torch.tensor([1.0, torch.nan]), torch.tensor([torch.nan, torch.nan]))])
        inf
    """
    expected = torch.cat([pair[0].flatten() for pair in pairs])
    actual = torch.cat([pair[1].flatten() for pair in pairs])
    sizes = torch.cat([_row_sizes(pair[0]).flatten() for pair in pairs])
    finite = expected.isfinite()
    if not torch.equal(finite, actual.isfinite()) or not torch.equal(
        expected[~finite].nan_to_num(nan=0.5), actual[~finite].nan_to_num(nan=0.5)
    ):
        return float("inf")
    expected, actual = expected[finite], actual[finite]
    if not len(expected):
        return 0.0
    size = sizes[finite].clamp_min(float(expected.square().mean().sqrt())).clamp_min(1e-30)
    return float(((actual - expected).abs() / size).max())


def _row_sizes(values: Tensor) -> Tensor:
    """Return for each value the largest size of the finite ones in its row: that of all axes but the first."""
    sizes = values.nan_to_num(0.0, 0.0, 0.0).abs()
    if values.ndim < 2 or not values.numel():
        return sizes
    return sizes.flatten(1).amax(dim=1).view(-1, *[1] * (values.ndim - 1)).expand_as(values)
