"""A run that was killed and goes on ends where an uninterrupted one ends."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from forked import run_suite
from pytorch_lightning.callbacks import Callback

from lightning_suite.errors import RunError
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.training import fit

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}
TRAINER = QUIET | {"max_epochs": 4, "log_every_n_steps": 2}
FLAGS = ["--checkpoint_every=4"] + [f"--trainer.{name}={str(value).lower()}" for name, value in TRAINER.items()]


def settings(checkpoint_every: int = 4, **trainer: Any) -> Settings:
    return Settings(plugin=TINY, trainer=TRAINER | trainer, checkpoint_every=checkpoint_every)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(find.get(TINY), settings(), root=tmp_path_factory.mktemp("uninterrupted"))[0]


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Where two checkpoints are not bit for bit the same."""
    if isinstance(left, dict) and left.keys() == right.keys():
        return [difference for key in left for difference in differences(left[key], right[key], f"{path}/{key}")]
    if isinstance(left, list | tuple) and len(left) == len(right):
        return [
            difference
            for i, pair in enumerate(zip(left, right, strict=True))
            for difference in differences(*pair, f"{path}/{i}")
        ]
    if isinstance(left, torch.Tensor):
        return [] if torch.equal(left, right) else [path]
    return [] if left == right else [f"{path}: {left!r} is not {right!r}"]


