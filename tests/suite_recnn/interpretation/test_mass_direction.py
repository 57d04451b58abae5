from collections.abc import Callable

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.interpretation.hard_splitting import Ways
from suite_recnn.interpretation.mass_direction import MassDirection, largest_change, mass_direction
from suite_recnn.interpretation.subject import Subject, open_subject


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train().folder)


@pytest.fixture(scope="module")
def found(subject: Subject) -> MassDirection:
    return mass_direction(subject, folds=3)


def test_the_root_is_the_first_depth(found: MassDirection) -> None:
    first = found.depths[0]
    assert (first.depth, first.jets) == (0, int(found.source.split()[0].replace(",", "")))
    assert first.followed == pytest.approx(found.root.value, abs=1e-9)
    assert first.refitted == pytest.approx(first.followed, abs=0.02)  # the same regression, of the same jets


def test_a_regression_of_the_depth_is_better_than_one_of_the_root(found: MassDirection) -> None:
    last = found.depths[-1]
    assert last.refitted > last.followed


def test_the_mass_falls_most_at_the_hard_splitting_of_a_decay(found: MassDirection) -> None:
    true = {step.step: step.true_change for step in found.steps if found.classes[step.label] == "w"}
    assert true[0] == max(true.values())
    masses = {step.step: step.mass for step in found.steps if found.classes[step.label] == "w"}
    assert masses[0] > 2 * masses[1]


def made_up(depth: int, hard: list[int]) -> Ways:
    """Ways of jets that all split at every node but the last."""
    nodes = np.arange(len(hard) * depth).reshape(len(hard), depth)
    splits = np.ones(nodes.shape, dtype=bool)
    splits[:, -1] = False
    return Ways(nodes, splits, np.zeros(nodes.shape), np.array(hard))


def test_the_largest_change_is_found_and_chance_is_counted() -> None:
    hard = [1] * 30 + [2] * 10
    ways = made_up(6, hard)  # 4 changes between splittings
    predicted = np.zeros((40, 6))
    predicted[:30, :2] = 1.0  # falls between the nodes 1 and 2
    predicted[30:, :1] = 1.0  # two steps before the hard splitting
    every = np.ones(40, dtype=bool)
    largest = largest_change(ways, predicted, np.ones(40), every, 0, "trained")
    assert largest is not None
    assert (largest.jets, largest.at, largest.near) == (40, 0.75, 0.75)
    assert largest.random_at == pytest.approx(1 / 4)
    assert largest.random_near == pytest.approx(3 / 4)
    weights = np.where(np.arange(40) < 30, 1.0, 3.0)
    weighted = largest_change(ways, predicted, weights, every, 0, "trained")
    assert weighted is not None
    assert weighted.at == 0.5
    assert largest_change(ways, predicted, weights, np.arange(40) < 5, 0, "trained") is None


def test_a_random_prediction_is_at_the_hard_splitting_as_often_as_chance() -> None:
    generator = np.random.default_rng(0)
    ways = made_up(9, [3] * 4000)
    predicted = np.cumsum(generator.normal(size=(4000, 9)), axis=1)
    largest = largest_change(ways, predicted, np.ones(4000), np.ones(4000, dtype=bool), 0, "trained")
    assert largest is not None
    assert largest.at == pytest.approx(largest.random_at, abs=0.02)
    assert largest.near == pytest.approx(largest.random_near, abs=0.03)


def test_soft_drop_needs_trees_of_cambridge_aachen(train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="soft drop needs Cambridge/Aachen trees"):
        mass_direction(open_subject(train().folder, algorithm="kt", limit=2))
