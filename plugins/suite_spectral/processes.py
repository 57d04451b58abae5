"""What several processes of one training put together: their examples, whole or each its own share."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import Trainer
from torch import Tensor

from suite_spectral.batches import Batch, Examples, Rows, join, select
from suite_spectral.graphs.sparse_points import rows_of
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share, block_starts, blocks_of


def group_of(trainer: Trainer) -> Group:
    """Return the processes of a training."""
    return Group(trainer.global_rank, trainer.world_size)


def gathered(trainer: Trainer, device: torch.device, batches: list[Batch]) -> Batch:
    """Return the batches of all processes as one on a device, each example once, in the order of the file."""
    if trainer.world_size == 1:
        return join(batches)
    own = [_moved(join(batches), torch.device("cpu"))] if batches else []
    parts = group_of(trainer).gathered(own)
    return _moved(join([batch for part in parts for batch in part]), device)


def collected(group: Group, batches: list[Batch], examples: Examples, device: torch.device) -> Batch:
    """Return the examples of the batches of all processes as one on a device, each once, in the order of the file.

    Every process has read all of them, so that their numbers alone travel.

    Args:
        group: the processes; each calls this at once.
        batches: those that this process was given.
        examples: what the batches were cut out of.
        device: of this process.
    """
    own = np.concatenate([batch.index.cpu().numpy() for batch in batches]) if batches else np.empty(0, dtype=np.int64)
    most = int(examples.chosen[-1])
    seen = np.unique(np.concatenate(group.gathered(own.astype(np.min_scalar_type(most)))))
    return _moved(examples.among(seen.astype(np.int64)), device)


def shared(group: Group, batches: list[Batch], held: NDArray[np.int64]) -> tuple[Share, Batch]:
    """Return the share of this process in the examples of all batches, and its examples, in the order of the file.

    Args:
        group: the processes; each calls this at once.
        batches: those that this process was given; an example of another share, which filled up a batch, is dropped.
        held: (example,) the indices in the file of all examples, rising.
    """
    whole = join(batches)
    starts = block_starts(len(held))
    blocks = blocks_of(group.rank, group.size, len(starts) - 1)
    positions = np.searchsorted(held, whole.index.cpu().numpy())
    ends = np.searchsorted(positions, starts[blocks.start : blocks.stop + 1])
    own = torch.arange(int(ends[0]), int(ends[-1]))
    return Share(group, len(starts) - 1, ends - ends[0]), whole if len(own) == len(positions) else _some(whole, own)


def _some(batch: Batch, own: Tensor) -> Batch:
    content: Any = batch.content
    if isinstance(content, Tensor):
        content = rows_of(content, own)
    else:
        content = select(content, own) if isinstance(content, Rows) else [content[number] for number in own.tolist()]
    labels = None if batch.labels is None else batch.labels[own.to(batch.labels.device)]
    return Batch(batch.index[own.to(batch.index.device)], content, labels)


def _moved(batch: Batch, device: torch.device) -> Batch:
    content = batch.content
    if isinstance(content, Tensor):
        content = content.to(device)
    elif isinstance(content, Rows):
        content = Rows(*(part.to(device) for part in content))
    labels = None if batch.labels is None else batch.labels.to(device)
    return Batch(batch.index.to(device), content, labels)
