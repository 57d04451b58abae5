"""Evaluation and prediction, on a plugin of two layers."""

from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch

from lightning_suite import load
from lightning_suite.errors import UsageError
from lightning_suite.evaluation import evaluate, predict
from lightning_suite.options import Settings
from lightning_suite.predictions import Predictions
from lightning_suite.run import Run


def test_evaluation_gives_what_fit_printed(run: Run) -> None:
    assert evaluate(run, "test")["test_loss"] == run.record["metrics"]["test_loss"]
    assert evaluate(run, "validate")["val_loss"] == pytest.approx(run.record["best"]["value"])


def test_a_checkpoint_alone_in_another_folder_is_enough(run: Run, tmp_path: Path) -> None:
    alone = tmp_path / "mine.ckpt"
    alone.write_bytes(run.best.read_bytes())
    assert evaluate(Run.at(alone), "test")["test_loss"] == run.record["metrics"]["test_loss"]
    module = load(alone)
    assert not module.training
    assert torch.equal(module.network[0].weight, run.read_checkpoint()["state_dict"]["network.0.weight"])


def test_predictions_keep_the_order_and_number_of_the_inputs(run: Run, tmp_path: Path) -> None:
    small = replace(Settings(**run.settings()), data={"batch_size": 5})
    for settings, name in ((None, "a.csv"), (small, "b.csv")):
        assert predict(run, None, Predictions(tmp_path / name, "predict_step"), settings) == 96
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 97


def test_embeddings_are_one_row_an_input(run: Run, tmp_path: Path) -> None:
    predict(run, None, Predictions(tmp_path / "e.npy", "embed_step"))
    embeddings = numpy.load(tmp_path / "e.npy", allow_pickle=False)
    assert (embeddings.shape, embeddings.dtype) == ((96, 4), numpy.float32)


def test_a_plugin_that_reads_no_file_refuses_one(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no parameter 'predict_path'"):
        predict(run, "input.txt", Predictions(tmp_path / "a.csv", "predict_step"))
