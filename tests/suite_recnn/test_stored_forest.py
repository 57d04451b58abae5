"""Trees that stay on disk are those in memory, in any order, also in another process and beside trees in memory."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_recnn import stored_forest, tree_cache
from suite_recnn.forests import Forest, build_trees, join, robust_scale
from suite_recnn.stored_forest import StoredForest
from suite_recnn.tree_cache import ClusteredFile


@pytest.fixture
def parts(make_jets) -> list[Forest]:
    return [build_trees(make_jets(counts, seed), "kt", "none") for seed, counts in enumerate([[5, 1, 9], [2, 7], [4]])]


@pytest.fixture
def stored(parts, tmp_path) -> StoredForest:
    """The first and the last part on disk, the second in memory."""
    for number in (0, 2):
        tree_cache.store(tmp_path / f"{number}", [ClusteredFile(parts[number], {})])
    return StoredForest([tmp_path / "0", parts[1], tmp_path / "2"])


def same(forest: Forest, expected: Forest) -> None:
    for name in ("features", "children", "offsets"):
        np.testing.assert_array_equal(getattr(forest, name), getattr(expected, name), err_msg=name)
        assert getattr(forest, name).dtype == getattr(expected, name).dtype


@pytest.mark.parametrize("jets", [[0, 1, 2, 3, 4, 5], [5, 0, 3, 3, 2], [4], []])
def test_any_trees_are_selected_in_any_order(stored, parts, jets) -> None:
    chosen = np.array(jets, dtype=np.int64)
    same(stored.select(chosen), join(parts).select(chosen))


def test_offsets_and_ends_are_those_of_the_trees_in_memory(stored, parts, monkeypatch) -> None:
    monkeypatch.setattr(stored_forest, "_TOGETHER", 2)
    whole, chosen = join(parts), np.array([5, 1, 2, 0, 3])
    assert len(stored) == len(whole) == 6
    np.testing.assert_array_equal(stored.offsets, whole.offsets)
    for found, expected in zip(stored.ends(chosen), whole.ends(chosen), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_scale_is_that_of_the_trees_in_memory(stored, parts) -> None:
    for found, expected in zip(
        robust_scale(stored, np.arange(6)), robust_scale(join(parts), np.arange(6)), strict=True
    ):
        assert found.tolist() == expected.tolist()


def test_a_worker_process_opens_the_files_itself(stored, parts) -> None:
    chosen = np.array([5, 4, 0])
    same(pickle.loads(pickle.dumps(stored)).select(chosen), join(parts).select(chosen))


def test_a_jet_without_constituents_has_no_node(make_jets, tmp_path) -> None:
    forest = build_trees(make_jets([3, 0, 2]), "kt", "none")
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    assert StoredForest([tmp_path / "trees"]).select(np.array([1, 2, 1])).offsets.tolist() == [0, 0, 3, 3]


def test_a_file_that_is_cut_short_while_it_is_used_is_an_error(stored, tmp_path: Path) -> None:
    with (tmp_path / "0" / "features.npy").open("r+b") as file:
        file.truncate(600)
    with pytest.raises(DataError, match=r"features\.npy.*cut short while it was used"):
        stored.select(np.array([2]))
