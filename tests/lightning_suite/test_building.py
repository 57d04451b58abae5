"""The Trainer, and weights that are loaded into a module."""

from dataclasses import replace
from pathlib import Path

import pytest

from lightning_suite import progress
from lightning_suite.building import trainer_of
from lightning_suite.errors import RunError
from lightning_suite.evaluation import evaluate
from lightning_suite.options import Settings
from lightning_suite.run import Run


def test_a_structure_that_disagrees_with_the_checkpoint_is_shown(run: Run) -> None:
    other = replace(Settings(**run.settings()), model={"hidden": 9})
    with pytest.raises(RunError, match=r"network.0.weight: \(8, 4\) there, \(9, 4\) here"):
        evaluate(run, "test", other)


def test_a_quiet_trainer_has_no_progress_bar(tmp_path: Path) -> None:
    assert trainer_of({"accelerator": "cpu"}, tmp_path).progress_bar_callback is not None
    with progress.quiet():
        assert trainer_of({"accelerator": "cpu"}, tmp_path).progress_bar_callback is None
