"""Batches: every window, every token of a stream, every token of what is held out, each once."""

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from suite_tweets.batches import NOTHING, Batch, Sharing, Stream, Windows, in_order, padded, windows
from suite_tweets.tokens import END

TWEETS = [[5, 6, 7], [8, 9], [10], [11, 12, 13, 14], [15, 16, 17, 18, 19, 20, 21]]

tweets_of_tokens = some.lists(some.lists(some.integers(1, 50), min_size=1, max_size=9), min_size=1, max_size=12)


def sharing(batch_size: int, seed: int = 0, epoch: int = 0, processes: int = 1, rank: int = 0) -> Sharing:
    return Sharing(batch_size, seed, lambda: epoch, processes, rank)


def rows(batches: list[Batch]) -> list[tuple[int, ...]]:
    """What each column reads and its last target, over all batches."""
    return [
        (*batch.tokens[:, i].tolist(), int(batch.targets[-1, i]))
        for batch in batches
        for i in range(batch.tokens.shape[1])
    ]


def side_by_side(shares: Sequence[Tensor]) -> Tensor:
    """The columns of processes as one process has them: r, r + n, ..."""
    return torch.stack(list(shares), dim=2).flatten(1)


# Windows within tweets


def test_a_tweet_has_a_window_for_every_place_of_it_with_end_before_and_after() -> None:
    expected = [[END, 5, 6], [5, 6, 7], [6, 7, END]]
    assert windows([[5, 6, 7]], 2).tolist() == expected


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
def test_a_tweet_of_n_tokens_has_n_plus_two_minus_length_windows(length: int) -> None:
    counts = [len(windows([tweet], length)) for tweet in TWEETS]
    assert counts == [len(tweet) + 2 - length if len(tweet) >= length else 0 for tweet in TWEETS]


def test_shorter_tweets_are_left_out() -> None:
    assert windows([[8, 9], [5, 6, 7], [10]], 3).tolist() == [[END, 5, 6, 7], [5, 6, 7, END]]


def test_no_window_reaches_from_one_tweet_into_the_next() -> None:
    tweets = [[1, 1, 1], [2, 2, 2, 2], [3, 3, 3]]
    assert all(len({*row} - {END}) == 1 for row in windows(tweets, 3).tolist())


@pytest.mark.parametrize("tweets", [[], [[1, 2]]])
def test_without_a_long_enough_tweet_there_are_no_windows(tweets: list[list[int]]) -> None:
    assert windows(tweets, 3).shape == (0, 4)


def test_targets_of_a_window_are_the_tokens_after() -> None:
    (batch,) = Windows(windows([[5, 6, 7]], 4 - 1), sharing(2))
    assert batch.tokens.shape == batch.targets.shape == (3, 2)
    assert torch.equal(batch.tokens[1:], batch.targets[:-1])
    assert batch.tokens.dtype == torch.int64
    assert batch.goes_on is False


def test_an_epoch_has_every_window_once_where_sizes_divide() -> None:
    cut = windows(TWEETS, 2)
    assert len(cut) == 3 + 2 + 4 + 7
    batches = list(Windows(cut, sharing(4)))
    assert len(batches) == len(Windows(cut, sharing(4))) == 4
    assert Counter(rows(batches)) == Counter(map(tuple, cut.tolist()))


def test_the_last_batch_is_filled_with_windows_of_the_first() -> None:
    cut = torch.arange(7)[:, None] * 10 + torch.arange(3)
    batches = list(Windows(cut, sharing(4)))
    assert [batch.tokens.shape for batch in batches] == [(2, 4), (2, 4)]
    drawn = rows(batches)
    assert Counter(drawn[:7]) == Counter(map(tuple, cut.tolist()))
    assert drawn[7] == drawn[0]


def test_a_batch_larger_than_all_windows_repeats_them() -> None:
    (batch,) = Windows(torch.tensor([[1, 2], [3, 4]]), sharing(5))
    assert sorted(batch.tokens.flatten().tolist()) in ([1, 1, 1, 3, 3], [1, 1, 3, 3, 3])


