"""Which examples Lightning hands to each process: those of its blocks, in their order."""

import itertools
from collections.abc import Iterator
from typing import Any, final

from torch.utils.data import DistributedSampler

from suite_spectral.shares.share import block_starts, blocks_of


@final
class ShareSampler(DistributedSampler[Any]):
    """The examples of a process's share; the last one again until every process has as many, as Lightning needs.

    Example:
        >>> list(ShareSampler(range(5), num_replicas=1, rank=0))
        [0, 1, 2, 3, 4]
    """

    def __iter__(self) -> Iterator[int]:
        first, end = self._starts()[self.rank : self.rank + 2]
        here = range(first, end) if end > first else range(max(0, first - 1), max(1, first))
        return itertools.chain(here, itertools.repeat(here[-1], len(self) - len(here)))

    def __len__(self) -> int:
        starts = self._starts()
        return max(1, *(end - start for start, end in itertools.pairwise(starts)))

    def _starts(self) -> list[int]:
        """Return where the share of each process begins, and the end."""
        starts = block_starts(len(self.dataset))  # type: ignore[arg-type]
        held = [blocks_of(rank, self.num_replicas, len(starts) - 1).start for rank in range(self.num_replicas)]
        return [*starts[held].tolist(), int(starts[-1])]
