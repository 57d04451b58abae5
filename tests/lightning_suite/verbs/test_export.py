"""The verb that exports: a file that computes the same, or no file."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

import lightning_suite.loading
from lightning_suite.errors import RunError, UsageError
from lightning_suite.exporting import export, exportable_of
from lightning_suite.exporting.exportable import Exportable
from lightning_suite.run import Run
from lightning_suite.verbs import export as verb


class Net(LightningModule):
    """Doubles; its export multiplies by a factor of its own."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = factor

    def exportable(self) -> Exportable:
        """Return what is exported."""

        def sample(sizes: Sequence[int], generator: torch.Generator) -> tuple[Tensor, ...]:
            return (torch.randn(sum(sizes), 3, generator=generator),)

        return Exportable(
            network=Times(self.factor),
            reference=lambda x: 2 * x,
            inputs={"x": {0: "value"}},
            outputs=["doubled"],
            sample=sample,
            metadata={"classes": "a,b"},
            left_out="reading files",
        )


class Times(nn.Module):
    """x times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Bare(LightningModule):
    """Exports nothing."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = Run.create(tmp_path, "net", None)
    (run.folder / "config.yaml").write_text("plugin: net\n")
    monkeypatch.setattr(lightning_suite.loading, "load", lambda run, trust=False: Net())
    return run


def test_it_says_where_and_how_well(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.run([str(run.folder), "--to", "torch-export"]) == 0
    path, compared, left_out = capsys.readouterr().out.splitlines()
    assert path == str(run.folder / "model.pt2")
    assert compared == ("largest relative difference from the module: 0.0e+00 in 1,000 examples (at most 1e-05)")
    assert left_out == "not in the file: reading files"
    read = torch.export.load(path).module()
    assert torch.equal(read((torch.ones(1, 3),)), torch.full((1, 3), 2.0))


def test_what_computes_something_else_is_not_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightning_suite.loading, "load", lambda run, trust=False: Net(2.001))
    with pytest.raises(RunError, match=r"differs from the module by 5\.0e-04 relative, more than 1e-05"):
        export(run, "torch-export")
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoints", "config.yaml", "figures"]


def test_a_name_that_torch_does_not_read_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match=r"model\.aot: expected a name that ends in \.pt2"):
        export(run, "aot", run.folder / "model.aot")


def test_a_plugin_without_an_export_is_told_how(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightning_suite.loading, "load", lambda run, trust=False: Bare())
    with pytest.raises(UsageError, match="plugin 'net' has no export: its Bare has no method exportable"):
        export(run, "onnx")
    monkeypatch.setattr(Net, "exportable", lambda self: "a text")
    with pytest.raises(UsageError, match="returned str, not an Exportable"):
        exportable_of(Net(), "net")


def test_a_kind_that_does_not_exist_is_named(run: Run) -> None:
    with pytest.raises(UsageError, match="Did you mean 'onnx'"):
        verb.run([str(run.folder), "--to", "onx"])
    with pytest.raises(UsageError, match="which of onnx, torch-export, aot"):
        verb.run([str(run.folder)])
