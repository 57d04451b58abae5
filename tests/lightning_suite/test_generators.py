"""Generators come back in the state that they were in, and are found wherever data keeps them."""

import functools
import random
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from lightning_suite.generators import (
    own_generators,
    own_state,
    random_state,
    set_own_state,
    set_random_state,
)


def test_generators_come_back_in_the_state_they_were_in() -> None:
    def draw() -> tuple[float, float, float, float]:
        return random.gauss(0, 1), random.random(), float(numpy.random.normal()), float(torch.rand(()))

    draw()
    before = random_state()
    expected = [draw() for _ in range(3)]
    set_random_state(before)
    assert expected == [draw() for _ in range(3)]


def test_the_state_of_the_generators_is_safe_to_load(tmp_path: Path) -> None:
    torch.save(random_state(), tmp_path / "state")
    set_random_state(torch.load(tmp_path / "state", weights_only=True))


OWN: list[tuple[Any, str]] = [
    (torch.Generator().manual_seed(1), "torch"),
    (random.Random(1), "random"),
    (numpy.random.RandomState(1), "random"),
    *[
        (numpy.random.Generator(kind(1)), "random")
        for kind in (numpy.random.PCG64, numpy.random.MT19937, numpy.random.Philox, numpy.random.SFC64)
    ],
]


@pytest.mark.parametrize(("generator", "how"), OWN, ids=lambda value: type(value).__name__)
def test_a_generator_of_ones_own_comes_back_from_a_file(generator: Any, how: str, tmp_path: Path) -> None:
    def draw() -> float:
        return float(torch.rand((), generator=generator)) if how == "torch" else float(generator.random())

    draw()
    torch.save(own_state(generator), tmp_path / "state")
    expected = [draw() for _ in range(3)]
    set_own_state(generator, torch.load(tmp_path / "state", weights_only=True))
    assert [draw() for _ in range(3)] == expected


def test_generators_are_found_in_attributes_containers_and_functions() -> None:
    class Data:
        def __init__(self) -> None:
            self.own = random.Random(1)
            self.itself = self
            self.shift = functools.partial(max, numpy.random.default_rng(2))
            captured = torch.Generator()
            self.transforms = [lambda: captured, self.method]
            self.many = [random.Random(3)] * 2000

        def method(self) -> None:
            pass

    found = own_generators(data=Data())
    assert {path: type(one).__name__ for path, one in found.items()} == {
        "data.own": "Random",
        "data.shift.args.0": "Generator",
        "data.transforms.0.0.content": "Generator",
    }
