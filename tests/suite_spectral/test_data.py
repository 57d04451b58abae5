"""ClusterData: what is clustered, held out and predicted, what is said of it, and what becomes of bad options."""

import inspect
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler

from lightning_suite.errors import DataError, UsageError
from suite_spectral.batches import Batch, Rows, join
from suite_spectral.data import ClusterData

POINTS = np.arange(24.0).reshape(12, 2)
LABELS = np.array([0, 5, 7] * 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """12 points of 3 classes, of which 0 may be noise."""
    np.savez(tmp_path / "points.npz", X=POINTS, y=LABELS)
    return tmp_path / "points.npz"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A path of four nodes, and two nodes without an edge."""
    np.savez(tmp_path / "graph.npz", edges=np.array([[0, 1], [1, 2], [2, 3]]), y=np.array([1, 1, 2, 2, 3, 3]))
    return tmp_path / "graph.npz"


@pytest.fixture
def news(tmp_path: Path) -> Path:
    (tmp_path / "news.tsv").write_text("grain\tWheat rose\nmoney\tRates fell\ngrain\tCorn, wheat\nmoney\tthe\n")
    return tmp_path / "news.tsv"


def ready(path: Path | None = None, stage: str = "fit", **options: Any) -> ClusterData:
    data = ClusterData(path=None if path is None else str(path), **options)
    data.setup(stage)
    return data


def whole(loader: DataLoader[Batch]) -> Batch:
    return join(list(loader))


def said(caplog: pytest.LogCaptureFixture, path: Path | None, **options: Any) -> str:
    with caplog.at_level(logging.INFO):
        ready(path, **options)
    return caplog.text


# What is clustered


def test_digits_are_clustered_where_nothing_is_asked_for() -> None:
    data = ready()
    assert (data.kind, data.n_points, data.dim, data.classes) == ("points", 1797, 64, [str(i) for i in range(10)])


def test_all_points_come_in_their_order(file: Path) -> None:
    batch = whole(ready(file, batch_size=5).train_dataloader())
    assert isinstance(batch.content, torch.Tensor)
    assert (batch.index.tolist(), batch.content.tolist()) == ([*range(12)], POINTS.tolist())


def test_labels_are_numbered_and_their_names_kept(file: Path) -> None:
    data = ready(file)
    assert data.labels is not None
    assert (data.labels.tolist(), data.classes) == ([0, 1, 2] * 4, ["0", "5", "7"])


def test_what_is_clustered_is_validated(file: Path) -> None:
    data = ready(file, stage="validate", test_fraction=0.25)
    assert whole(data.val_dataloader()).index.tolist() == whole(data.train_dataloader()).index.tolist()


def test_batches_are_as_large_as_is_asked_for(file: Path) -> None:
    assert [len(batch.index) for batch in ready(file, batch_size=5).train_dataloader()] == [5, 5, 2]


@pytest.mark.parametrize("name", ["file", "graph", "news"])
def test_shares_of_three_processes_are_the_whole(name: str, request: pytest.FixtureRequest) -> None:
    options: dict[str, Any] = {"text_column": 1, "label_column": 0} if name == "news" else {}
    data = ready(request.getfixturevalue(name), **options)
    loader = data.train_dataloader()
    shares: list[DistributedSampler[Batch]] = [
        DistributedSampler(loader.dataset, 3, rank, shuffle=False) for rank in range(3)
    ]
    parts = [DataLoader(loader.dataset, 2, sampler=share, collate_fn=loader.collate_fn) for share in shares]
    assert repr(join([batch for part in parts for batch in part])) == repr(whole(loader))


def test_a_limit_draws_points_and_keeps_their_order(file: Path) -> None:
    index = next(iter(ready(file, limit=5).train_dataloader())).index.tolist()
    assert len(set(index)) == 5
    assert index == sorted(index)


def test_the_same_seed_draws_the_same_points(file: Path) -> None:
    first, again, other = (ready(file, limit=5, split_seed=seed).fingerprint for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_limit_above_the_number_of_points_changes_nothing(file: Path) -> None:
    assert ready(file, limit=100).fingerprint == ready(file).fingerprint


def test_held_out_points_are_tested_and_not_clustered(file: Path) -> None:
    data = ready(file, test_fraction=0.25)
    train, test = (whole(loader).index.tolist() for loader in (data.train_dataloader(), data.test_dataloader()))
    assert (len(train), len(test), sorted(train + test)) == (9, 3, [*range(12)])


def test_without_a_held_out_part_the_clustered_points_are_tested(file: Path) -> None:
    data = ready(file)
    assert whole(data.test_dataloader()).index.tolist() == [*range(12)]


@pytest.mark.parametrize("label", [0, "0"])
def test_points_that_are_noise_are_left_out(file: Path, label: int | str) -> None:
    data = ready(file, noise_label=label)
    assert (data.n_points, data.classes) == (8, ["5", "7"])
    assert 0 not in whole(data.train_dataloader()).index.tolist()


def test_scaling_is_that_of_the_clustered_points(file: Path) -> None:
    data = ready(file, standardize="scale", limit=5)
    assert data.scaling is not None
    points = whole(data.train_dataloader()).content
    assert isinstance(points, torch.Tensor)
    torch.testing.assert_close(data.scaling.apply(points).std(dim=0, correction=0), torch.ones(2, dtype=torch.float64))


def test_points_are_not_scaled_where_that_is_not_asked_for(file: Path) -> None:
    assert ready(file).scaling is None


def test_duplicates_are_points_like_others(tmp_path: Path) -> None:
    np.save(tmp_path / "same.npy", np.ones((4, 2)))
    assert ready(tmp_path / "same.npy").n_points == 4


def test_constant_columns_are_named(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,2\n")
    text = said(caplog, tmp_path / "a.csv", standardize="scale")
    assert "1 of 2 columns are constant and not scaled: y" in text


def test_columns_that_are_no_numbers_are_named(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,who\n1,Ann\n3,Bob\n")
    assert "left out, no numbers: who ('Ann')" in said(caplog, tmp_path / "a.csv")


# Graphs, texts and images


def test_a_run_over_a_graph_predicts_nothing(graph: Path) -> None:
    for path, predicts in ((graph, False), (None, True)):
        data = ClusterData(path and str(path))
        data.setup("fit")
        assert data.predicts is predicts


def test_the_rows_of_a_graph_make_it(graph: Path) -> None:
    data = ready(graph, batch_size=4)
    content = whole(data.train_dataloader()).content
    assert isinstance(content, Rows)
    assert (data.kind, data.n_points, data.dim) == ("graph", 6, None)
    assert content.columns.tolist() == [1, 0, 2, 1, 3, 2]
    assert content.offsets.tolist() == [0, 1, 3, 5, 6, 6, 6]


def test_nodes_without_an_edge_are_counted(caplog: pytest.LogCaptureFixture, graph: Path) -> None:
    assert "2 of 6 nodes have no edge" in said(caplog, graph)


def test_of_a_graph_without_some_nodes_the_edges_between_the_others_stay(graph: Path) -> None:
    data = ready(graph, noise_label=1)
    batch = whole(data.train_dataloader())
    assert isinstance(batch.content, Rows)
    assert (batch.index.tolist(), batch.content.columns.tolist()) == ([2, 3, 4, 5], [1, 0])


def test_nodes_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.edges").write_text("Ann Bob\nBob Cid\n")
    assert ready(tmp_path / "a.edges").names == ["Ann", "Bob", "Cid"]


def test_texts_travel_as_they_stand(news: Path) -> None:
    batch = whole(ready(news, text_column=1, label_column=0).train_dataloader())
    assert batch.content == ["Wheat rose", "Rates fell", "Corn, wheat", "the"]


def test_the_words_are_those_of_the_clustered_texts(news: Path) -> None:
    data = ready(news, text_column=[1])
    assert data.vocabulary is not None
    assert (data.vocabulary.words, data.dim) == (["corn", "fell", "rates", "rose", "wheat"], 5)


def test_texts_without_a_word_are_counted(caplog: pytest.LogCaptureFixture, news: Path) -> None:
    assert "1 of 4 texts have no word of the vocabulary; the first is number 3" in said(caplog, news, text_column=1)


def test_texts_without_any_word_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nthe\n")
    with pytest.raises(DataError, match="no text has a word"):
        ready(tmp_path / "a.txt")


def test_an_image_has_its_shape(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    data = ready(tmp_path / "a.png")
    assert (data.kind, data.n_points, data.dim, data.image_shape) == ("image", 6, 5, (2, 3, 3))


# What is predicted


def test_every_point_is_predicted_once_in_its_order(file: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", POINTS[::-1])
    data = ready(file, stage="predict", limit=3, noise_label=5, predict_path=str(tmp_path / "new.npy"), batch_size=5)
    batch = whole(data.predict_dataloader())
    assert isinstance(batch.content, torch.Tensor)
    assert (batch.index.tolist(), batch.content.tolist()) == ([*range(12)], POINTS[::-1].tolist())


def test_to_predict_the_clustered_file_is_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", POINTS[:1])
    assert ready(tmp_path / "gone.csv", stage="predict", predict_path=str(tmp_path / "new.npy")).n_points == 1


@pytest.mark.parametrize("content", ["x,y\n1,2\n", "x,y,kind\n1,2,a\n"])
def test_predicted_points_may_have_labels(tmp_path: Path, content: str) -> None:
    (tmp_path / "new.csv").write_text(content)
    data = ready(tmp_path / "a.csv", "predict", label_column="kind", predict_path=str(tmp_path / "new.csv"))
    assert (data.dim, whole(data.predict_dataloader()).labels) == (2, None)


def test_texts_of_a_table_and_of_lines_are_both_predicted(news: Path, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("Wheat again\n")
    data = ready(news, "predict", text_column=1, label_column=0, predict_path=str(tmp_path / "new.txt"))
    assert whole(data.predict_dataloader()).content == ["Wheat again"]


def test_a_graph_is_not_predicted(graph: Path) -> None:
    with pytest.raises(UsageError, match=r"graph.npz holds a graph; new nodes need edges .* in nodes.csv of that run"):
        ready(graph, "predict", predict_path=str(graph))


def test_without_a_file_nothing_is_predicted(file: Path) -> None:
    with pytest.raises(UsageError, match=r"--data.predict_path"):
        ready(file, "predict")


# Bad options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 1.0}, "--data.test_fraction: expected a number from 0 to below 1, got 1.0"),
        ({"limit": 1}, "--data.limit: expected a whole number of 2 or more, or null, got 1"),
        ({"batch_size": 0}, "--data.batch_size: expected a whole number of 1 or more, got 0"),
        ({"samples": 1}, "--data.samples: expected a whole number of 2 or more, got 1"),
        ({"noise": -0.1}, "--data.noise: expected a number of 0 or more, or null, got -0.1"),
        ({"noise": float("nan")}, "--data.noise: expected a number of 0 or more, or null, got nan"),
        ({"vocabulary_size": 0}, "--data.vocabulary_size: expected a whole number of 1 or more"),
        ({"split_seed": -1}, "--data.split_seed: expected a whole number of 0 or more"),
        ({"columns": []}, "--data.columns: expected a list of at least 1 item, each a whole number or text"),
        ({"key": "X"}, "--data.key says how a file is read, but no --data.path is given"),
        ({"name": "mnist"}, "--data.name: expected one of digits"),
        ({"noise_label": "zehn"}, "--data.noise_label: no point has the label 'zehn'; there are 0, 1, 2"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ready(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_fraction": 0.1}, "--data.test_fraction: the nodes of a graph belong together"),
        ({"standardize": "scale"}, "--data.standardize scale is for points; .*graph.npz holds graph"),
    ],
)
def test_an_option_that_a_graph_has_no_use_for_is_refused(graph: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ready(graph, **options)


def test_noise_without_labels_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", POINTS)
    with pytest.raises(UsageError, match=r"--data.noise_label: there are no labels"):
        ready(tmp_path / "a.npy", noise_label=0)


def test_one_point_is_too_few(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", POINTS[:1])
    with pytest.raises(DataError, match=r"a.npy: expected at least 2 points to cluster, got 1 of 1"):
        ready(tmp_path / "a.npy")


def test_numbers_too_large_to_be_scaled_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", POINTS * 1e200)
    with pytest.raises(DataError, match="too large to be scaled"):
        ready(tmp_path / "a.npy", standardize="scale")


def test_every_option_is_explained() -> None:
    docstring = inspect.getdoc(ClusterData) or ""
    missing = [name for name in inspect.signature(ClusterData).parameters if f"    {name}: " not in docstring]
    assert not missing


def test_one_dim_is_not_dims(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", np.arange(5.0))
    assert "5 points of 1 dim" in said(caplog, tmp_path / "line.npy")
    assert "dims" not in caplog.text
