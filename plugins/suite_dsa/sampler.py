"""The order of the training examples: a pure function of seed and epoch, whatever the number of processes.

Blocks of ``block`` neighbours, the batches of all processes together, have similar lengths: the epoch's permutation is
cut into windows of several blocks, each window sorted by length, and the blocks shuffled. Process r of n takes every
n-th example from r on, so n processes with batches of b see the same blocks as one with batches of n * b.

Lightning wraps any other sampler, in training, into one that permutes its order once more, which would break up the
blocks; it leaves a ``DistributedSampler`` unchanged.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DistributedSampler


class BucketSampler(DistributedSampler[Any]):
    """Indices of the examples that one process draws in one epoch.

    Args:
        lengths: the lengths of the examples.
        batch_size: examples in a batch of one process.
        window: blocks in a window; 0 or 1 is a plain shuffle.
        seed: of the order.
        epoch: returns the current epoch; called when an iteration begins.
        processes: the number of processes that share the order.
        rank: the number of this process.

    Example:
        >>> sampler = BucketSampler([9, 1, 8, 2], batch_size=2, window=2, seed=0, epoch=lambda: 0)
        >>> sorted(map(sorted, [list(sampler)[:2], list(sampler)[2:]]))
        [[0, 2], [1, 3]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        batch_size: int,
        window: int,
        seed: int,
        epoch: Callable[[], int],
        processes: int = 1,
        rank: int = 0,
    ) -> None:
        super().__init__(lengths, num_replicas=processes, rank=rank, shuffle=True, seed=seed)  # type: ignore[arg-type]
        self.lengths = torch.as_tensor(lengths, dtype=torch.int64)
        self.block: int = batch_size * processes
        self.window: int = max(window, 1)
        self.current_epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.num_replicas)

    def __iter__(self) -> Iterator[int]:
        order = self.order(self.current_epoch())
        order += order[: len(self) * self.num_replicas - len(order)]  # as many for each process
        return iter(order[self.rank :: self.num_replicas])

    def order(self, epoch: int) -> list[int]:
        """Return the whole epoch's order, of all processes together."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(len(self.lengths), generator=generator)
        if self.window == 1:
            return order.tolist()
        windows = torch.split(order, self.block * self.window)
        sorted_windows = [window[self.lengths[window].argsort(stable=True)] for window in windows]
        blocks = [block for window in sorted_windows for block in torch.split(window, self.block)]
        # a shorter block can only be the last one, and stays there: before another it would shift all borders after it
        whole = [block for block in blocks if len(block) == self.block]
        rest = [block for block in blocks if len(block) < self.block]
        shuffled = [whole[i] for i in torch.randperm(len(whole), generator=generator).tolist()]
        return torch.cat(shuffled + rest).tolist()
