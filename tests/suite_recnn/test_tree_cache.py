"""Trees stored beside their data: loaded again, replaced when damaged, never mistaken for those of other data."""

import os

import numpy as np
import pytest

from lightning_suite.errors import DataError, OutputError
from suite_recnn import tree_cache
from suite_recnn.forests import Forest, build_trees
from suite_recnn.tree_cache import ClusteredFile


@pytest.fixture
def forest(make_jets) -> Forest:
    return build_trees(make_jets([5, 1, 9, 2]), "cambridge-aachen", "none")


def test_stored_trees_are_loaded_again(forest, tmp_path) -> None:
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {"sample": np.array(["w", "w", "qcd", "w"])})])
    loaded = tree_cache.load(tmp_path / "trees")
    assert loaded is not None
    np.testing.assert_array_equal(loaded.forest.features, forest.features)
    np.testing.assert_array_equal(loaded.forest.children, forest.children)
    assert loaded.columns["sample"].tolist() == ["w", "w", "qcd", "w"]


def test_nothing_is_loaded_where_nothing_was_stored(tmp_path) -> None:
    assert tree_cache.load(tmp_path / "trees") is None


def test_truncated_trees_are_clustered_again_and_replaced(forest, tmp_path) -> None:
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    (tmp_path / "trees" / "features.npy").write_bytes(b"cut")
    assert tree_cache.load(tmp_path / "trees") is None
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    assert tree_cache.load(tmp_path / "trees") is not None


def test_one_wrong_bit_anywhere_in_stored_trees_is_found(forest, tmp_path) -> None:
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {"label": np.arange(4)})])
    for path in (tmp_path / "trees").iterdir():
        content = path.read_bytes()
        where = len(content) // 2 if path.suffix == ".npz" else len(content) - 3
        path.write_bytes(content[:where] + bytes([content[where] ^ 4]) + content[where + 1 :])
        assert tree_cache.load(tmp_path / "trees") is None, path.name
        path.write_bytes(content)
    assert tree_cache.load(tmp_path / "trees") is not None


def test_trees_that_cannot_be_stored_are_no_reason_to_stop(forest, tmp_path) -> None:
    (tmp_path / "a file").write_text("where the folder would be")
    with pytest.warns(RuntimeWarning, match="cannot be stored"):
        tree_cache.store(tmp_path / "a file" / "trees", [ClusteredFile(forest, {})])


def test_stored_trees_can_be_read_by_others(forest, tmp_path) -> None:
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    plain = tmp_path / "plain"
    plain.mkdir()
    assert (tmp_path / "trees").stat().st_mode == plain.stat().st_mode


def test_the_process_that_comes_first_wins_and_leaves_nothing_half_done(forest, make_jets, tmp_path) -> None:
    other = build_trees(make_jets([3]), "kt", "none")
    tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    tree_cache.store(tmp_path / "trees", [ClusteredFile(other, {})])
    loaded = tree_cache.load(tmp_path / "trees")
    assert loaded is not None and len(loaded.forest) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["trees"]


def test_the_unfinished_trees_of_a_process_with_the_same_number_are_left_alone(forest, tmp_path) -> None:
    other = tmp_path / f".trees.{os.getpid()}"  # on another machine that shares the cache
    other.mkdir()
    assert tree_cache.store(tmp_path / "trees", [ClusteredFile(forest, {})])
    assert tree_cache.load(tmp_path / "trees") is not None
    assert other.is_dir()


def test_other_bytes_or_other_settings_have_another_folder(tmp_path) -> None:
    file = tmp_path / "w.parquet"
    file.write_bytes(b"one")
    first = tree_cache.cache_path(file, {"algorithm": "kt"})
    assert tree_cache.cache_path(file, {"algorithm": "kt"}) == first
    assert tree_cache.cache_path(file, {"algorithm": "anti-kt"}) != first
    file.write_bytes(b"two")
    assert tree_cache.cache_path(file, {"algorithm": "kt"}) != first


