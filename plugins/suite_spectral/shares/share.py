"""The rows that one process holds, in blocks that are the same for any number of processes.

Sums of floating-point numbers depend on their order. So n rows are cut into blocks by n alone, each process holds
blocks that follow one another, and sums are taken within blocks and then along one fixed binary tree over them: of a
subtree that lies within a process only its sum travels. Every process comes to the same bits, for 1, 2, 3 or 64 of
them.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from suite_spectral.shares.group import Group

MOST_BLOCKS = 256
"""Blocks of many rows; no more processes than this have work."""

LEAST_ROWS = 64
"""Rows of a block, at least, where there are two of them."""

Sum = TypeVar("Sum")
Node = tuple[int, int]


def block_starts(n: int) -> NDArray[np.int64]:
    """Return the row at which each block begins, and n, (block + 1,) int64; the number of blocks is a power of two.

    Example:
        >>> block_starts(100).tolist(), block_starts(300).tolist()
        ([0, 100], [0, 75, 150, 225, 300])
    """
    count = 1
    while count < MOST_BLOCKS and n >= 2 * count * LEAST_ROWS:
        count *= 2
    return np.arange(count + 1, dtype=np.int64) * n // count


def blocks_of(rank: int, size: int, count: int) -> slice:
    """Return which of the blocks a process holds."""
    return slice(rank * count // size, (rank + 1) * count // size)


@final
class Share:
    """The rows that this process holds, and how sums over the rows of all processes are taken.

    Example:
        >>> rows = np.arange(300.0)
        >>> float(Share.alone(300).total(lambda part: rows[part].sum()))
        44850.0

    Attributes:
        group: the processes.
        count: blocks of all processes, a power of two.
        first: the first block of this process.
        offsets: where each of its blocks begins among its rows, and how many these are, (block + 1,).
        start: rows of the processes before it.
        n: rows of all processes.
        most: rows of the process that has most of them.
    """

    group: Group
    count: int
    start: int
    n: int
    most: int

    def __init__(self, group: Group, count: int, offsets: NDArray[np.int64]) -> None:
        """Take note of the rows; every process calls this at once.

        Args:
            group: the processes.
            count: blocks of all of them.
            offsets: of the rows that are here.
        """
        self.group, self.count, self.offsets = group, count, offsets
        self.first: int = blocks_of(group.rank, group.size, count).start
        sizes = group.gathered(int(offsets[-1]))
        self.start, self.n, self.most = sum(sizes[: group.rank]), sum(sizes), max(sizes)

    @classmethod
    def alone(cls, n: int) -> "Share":
        """Return all of n rows, of a process by itself."""
        starts = block_starts(n)
        return cls(Group(), len(starts) - 1, starts)

    @classmethod
    def of(cls, group: Group, n: int) -> "Share":
        """Return the share of this process in n rows."""
        starts = block_starts(n)
        held = blocks_of(group.rank, group.size, len(starts) - 1)
        return cls(group, len(starts) - 1, starts[held.start : held.stop + 1] - starts[held.start])

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @property
    def rows(self) -> slice:
        """Which of all rows are here."""
        return slice(self.start, self.start + len(self))

    def parts(self) -> Iterator[slice]:
        """Yield the rows of each block that is here, counted among those that are."""
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield slice(start, end)

    def some(self, kept: NDArray[np.int64]) -> "Share":
        """Return the share in some rows; every process calls this at once.

        Args:
            kept: those of the rows here, rising.
        """
        return Share(self.group, self.count, np.searchsorted(kept, self.offsets))

    def total(self, of_rows: Callable[[slice], Sum]) -> Sum:
        """Return a sum over the rows of all processes, in the fixed order; every process calls this at once.

        Args:
            of_rows: the sum over the rows of a block, anything that can be added; of a tuple, each part.
        """

        def of_blocks(starts: NDArray[np.int64]) -> Sum:
            if len(starts) == 2:
                return of_rows(slice(int(starts[0]), int(starts[1])))
            middle = len(starts) // 2
            sums: Sum = added_up(of_blocks(starts[: middle + 1]), of_blocks(starts[middle:]))
            return sums

        return self.total_of_trees(of_blocks)

    def total_of_trees(self, of_blocks: Callable[[NDArray[np.int64]], Sum]) -> Sum:
        """Return the same of a function that adds up blocks itself; every process calls this at once.

        Args:
            of_blocks: the sum over blocks that follow one another, as many as a power of two, along the binary tree
                over them; it is given where each begins among the rows here, and the last ends, (block + 1,) int64.
        """
        nodes = _whole_nodes(self.first, self.first + len(self.offsets) - 1, (0, self.count))
        here = {node: of_blocks(self.offsets[node[0] - self.first : node[1] - self.first + 1]) for node in nodes}
        known = {node: value for every in self.group.gathered(here) for node, value in every.items()}

        def joined(node: Node) -> Any:
            if node in known:
                return known[node]
            middle = sum(node) // 2
            return added_up(joined((node[0], middle)), joined((middle, node[1])))

        total: Sum = joined((0, self.count))
        return total

    def joined(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the rows of all processes, in order; every process calls this at once."""
        return rows if self.group.size == 1 else np.concatenate(self.group.gathered(rows))

    def joined_labels(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the labels of all points, (point,) int64, which travel as small numbers; each process calls this."""
        most = max(self.group.gathered(int(labels.max(initial=0))))
        return labels if self.group.size == 1 else self.joined(labels.astype(np.min_scalar_type(most))).astype(np.int64)


def _whole_nodes(first: int, last: int, node: Node) -> list[Node]:
    """Return the largest nodes of the tree whose blocks lie all from ``first`` to before ``last``."""
    low, high = node
    if first <= low and high <= last:
        return [node]
    if last <= low or high <= first:
        return []
    middle = (low + high) // 2
    return [*_whole_nodes(first, last, (low, middle)), *_whole_nodes(first, last, (middle, high))]


def added_up(one: Any, other: Any) -> Any:
    """Return the sum of two sums; of tuples, of each part."""
    if isinstance(one, tuple):
        return tuple(added_up(left, right) for left, right in zip(one, other, strict=True))
    return one + other
