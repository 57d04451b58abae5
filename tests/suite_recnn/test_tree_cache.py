"""Trees stored beside their data: loaded again, replaced when damaged, never mistaken for those of other data."""

import numpy as np
import pytest

from suite_recnn import tree_cache
from suite_recnn.forests import Forest, build_trees
from suite_recnn.tree_cache import ClusteredFile


@pytest.fixture
def forest(make_jets) -> Forest:
    return build_trees(make_jets([5, 1, 9, 2]), "cambridge-aachen", "none")


def test_stored_trees_are_loaded_again(forest, tmp_path) -> None:
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {"sample": np.array(["w", "w", "qcd", "w"])}))
    loaded = tree_cache.load(tmp_path / "trees")
    assert loaded is not None
    np.testing.assert_array_equal(loaded.forest.features, forest.features)
    np.testing.assert_array_equal(loaded.forest.children, forest.children)
    assert loaded.columns["sample"].tolist() == ["w", "w", "qcd", "w"]


def test_nothing_is_loaded_where_nothing_was_stored(tmp_path) -> None:
    assert tree_cache.load(tmp_path / "trees") is None


def test_truncated_trees_are_clustered_again_and_replaced(forest, tmp_path) -> None:
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {}))
    (tmp_path / "trees" / "features.npy").write_bytes(b"cut")
    assert tree_cache.load(tmp_path / "trees") is None
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {}))
    assert tree_cache.load(tmp_path / "trees") is not None


def test_one_wrong_bit_anywhere_in_stored_trees_is_found(forest, tmp_path) -> None:
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {"label": np.arange(4)}))
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
        tree_cache.save(tmp_path / "a file" / "trees", ClusteredFile(forest, {}))


def test_stored_trees_can_be_read_by_others(forest, tmp_path) -> None:
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {}))
    plain = tmp_path / "plain"
    plain.mkdir()
    assert (tmp_path / "trees").stat().st_mode == plain.stat().st_mode


def test_the_process_that_comes_first_wins_and_leaves_nothing_half_done(forest, make_jets, tmp_path) -> None:
    other = build_trees(make_jets([3]), "kt", "none")
    tree_cache.save(tmp_path / "trees", ClusteredFile(forest, {}))
    tree_cache.save(tmp_path / "trees", ClusteredFile(other, {}))
    loaded = tree_cache.load(tmp_path / "trees")
    assert loaded is not None and len(loaded.forest) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["trees"]


def test_other_bytes_or_other_settings_have_another_folder(tmp_path) -> None:
    file = tmp_path / "w.parquet"
    file.write_bytes(b"one")
    first = tree_cache.cache_path(file, {"algorithm": "kt"})
    assert tree_cache.cache_path(file, {"algorithm": "kt"}) == first
    assert tree_cache.cache_path(file, {"algorithm": "anti-kt"}) != first
    file.write_bytes(b"two")
    assert tree_cache.cache_path(file, {"algorithm": "kt"}) != first


def test_trees_lie_beside_the_data(tmp_path) -> None:
    (tmp_path / "w.parquet").write_bytes(b"one")
    assert tree_cache.cache_path(tmp_path / "w.parquet", {}).parent == tmp_path / ".trees"


def test_beside_data_that_cannot_be_written_trees_go_into_the_cache(tmp_path, monkeypatch) -> None:
    (tmp_path / "w.parquet").write_bytes(b"one")
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tree_cache.os, "access", lambda path, mode: False)
    assert tree_cache.cache_path(tmp_path / "w.parquet", {}).parent == tmp_path / "cache" / "trees"
