import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch
from pytorch_lightning import Trainer

from lightning_suite.errors import DataError, RunError, UsageError
from lightning_suite.testing.trainers import quiet_trainer
from suite_spectral import freed_memory
from suite_spectral.batches import Batch, Rows
from suite_spectral.data import ClusterData
from suite_spectral.module import SpectralClusterer

Fitted = tuple[SpectralClusterer, ClusterData, Trainer]


def fitted(folder: Path, data: ClusterData, *, trains: dict[str, Any] | None = None, **model: Any) -> Fitted:
    torch.manual_seed(0)
    module = SpectralClusterer(**{"n_clusters": 2, **model})
    lightning = quiet_trainer(folder, **(trains or {}))
    lightning.fit(module, datamodule=data)
    return module, data, lightning


def moons(**options: Any) -> ClusterData:
    return ClusterData(**{"name": "moons", "samples": 200, "batch_size": 64, **options})


@pytest.fixture(scope="module")
def of_moons(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return fitted(tmp_path_factory.mktemp("moons"), moons())


def test_the_moons_are_found(of_moons: Fitted) -> None:
    _, _, lightning = of_moons
    assert lightning.callback_metrics["val_ari"].item() == 1.0


def test_a_fit_gives_freed_memory_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(freed_memory, "goes_back", lambda: asked.append(True))
    fitted(tmp_path, moons(samples=30))
    assert asked == [True]


def test_a_fit_logs_what_the_answer_is_worth(of_moons: Fitted) -> None:
    logged = of_moons[2].callback_metrics
    names = {"train_ncut", "train_lower_bound", "train_eigengap", "train_components", "n_clusters"}
    assert names | {"val_ncut", "val_ari", "val_nmi", "val_accuracy"} <= set(logged)
    assert logged["train_lower_bound"] <= logged["train_ncut"] + 1e-9


def test_the_cut_of_the_fitted_points_is_the_same_when_they_are_looked_at_again(of_moons: Fitted) -> None:
    logged = of_moons[2].callback_metrics
    assert logged["val_ncut"].item() == pytest.approx(logged["train_ncut"].item())


def test_fitted_points_are_predicted_as_they_were_labelled(of_moons: Fitted) -> None:
    module, data, _ = of_moons
    predicted = torch.cat([module.predict_step(batch, 0)["cluster"] for batch in data.train_dataloader()])
    assert torch.equal(predicted, module.network.fitted_labels)


def test_the_size_of_the_batches_changes_nothing(of_moons: Fitted, tmp_path: Path) -> None:
    other, _, _ = fitted(tmp_path, moons(batch_size=7))
    assert torch.equal(of_moons[0].network.get_buffer("table"), other.network.get_buffer("table"))


def test_a_second_epoch_gives_the_same(of_moons: Fitted, tmp_path: Path) -> None:
    other, _, _ = fitted(tmp_path, moons(), trains={"max_epochs": 2})
    assert torch.equal(of_moons[0].network.get_buffer("table"), other.network.get_buffer("table"))


def test_without_validation_it_is_fitted_all_the_same(tmp_path: Path) -> None:
    module, _, _ = fitted(tmp_path, moons(), trains={"limit_val_batches": 0})
    assert module.network.is_fitted


def test_held_out_points_are_labelled_and_measured(tmp_path: Path) -> None:
    module, data, lightning = fitted(tmp_path, moons(test_fraction=0.25))
    (values,) = lightning.test(module, datamodule=data, verbose=False)
    assert len(module.network.fitted_labels) == 150
    assert values["test_accuracy"] == 1.0
    assert 0 < values["test_ncut"] < 0.5


def test_without_labels_only_the_cut_is_measured(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    points[20:] += 9
    np.save(tmp_path / "points.npy", points)
    _, _, lightning = fitted(tmp_path, ClusterData(path=str(tmp_path / "points.npy")))
    assert "val_ncut" in lightning.callback_metrics
    assert "val_ari" not in lightning.callback_metrics


def test_a_checkpoint_alone_labels_points(of_moons: Fitted, tmp_path: Path) -> None:
    module, data, lightning = of_moons
    lightning.save_checkpoint(tmp_path / "last.ckpt")
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    other = SpectralClusterer(n_clusters=2)
    other.on_load_checkpoint(state)
    other.load_state_dict(state["state_dict"])
    batch = next(iter(data.train_dataloader()))
    assert torch.equal(other.predict_step(batch, 0)["cluster"], module.predict_step(batch, 0)["cluster"])


def test_points_are_scaled_as_the_fitted_ones_were(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 2)) * [1, 1000]
    points[30:, 0] += 9
    np.save(tmp_path / "points.npy", points)
    module, data, _ = fitted(tmp_path, ClusterData(path=str(tmp_path / "points.npy"), standardize="scale"))
    batch = next(iter(data.train_dataloader()))
    assert torch.equal(module.predict_step(batch, 0)["cluster"], module.network.fitted_labels)
    assert len(set(module.network.fitted_labels[:30].tolist())) == 1


def test_texts_are_clustered_by_their_words(tmp_path: Path) -> None:
    fruit, metal = (
        ["apple pear plum", "pear plum cherry", "apple cherry"],
        ["iron zinc tin", "tin lead iron", "lead zinc"],
    )
    (tmp_path / "texts.txt").write_text("\n".join(fruit * 4 + metal * 4) + "\n", encoding="utf-8")
    data = ClusterData(path=str(tmp_path / "texts.txt"), read_as="texts")
    module, _, _ = fitted(tmp_path, data)
    assert module.network.fitted_labels.tolist() == [0] * 12 + [1] * 12
    new = Batch(torch.arange(2), ["plum and apple", "zinc or lead"], None)
    assert module.predict_step(new, 0)["cluster"].tolist() == [0, 1]


def cliques(folder: Path) -> Path:
    blocks: Any = scipy.sparse.block_diag([np.ones((6, 6)), np.ones((5, 5))], format="lil")
    blocks[5, 6] = blocks[6, 5] = 0.1
    scipy.io.mmwrite(folder / "graph.mtx", blocks.tocoo())
    return folder / "graph.mtx"


def test_a_graph_is_clustered_as_it_is_given(tmp_path: Path) -> None:
    module, _, lightning = fitted(tmp_path, ClusterData(path=str(cliques(tmp_path)), batch_size=4))
    assert module.network.fitted_labels.tolist() == [0] * 6 + [1] * 5
    logged = lightning.callback_metrics
    assert logged["val_ncut"].item() == pytest.approx(logged["train_ncut"].item())


def test_a_graph_cannot_be_clustered_in_part(tmp_path: Path) -> None:
    data = ClusterData(path=str(cliques(tmp_path)), batch_size=4)
    with pytest.raises(UsageError, match="as a whole"):
        fitted(tmp_path, data, trains={"limit_train_batches": 2})


def test_a_node_with_other_edges_is_labelled_by_them(tmp_path: Path) -> None:
    module, _, _ = fitted(tmp_path, ClusterData(path=str(cliques(tmp_path))))
    rows = Rows(torch.tensor([8, 9]), torch.ones(2, dtype=torch.float64), torch.tensor([0, 2]))
    assert module.predict_step(Batch(torch.tensor([0]), rows, None), 0)["cluster"].tolist() == [1]


@pytest.mark.parametrize("content", [torch.zeros(1, 2), ["plum and apple"]], ids=["points", "texts"])
def test_a_run_over_a_graph_labels_only_its_own_nodes(content: Any, tmp_path: Path) -> None:
    module, _, _ = fitted(tmp_path, ClusterData(path=str(cliques(tmp_path))))
    with pytest.raises(DataError, match="over a given graph labels only the graph's own nodes"):
        module.predict_step(Batch(torch.arange(1), content, None), 0)


def test_the_better_of_both_routes_is_measured_as_it_was_fitted(tmp_path: Path) -> None:
    model = {"n_clusters": 5, "affinity": "rbf", "sigma": 1.0, "route": "best_of", "landmarks": 60}
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(200, 2)))
    _, _, lightning = fitted(tmp_path, ClusterData(path=str(tmp_path / "points.npy")), **model)
    logged = lightning.callback_metrics
    assert logged["val_ncut"].item() == pytest.approx(logged["train_ncut"].item())


