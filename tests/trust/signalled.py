"""The tests' small plugin, which sends its own process a signal at the moment that the environment names.

SIGNAL_AT is a moment, a count and a number: ``training 8 15`` is SIGTERM at the beginning of the eighth training step.
Moments: import, setup, training, validation, checkpoint (written, without its name yet), fsync, test, predict.
"""

import os
from collections import Counter
from typing import Any

import torch
from tiny import TinyData, TinyNet
from torch import Tensor

from lightning_suite import Plugin

_seen: Counter[str] = Counter()


def reach(moment: str) -> None:
    """Send the signal when this is the moment."""
    _seen[moment] += 1
    named, count, number = os.environ.get("SIGNAL_AT", "none 0 0").split()
    if (named, int(count)) == (moment, _seen[moment]):
        os.kill(os.getpid(), int(number))


class Net(TinyNet):
    """Two layers, with moments."""

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        reach("training")
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        if not self.trainer.sanity_checking:
            reach("validation")
        super().validation_step(batch, batch_idx)

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        reach("test")
        super().test_step(batch, batch_idx)

    def predict_step(self, batch: list[Tensor], batch_idx: int) -> dict[str, Tensor]:
        reach("predict")
        return super().predict_step(batch, batch_idx)


class Data(TinyData):
    """The points, with a moment."""

    def setup(self, stage: str) -> None:
        reach("setup")


_save, _fsync = torch.save, os.fsync


def _saving(*arguments: Any) -> None:
    _save(*arguments)
    reach("checkpoint")


def _syncing(descriptor: int) -> None:
    reach("fsync")
    _fsync(descriptor)


torch.save = _saving
os.fsync = _syncing
reach("import")

plugin = Plugin(name="signalled", summary="Tiny, with signals", module="signalled:Net", data="signalled:Data")
