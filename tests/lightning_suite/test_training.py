"""Training, on a plugin of two layers."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities.exceptions import SIGTERMException

from lightning_suite import ops
from lightning_suite.errors import DataError, Interrupted, RunError, UsageError
from lightning_suite.evaluation import evaluate
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import KEY, Run
from lightning_suite.training import fit

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
SETTINGS = Settings(
    plugin=TINY,
    trainer={"max_epochs": 2, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"},
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(find.get(TINY), SETTINGS, root=tmp_path_factory.mktemp("runs"))[0]


def trained(root: Path, **changes: object) -> Run:
    return fit(find.get(TINY), replace(SETTINGS, **changes), root=root)[0]


def test_a_run_folder_holds_what_it_promises(run: Run) -> None:
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*")}
    assert {
        "config.yaml",
        "run.json",
        "metrics.csv",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "figures",
        "figures/learning_curves.csv",
    } == files - {"checkpoints"}
    assert run.folder.parent.name == "tiny"


def test_run_json_says_how_the_run_went(run: Run) -> None:
    record = json.loads((run.folder / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["plugin"] == "tiny"
    assert record["seed"] == 0
    assert (record["epochs"], record["steps"]) == (2, 12)
    assert set(record["metrics"]) >= {"train_loss", "val_loss", "test_loss"}
    assert (
        record["versions"]["torch"] == torch.__version__.split("+")[0]
        or record["versions"]["torch"] == torch.__version__
    )
    assert record["machine"]["threads"] == torch.get_num_threads()
    assert record["ops"] == ops.implementations()


def test_config_yaml_holds_every_value(run: Run) -> None:
    config = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert config["model"] == {"hidden": 8, "learning_rate": 0.01}
    assert config["data"] == {"points": 96, "batch_size": 16, "workers": 0}
    assert config["trainer"]["max_epochs"] == 2
    assert "gradient_clip_val" in config["trainer"]


def test_the_settings_of_a_run_repeat_it_bit_for_bit(run: Run, tmp_path: Path) -> None:
    again = fit(find.get(TINY), Settings(**run.settings()), root=tmp_path)[0]
    expected, actual = run.read_checkpoint()["state_dict"], again.read_checkpoint()["state_dict"]
    assert all(torch.equal(expected[name], actual[name]) for name in expected)


def test_another_seed_gives_other_weights(run: Run, tmp_path: Path) -> None:
    other = trained(tmp_path, seed=1).read_checkpoint()["state_dict"]
    assert not torch.equal(other["network.0.weight"], run.read_checkpoint()["state_dict"]["network.0.weight"])


def test_a_second_run_leaves_the_first_alone(tmp_path: Path) -> None:
    first = trained(tmp_path)
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    second = trained(tmp_path)
    assert second.folder != first.folder
    assert before == {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}


def test_a_checkpoint_describes_itself(run: Run) -> None:
    said = run.read_checkpoint()[KEY]
    assert (said["plugin"], said["api"]) == (TINY, 1)
    assert said["settings"] == run.settings()
    assert "lightning-suite" in said["versions"]


def test_a_run_does_not_go_on_with_another_model(run: Run) -> None:
    with pytest.raises(RunError, match=r"--model\.hidden: 8 there, 9 asked for"):
        fit(find.get(TINY), replace(SETTINGS, model={"hidden": 9}), run=run)


def test_a_metric_that_is_not_logged_is_told_once_and_best_is_the_last(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="logs no 'val_accuracy'"):
        run = trained(tmp_path, monitor="val_accuracy")
    best, last = run.read_checkpoint(), torch.load(run.last, weights_only=True)
    assert all(torch.equal(best["state_dict"][name], last["state_dict"][name]) for name in best["state_dict"])


def test_best_is_the_epoch_with_the_best_value_of_the_monitored_metric(tmp_path: Path) -> None:
    run = trained(tmp_path, monitor="val_loss", mode="max", trainer=SETTINGS.trainer | {"max_epochs": 4})
    values = [
        float(row.split(",")[-1])
        for row in (run.folder / "metrics.csv").read_text().splitlines()[1:]
        if row.split(",")[-1]
    ]
    assert run.record["best"]["value"] == pytest.approx(max(values))
    assert evaluate(run, "validate")["val_loss"] == pytest.approx(max(values))


@pytest.mark.parametrize("logger", [False, {"class_path": "TensorBoardLogger"}, {"class_path": "CSVLogger"}])
def test_any_logger_or_none_works_beside_metrics_csv(logger: object, tmp_path: Path) -> None:
    if isinstance(logger, dict):
        logger = logger | {"init_args": {"save_dir": str(tmp_path / "logs")}}
    run = trained(tmp_path / "runs", trainer=SETTINGS.trainer | {"logger": logger})
    assert "val_loss" in (run.folder / "metrics.csv").read_text().splitlines()[0]
    assert bool(logger) == (tmp_path / "logs").is_dir()


@pytest.mark.parametrize("trainer", [{"accelerator": "quantum"}, {"devices": 0}, {"max_epochs": -5}])
def test_what_the_trainer_does_not_take_is_a_mistake_that_writes_nothing(
    trainer: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="the trainer does not take its options"):
        trained(tmp_path, trainer=SETTINGS.trainer | trainer)
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_that_lightning_finds_later_leaves_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="limit_val_batches"):
        trained(tmp_path, trainer=SETTINGS.trainer | {"limit_val_batches": 0.01})
    assert list(tmp_path.glob("*/*")) == []


def test_training_that_takes_no_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no step was taken"):
        trained(tmp_path, trainer=SETTINGS.trainer | {"max_epochs": 0})


def test_a_run_that_goes_on_before_its_first_best_checkpoint_is_tested_with_its_best(tmp_path: Path) -> None:
    first = trained(tmp_path)
    first.best.unlink()
    first.last.unlink()
    run = fit(find.get(TINY), SETTINGS, run=Run.at(first.folder))[0]
    assert run.checkpoint == run.best


def test_going_on_with_fewer_epochs_than_there_were_leaves_the_run_as_it_is(run: Run) -> None:
    before = {name: (run.folder / name).read_text() for name in ("config.yaml", "run.json")}
    with pytest.raises(UsageError, match="max_epochs=1"):
        fit(find.get(TINY), replace(SETTINGS, trainer=SETTINGS.trainer | {"max_epochs": 1}), run=run)
    assert before == {name: (run.folder / name).read_text() for name in before}


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SIGTERMException()])
def test_an_interrupted_training_says_how_it_goes_on(ending: BaseException, tmp_path: Path) -> None:
    class End(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.global_step == 8:
                raise ending

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(Interrupted, match=r"in epoch 2, after 8 steps(?s:.*)suite fit --resume .* goes on from"):
            fit(find.get(TINY), SETTINGS, root=tmp_path, callbacks=[End()])
    finally:
        signal.signal(signal.SIGINT, before)
    (folder,) = (tmp_path / "tiny").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["steps"]) == ("interrupted", 8)
    assert fit(find.get(TINY), SETTINGS, run=Run.at(folder))[0].record["status"] == "finished"


def test_checkpoints_that_a_user_asks_for_lie_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    callback = {"class_path": "ModelCheckpoint", "init_args": {"filename": "mine"}}
    run = trained(tmp_path / "runs", trainer=SETTINGS.trainer | {"callbacks": [callback]})
    assert {path.name for path in run.best.parent.iterdir()} == {"best.ckpt", "last.ckpt", "mine.ckpt"}
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_test_that_fails_says_where_the_trained_run_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> dict[str, float]:
        raise DataError("expected 2 fields, got 3", "test.tsv", 7)

    monkeypatch.setattr("lightning_suite.training.evaluate", fails)
    with pytest.raises(
        RunError, match=r"^test\.tsv:7: expected 2 fields, got 3\n.* is kept: suite test (\S+) tests"
    ) as error:
        trained(tmp_path)
    (folder,) = (tmp_path / "tiny").iterdir()
    assert f"suite test {folder} " in str(error.value)
    assert Run.at(folder).record["status"] == "trained"


def test_a_run_that_was_killed_while_its_test_drew_a_picture_is_tested_again_and_tidied(
    run: Run, tmp_path: Path
) -> None:
    killed = Run.at(shutil.copytree(run.folder, tmp_path / "killed"))
    metrics = killed.record["metrics"]
    assert "test_loss" in metrics
    killed.write_record({"status": "trained", "metrics": {}})
    for folder in (killed.folder, killed.last.parent, killed.folder / "figures"):
        (folder / ".roc-0123456789ab.partial.png").touch()
    again, _ = fit(find.get(TINY), SETTINGS, run=killed)
    assert (again.record["status"], again.record["metrics"]) == ("finished", metrics)
    assert not list(killed.folder.rglob("*.partial*"))
