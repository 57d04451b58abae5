import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback, LightningDataModule, Trainer, seed_everything
from torch.utils.data import DataLoader

import suite_recnn
from lightning_suite.errors import RunError, UsageError
from lightning_suite.testing.trainers import quiet_trainer
from suite_recnn import forests, symmetries, tagging
from suite_recnn.data import JetData
from suite_recnn.module import JetTagger

CHECK = Path(suite_recnn.__file__).parent / "recipes" / "check"
SMALL: dict[str, Any] = {"hidden_dim": 12, "learning_rate": 3e-3}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_SUITE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def data() -> JetData:
    return JetData(str(CHECK), batch_size=32, predict_path=str(CHECK / "w_check.parquet"))


def trained(folder: Path, epochs: int = 1, **settings: Any) -> tuple[JetTagger, Trainer, JetData]:
    seed_everything(0, verbose=False)
    module, source = JetTagger(**SMALL | settings), data()
    run = quiet_trainer(folder, max_epochs=epochs)
    run.fit(module, datamodule=source)
    return module, run, source


def test_a_tagger_learns_what_tells_two_kinds_of_jets_apart(make_jets, tmp_path) -> None:
    def kinds(jets: int, seed: int) -> forests.ForestData:
        few, many = make_jets([12] * jets, seed), make_jets([30] * jets, seed + 1)
        forest = forests.join([forests.build_trees(part, "kt", "center") for part in (few, many)])
        return forests.ForestData(forest, np.arange(2 * jets), np.repeat([0.0, 1.0], jets).astype(np.float32))

    torch.manual_seed(0)
    train, test = kinds(100, 0), kinds(50, 7)
    module = JetTagger(**SMALL)
    module.network.scaler.set(*forests.robust_scale(train.forest, train.chosen))
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    batch, other = train.batch(range(200)), test.batch(range(100))
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(module(batch), batch.labels).backward()
        optimizer.step()
    with torch.no_grad():
        assert tagging.auc(module(other).numpy(), other.labels.numpy()).value > 0.9


def test_the_auc_of_validation_is_that_of_all_its_jets(tmp_path) -> None:
    """Batches of a few jets, whose logits may all lie between 0 and 1, count as any other."""
    module, run, source = trained(tmp_path)
    source.batch_size = 2
    with torch.no_grad():
        module.network.output.bias.fill_(0.5)
    (metrics,) = run.validate(module, datamodule=source, verbose=False)
    with torch.no_grad():
        batches = list(source.val_dataloader())
        scores = torch.cat([module(batch) for batch in batches]).double().numpy()
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    assert metrics["val_auc"] == pytest.approx(tagging.auc(scores, labels).value, abs=1e-6)
    assert metrics["val_accuracy"] == pytest.approx(((scores > 0) == (labels > 0)).mean(), abs=1e-6)


def test_an_epoch_logs_as_often_whatever_its_number_of_steps(tmp_path, monkeypatch) -> None:
    """What a module logs in a step costs an eighth of the time of the step."""
    names: list[str] = []
    log = JetTagger.log
    monkeypatch.setattr(
        JetTagger, "log", lambda self, name, *rest, **more: (names.append(name), log(self, name, *rest, **more))
    )
    trained(tmp_path, epochs=2)
    expected = ["val_loss", "val_accuracy", "val_auc", "train_loss", "train_accuracy"]
    assert names == ["val_loss", "val_accuracy", *expected, *expected]  # first before any training


def test_aligned_jets_are_not_mirrored(tmp_path) -> None:
    source = JetData(str(CHECK), preprocess="recnn")
    with pytest.raises(UsageError, match=r"set --model\.mirror false"):
        quiet_trainer(tmp_path).fit(JetTagger(**SMALL), datamodule=source)


def test_a_training_without_an_end_has_no_schedule(tmp_path) -> None:
    with pytest.raises(UsageError, match="max_epochs or max_steps"):
        quiet_trainer(tmp_path, max_epochs=-1, max_time="00:00:00:20").fit(JetTagger(**SMALL), datamodule=data())


