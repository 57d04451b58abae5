"""A trained module, or its data, back from a run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningDataModule

from lightning_suite import load, load_data
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.training import fit


def test_a_path_and_a_run_give_the_same_weights(run: Run) -> None:
    expected, actual = load(run).state_dict(), load(str(run.folder)).state_dict()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)


@pytest.mark.parametrize("function", [load, load_data])
def test_the_callers_random_generator_stays_as_it_was(run: Run, function: Callable[[Run], object]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    function(run)
    assert torch.equal(expected, torch.rand(3))


def test_the_data_come_back_with_the_settings_of_the_run(run: Run, tmp_path: Path) -> None:
    settings = replace(Settings(**run.settings()), data={"points": 40, "batch_size": 8})
    made, _ = fit(find.get(settings.plugin), settings, root=tmp_path)
    for source in (made, made.folder, str(made.folder), made.last):
        loaded = load_data(source)
        assert type(loaded).__name__ == "TinyData"
        assert (len(loaded.points), loaded.batch_size) == (40, 8)


def test_the_data_are_those_that_the_run_learnt_from(run: Run) -> None:
    expected, actual = (load_data(run).points.tensors for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(expected, actual, strict=True))


def test_loading_data_reads_nothing_yet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for step in ("prepare_data", "setup"):
        monkeypatch.setattr(LightningDataModule, step, lambda self, *words, step=step: said.append(step))
    load_data(run)
    assert said == []


def test_data_of_a_run_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        load_data(tmp_path / "nowhere")


def test_a_checkpoint_of_a_plain_trainer_needs_the_name_of_its_plugin(run: Run, tmp_path: Path) -> None:
    expected = load(run)
    plain = tmp_path / "plain.ckpt"
    torch.save({"state_dict": expected.state_dict()}, plain)
    with pytest.raises(RunError, match=r"not written by suite fit.\n.*lightning_suite.load\(CHECKPOINT, plugin=NAME\)"):
        load(plain)
    loaded = load(plain, plugin=run.settings()["plugin"])
    assert type(load_data(plain, plugin=run.settings()["plugin"])).__name__ == "TinyData"
    assert all(map(torch.equal, expected.state_dict().values(), loaded.state_dict().values()))


def test_a_checkpoint_of_a_plain_trainer_imports_nothing_else(run: Run, tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "hyper_parameters": {"hidden": {"class_path": "os.system"}}}, tmp_path / "plain.ckpt")
    with pytest.raises(UsageError, match=r"names code that would be imported.*\n  model.hidden: os.system"):
        load(tmp_path / "plain.ckpt", plugin=run.settings()["plugin"])


def test_another_plugin_than_that_of_the_checkpoint_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match=r"is of the plugin .*tiny.py:plugin', not of 'dsa': leave plugin out"):
        load(run, plugin="dsa")
