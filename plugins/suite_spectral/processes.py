"""What several processes of one training do together: one solves for all of them, and each sees what it found."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from pytorch_lightning import Trainer
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.batches import Batch, Rows, join

Value = TypeVar("Value")


def gathered(trainer: Trainer, device: torch.device, batches: list[Batch]) -> Batch:
    """Return the batches of all processes as one on a device, each example once, in the order of the file."""
    if trainer.world_size == 1:
        return join(batches)
    own = [_moved(join(batches), torch.device("cpu"))] if batches else []
    parts: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(parts, own)
    return _moved(join([batch for part in parts for batch in part]), device)


def from_leader(trainer: Trainer, compute: Callable[[], Value]) -> Value:
    """Return in every process what process 0 computes; an error there is raised in all of them.

    Raises:
        UsageError: in the other processes, with the message of an error in process 0.
    """
    if trainer.world_size == 1:
        return compute()
    value: Value | None = None
    error: Exception | None = None
    if trainer.is_global_zero:
        try:
            value = compute()
        except Exception as failed:  # whatever it is, the others are waiting for it
            error = failed
    value, failure = trainer.strategy.broadcast((value, None if error is None else f"{error}"))
    if error is not None:
        raise error
    if failure is not None:
        raise UsageError(failure)
    return value  # type: ignore[return-value]


def _moved(batch: Batch, device: torch.device) -> Batch:
    content = batch.content
    if isinstance(content, Tensor):
        content = content.to(device)
    elif isinstance(content, Rows):
        content = Rows(*(part.to(device) for part in content))
    labels = None if batch.labels is None else batch.labels.to(device)
    return Batch(batch.index.to(device), content, labels)