def test_processes_together_see_the_windows_that_one_sees() -> None:
    cut = windows(TWEETS, 2)
    alone = list(Windows(cut, sharing(6)))
    shared = [list(Windows(cut, sharing(2, processes=3, rank=rank))) for rank in range(3)]
    assert [len(batches) for batches in shared] == [len(alone)] * 3
    for one, three in zip(alone, zip(*shared, strict=True), strict=True):
        assert torch.equal(one.tokens, side_by_side([batch.tokens for batch in three]))
        assert torch.equal(one.targets, side_by_side([batch.targets for batch in three]))


def test_another_epoch_and_another_seed_have_another_order_of_windows() -> None:
    cut = windows(TWEETS, 2)
    orders = [rows(list(Windows(cut, sharing(4, seed, epoch)))) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert Counter(orders[0]) == Counter(orders[1]) == Counter(orders[2])


def test_an_epoch_is_asked_for_when_it_begins() -> None:
    epoch = [0]
    cut = Windows(windows(TWEETS, 2), Sharing(4, 0, lambda: epoch[0]))
    first = rows(list(cut))
    assert rows(list(cut)) == first
    epoch[0] = 1
    assert rows(list(cut)) != first


# One stream over all tweets


def stretches(batches: list[Batch]) -> list[tuple[list[int], list[int]]]:
    """What every reader reads, and its targets."""
    tokens, targets = (
        torch.cat([getattr(batch, name) for batch in batches]).T.tolist() for name in ("tokens", "targets")
    )
    return list(zip(tokens, targets, strict=True))


@given(tweets=tweets_of_tokens, readers=some.integers(1, 5), length=some.integers(1, 6))
def test_every_reader_reads_a_stretch_on_and_all_stretches_are_the_stream(
    tweets: list[list[int]], readers: int, length: int
) -> None:
    cut = Stream(tweets, length, sharing(readers))
    order = sharing(readers).order(len(tweets)).tolist()
    stream = [END, *(token for i in order for token in [*tweets[i], END])]
    batches = list(cut)
    assert len(batches) == len(cut)
    if not batches:
        assert cut.tokens < readers
        return
    read = stretches(batches)
    targets_read = [token for _, targets in read for token in targets]
    assert targets_read == stream[1 : len(targets_read) + 1]
    assert [token for tokens, _ in read for token in tokens] == stream[: len(targets_read)]
    assert 0 <= cut.tokens - len(targets_read) < readers


def test_all_but_the_first_batch_of_an_epoch_go_on() -> None:
    for _ in range(2):
        assert [batch.goes_on for batch in Stream(TWEETS, 3, sharing(2))] == [False, True, True, True]


def test_only_the_last_batch_of_a_stream_is_shorter() -> None:
    lengths = [len(batch.tokens) for batch in Stream(TWEETS, 4, sharing(2))]
    assert lengths == [4, 4, 3]  # 22 tokens for two readers


@pytest.mark.parametrize(("readers", "processes"), [(1, 2), (2, 3), (3, 2)])
def test_processes_share_the_readers_of_a_stream(readers: int, processes: int) -> None:
    alone = list(Stream(TWEETS, 3, sharing(readers * processes)))
    shared = [list(Stream(TWEETS, 3, sharing(readers, processes=processes, rank=rank))) for rank in range(processes)]
    assert [len(batches) for batches in shared] == [len(alone)] * processes
    for one, parts in zip(alone, zip(*shared, strict=True), strict=True):
        assert torch.equal(one.tokens, side_by_side([part.tokens for part in parts]))
        assert torch.equal(one.targets, side_by_side([part.targets for part in parts]))
        assert {part.goes_on for part in parts} == {one.goes_on}


def test_another_epoch_and_another_seed_have_another_order_of_tweets() -> None:
    orders = [stretches(list(Stream(TWEETS, 4, sharing(1, seed, epoch)))) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_the_same_seed_and_epoch_give_the_same_stream() -> None:
    one, two = (stretches(list(Stream(TWEETS, 4, sharing(2, 3, 4)))) for _ in range(2))
    assert one == two


def test_more_readers_than_tokens_have_nothing_to_read() -> None:
    cut = Stream([[1, 2]], 4, sharing(5))
    assert len(cut) == 0
    assert list(cut) == []


def test_more_readers_than_tweets_share_their_tokens() -> None:
    assert stretches(list(Stream([[1, 2, 3]], 4, sharing(2)))) == [([END, 1], [1, 2]), ([2, 3], [3, END])]


def test_the_order_does_not_depend_on_how_the_epoch_is_shared() -> None:
    assert torch.equal(sharing(4, 5, 6).order(20), sharing(2, 5, 6, processes=2, rank=1).order(20))


# What is held out


def targets_of(batches: list[Batch]) -> list[int]:
    return [token for batch in batches for token in batch.targets.flatten().tolist() if token != NOTHING]


def test_whole_tweets_stand_side_by_side_and_nothing_beyond_counts() -> None:
    tokens, targets, goes_on = padded([[5, 6, 7], [8]])
    assert tokens.T.tolist() == [[END, 5, 6, 7], [END, 8, END, END]]
    assert targets.T.tolist() == [[5, 6, 7, END], [8, END, NOTHING, NOTHING]]
    assert goes_on is False


def test_a_tweet_without_tokens_has_its_end_to_tell() -> None:
    tokens, targets, _ = padded([[], [5]])
    assert tokens.T.tolist() == [[END, END], [END, 5]]
    assert targets.T.tolist() == [[END, NOTHING], [5, END]]


def test_no_tweets_side_by_side_are_no_columns() -> None:
    tokens, targets, _ = padded([])
    assert tokens.shape == targets.shape == (1, 0)


@given(tweets=tweets_of_tokens)
def test_every_token_side_by_side_is_a_target_once(tweets: list[list[int]]) -> None:
    _, targets, _ = padded(tweets)
    targets_read = [[token for token in column if token != NOTHING] for column in targets.T.tolist()]
    assert targets_read == [[*tweet, END] for tweet in tweets]


@given(tweets=tweets_of_tokens, readers=some.integers(1, 20), length=some.integers(1, 9))
def test_every_token_of_the_readings_is_a_target_once_and_in_order(
    tweets: list[list[int]], readers: int, length: int
) -> None:
    batches = list(in_order(tweets, readers, length))
    read = stretches(batches)
    assert len(read) <= readers
    targets_read = [token for _, targets in read for token in targets if token != NOTHING]
    assert targets_read == [token for tweet in tweets for token in [*tweet, END]]


@given(tweets=tweets_of_tokens, readers=some.integers(1, 20), length=some.integers(1, 9))
def test_a_reading_tells_the_token_after_what_it_reads_and_begins_with_end(
    tweets: list[list[int]], readers: int, length: int
) -> None:
    for tokens, targets in stretches(list(in_order(tweets, readers, length))):
        counting = len([token for token in targets if token != NOTHING])
        assert tokens[0] == END
        assert tokens[1:counting] == targets[: counting - 1]
        assert targets[counting:] == [NOTHING] * (len(targets) - counting)


def test_all_but_the_first_batch_of_the_readings_go_on() -> None:
    batches = list(in_order(TWEETS, 2, 4))
    assert [batch.goes_on for batch in batches] == [False, *[True] * (len(batches) - 1)]
    assert [len(batch.tokens) for batch in batches[:-1]] == [4] * (len(batches) - 1)


def test_readers_have_about_as_many_tokens_each() -> None:
    tweets = [[1] * 9] * 40
    columns = stretches(list(in_order(tweets, 4, 1000)))
    assert [sum(target != NOTHING for target in targets) for _, targets in columns] == [100] * 4


def test_a_single_tweet_has_one_reader() -> None:
    (batch,) = in_order([[5, 6]], 16, 64)
    assert batch.tokens.T.tolist() == [[END, 5, 6]]
    assert batch.targets.T.tolist() == [[5, 6, END]]


def test_readings_and_whole_tweets_have_the_same_targets() -> None:
    assert Counter(targets_of(list(in_order(TWEETS, 3, 2)))) == Counter(targets_of([padded(TWEETS)]))


def test_nothing_that_is_read_is_changed() -> None:
    tweets = [[1, 2], [3], [4, 5, 6]]
    list(in_order(tweets, 2, 2))
    padded(tweets)
    list(Stream(tweets, 2, sharing(1)))
    assert tweets == [[1, 2], [3], [4, 5, 6]]
