"""Which op a test runs (that of its file), in which form and on which device; the arguments of ops over trees."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType

import pytest
import torch
from torch import Tensor

WEIGHTS = {
    "tree_embedding": ((1, 3), (1,)),
    "gated_tree_embedding": ((3, 3), (3,), (1, 3), (1,), (4, 4), (4,)),
}
"""The shapes of the weights of a node's cell, in multiples of hidden."""


def random_forest(sizes: list[int], chain: bool, seed: int) -> tuple[Tensor, Tensor]:
    """Return children and offsets of random trees of so many leaves, children before their parent in any order."""
    choose = random.Random(seed)
    rows: list[tuple[int, int]] = []
    ends = [0]
    for leaves in sizes:
        roots: list[int] = []
        while leaves or len(roots) > 1:
            if len(roots) > 1 and (chain or not leaves or choose.random() < 0.5):
                left, right = choose.sample(roots, 2)
                roots = [root for root in roots if root not in {left, right}]
                rows.append((left, right))
            else:
                rows.append((-1, -1))
                leaves -= 1
            roots.append(len(rows) - 1)
        ends.append(len(rows))
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 2), torch.tensor(ends)


@pytest.fixture
def many() -> int:
    """Return how many random arguments to try, for which ``make trust`` has more time."""
    return 500_000 if os.environ.get("LIGHTNING_SUITE_TRUST") == "full" else 5_000


@pytest.fixture(scope="module")
def op(request: pytest.FixtureRequest) -> ModuleType:
    """The file of the op."""
    return import_module(f"lightning_suite.ops.{request.path.stem.removeprefix('test_')}")


@pytest.fixture(scope="module")
def compiled(op: ModuleType) -> None:
    """The compiled form is there, or the test is skipped."""
    if not op.COMPILED.devices:
        pytest.skip(f"there is no compiled form here: {op.COMPILED.description}")


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, op: ModuleType, compiled: None) -> str:
    """Each kind of device, where it is there and the op compiled for it."""
    name = str(request.param)
    if name not in op.COMPILED.devices or (name == "cuda" and not torch.cuda.is_available()):
        pytest.skip(f"no {name} here, or the op is not compiled for it")
    return name


@pytest.fixture(params=["reference", "compiled"])
def form(request: pytest.FixtureRequest, op: ModuleType, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which form the public functions use."""
    name = str(request.param)
    if name == "reference":
        monkeypatch.setattr(op, "COMPILED", op.COMPILED._replace(devices=frozenset()))
    else:
        request.getfixturevalue("compiled")
    return name


@pytest.fixture(scope="module")
def arguments(op: ModuleType) -> Callable[..., list[Tensor]]:
    """The function that draws the arguments of an op over trees, in their order."""

    def draw(
        sizes: list[int],
        hidden: int = 5,
        features: int = 3,
        *,
        chain: bool = False,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
    ) -> list[Tensor]:
        children, offsets = random_forest(sizes, chain, seed)
        generator = torch.Generator().manual_seed(seed + hidden)

        def normal(*shape: int) -> Tensor:
            scale = shape[-1] ** -0.5 if len(shape) == 2 else 0.1
            return (scale * torch.randn(shape, dtype=torch.float64, generator=generator)).to(dtype)

        x = normal(len(children), features) * features**0.5
        weights = [normal(*(multiple * hidden for multiple in shape)) for shape in WEIGHTS[op.__name__.split(".")[-1]]]
        return [x, children, offsets, normal(hidden, features), normal(hidden), *weights]

    return draw


@pytest.fixture
def same_for_any_number_of_threads() -> Iterator[Callable[[Callable[[], Sequence[Tensor]]], None]]:
    """A check: a computation gives the same bits by any number of threads."""
    before = torch.get_num_threads()

    def check(compute: Callable[[], Sequence[Tensor]]) -> None:
        torch.set_num_threads(1)
        expected = compute()
        for threads in (2, 3, 5, 8):
            torch.set_num_threads(threads)
            assert all(torch.equal(one, other) for one, other in zip(expected, compute(), strict=True))

    yield check
    torch.set_num_threads(before)
