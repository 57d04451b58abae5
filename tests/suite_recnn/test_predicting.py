"""The jets that are predicted: numbered as in their file, selected by a condition, and counted where they are empty."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_recnn import forests
from suite_recnn.jets import Jets
from suite_recnn.predicting import REPEATED, jets_to_predict
from suite_recnn.tree_cache import ClusteredFile

PATH = Path("w.parquet")


class Blocks:
    """Two blocks, of two and of three jets, one of them without constituents; it remembers what it was asked for."""

    def __init__(self, make_jets: Callable[..., Jets]) -> None:
        self.asked: list[Sequence[str] | None] = []
        self.jets = [make_jets([3, 2], seed=0), make_jets([0, 4, 1], seed=1)]

    def __call__(self, only: Sequence[str] | None) -> Iterator[ClusteredFile]:
        self.asked.append(only)
        for place, jets in enumerate(self.jets):
            columns = {name: np.arange(len(jets)) + 10.0 * place for name in REPEATED} | {
                "contained": np.arange(len(jets)) != 1
            }
            kept = {name: values for name, values in columns.items() if only is None or name in only}
            yield ClusteredFile(forests.build_trees(jets, "kt", "none"), kept)


@pytest.fixture
def blocks(make_jets: Callable[..., Jets]) -> Blocks:
    return Blocks(make_jets)


def test_all_jets_are_predicted_with_their_numbers_and_nothing_else_is_read(blocks: Blocks) -> None:
    with pytest.warns(UserWarning, match=r"w\.parquet: 1 of 5 jets have no constituents: their scores are nan"):
        data = jets_to_predict(PATH, blocks, None)
    assert data.columns is not None
    assert data.columns["jet"].tolist() == [0, 1, 2, 3, 4]
    assert data.columns["jet_pt"].tolist() == [0, 1, 10, 11, 12]
    assert blocks.asked == [REPEATED]


@pytest.mark.filterwarnings("error")
def test_a_condition_selects_jets_which_keep_their_numbers(blocks: Blocks) -> None:
    data = jets_to_predict(PATH, blocks, "contained and jet_pt > 11")
    assert data.columns is not None
    assert data.columns["jet"].tolist() == [4]
    assert data.batch([0]).leaf_counts().tolist() == [1]
    assert len(blocks.asked) == 1


def test_a_column_that_is_not_there_is_missed_with_those_that_are(blocks: Blocks) -> None:
    with pytest.raises(DataError, match=r"no column 'containd'(.|\n)*contained"):
        jets_to_predict(PATH, blocks, "containd")
