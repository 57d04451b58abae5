"""The files predictions go to."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from lightning_suite.errors import UsageError
from lightning_suite.predictions import Predictions

BATCHES = [
    {"text": ["a,b", 'say "c"'], "p": torch.tensor([0.25, 0.5])},
    {"text": ["\u017e\nz"], "p": torch.tensor([0.75])},
]


def written(path: Path, batches: list[Any], step: str = "predict_step") -> Predictions:
    output = Predictions(path, step)
    output.on_predict_start(None, None)  # type: ignore[arg-type]
    for batch in batches:
        output.on_predict_batch_end(None, None, batch, None, 0)  # type: ignore[arg-type]
    output.on_predict_end(None, None)  # type: ignore[arg-type]
    return output


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_text_tables_hold_every_character(suffix: str, delimiter: str, tmp_path: Path) -> None:
    output = written(tmp_path / f"out{suffix}", BATCHES)
    with output.path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    assert [row["text"] for row in rows] == ["a,b", 'say "c"', "\u017e\nz"]
    assert [row["p"] for row in rows] == ["0.25", "0.5", "0.75"]
    assert output.rows == 3


def test_jsonl_holds_values_of_their_own_type(tmp_path: Path) -> None:
    lines = written(tmp_path / "out.jsonl", BATCHES).path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[2]) == {"text": "\u017e\nz", "p": 0.75}


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, of the plugins' extras, is not installed")
    assert parquet.read_table(written(tmp_path / "out.parquet", BATCHES).path).to_pydict()["p"] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_in_another_order_stay_under_their_names(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"out{suffix}", [{"a": [1], "b": [2]}, {"b": [4], "a": [3]}]).path
    if suffix == ".csv":
        assert path.read_text().split() == ["a,b", "1,2", "3,4"]
    else:
        parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
        assert parquet.read_table(path).to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_other_columns_than_before_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\['a'\] for every batch, got \['b'\]"):
        written(tmp_path / "out.csv", [{"a": [1]}, {"b": [2]}])


def test_columns_of_different_lengths_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"columns of one length, got {'a': 1, 'b': 2}"):
        written(tmp_path / "out.csv", [{"a": [1], "b": [1, 2]}])


def test_embeddings_are_stacked(tmp_path: Path) -> None:
    output = written(tmp_path / "out.npy", [torch.ones(2, 3), torch.zeros(1, 3)], "embed_step")
    assert numpy.load(output.path, allow_pickle=False).tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_no_inputs_give_a_file_with_nothing_in_it(tmp_path: Path) -> None:
    assert written(tmp_path / "out.csv", []).path.read_text() == ""


def test_a_tensor_of_predictions_gets_numbered_columns(tmp_path: Path) -> None:
    text = written(tmp_path / "out.csv", [torch.tensor([[1.0, 2.0]])]).path.read_text()
    assert text.split() == ["value_0,value_1", "1.0,2.0"]


def test_a_plugin_adds_a_format(tmp_path: Path) -> None:
    def write(path: Path, columns: dict[str, list[Any]]) -> None:
        path.write_text(repr(columns))

    output = Predictions(tmp_path / "out.repr", "predict_step", {".repr": write})
    output.on_predict_start(None, None)  # type: ignore[arg-type]
    for batch in ({"a": [1, 2], "p": torch.tensor([0.5, 1])}, {"a": [3], "p": torch.tensor([0.25])}):
        output.on_predict_batch_end(None, None, batch, None, 0)  # type: ignore[arg-type]
    assert not output.path.exists()
    output.on_predict_end(None, None)  # type: ignore[arg-type]
    assert output.path.read_text() == "{'a': [1, 2, 3], 'p': [0.5, 1.0, 0.25]}"
    with pytest.raises(UsageError, match=r"ends in \.csv, \.tsv, \.jsonl, \.parquet, \.repr, got '\.txt'"):
        Predictions(tmp_path / "out.txt", "predict_step", {".repr": write})


def test_an_unknown_suffix_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.csv, \.tsv, \.jsonl, \.parquet, got '\.txt'"):
        Predictions(tmp_path / "out.txt", "predict_step")


def test_the_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    output = Predictions(tmp_path / "out.csv", "predict_step")
    output.on_predict_start(None, None)  # type: ignore[arg-type]
    output.on_predict_batch_end(None, None, BATCHES[0], None, 0)  # type: ignore[arg-type]
    assert not output.path.exists()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_half_a_surrogate_pair_is_written_as_its_escape(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"out{suffix}", [{"text": ["half \ud800 pair"]}]).path
    if suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
        text = parquet.read_table(path)["text"][0].as_py()
    else:
        text = path.read_text(encoding="utf-8")
    assert "half \\ud800 pair" in text
    if suffix == ".jsonl":
        assert json.loads(text)["text"] == "half \ud800 pair"


def test_an_error_leaves_no_half_a_file(tmp_path: Path) -> None:
    output = Predictions(tmp_path / "out.csv", "predict_step")
    output.on_predict_start(None, None)  # type: ignore[arg-type]
    output.on_predict_batch_end(None, None, BATCHES[0], None, 0)  # type: ignore[arg-type]
    output.on_exception(None, None, ValueError())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_before_anything_is_predicted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Predictions(tmp_path / "file" / "out.csv", "predict_step").on_predict_start(None, None)  # type: ignore[arg-type]