def test_a_test_draws_the_sizes_and_the_points_with_their_numbers(of_moons: Fitted, tmp_path: Path) -> None:
    module, data, _ = of_moons
    (tmp_path / "figures").mkdir()
    quiet_trainer(tmp_path).test(module, datamodule=data, verbose=False)
    files = {path.name for path in (tmp_path / "figures").iterdir()}
    assert files == {"sizes.png", "sizes.csv", "points.png", "points.csv"}
    with (tmp_path / "figures" / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["cluster"]) for row in rows] == module.network.fitted_labels.tolist()


@pytest.mark.parametrize(
    "names", [["ann", "bob", "cid", "dee", "eve", "fay"], list("012345")], ids=["named", "numbered"]
)
def test_a_test_writes_the_cluster_of_each_node_of_a_graph(names: list[str], tmp_path: Path) -> None:
    cliques = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)]
    (tmp_path / "friends.edges").write_text("".join(f"{names[i]} {names[j]}\n" for i, j in cliques))
    data = ClusterData(path=str(tmp_path / "friends.edges"))
    module, _, _ = fitted(tmp_path, data, n_clusters=2)
    (tmp_path / "figures").mkdir()
    quiet_trainer(tmp_path).test(module, datamodule=data, verbose=False)
    with (tmp_path / "nodes.csv").open(newline="") as file:
        found = {row["node"]: row["cluster"] for row in csv.DictReader(file)}
    assert list(found) == names
    first, second = [found[name] for name in names[:3]], [found[name] for name in names[3:]]
    assert (len({*first}), len({*second}), len({*first, *second})) == (1, 1, 2)