def contents(path: Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    return checkpoint


# An epoch has 6 steps. Checkpoints are written after steps 4, 6 (the best, then the last), 10, 12 (both), ...
@pytest.mark.parametrize(
    "moment",
    ["step 3", "step 5", "step 6", "step 11", "step 15", "step 23", "write 1", "write 2", "write 3", "write 5"],
)
def test_a_killed_run_that_goes_on_ends_bit_for_bit_where_an_uninterrupted_one_ends(
    moment: str, uninterrupted: Run, tmp_path: Path
) -> None:
    words = ["fit", "--plugin", TINY, "--runs", str(tmp_path), *FLAGS]
    killed = run_suite(words, cwd=tmp_path, env={"TINY_KILL": moment})
    assert killed.status == -9, killed.stderr
    (folder,) = (tmp_path / "tiny").iterdir()
    run = Run.at(folder)
    assert run.record["status"] == "running"

    resumed, _ = fit(find.get(TINY), settings(), run=run)

    assert resumed.folder == folder
    assert differences(contents(uninterrupted.last), contents(resumed.last)) == []
    assert differences(contents(uninterrupted.best)["state_dict"], contents(resumed.best)["state_dict"]) == []
    assert (folder / "metrics.csv").read_text() == (uninterrupted.folder / "metrics.csv").read_text()
    assert resumed.record["status"] == "finished"
    assert not [path for path in folder.rglob("*") if ".partial" in path.name]


def test_more_epochs_after_the_end_equal_as_many_at_once(uninterrupted: Run, tmp_path: Path) -> None:
    short, _ = fit(find.get(TINY), settings(max_epochs=2), root=tmp_path)
    longer, _ = fit(find.get(TINY), settings(), run=short)
    assert differences(contents(uninterrupted.last), contents(longer.last)) == []


def test_a_run_limited_in_steps_resumes_exactly(tmp_path: Path) -> None:
    limited = {"max_epochs": -1, "max_steps": 18}
    whole, _ = fit(find.get(TINY), settings(**limited), root=tmp_path / "whole")
    half, _ = fit(find.get(TINY), settings(**limited | {"max_steps": 12}), root=tmp_path / "half")
    resumed, _ = fit(find.get(TINY), settings(**limited), run=half)
    assert differences(contents(whole.last)["state_dict"], contents(resumed.last)["state_dict"]) == []


@pytest.mark.parametrize("trainer", [{"accumulate_grad_batches": 2}, {"val_check_interval": 3}])
def test_a_run_resumes_exactly_in_the_middle_of_an_epoch(trainer: dict[str, Any], tmp_path: Path) -> None:
    kept: list[Path] = []

    class Keep(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.current_epoch == 1 and batch_idx == 5:
                last = Path(trainer.log_dir) / "checkpoints" / "last.ckpt"
                kept.append(Path(shutil.copy(last, tmp_path / "middle.ckpt")))

    whole, _ = fit(find.get(TINY), settings(1, **trainer), root=tmp_path / "whole", callbacks=[Keep()])
    middle = contents(kept[0])
    assert middle["processes"][0]["taken"] > 0
    (whole.folder / "expected").mkdir()
    for name in ("last", "best"):
        shutil.copy(whole.folder / "checkpoints" / f"{name}.ckpt", whole.folder / "expected")
    shutil.copy(kept[0], whole.last)

    resumed, _ = fit(find.get(TINY), settings(1, **trainer), run=whole)

    assert differences(contents(whole.folder / "expected" / "last.ckpt"), contents(resumed.last)) == []


def test_a_value_that_only_some_batches_log_keeps_its_average(tmp_path: Path) -> None:
    class LogEvery(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx % 3 == 2:
                pl_module.log("rare", float(batch_idx), on_step=False, on_epoch=True, batch_size=1)

    kept = tmp_path / "middle.ckpt"

    class Keep(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.current_epoch == 0 and batch_idx == 4:
                shutil.copy(Path(trainer.log_dir) / "checkpoints" / "last.ckpt", kept)

    one_epoch = settings(3, max_epochs=1)
    whole, _ = fit(find.get(TINY), one_epoch, root=tmp_path / "whole", callbacks=[LogEvery(), Keep()])
    expected = (whole.folder / "metrics.csv").read_text()
    assert contents(kept)["processes"][0]["taken"] == 3
    shutil.copy(kept, whole.last)
    fit(find.get(TINY), one_epoch, run=whole, callbacks=[LogEvery()])
    assert (whole.folder / "metrics.csv").read_text() == expected


@pytest.mark.filterwarnings("ignore:the run was interrupted in the middle")
def test_other_processes_than_began_an_epoch_begin_it_again(tmp_path: Path) -> None:
    kept = tmp_path / "middle.ckpt"

    class Keep(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            if trainer.current_epoch == 1 and batch_idx == 4:
                shutil.copy(Path(trainer.log_dir) / "checkpoints" / "last.ckpt", kept)

    run, _ = fit(find.get(TINY), settings(3, max_epochs=2), root=tmp_path, callbacks=[Keep()])
    checkpoint = contents(kept)
    assert checkpoint["processes"][0]["taken"] == 3
    assert checkpoint["global_step"] == 9
    checkpoint["processes"] *= 2
    torch.save(checkpoint, run.last)
    with pytest.warns(UserWarning, match="begins again, with the weights that it has: 2 processes shared it and 1 go"):
        resumed, _ = fit(find.get(TINY), settings(3, max_epochs=2), run=run)
    assert contents(resumed.last)["global_step"] == 15
    assert contents(resumed.last)["epoch"] == 2


def test_an_epoch_of_data_that_became_fewer_is_told(tmp_path: Path) -> None:
    run, _ = fit(find.get(TINY), settings(3, max_epochs=1), root=tmp_path)
    checkpoint = contents(run.last)
    progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
    for counts in progress.values():
        counts["processed"] = counts["completed"] = 0
    checkpoint["processes"][0]["taken"] = 7
    torch.save(checkpoint, run.last)
    with pytest.raises(RunError, match="interrupted after 7 batches of an epoch, and its training data now ends"):
        fit(find.get(TINY), settings(3, max_epochs=2), run=run)


def test_workers_of_the_loader_do_not_change_what_resumes(tmp_path: Path) -> None:
    data = {"workers": 1}
    whole, _ = fit(
        find.get(TINY),
        Settings(plugin=TINY, trainer=TRAINER | {"max_epochs": 2}, data=data),
        root=tmp_path / "whole",
    )
    half, _ = fit(
        find.get(TINY),
        Settings(plugin=TINY, trainer=TRAINER | {"max_epochs": 1}, data=data),
        root=tmp_path / "half",
    )
    resumed, _ = fit(find.get(TINY), Settings(plugin=TINY, trainer=TRAINER | {"max_epochs": 2}, data=data), run=half)
    assert differences(contents(whole.last)["state_dict"], contents(resumed.last)["state_dict"]) == []
