"""Settings of a generation: seeds, and the window of the collision."""

import pytest

from lightning_suite.errors import UsageError
from suite_recnn.generation.settings import CLASSES, Settings, seeds_of


def test_seeds_differ_between_seeds_classes_and_chunks() -> None:
    seeds = {seeds_of(seed, name, chunk)[0] for seed in range(5) for name in CLASSES for chunk in range(40)}
    assert len(seeds) == 5 * len(CLASSES) * 40
    assert min(seeds) >= 1 and max(seeds) <= 900_000_000


def test_the_window_of_the_collision_is_that_of_the_notes_and_scales() -> None:
    assert Settings().pthat == pytest.approx((450, 850))
    assert Settings(pt_min=250, pt_max=350).pthat == pytest.approx((225, 425))


def test_a_window_beyond_the_energy_is_refused() -> None:
    with pytest.raises(UsageError, match="need partons of up to 4857 GeV"):
        Settings(pt_max=4000.0, energy=8000.0)
