"""Measures of a run, as a table and as JSON."""

import json

import pytest

from lightning_suite.run import Run
from lightning_suite.verbs import test, validate


def test_json_holds_the_numbers_of_the_table(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert test.run([str(run.folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["run"], answer["checkpoint"]) == (str(run.folder), str(run.checkpoint))
    assert answer["metrics"] == {"test_loss": run.record["metrics"]["test_loss"]}
    test.run([str(run.folder)])
    assert f"test_loss  {answer['metrics']['test_loss']:.4f}" in capsys.readouterr().out


def test_validation_gives_what_the_training_said_of_its_best_checkpoint(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    validate.run([str(run.folder), "--json"])
    expected = run.record["metrics"]["val_loss"]
    assert json.loads(capsys.readouterr().out)["metrics"]["val_loss"] == pytest.approx(expected, rel=1e-6)
