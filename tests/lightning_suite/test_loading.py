"""A trained module back from its run."""

from pathlib import Path

import pytest
import torch

from lightning_suite import load, registry
from lightning_suite.options import Settings
from lightning_suite.run import Run
from lightning_suite.training import fit

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    trainer = {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return fit(registry.get(TINY), Settings(plugin=TINY, trainer=trainer), root=tmp_path_factory.mktemp("runs"))[0]


def test_a_path_and_a_run_give_the_same_weights(run: Run) -> None:
    expected, actual = load(run).state_dict(), load(str(run.folder)).state_dict()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_the_callers_random_generator_stays_as_it_was(run: Run) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load(run)
    assert torch.equal(expected, torch.rand(3))
