"""Runs that are the same but for the seed, and metrics judged against their scatter."""

from pathlib import Path
from typing import Any

import pytest

from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord
from lightning_suite.seed_groups import judged, same, seed_groups

FACTS = {
    ("settings", "seed"): 0,
    ("settings", "model.width"): 4,
    ("settings", "trainer.devices"): 1,
    ("code", "git_commit"): "1",
    ("data", "data_fingerprint"): "d",
    ("versions", "torch"): "2.13.0",
    ("machine", "threads"): 1,
    ("metrics", "test_auc"): 0.9,
}


def record(seed: int, **metrics: float) -> RunRecord:
    return RunRecord(Run.in_folder(Path("x")), "toy", None, seed, "finished", metrics, {})


@pytest.mark.parametrize(
    ("part", "name", "is_same"),
    [
        ("settings", "seed", True),
        ("settings", "seed in run.json", True),
        ("settings", "trainer.devices", True),
        ("settings", "trainer.logger.0.init_args.name", True),
        ("settings", "trainer.callbacks.0.init_args.patience", False),
        ("machine", "threads", True),
        ("metrics", "test_auc", True),
        ("settings", "model.width", False),
        ("code", "git_commit", False),
        ("data", "data_fingerprint", False),
        ("versions", "torch", False),
    ],
)
def test_a_group_has_one_code_one_data_and_one_set_of_settings(part: str, name: str, is_same: bool) -> None:
    other: dict[tuple[str, str], Any] = {**FACTS, (part, name): 9}
    assert (seed_groups([FACTS, other]) == ((0, 1),)) is is_same


def test_the_order_of_settings_makes_no_group() -> None:
    assert seed_groups([FACTS, dict(reversed(FACTS.items()))]) == ((0, 1),)


def test_means_are_judged_against_the_scatter_of_seeds() -> None:
    first = [record(seed, auc=value, loss=1.0) for seed, value in enumerate((0.90, 0.91, 0.92))]
    near = [record(seed, auc=value, loss=1.0) for seed, value in enumerate((0.91, 0.92, 0.93))]
    better = [record(seed, auc=value, loss=0.5) for seed, value in enumerate((0.95, 0.96, 0.97))]
    worse = [record(0, auc=0.80, loss=2.0)]
    groups = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (9,)]
    auc, loss = judged([*first, *near, *better, *worse], groups)
    assert auc.verdicts == ("", "within the scatter", "higher", "lower")
    assert auc.values[1] == (0.91, 0.92, 0.93)
    # scatter 0.01 with 6 degrees of freedom, means 0.01 and 0.05 apart: t = 1.22 and 6.12
    assert auc.p_values[0] is None
    assert auc.p_values[1] == pytest.approx(0.267, abs=0.002)
    assert auc.p_values[2] == pytest.approx(0.00087, abs=0.00002)
    assert loss.verdicts == ("", "equal", "lower", "higher")


def test_a_run_that_was_repeated_does_not_make_the_scatter_smaller() -> None:
    runs = [record(0, auc=0.90), record(0, auc=0.90), record(1, auc=0.92), record(0, auc=0.95)]
    (auc,) = judged(runs, [(0, 1, 2), (3,)])
    assert auc.values == ((0.90, 0.92), (0.95,))


def test_without_seeds_nothing_is_judged() -> None:
    (auc,) = judged([record(0, auc=0.90), record(0, auc=0.95)], [(0,), (1,)])
    assert (auc.verdicts, auc.p_values) == (("", "not judged"), (None, None))


def test_what_is_no_number_or_is_missing_is_not_judged() -> None:
    runs = [record(0, auc=0.9), record(1, auc=0.8), record(0, auc=float("nan")), record(0, loss=0.1)]
    auc, loss = judged(runs, [(0, 1), (2,), (3,)])
    assert auc.verdicts == ("", "not judged", "not judged")
    assert loss.verdicts == ("", "not judged", "not judged")
    assert auc.values[2] == ()


def test_values_are_the_same_whatever_type_of_number_holds_them() -> None:
    assert same({"a": 1.0, "b": [2]}, {"b": [2.0], "a": 1})
    assert not same("1", 1)
    assert not same(None, False)
    assert not same(0.1, 0.1000001)
