"""Settings of a generation: seeds, and the window of the collision."""

import pytest

from lightning_suite.errors import UsageError
from suite_recnn.generation.settings import CLASSES, Settings, seeds_of


def test_seeds_differ_between_seeds_classes_and_chunks() -> None:
    seeds = {seeds_of(seed, name, chunk)[0] for seed in range(5) for name in CLASSES for chunk in range(40)}
    assert len(seeds) == 5 * len(CLASSES) * 40
    assert min(seeds) >= 1 and max(seeds) <= 900_000_000


def test_collisions_of_qcd_begin_far_below_the_jets_and_scale_with_them() -> None:
    assert Settings().pthat_min_of("qcd") == pytest.approx(225)
    assert Settings(pt_min=250, pt_max=350).pthat_min_of("qcd") == pytest.approx(112.5)


def test_pairs_of_w_recoil_against_jets_from_any_collision() -> None:
    assert Settings().pthat_min_of("w") == 0


def test_a_limit_of_the_collision_holds_for_all_classes() -> None:
    assert {Settings(pthat_min=450.0).pthat_min_of(name) for name in CLASSES} == {450.0}


def test_jets_beyond_the_energy_are_refused() -> None:
    with pytest.raises(UsageError, match=r"half of the energy 8000 GeV, got the lowest transverse momentum 4000 GeV"):
        Settings(pt_min=4000.0, pt_max=4500.0, energy=8000.0)
