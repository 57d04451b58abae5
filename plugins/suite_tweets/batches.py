"""Training sets of tokens (section 5 of the paper): windows within tweets, or one stream over all of them.

Both are cut into batches (time, batch) of tokens and of the token that follows each. An epoch's order is a pure
function of seed and epoch, and process r of n draws columns r, r + n, ... of each batch, so n processes with batches of
b see what one with batches of n * b sees.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from suite_tweets.tokens import END

NOTHING = -100
"""A target that does not count; what torch takes for one by default."""


class Batch(NamedTuple):
    """What the network reads and what it should predict.

    Attributes:
        tokens: (time, batch) int64.
        targets: (time, batch) int64, the token after each.
        goes_on: whether it begins where the batch before it ended.
    """

    tokens: Tensor
    targets: Tensor
    goes_on: bool


class Sharing(NamedTuple):
    """How processes share an epoch.

    Attributes:
        batch_size: columns in a batch of one process.
        seed: of the order.
        epoch: returns the epoch, when an iteration begins.
        processes: how many share it.
        rank: which of them this is.
    """

    batch_size: int
    seed: int
    epoch: Callable[[], int]
    processes: int = 1
    rank: int = 0

    @property
    def columns(self) -> int:
        """Columns in the batches of all processes together."""
        return self.batch_size * self.processes

    def order(self, count: int) -> Tensor:
        """Return the epoch's permutation of so many things."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch()) % 2**63)
        return torch.randperm(count, generator=generator)


def windows(tweets: Sequence[Sequence[int]], length: int) -> Tensor:
    """Return training set 1: every window of ``length`` tokens and the one after, within tweets of at least ``length``.

    A tweet of n tokens, with END before and after, has n + 2 - length windows; a shorter tweet has none.

    Returns:
        (window, length + 1) int64.

    Example:
        >>> windows([[5, 6, 7], [8]], 2).tolist()
        [[0, 5, 6], [5, 6, 7], [6, 7, 0]]
    """
    cut = [
        torch.tensor([END, *tweet, END]).unfold(0, length + 1, 1)
        for tweet in tweets
        if len(tweet) >= length  # as in the paper, which counts the words alone
    ]
    return torch.cat(cut) if cut else torch.empty(0, length + 1, dtype=torch.int64)


class Windows(IterableDataset[Batch]):
    """Batches of windows, in another order every epoch; the last batch is filled up with windows of the first.

    Args:
        windows: (window, length + 1).
        sharing: among processes.
    """

    windows: Tensor
    sharing: Sharing

    def __init__(self, windows: Tensor, sharing: Sharing) -> None:
        self.windows, self.sharing = windows, sharing

    def __len__(self) -> int:
        return math.ceil(len(self.windows) / self.sharing.columns)

    def __iter__(self) -> Iterator[Batch]:
        order = self.sharing.order(len(self.windows))
        size = len(self) * self.sharing.columns
        order = order.repeat(math.ceil(size / len(order)))[:size]
        for columns in order.view(len(self), self.sharing.columns):
            chosen = self.windows[columns[self.sharing.rank :: self.sharing.processes]].T
            yield Batch(chosen[:-1].contiguous(), chosen[1:].contiguous(), goes_on=False)


class Stream(IterableDataset[Batch]):
    """Training set 2: all tweets end to end, in another order every epoch, read by ``batch_size`` readers at once.

    Each reader has a stretch of its own, so that its state can be carried from batch to batch. The tokens left over
    when the stream is divided evenly, fewer than there are readers, are skipped; in another epoch they are others.

    Args:
        tweets: their tokens.
        length: tokens that a reader reads in a batch.
        sharing: among processes.
    """

    length: int
    sharing: Sharing

    def __init__(self, tweets: Sequence[Sequence[int]], length: int, sharing: Sharing) -> None:
        self.tweets: list[Tensor] = [torch.tensor([*tweet, END]) for tweet in tweets]
        self.length, self.sharing = length, sharing
        self.tokens: int = sum(map(len, self.tweets))

    def __len__(self) -> int:
        return math.ceil((self.tokens // self.sharing.columns) / self.length)

    def __iter__(self) -> Iterator[Batch]:
        order = self.sharing.order(len(self.tweets)).tolist()
        stream = torch.cat([torch.tensor([END]), *(self.tweets[i] for i in order)])
        columns = self.sharing.columns
        stretch = self.tokens // columns
        mine = range(self.sharing.rank, columns, self.sharing.processes)
        # A reader's last target is the next one's first token.
        readers = torch.stack([stream[i * stretch : (i + 1) * stretch + 1] for i in mine], dim=1)
        for begin in range(0, stretch, self.length):
            part = readers[begin : begin + self.length + 1]
            yield Batch(part[:-1], part[1:], goes_on=begin > 0)


def padded(tweets: Sequence[Sequence[int]]) -> Batch:
    """Return whole tweets side by side; the targets beyond a tweet's end are `NOTHING`.

    Returns:
        tokens and targets (longest + 1, tweet): END and the tweet's tokens, the tweet's tokens and END.

    Example:
        >>> padded([[5, 6], [7]]).targets.T.tolist()
        [[5, 6, 0], [7, 0, -100]]
    """
    longest = max(map(len, tweets), default=0)
    tokens = torch.full((longest + 1, len(tweets)), END)
    targets = torch.full((longest + 1, len(tweets)), NOTHING)
    for column, tweet in enumerate(tweets):
        tokens[1 : len(tweet) + 1, column] = torch.tensor(tweet, dtype=torch.int64)
        targets[: len(tweet) + 1, column] = torch.tensor([*tweet, END])
    return Batch(tokens, targets, goes_on=False)


def in_order(tweets: Sequence[Sequence[int]], readers: int, length: int) -> Iterator[Batch]:
    """Yield tweets end to end as in `Stream`, but in their own order and every token, for tweets that are held out.

    Args:
        tweets: their tokens.
        readers: at most so many, with neighbouring tweets and about as many tokens as each other.
        length: tokens that a reader reads in a batch.
    """
    sizes = torch.tensor([len(tweet) + 1 for tweet in tweets])
    reader = (sizes.cumsum(0) - sizes) * readers // max(int(sizes.sum()), 1)
    stretches: dict[int, list[int]] = {}
    for tweet, number in zip(tweets, reader.tolist(), strict=True):
        if number in stretches:
            stretches[number] += [END, *tweet]
        else:
            stretches[number] = list(tweet)
    tokens, targets, _ = padded(list(stretches.values()))
    for begin in range(0, len(tokens), length):
        yield Batch(tokens[begin : begin + length], targets[begin : begin + length], goes_on=begin > 0)
