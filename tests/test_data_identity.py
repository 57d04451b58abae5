"""A run means the same data in whatever folder it is used, and goes on with no others."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
import yaml

from lightning_suite.errors import RunError
from lightning_suite.run import Run
from lightning_suite.verbs import fit, test

TYPED = ["--trainer.max_epochs=1", "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
TYPED += ["--trainer.accelerator=cpu", "--data.path=points.csv"]
PLUGIN = """
import hashlib
from pathlib import Path
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch.utils.data import DataLoader
from lightning_suite import Plugin

class Net(LightningModule):
    def __init__(self, width: int = 1):
        super().__init__()
        self.layer = torch.nn.Linear(1, width)
    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()
    def test_step(self, batch, batch_idx):
        self.log("mean", batch.mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

class Data(LightningDataModule):
    def __init__(self, path: str | None = None):
        super().__init__()
        self.path = path
    def setup(self, stage):
        text = Path(self.path).read_text()
        self.points = torch.tensor([[float(line)] for line in text.split()])
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        self.earlier_fingerprints = ["as release 1 had " + repr(text)]
    def train_dataloader(self):
        return DataLoader(self.points)
    def test_dataloader(self):
        return DataLoader(self.points)

plugin = Plugin(name="points", summary="Points of a file", module="points_plugin:Net", data="points_plugin:Data")
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plugin in one file; the same file for all tests, as a module has one name."""
    file = tmp_path_factory.mktemp("plugin") / "points_plugin.py"
    file.write_text(PLUGIN)
    return f"{file}:plugin"


@pytest.fixture
def run(plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that was trained in the folder ``first``, with a path that was typed relative to it."""
    for name, text in (("first", "1 2 3"), ("second", "7 8 9")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "points.csv").write_text(text)
    monkeypatch.chdir(tmp_path / "first")
    assert fit.run(["--plugin", plugin, *TYPED, "--runs", "../runs"]) == 0
    (folder,) = (tmp_path / "runs" / "points").iterdir()
    return Run.at(folder)


def test_the_same_file_is_meant_in_another_folder_where_one_of_that_name_lies(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert yaml.safe_load((run.folder / "config.yaml").read_text())["data"]["path"] == f"{tmp_path}/first/points.csv"
    assert run.record["typed_paths"] == {"data.path": "points.csv"}
    monkeypatch.chdir(tmp_path / "second")
    assert test.run([str(run.folder)]) == 0
    assert "mean        2\n" in capsys.readouterr().out
    assert fit.run(["--resume", str(run.folder), "--trainer.max_epochs=2"]) == 0
    assert run.record["epochs"] == 2
    assert run.record["typed_paths"] == {"data.path": "points.csv"}


@pytest.mark.parametrize("how", ["typed", "changed", "without run.json"])
def test_a_run_does_not_go_on_with_other_data(
    how: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "second")
    before = run.record["data_fingerprint"]
    more = ["--data.path=points.csv"] if how == "typed" else []
    if how != "typed":
        (tmp_path / "first" / "points.csv").write_text("1 2 3 4")
    if how == "without run.json":
        record = json.loads((run.folder / "run.json").read_text())
        (run.folder / "run.json").unlink()
        run.write_record({"signature": record["signature"]})
    with pytest.raises(RunError, match=f"was trained on other data: their fingerprint was {before[:10]}"):
        fit.run(["--resume", str(run.folder), "--trainer.max_epochs=2", *more])
    assert run.record.get("data_fingerprint", before) == before


@pytest.mark.parametrize(("text", "goes_on"), [("1 2 3", True), ("7 8 9", False)])
def test_a_run_goes_on_with_the_data_that_an_earlier_release_called_otherwise(
    text: str, goes_on: bool, run: Run
) -> None:
    checkpoint = torch.load(run.last, weights_only=True)
    checkpoint["lightning_suite"]["data_fingerprint"] = f"as release 1 had {text!r}"
    torch.save(checkpoint, run.last)
    run.write_record(run.record | {"data_fingerprint": f"as release 1 had {text!r}"})
    resume = ["--resume", str(run.folder), "--trainer.max_epochs=2"]
    if goes_on:
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        assert fit.run(resume) == 0
        assert run.record["data_fingerprint"] == fingerprint
    else:
        with pytest.raises(RunError, match="was trained on other data"):
            fit.run(resume)


def test_a_project_that_was_moved_goes_on_with_the_same_data_and_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "first").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    assert fit.run(["--resume", str(run.folder), "--trainer.max_epochs=2"]) == 0
    assert f"{tmp_path}/first/points.csv is gone, points.csv in the current folder is used" in capsys.readouterr().err
    assert yaml.safe_load((run.folder / "config.yaml").read_text())["data"]["path"] == f"{tmp_path}/moved/points.csv"

    (tmp_path / "moved").rename(tmp_path / "again")
    monkeypatch.chdir(tmp_path / "second")  # the typed name leads to other data here
    with pytest.raises(RunError, match="was trained on other data"):
        fit.run(["--resume", str(run.folder), "--trainer.max_epochs=3"])
