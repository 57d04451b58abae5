"""Scores as ROOT come back with the numbers of their jets."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import uproot
from pyarrow import parquet

import suite_recnn
from lightning_suite.errors import UsageError
from lightning_suite.predictions import Predictions
from suite_recnn.data import JetData
from suite_recnn.module import JetTagger
from suite_recnn.predictions_in_root import write_root


def test_columns_are_branches_of_their_own_type(tmp_path: Path) -> None:
    write_root(tmp_path / "scores.root", {"jet": [0, 1, 2], "event": [2**40, 7, 7], "score": [0.25, float("nan"), 1.0]})
    tree = uproot.open(tmp_path / "scores.root")["scores"].arrays(library="np")
    assert tree["event"].tolist() == [2**40, 7, 7]
    assert tree["jet"].dtype.kind == "i"
    np.testing.assert_array_equal(tree["score"], [0.25, np.nan, 1.0])


def test_predictions_in_root_are_those_in_parquet(tmp_path: Path) -> None:
    source = Path(suite_recnn.__file__).parent / "recipes" / "check" / "w_check.parquet"
    outputs = [
        Predictions(tmp_path / name, "predict_step", JetData.predictions_writers) for name in ("a.root", "a.parquet")
    ]
    data = JetData(predict_path=str(source), batch_size=64)
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False, callbacks=outputs)
    trainer.predict(JetTagger(hidden_dim=4), datamodule=data, return_predictions=False)
    tree = uproot.open(tmp_path / "a.root")["scores"].arrays(library="np")
    table = parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert list(tree) == list(table)
    for name, values in tree.items():
        np.testing.assert_array_equal(values, table[name])
    assert tree["jet"].tolist() == list(range(150))
    assert tree["event"].tolist() == parquet.read_table(source)["event"].to_pylist()


def test_no_predictions_make_a_file_without_a_tree(tmp_path: Path) -> None:
    write_root(tmp_path / "scores.root", {})
    assert uproot.open(tmp_path / "scores.root").keys() == []


def test_texts_are_refused_with_another_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"column 'class' holds no numbers.*Write \.parquet"):
        write_root(tmp_path / "scores.root", {"class": ["w", "top"]})
