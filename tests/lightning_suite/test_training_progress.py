"""What is seen of a training: a line an epoch where no terminal is, a bar that fits one; sizes in three lines."""

import io
import re
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.utilities import rank_zero_info
from torch import nn

from lightning_suite import progress, training_progress
from lightning_suite.building import trainer_of
from lightning_suite.running_average import hold_average_
from lightning_suite.training_progress import TrainingProgress, model_size
from tests.lightning_suite.tiny import TinyData, TinyNet


def fitted(tmp_path: Path, **options: object) -> Trainer:
    trainer = trainer_of({"accelerator": "cpu", "max_epochs": 3, **options}, tmp_path, monitor="val_loss")
    trainer.fit(TinyNet(), datamodule=TinyData())
    return trainer


def test_each_epoch_has_one_line_with_steps_metrics_and_the_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(tmp_path)
    output, lines = capsys.readouterr()
    found = re.findall(
        r"^epoch (\d) of 3: (\d+) steps, val_loss (\d\.\d{4}), train_loss \d\.\d{4}; \d s(.*)$", lines, re.MULTILINE
    )
    assert [(number, steps) for number, steps, *_ in found] == [("1", "6"), ("2", "12"), ("3", "18")]
    assert all(re.fullmatch(r", about \d s left", left) for *_, left in found[:2])
    assert found[2][-1] == ""
    assert "FLOPs" not in output + lines
    assert output == ""


def test_a_training_that_goes_on_counts_its_epochs_from_the_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = fitted(tmp_path)
    first.save_checkpoint(tmp_path / "last.ckpt")
    capsys.readouterr()
    trainer = trainer_of({"accelerator": "cpu", "max_epochs": 4}, tmp_path)
    trainer.fit(TinyNet(), datamodule=TinyData(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert re.findall(r"^epoch (\d) of 4: (\d+) steps", capsys.readouterr().err, re.MULTILINE) == [("4", "24")]


def test_an_epoch_that_lasts_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "SELDOM", 0.0)
    monkeypatch.setattr(progress, "PATIENCE", 0.001)
    fitted(tmp_path, max_epochs=20)
    assert re.search(r"^epoch \d+ of 20: .*\d of 6 batches, ", capsys.readouterr().err, re.MULTILINE)


def test_tests_and_predictions_say_nothing_where_they_are_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = trainer_of({"accelerator": "cpu"}, tmp_path)
    trainer.test(TinyNet(), datamodule=TinyData(), verbose=False)
    trainer.predict(TinyNet(), datamodule=TinyData())
    assert capsys.readouterr().err == ""


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.quiet():
        fitted(tmp_path, max_epochs=1)
        rank_zero_info("data: 96 points")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("options", [{"enable_progress_bar": False}, {"callbacks": [RichProgressBar()]}])
def test_who_wants_no_bar_or_another_has_it(options: dict[str, object], tmp_path: Path) -> None:
    bar = trainer_of({"accelerator": "cpu", **options}, tmp_path).progress_bar_callback
    assert not isinstance(bar, TrainingProgress)


def test_the_size_of_a_model_has_three_lines() -> None:
    model = nn.Sequential(nn.Linear(1000, 999), nn.Linear(1000, 1, bias=False))
    model[1].requires_grad_(False)
    assert model_size(model) == ["parameters  1,000,999", "trainable   999,999", "size        4.0 MB"]
    hold_average_(model[1])
    assert model_size(model) == ["parameters  999,999", "trainable   999,999", "size        4.0 MB"]
    assert model_size(nn.Flatten()) == model_size(nn.LazyLinear(3)) == []
    assert model_size(nn.Linear(2, 1).to(torch.float64))[-1] == "size        2.4e-05 MB"


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_of_80_columns_every_line_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(training_progress, "OFTEN", 0.0)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    fitted(tmp_path, max_epochs=20)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    lines = [line for line in re.split(r"[\r\n]+", shown) if line.startswith("epoch ")]
    assert any("━" in line and " of 6 batches" in line for line in lines)
    assert sum("steps, val_loss" in line for line in lines) == 20
    assert max(len(line.rstrip()) for line in lines) <= 80