@pytest.mark.parametrize("network", ["gated", "fcn", "lstm", "cnn"])
def test_every_network_trains(network, tmp_path) -> None:
    _module, run, _ = trained(tmp_path, network=network)
    assert run.callback_metrics["train_loss"].isfinite()
    assert {"train_loss", "val_loss", "val_accuracy", "val_auc"} <= set(run.callback_metrics)


def test_the_scale_of_the_features_travels_in_the_checkpoint(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    torch.testing.assert_close(module.network.scaler.center, source.center)
    run.save_checkpoint(tmp_path / "a.ckpt")
    state = torch.load(tmp_path / "a.ckpt", weights_only=True)["state_dict"]
    torch.testing.assert_close(state["network.scaler.scale"], source.scale)


def test_a_test_states_auc_and_rejection_with_their_errors(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    (metrics,) = run.test(module, datamodule=source, verbose=False)
    batches = list(source.test_dataloader())
    with torch.no_grad():
        scores = torch.cat([module(batch) for batch in batches]).double().numpy()
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    assert (metrics["test_auc"], metrics["test_auc_error"]) == pytest.approx(tagging.auc(scores, labels), rel=1e-5)
    assert metrics["test_rejection_50"] == pytest.approx(tagging.rejection(scores, labels, 0.5).value, rel=1e-5)
    assert metrics["test_rejection_30_error"] > 0


def test_a_test_leaves_the_roc_curve_as_picture_and_numbers(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    (tmp_path / "figures").mkdir()
    run.test(module, datamodule=source, verbose=False)
    with (tmp_path / "figures" / "roc.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["signal_efficiency"]) == 1
    thresholds = [float(row["threshold"]) for row in rows[1:]]
    assert all(0 <= threshold <= 1 for threshold in thresholds)  # as scores are predicted
    assert (tmp_path / "figures" / "roc.png").is_file()


def test_a_test_of_one_class_alone_has_an_accuracy_and_no_auc(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    batch = next(batch for batch in source.test_dataloader())
    only = batch._replace(labels=torch.ones_like(batch.labels))
    (metrics,) = run.test(module, dataloaders=DataLoader([only], batch_size=None), verbose=False)
    assert "test_accuracy" in metrics
    assert "test_auc" not in metrics


def test_a_score_is_the_probability_of_signal_of_each_jet_in_order(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    module.eval()
    predicted = run.predict(module, datamodule=source)
    assert list(predicted[0]) == ["jet", "event", "jet_pt", "jet_eta", "jet_phi", "jet_mass", "score"]
    scores = torch.cat([batch["score"] for batch in predicted])
    assert scores.shape == (150,)
    with torch.no_grad():
        expected = torch.cat([module(batch) for batch in source.predict_dataloader()])
    torch.testing.assert_close(scores, torch.special.expit(expected))


@pytest.fixture
def three_kinds(make_jets) -> Any:
    """Batches of jets of three kinds, by their number of constituents, as data of three classes."""
    forest = forests.build_trees(make_jets([6, 14, 30] * 40), "kt", "center")
    labels = np.arange(120) % 3

    class Kinds(LightningDataModule):
        classes = ("few", "some", "many")
        center, scale = forests.robust_scale(forest, np.arange(120))
        predict_path = path = "kinds.parquet"

        def __init__(self, weights: np.ndarray | None = None) -> None:
            super().__init__()
            self.data = forests.ForestData(forest, np.arange(120), labels, weights=weights)

        def loader(self) -> DataLoader[Any]:
            return DataLoader(self.data, batch_size=30, collate_fn=self.data.batch)

        train_dataloader = val_dataloader = test_dataloader = predict_dataloader = loader

    return Kinds


def test_three_classes_are_learnt_tested_and_predicted(three_kinds, tmp_path) -> None:
    seed_everything(0, verbose=False)
    module, source = JetTagger(**SMALL | {"learning_rate": 0.02}), three_kinds()
    run = quiet_trainer(tmp_path, max_epochs=10)
    run.fit(module, datamodule=source)
    assert run.callback_metrics["val_auc"] > 0.9
    (metrics,) = run.test(module, datamodule=source, verbose=False)
    assert metrics["test_auc"] == pytest.approx(np.mean([metrics[f"test_auc_{name}"] for name in source.classes]))
    assert metrics["test_auc_few_error"] > 0
    predicted = run.predict(module, datamodule=source)
    assert list(predicted[0]) == ["score_few", "score_some", "score_many"]
    torch.testing.assert_close(sum(predicted[0].values()), torch.ones(30))
    right = torch.stack(list(predicted[0].values())).argmax(dim=0) == torch.arange(30) % 3
    assert right.float().mean() > 0.6


def test_a_checkpoint_of_three_classes_knows_them(three_kinds, tmp_path) -> None:
    module, source = JetTagger(**SMALL), three_kinds()
    run = quiet_trainer(tmp_path)
    run.fit(module, datamodule=source)
    run.save_checkpoint(tmp_path / "a.ckpt")
    again = JetTagger.load_from_checkpoint(tmp_path / "a.ckpt", map_location="cpu")
    assert again.classes == source.classes
    batch = next(iter(source.loader()))
    assert torch.equal(again.eval()(batch), module.eval()(batch))
    with pytest.raises(UsageError, match="expected those of the training, few,some,many; got qcd,w"):
        run.test(again, datamodule=data(), verbose=False)


def test_a_network_of_two_classes_is_that_of_older_releases(tmp_path) -> None:
    module, _, _ = trained(tmp_path)
    assert module.network.output.out_features == 1
    assert module.classes == ()


def test_weights_count_in_loss_accuracy_and_auc(three_kinds, tmp_path) -> None:
    weights = np.random.default_rng(0).random(120).astype(np.float32)
    module, source = JetTagger(**SMALL), three_kinds(weights)
    run = quiet_trainer(tmp_path)
    run.fit(module, datamodule=source)
    (metrics,) = run.test(module, datamodule=source, verbose=False)
    with torch.no_grad():
        logits = module(source.data.batch(range(120)))
    labels = source.data.labels
    losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels), reduction="none").numpy()
    assert metrics["test_loss"] == pytest.approx(np.average(losses, weights=weights), rel=1e-5)
    hits = logits.argmax(dim=1).numpy() == labels
    assert metrics["test_accuracy"] == pytest.approx(np.average(hits, weights=weights), rel=1e-5)
    _, mean = tagging.one_vs_rest(logits.double().softmax(dim=1).numpy(), labels, weights)
    assert metrics["test_auc"] == pytest.approx(mean.value, rel=1e-5)


@pytest.mark.parametrize("step", ["predict_step", "embed_step"])
def test_jets_in_another_unit_than_those_of_the_training_are_told(step, tmp_path) -> None:
    module, run, source = trained(tmp_path)
    source.unit = "MeV"  # of a file in GeV
    module.predict_step = getattr(module, step)
    with pytest.warns(UserWarning, match=r"w_check\.parquet: these jets are unlike .* about 1,000 would fit"):
        run.predict(module, datamodule=source, return_predictions=False)


def test_a_network_that_has_diverged_is_no_perfect_tagger(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    with torch.no_grad():
        module.network.output.bias.fill_(float("nan"))
    with pytest.raises(RunError, match=r"diverged. Lower --model\.learning_rate"):
        run.test(module, datamodule=source, verbose=False)


def test_the_embedding_of_a_jet_has_the_width_of_the_network(tmp_path) -> None:
    module, _, source = trained(tmp_path)
    batch = next(iter(source.predict_dataloader()))
    assert module.embed_step(batch, 0).shape == (32, 12)


def test_the_learning_rate_of_a_finished_run_is_nothing(tmp_path) -> None:
    _, run, _ = trained(tmp_path, epochs=2)
    assert run.optimizers[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_only_training_jets_are_mirrored(tmp_path) -> None:
    module, run, source = trained(tmp_path)
    first, second = (run.validate(module, datamodule=source, verbose=False) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_dim": 0}, "hidden_dim: expected a whole number of 1 or more"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number above 0"),
        ({"image_radius": 0.0}, "image_radius"),
        ({"weight_decay": -1.0}, "weight_decay: expected a number of 0 or more"),
        ({"network": "rnn"}, "expected one of recnn, gated, fcn, lstm, cnn"),
    ],
)
def test_a_setting_with_which_nothing_can_be_trained_is_refused(settings, message) -> None:
    with pytest.raises(UsageError, match=message):
        JetTagger(**settings)


def test_scores_are_finite_for_jets_of_one_constituent(tmp_path, make_jets) -> None:
    forest = forests.build_trees(make_jets([1, 2]), "cambridge-aachen", "center")
    batch = forests.ForestData(forest, np.arange(2), None).batch([0, 1])
    for network in ("recnn", "gated", "fcn", "lstm", "cnn"):
        assert JetTagger(**SMALL, network=network)(batch).isfinite().all()


def lund_data() -> JetData:
    return JetData(str(CHECK), features="lund", batch_size=32)


def test_a_network_reads_the_features_that_its_data_have(tmp_path) -> None:
    module = JetTagger(**SMALL)
    run = quiet_trainer(tmp_path, max_epochs=1)
    run.fit(module, datamodule=lund_data())
    assert module.network.cell.own.in_features == 13
    run.save_checkpoint(tmp_path / "lund.ckpt")
    again = JetTagger.load_from_checkpoint(tmp_path / "lund.ckpt")
    batch = next(iter(run.datamodule.test_dataloader()))
    torch.testing.assert_close(again.eval()(batch), module.eval()(batch))
    with pytest.raises(UsageError, match=r"--data\.features paper: this network was trained on lund"):
        run.test(again, datamodule=data(), verbose=False)


@pytest.mark.parametrize("network", ["fcn", "lstm", "cnn"])
def test_other_networks_read_the_same_of_richer_data(network, tmp_path) -> None:
    module = JetTagger(network=network)
    quiet_trainer(tmp_path, limit_train_batches=1, limit_val_batches=1, max_epochs=1).fit(
        module, datamodule=lund_data()
    )
    assert module.network.scaler.center.shape == (13,)


def test_the_average_of_the_weights_is_validated_and_kept(tmp_path) -> None:
    seen: list[torch.Tensor] = []

    class Steps(Callback):
        def on_train_batch_end(self, trainer: Trainer, module: JetTagger, *_: Any) -> None:
            seen.append(module.learner.output.weight.detach().clone())

    seed_everything(0, verbose=False)
    module = JetTagger(**SMALL, average=0.5)
    first = module.network.output.weight.detach().clone()
    run = quiet_trainer(tmp_path, max_epochs=2, callbacks=[Steps()])
    run.fit(module, datamodule=data())
    expected = first
    for step, weight in enumerate(seen):
        old = min(0.5, (1 + step) / (10 + step))
        expected = old * expected + (1 - old) * weight
    torch.testing.assert_close(module.network.output.weight.detach(), expected)
    assert not torch.equal(expected, seen[-1])
    assert not torch.equal(seen[0], seen[-1])
    batch = next(iter(run.datamodule.val_dataloader()))
    torch.testing.assert_close(module.eval()(batch), module.network(batch))


def test_only_centred_jets_are_turned(tmp_path) -> None:
    run, uncentred = quiet_trainer(tmp_path, max_epochs=1), JetData(str(CHECK), preprocess="none")
    with pytest.raises(UsageError, match=r"--model\.turn true needs centred jets, and --data\.preprocess is none"):
        run.fit(JetTagger(**SMALL, turn=True), datamodule=uncentred)


def test_a_jet_and_its_mirror_images_have_one_score(tmp_path) -> None:
    source = data()
    source.prepare_data()
    source.setup("fit")
    module = JetTagger(**SMALL, mirror_average=True).eval()
    module.network.scaler.set(source.center, source.scale)
    batch = next(iter(source.test_dataloader()))
    images = symmetries.mirror_images(batch)
    torch.testing.assert_close(module(images[3]), module(batch), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(module(batch), sum(module.network(image) for image in images) / 4, rtol=1e-4, atol=1e-5)
    assert (module.network(images[3]) - module.network(batch)).abs().max() > 1e-3
