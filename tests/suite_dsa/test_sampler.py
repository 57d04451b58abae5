"""The order of the training examples: each once, alike lengths together, the same on any number of processes."""

import random

import pytest
from torch.utils.data import DistributedSampler

from suite_dsa.sampler import BucketSampler

LENGTHS = [random.Random(i).randint(1, 50) for i in range(1003)]


def sampler(
    count: int = 1003, batch_size: int = 8, window: int = 10, epoch: int = 0, processes: int = 1, rank: int = 0
) -> BucketSampler:
    return BucketSampler(
        LENGTHS[:count],
        batch_size=batch_size,
        window=window,
        seed=3,
        epoch=lambda: epoch,
        processes=processes,
        rank=rank,
    )


@pytest.mark.parametrize("window", [0, 1, 2, 10, 1000])
def test_an_epoch_has_every_example_once(window: int) -> None:
    assert sorted(sampler(window=window)) == list(range(1003))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    assert list(sampler(epoch=4)) == list(sampler(epoch=4))
    assert list(sampler(epoch=4)) != list(sampler(epoch=5))


def test_the_epoch_is_asked_for_when_an_iteration_begins() -> None:
    epochs = iter([0, 1])
    changing = BucketSampler(LENGTHS, batch_size=8, window=10, seed=3, epoch=lambda: next(epochs))

    assert list(changing) == list(sampler(epoch=0))
    assert list(changing) == list(sampler(epoch=1))


def test_a_batch_holds_sentences_of_similar_length() -> None:
    def spread(window: int) -> float:
        order = [LENGTHS[i] for i in sampler(window=window)]
        batches = [order[i : i + 8] for i in range(0, len(order), 8)]
        return sum(max(batch) - min(batch) for batch in batches) / len(batches)

    assert spread(window=10) < spread(window=0) / 4


def test_batches_are_not_in_order_of_length() -> None:
    firsts = [LENGTHS[i] for i in list(sampler(window=1000))[::8]]

    assert firsts != sorted(firsts)


@pytest.mark.parametrize("window", [0, 10])
def test_two_processes_see_the_batches_of_one_with_twice_the_size(window: int) -> None:
    one = list(sampler(count=1000, batch_size=16, window=window))
    two = [list(sampler(count=1000, batch_size=8, window=window, processes=2, rank=rank)) for rank in (0, 1)]

    for step in range(1000 // 16):
        together = two[0][step * 8 : step * 8 + 8] + two[1][step * 8 : step * 8 + 8]
        assert sorted(together) == sorted(one[step * 16 : step * 16 + 16])


def test_every_process_has_as_many_examples() -> None:
    parts = [list(sampler(processes=4, rank=rank)) for rank in range(4)]

    assert {len(part) for part in parts} == {len(sampler(processes=4))} == {251}
    assert set().union(*parts) == set(range(1003))


def test_lightning_does_not_wrap_it_into_another_order() -> None:
    assert isinstance(sampler(), DistributedSampler)  # what Lightning asks before it wraps


@pytest.mark.parametrize(("count", "batch_size"), [(1, 8), (5, 1), (16, 8), (17, 8), (18, 8)])
def test_no_example_is_left_out(count: int, batch_size: int) -> None:
    assert sorted(sampler(count=count, batch_size=batch_size)) == list(range(count))
