"""The private names and the messages of the installed Lightning are those that the suite relies on."""

import argparse
import logging
import os
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonargparse
import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset, TensorDataset
from torchmetrics import MeanMetric

from lightning_suite import lightning_internals as internals
from lightning_suite import progress, signals

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "max_epochs": 1,
}


class Line(LightningModule):
    """A line through points."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)
        self.mean = MeanMetric()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        loss: Tensor = self.line(batch[0]).square().mean()
        self.mean.update(loss)
        self.log("loss", loss, on_epoch=True, batch_size=len(batch[0]))
        self.log("greatest", loss, on_step=False, on_epoch=True, reduce_fx="max")
        return loss

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("test", self.line(batch[0]).mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Transfers(Line):
    """A module that changes its batches before they are moved."""

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch


class Points(LightningDataModule):
    """A data module that does so as well."""

    def train_dataloader(self) -> DataLoader[Any]:
        return points()

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch


class Schedule(Line):
    """A module that asks how many steps there will be."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        assert self.trainer.estimated_stepping_batches == 3
        return super().configure_optimizers()


class Stream(IterableDataset[list[Tensor]]):
    """A stream that knows its length."""

    def __iter__(self) -> Iterator[list[Tensor]]:
        return iter([[torch.ones(1)]] * 3)

    def __len__(self) -> int:
        return 3


class At(Callback):
    """Calls a function at the beginning of every batch."""

    def __init__(self, look: Callable[[Trainer, int], None]) -> None:
        self.look = look

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self.look(trainer, batch_idx)


def points(**options: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.arange(6.0)[:, None]), batch_size=2, **options)


def trained(module: LightningModule | None = None, loader: Any = None, **options: Any) -> Trainer:
    trainer = Trainer(**QUIET | options)
    trainer.fit(module or Line(), loader or points())
    return trainer