def test_trees_go_into_the_users_cache_or_a_folder_of_their_choice_or_nowhere(tmp_path, monkeypatch) -> None:
    file = tmp_path / "w.parquet"
    file.write_bytes(b"one")
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "users"))
    paths = [tree_cache.cache_path(file, {}, cache) for cache in ("auto", str(tmp_path / "own"), None)]
    assert paths[0] is not None and paths[0].parent == tmp_path / "users" / "trees"
    assert paths[1] == tmp_path / "own" / paths[0].name
    assert paths[2] is None


def test_blocks_are_stored_as_the_file_of_all_their_jets(forest, make_jets, tmp_path) -> None:
    jets = make_jets([5, 1, 9, 2])
    parts = [jets.take(np.array(places)) for places in ([0, 1], [2], [3])]
    blocks = [
        ClusteredFile(
            build_trees(part, "cambridge-aachen", "none"),
            {"event": part.columns["event"], "sample": np.array([f"{part.columns['event'][0] * 11}"] * len(part))},
        )
        for part in parts
    ]
    tree_cache.store(tmp_path / "blocks", blocks)
    tree_cache.store(tmp_path / "whole", [ClusteredFile(forest, {"event": np.arange(4)})])
    for name in ("features", "children", "offsets"):
        assert (tmp_path / "blocks" / f"{name}.npy").read_bytes() == (tmp_path / "whole" / f"{name}.npy").read_bytes()
    np.save(tmp_path / "features.npy", forest.features)
    assert (tmp_path / "features.npy").read_bytes() == (tmp_path / "blocks" / "features.npy").read_bytes()
    loaded = tree_cache.load(tmp_path / "blocks")
    assert loaded is not None
    assert {name: values.tolist() for name, values in loaded.columns.items()} == {
        "event": [0, 1, 2, 3],
        "sample": ["0", "0", "22", "33"],
    }


def test_a_file_is_clustered_once_where_it_is_stored_and_twice_where_that_failed(forest, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tree_cache, "STORED_FROM", 5)
    begun: list[int] = []

    def blocks():
        begun.append(1)
        yield from [ClusteredFile(forest, {}), ClusteredFile(forest, {})]

    assert len(tree_cache.clustered(tmp_path / "trees", blocks).forest) == 8
    assert len(tree_cache.clustered(tmp_path / "trees", blocks).forest) == 8
    assert len(begun) == 1
    (tmp_path / "a file").write_text("where the folder would be")
    with pytest.warns(RuntimeWarning, match="cannot be stored"):
        assert len(tree_cache.clustered(tmp_path / "a file" / "trees", blocks).forest) == 8
    assert len(begun) == 3


def test_what_fails_while_a_file_is_read_leaves_nothing_in_the_cache(forest, tmp_path) -> None:
    def blocks():
        yield ClusteredFile(forest, {})
        raise DataError("jet 5 is no jet", tmp_path)

    with pytest.raises(DataError, match="jet 5 is no jet"):
        tree_cache.store(tmp_path / "trees", blocks())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("gib", [0.0, 1e-6, 1.0])  # on disk; on disk after the first block; in memory
def test_jets_that_pass_leave_no_file_behind(forest, tmp_path, monkeypatch, gib) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "users"))
    blocks = iter([ClusteredFile(forest, {"event": np.arange(4) + 4 * number}) for number in range(3)])
    trees, columns = tree_cache.passing(blocks, gib)
    assert isinstance(trees, Forest) == (gib == 1.0)
    assert columns["event"].tolist() == list(range(12))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    chosen = trees.select(np.array([9, 0, 7]))
    np.testing.assert_array_equal(chosen.features, forest.select(np.array([1, 0, 3])).features)


def test_jets_that_can_neither_stay_nor_pass_are_an_error(forest, tmp_path, monkeypatch) -> None:
    (tmp_path / "a file").write_text("where the cache would be")
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "a file" / "cache"))
    with pytest.raises(OutputError, match=r"trees cannot be written: .*--data\.memory 100"):
        tree_cache.passing(iter([ClusteredFile(forest, {})]), 0.0)
