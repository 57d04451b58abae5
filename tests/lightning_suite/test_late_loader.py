"""A run that goes on in an epoch, or after one, ends bit for bit as one that never stopped, whatever its data draws."""

import copy
import random
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from pytorch_lightning.callbacks import BatchSizeFinder, Callback, LearningRateFinder, StochasticWeightAveraging

from lightning_suite.late_loader import LateLoader
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.training import fit

DRAWING = f"{Path(__file__).parent / 'drawing.py'}:plugin"
KINDS = runpy.run_path(DRAWING.removesuffix(":plugin"))["KINDS"]
TRAINER = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}


class Keep(Callback):
    """Copies last.ckpt: ``end.ckpt`` is the one of the first epoch's end, ``middle.ckpt`` of the second's middle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch == 1 and batch_idx < 2:
            last = Path(trainer.log_dir) / "checkpoints" / "last.ckpt"
            shutil.copy(last, self.folder / ("middle.ckpt" if batch_idx else "end.ckpt"))


def resumed_differs(tmp_path: Path, settings: Settings, callbacks: Any = lambda: []) -> dict[str, list[str]]:
    """The weights that differ from an uninterrupted training's, when it goes on from either checkpoint."""
    plugin = find.get(DRAWING)
    run, _ = fit(plugin, settings, root=tmp_path, callbacks=[*callbacks(), Keep(tmp_path)])
    expected = torch.load(run.last, weights_only=True)
    metrics = (run.folder / "metrics.csv").read_text()
    assert torch.load(tmp_path / "middle.ckpt", weights_only=True)["processes"][0]["taken"] == 1
    differing = {}
    for moment in ("end", "middle"):
        shutil.copy(tmp_path / f"{moment}.ckpt", run.last)
        fit(plugin, settings, run=run, callbacks=callbacks())
        actual = torch.load(run.last, weights_only=True)
        assert actual["global_step"] == expected["global_step"]
        pairs = ((name, value, actual["state_dict"][name]) for name, value in expected["state_dict"].items())
        differing[moment] = [name for name, left, right in pairs if not torch.equal(left, right)]
        if (run.folder / "metrics.csv").read_text() != metrics:
            differing[moment].append("metrics.csv")
    return differing


def settings(kind: str = "augmentation", model: Any = None, **trainer: Any) -> Settings:
    trainer = TRAINER | {"max_epochs": 2, "log_every_n_steps": 1} | trainer
    return Settings(plugin=DRAWING, data={"kind": kind}, model=model or {}, trainer=trainer, checkpoint_every=1)


SAME: dict[str, list[str]] = {"end": [], "middle": []}


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_draws_comes_again_as_it_came(kind: str, tmp_path: Path) -> None:
    trainer = {"reload_dataloaders_every_n_epochs": 1} if "every epoch" in kind else {}
    assert resumed_differs(tmp_path, settings(kind, **trainer)) == SAME


@pytest.mark.parametrize(
    "trainer",
    [{"precision": "64-true"}, {"reload_dataloaders_every_n_epochs": 2, "max_epochs": 3}, {"max_steps": 11}],
    ids=str,
)
def test_a_trainer_with_these_options_goes_on_exactly(trainer: dict[str, Any], tmp_path: Path) -> None:
    assert resumed_differs(tmp_path, settings("other data in every epoch", **trainer)) == SAME


def test_a_generator_of_the_module_goes_on_where_it_was(tmp_path: Path) -> None:
    assert resumed_differs(tmp_path, settings(model={"own": True})) == SAME


@pytest.mark.parametrize(
    "callback",
    [
        lambda: StochasticWeightAveraging(0.05, swa_epoch_start=1),
        lambda: LearningRateFinder(num_training_steps=5, max_lr=0.5),
        lambda: BatchSizeFinder(max_trials=1, init_val=3, steps_per_trial=1),
    ],
    ids=["weight averaging", "learning rate", "batch size"],
)
def test_a_training_with_this_callback_goes_on_exactly(callback: Any, tmp_path: Path) -> None:
    epochs: dict[str, Any] = {"max_epochs": 4} if "Averaging" in type(callback()).__name__ else {}
    assert resumed_differs(tmp_path, settings(**epochs), lambda: [callback()]) == SAME


def test_the_same_state_gives_the_same_batches_whatever_is_drawn_between_them() -> None:
    class Drawing:
        def __iter__(self) -> Iterator[tuple[float, float, float]]:
            return ((random.random(), float(numpy.random.normal()), float(torch.rand(()))) for _ in range(4))

    loader = LateLoader(Drawing())
    expected = list(loader)
    assert len(set(expected)) == 4
    loader.begin = loader.began
    loader.end_epoch()
    actual = []
    for batch in loader:
        actual.append(batch)
        torch.rand(7), random.random(), numpy.random.normal()
    assert actual == expected


def test_what_batches_draw_is_not_what_training_draws() -> None:
    class Drawing:
        def __iter__(self) -> Iterator[float]:
            return (float(torch.rand(())) for _ in range(4))

    batches, training = [], []
    for batch in LateLoader(Drawing()):
        batches.append(batch)
        training.append(float(torch.rand(())))
    assert not set(batches) & set(training)


def test_a_loader_that_has_ended_begins_again_with_others() -> None:
    class Once:
        def __iter__(self) -> Iterator[float]:
            return (float(torch.rand(())) for _ in range(2))

    loader = LateLoader(Once())
    assert not set(loader) & set(loader)


def test_a_late_loader_can_be_copied() -> None:
    assert list(copy.deepcopy(LateLoader([1, 2]))) == [1, 2]


def test_a_late_loader_asks_for_its_iterator_with_the_first_batch() -> None:
    asked = []

    class Watched:
        batch_size = 3

        def __iter__(self):  # type: ignore[no-untyped-def]
            asked.append(True)
            return iter([1, 2])

        def __len__(self) -> int:
            return 2

    loader = LateLoader(Watched())
    batches = iter(loader)
    assert asked == []
    assert list(batches) == [1, 2]
    assert len(loader) == 2
    assert loader.batch_size == 3