# Messages


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> list[logging.LogRecord]:
    """What Lightning logs in a training, a second one from its checkpoint, a test, and a training that is ended."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("pytorch_lightning")
    logger.addHandler(handler)
    try:
        folder = tmp_path_factory.mktemp("messages")
        options = QUIET | {"logger": True, "enable_checkpointing": True, "default_root_dir": folder}
        trainer = trained(Schedule(), **options)
        trainer.save_checkpoint(folder / "a.ckpt")
        Trainer(**options | {"max_epochs": 2}).fit(Line(), points(), ckpt_path=folder / "a.ckpt")
        Trainer(**options).test(Line(), points(), ckpt_path=folder / "a.ckpt", verbose=False)
        with signals.answered(), pytest.raises(SystemExit):
            trained(callbacks=[At(lambda trainer, batch: os.kill(os.getpid(), signal.SIGTERM))])
    finally:
        logger.removeHandler(handler)
    return records


@pytest.mark.parametrize("beginning", internals.LOG_MESSAGES)
def test_lightning_logs_a_message_that_begins_so_and_it_is_hidden(
    beginning: str, logged: list[logging.LogRecord]
) -> None:
    records = [record for record in logged if record.getMessage().startswith(beginning)]
    assert records, sorted({record.getMessage() for record in logged})
    assert not any(map(internals.is_news, records))


def test_an_end_before_the_last_epoch_is_news(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pytorch_lightning"):
        trained(max_epochs=5, max_steps=2, logger=False)
    (end,) = [record for record in caplog.records if "stopped: `max_steps=2` reached" in record.getMessage()]
    assert internals.is_news(end)
    with progress.quiet():
        assert not internals.is_news(end)


def test_messages_of_the_handlers_of_lightning_are_filtered() -> None:
    handler = logging.NullHandler()
    logger = logging.getLogger("pytorch_lightning")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            internals.hide_messages()
    finally:
        logger.removeHandler(handler)
    assert handler.filters == [internals.is_news]


def few_workers() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pytorch_lightning.trainer.connectors.data_connector.suggested_max_num_workers", lambda devices: 8
        )
        trained()


PROVOKED: dict[str, Callable[[], object]] = {
    r".*LeafSpec": trained,
    "The number of training batches": lambda: trained(logger=True, log_every_n_steps=50),
    "The '.*dataloader' does not have many workers": few_workers,
    "You have overridden `on_before_batch_transfer`": lambda: Trainer(**QUIET).fit(Transfers(), datamodule=Points()),
    "Your `IterableDataset` has `__len__` defined": lambda: trained(loader=DataLoader(Stream())),
    "Precision .* is not supported by the model summary": lambda: trained(
        precision="bf16-mixed", enable_model_summary=True
    ),
}


def test_every_warning_that_is_hidden_is_provoked_here() -> None:
    assert set(internals.WARNINGS) == set(PROVOKED)


@pytest.mark.parametrize("pattern", internals.WARNINGS)
def test_lightning_warns_so_and_it_is_hidden(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        PROVOKED[pattern]()
    assert [str(warning.message) for warning in raised if re.match(pattern, str(warning.message))]
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        internals.hide_messages()
        PROVOKED[pattern]()
    assert not [str(warning.message) for warning in raised if re.match(pattern, str(warning.message))]


# Private names


@pytest.mark.parametrize("kind", [argparse.ArgumentParser, jsonargparse.ArgumentParser])
def test_the_arguments_of_a_parser_come_in_their_order_and_options_by_each_spelling(
    kind: type[argparse.ArgumentParser],
) -> None:
    parser = kind(add_help=False)
    parser.add_argument("-b", "--beta")
    parser.add_argument("a")
    actions = [action for action in internals.actions_of(parser) if action.dest in ("a", "beta")]
    assert [action.dest for action in actions] == ["beta", "a"]
    options = internals.options_of(parser)
    assert options["-b"] is options["--beta"] is actions[0]


def test_the_place_in_an_epoch_is_known_in_its_middle_and_at_its_end() -> None:
    seen: list[tuple[int, bool, int]] = []
    look = At(lambda trainer, batch: seen.append((batch, internals.is_inside_epoch(trainer), taken(trainer))))
    taken = internals.batches_taken
    trainer = trained(callbacks=[look])
    assert seen == [(0, True, 0), (1, True, 1), (2, True, 2)]
    assert not internals.is_inside_epoch(trainer)


def test_between_batches_nothing_has_begun_and_afterwards_it_has() -> None:
    seen: list[tuple[int, int, int]] = []

    def look(trainer: Trainer, batch: int) -> None:
        total = trainer.fit_loop.epoch_loop.batch_progress.total
        before = total.ready
        with internals.between_batches(trainer):
            seen.append((batch, before - total.ready, total.ready - total.completed))
        assert total.ready == before

    trained(callbacks=[At(look)])
    assert seen == [(0, 1, 0), (1, 1, 0), (2, 1, 0)]


def test_a_restart_is_forgotten_in_all_loops_though_the_fit_loop_insists_with_max_steps() -> None:
    loop = Trainer(**QUIET | {"max_epochs": -1}, max_steps=5).fit_loop
    loop.restarting = False
    assert loop.epoch_loop.restarting
    assert loop.epoch_loop.val_loop.restarting
    internals.forget_restart(loop.trainer)
    assert not any((loop.restarting, loop.epoch_loop.restarting, loop.epoch_loop.val_loop.restarting))


@pytest.mark.parametrize("before", [False, True])
def test_loaders_of_training_alone_are_replaced(before: bool) -> None:
    given: list[object] = []

    def change(loader: object) -> object:
        given.append(loader)
        return loader

    trainer, training = Trainer(**QUIET), points()
    internals.on_loaders(trainer, change, before=before)
    trainer.fit(Line(), training)
    trainer.test(Line(), points(), verbose=False)
    assert given == [training]


def test_what_an_epoch_has_logged_is_known_and_can_be_added() -> None:
    values: list[dict[str, list[Any]]] = []
    module = Line()
    with torch.no_grad():
        module.line.weight.fill_(1.0)
        module.line.bias.fill_(0.0)

    class Look(Callback):
        def on_train_batch_end(self, trainer: Trainer, *rest: Any) -> None:
            values.append(internals.logged_values(trainer))
            if len(values) == 3:
                earlier = {
                    "training_step.loss": [torch.tensor(100.0), torch.tensor(4)],
                    "training_step.greatest": [torch.tensor(1e6), torch.tensor(0)],
                    "training_step.never": [torch.tensor(1.0), torch.tensor(1)],
                }
                internals.add_logged_values(trainer, earlier)
                assert list(earlier) == ["training_step.never"]
                values.append(internals.logged_values(trainer))

    trained(module, callbacks=[Look()])
    assert list(values[0]) == ["training_step.loss", "training_step.greatest"]
    first, _, third, added = (value["training_step.loss"] for value in values)
    assert [float(value) for value in first] == [1.0, 2.0]  # 2 points with the mean square 0.5
    assert float(added[0]) == pytest.approx(float(third[0]) + 100)
    assert (int(third[1]), int(added[1])) == (6, 10)
    assert float(values[-1]["training_step.greatest"][0]) == 1e6


def test_the_state_of_a_metric_is_all_that_it_has_gathered() -> None:
    metric, other = MeanMetric(), MeanMetric()
    metric.update(torch.tensor([1.0, 5.0]))
    for name, value in internals.metric_state(metric).items():
        setattr(other, name, value)
    assert float(other.compute()) == 3.0


@pytest.mark.parametrize("expected", [True, False])
def test_the_trainer_knows_whether_it_may_replace_samplers(expected: bool) -> None:
    assert internals.may_replace_samplers(Trainer(**QUIET, use_distributed_sampler=expected)) is expected


def test_a_loader_gets_the_sampler_that_lightning_gives_to_several_processes() -> None:
    loader = internals.with_sampler_of_one_process(points())
    assert isinstance(loader.sampler, DistributedSampler)
    assert (loader.sampler.num_replicas, loader.sampler.shuffle) == (1, True)
    assert len(loader) == 3


@pytest.mark.parametrize("learns", [True, False])
def test_only_a_module_with_gradients_is_wrapped(learns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[bool] = []
    monkeypatch.setattr(DDPStrategy, "configure_ddp", lambda strategy: wrapped.append(True))
    trainer = Trainer(**QUIET, strategy="ddp")
    trainer.strategy._model = nn.Linear(1, 1).requires_grad_(learns)  # type: ignore[assignment]
    internals.wrap_only_what_learns(trainer)
    trainer.strategy.configure_ddp()  # type: ignore[attr-defined]
    assert wrapped == [True] * learns


@pytest.mark.parametrize(
    ("strategy", "expected"), [("ddp_fork", True), ("ddp_spawn", True), ("ddp", False), ("auto", False)]
)
def test_the_trainer_knows_whether_processes_are_copies_of_this_one(strategy: str, expected: bool) -> None:
    assert internals.copies_this_process(Trainer(**QUIET, strategy=strategy)) is expected


def test_the_processes_that_lightning_starts_are_handed_over_and_its_observer_is_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pytorch_lightning.strategies.launchers import subprocess_script

    observer = subprocess_script._launch_process_observer
    trainer = Trainer(**QUIET | {"devices": 2}, strategy="ddp")
    launcher: Any = trainer.strategy.launcher
    monkeypatch.setattr(launcher, "_call_children_scripts", lambda: launcher.procs.append("the second"))
    handed: list[Any] = []
    with internals.watching_children(handed.append):
        launcher.launch(lambda: None)
    assert handed == [["the second"]]
    assert subprocess_script._launch_process_observer is observer