def test_points_of_another_dimension_are_refused(of_moons: Fitted) -> None:
    with pytest.raises(DataError, match=r"points of 2 numbers.*got 3"):
        of_moons[0].predict_step(Batch(torch.arange(1), torch.zeros(1, 3), None), 0)


def test_points_that_are_no_numbers_are_refused(of_moons: Fitted) -> None:
    with pytest.raises(DataError, match="point 7 is not all of finite numbers"):
        of_moons[0].predict_step(Batch(torch.tensor([7]), torch.tensor([[0.0, torch.nan]]), None), 0)


def test_what_was_not_fitted_predicts_nothing() -> None:
    with pytest.raises(RunError, match="nothing was fitted"):
        SpectralClusterer().predict_step(Batch(torch.arange(1), torch.zeros(1, 2), None), 0)


def test_an_epoch_cannot_go_on_in_its_middle() -> None:
    with pytest.raises(RunError, match="first 3 batches"):
        SpectralClusterer().training_step(Batch(torch.arange(1), torch.zeros(1, 2), None), 3)


def test_more_clusters_than_points_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="300 clusters were asked for, and there are 200 points"):
        fitted(tmp_path, moons(), n_clusters=300)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("n_clusters", 1, "2 or more, or null, got 1"),
        ("n_neighbors", 1, "2 or more, or null, got 1"),
        ("sigma", 0.0, "above 0, stable, or null, got 0.0"),
        ("regularisation", -1.0, "0 or more, or null, got -1.0"),
        ("memory_gib", float("inf"), "above 0, got inf"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(setting: str, value: float, said: str) -> None:
    options: dict[str, Any] = {setting: value}
    with pytest.raises(UsageError, match=f"--model.{setting}: expected.*{said}"):
        SpectralClusterer(**options)


def test_a_sigma_by_the_rule_is_chosen_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, data, lightning = fitted(tmp_path, moons(), affinity="rbf", sigma="stable")
    logged = lightning.callback_metrics
    assert logged["val_ari"].item() == 1.0
    monkeypatch.setattr("suite_spectral.solving.routes.choose", None)
    (again,) = lightning.validate(module, datamodule=data, verbose=False)
    assert again["val_ncut"] == pytest.approx(logged["train_ncut"].item(), rel=1e-5)


@pytest.mark.parametrize("affinity", ["auto", "self-tuning"])
def test_a_sigma_by_the_rule_is_refused_before_anything_is_written(affinity: Any) -> None:
    with pytest.raises(UsageError, match=f"affinity rbf, not for '{affinity}'"):
        SpectralClusterer(sigma="stable", affinity=affinity)


def test_a_threshold_makes_two_clusters_only() -> None:
    with pytest.raises(UsageError, match=r"needs --model.n_clusters 2, got 3"):
        SpectralClusterer(n_clusters=3, assign="sign")


def test_the_points_of_a_file_are_predicted_in_its_order(of_moons: Fitted, tmp_path: Path) -> None:
    module, data, lightning = of_moons
    points = torch.cat([batch.content for batch in data.train_dataloader()]).flip(0)
    np.save(tmp_path / "points.npy", points.numpy())
    outputs: Any = lightning.predict(
        module, datamodule=ClusterData(predict_path=str(tmp_path / "points.npy"), batch_size=9)
    )
    assert torch.equal(torch.cat([each["cluster"] for each in outputs]).flip(0), module.network.fitted_labels)


def test_a_file_of_another_kind_is_not_predicted(of_moons: Fitted, tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text("one text\nanother\n")
    module, _, lightning = of_moons
    with pytest.raises(DataError, match="expected points, like what was clustered, got texts"):
        lightning.predict(module, datamodule=moons(predict_path=str(tmp_path / "news.txt")))


def test_what_is_logged_is_the_same_on_all_processes(
    of_moons: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, Any] = {}
    monkeypatch.setattr(SpectralClusterer, "log", lambda self, name, value, **how: logged.update({name: how}))
    fitted(tmp_path, moons())
    assert logged
    assert all(how.get("sync_dist") for how in logged.values())


def test_a_checkpoint_of_another_version_is_refused(of_moons: Fitted) -> None:
    module = of_moons[0]
    checkpoint: dict[str, Any] = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    del checkpoint["state_dict"]["network.centroids"]
    with pytest.raises(RunError, match=r"another version .* it lacks centroids\. Cluster anew"):
        SpectralClusterer().on_load_checkpoint(checkpoint)


def test_by_landmarks_every_process_measures_its_share(tmp_path: Path) -> None:
    module, data, lightning = fitted(tmp_path, moons(samples=400, test_fraction=0.2), route="landmarks", landmarks=80)
    logged = lightning.callback_metrics
    assert logged["val_ncut"].item() == pytest.approx(logged["train_ncut"].item(), abs=0)
    assert logged["val_ari"].item() == 1.0
    (values,) = lightning.test(module, datamodule=data, verbose=False)
    assert values["test_accuracy"] == 1.0
    assert values["test_ncut"] != logged["train_ncut"].item()  # of other points


def test_a_checkpoint_says_the_cut_of_its_clusters_and_one_of_an_earlier_release_does_not(tmp_path: Path) -> None:
    module, _, lightning = fitted(tmp_path, moons(), route="landmarks", landmarks=40)
    lightning.save_checkpoint(tmp_path / "last.ckpt")
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    cut = checkpoint["clusters"].pop("ncut")
    assert cut == pytest.approx(lightning.callback_metrics["train_ncut"].item())
    module.on_load_checkpoint(checkpoint)
    assert module._fitted_cut is None


@pytest.mark.parametrize("route", ["exact", "landmarks"])
def test_what_was_clustered_is_not_labelled_again(route: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, lightning = fitted(tmp_path, moons(noise=0.2), route=route, landmarks=40)
    logged = dict(lightning.callback_metrics)
    lightning.save_checkpoint(tmp_path / "last.ckpt")
    module = SpectralClusterer.load_from_checkpoint(tmp_path / "last.ckpt")
    asked: list[int] = []
    predicted = module._predicted
    monkeypatch.setattr(module, "_predicted", lambda batch: asked.append(len(batch.index)) or predicted(batch))
    (values,) = quiet_trainer(tmp_path).test(module, datamodule=moons(noise=0.2), verbose=False)
    assert asked == []
    assert values["test_ncut"] == logged["train_ncut"].item()
    assert values["test_ari"] == logged["val_ari"].item()
    (others,) = quiet_trainer(tmp_path).test(module, datamodule=moons(noise=0.2, split_seed=1), verbose=False)
    assert sum(asked) == 200
    assert others["test_ncut"] != values["test_ncut"]
    asked.clear()
    quiet_trainer(tmp_path, limit_test_batches=1).test(module, datamodule=moons(noise=0.2), verbose=False)
    assert asked == [64]


@pytest.mark.parametrize("route", ["exact", "landmarks"])
def test_what_a_limited_training_left_out_is_labelled(route: str, tmp_path: Path) -> None:
    module, _, lightning = fitted(tmp_path, moons(), route=route, landmarks=40, trains={"limit_train_batches": 2})
    assert len(module.network.fitted_labels) == 128
    assert lightning.callback_metrics["val_ari"].item() > 0.9
