"""The cache: a proper distribution over what was read last, and no token sees itself or what comes after it."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_tweets.memory import FLATNESSES, WEIGHTS, Cache, Memory, cache_probability, mixed_nats, tuned


def memory(tokens: list[int], dim: int = 3) -> Memory:
    return Memory(torch.randn(len(tokens), dim), torch.tensor(tokens, dtype=torch.int64))


NOTHING_BEFORE = memory([])


def cached_nats(nats: Tensor, read: Memory, before: Memory, *, weight: float, **options: Any) -> Tensor:
    return mixed_nats(nats, cache_probability(read, before, **options), weight)


def by_hand(nats: Tensor, read: Memory, before: Memory, window: int, flatness: float, weight: float) -> list[float]:
    """The formula, token by token."""
    tokens = [*before.tokens.tolist(), *read.tokens.tolist()]
    hidden = torch.cat([before.hidden, read.hidden])
    mixed = []
    for now in range(len(before.tokens), len(tokens)):
        network = math.exp(-float(nats[now - len(before.tokens)]))
        past = range(max(0, now - window), now)
        weights = [math.exp(flatness * float(hidden[now] @ hidden[i])) for i in past]
        same = sum(weight for weight, i in zip(weights, past, strict=True) if tokens[i] == tokens[now])
        cache = same / sum(weights) if past else 0.0
        mixed.append(-math.log((1 - weight) * network + weight * cache))
    return mixed


@pytest.mark.parametrize("together", [1, 3, 100])
@pytest.mark.parametrize("window", [1, 4, 100])
@pytest.mark.parametrize("before", [[], [1], [2, 1, 3, 1, 2, 2]])
def test_it_is_the_formula_however_much_is_read_together(before: list[int], window: int, together: int) -> None:
    read, past = memory([1, 2, 2, 3, 1, 2, 4, 1]), memory(before)
    nats = torch.rand(8, dtype=torch.float64) * 3
    actual = cached_nats(nats, read, past, window=window, flatness=0.7, weight=0.3, together=together)
    assert actual.dtype == torch.float64
    assert actual.tolist() == pytest.approx(by_hand(nats, read, past, window, 0.7, 0.3), rel=1e-5)


def test_a_cache_without_weight_changes_nothing() -> None:
    nats = torch.rand(4, dtype=torch.float64)
    read = memory([1, 2, 1, 2])
    torch.testing.assert_close(cached_nats(nats, read, memory([1]), window=5, flatness=1.0, weight=0.0), nats)


def test_nothing_before_gives_the_cache_no_say() -> None:
    actual = cache_probability(memory([1, 1]), NOTHING_BEFORE, window=5, flatness=1.0)
    assert actual.tolist() == [0.0, 1.0]


def test_what_repeats_itself_wants_the_cache_and_what_never_does_not() -> None:
    nats = torch.full((60,), 4.0, dtype=torch.float64)
    before = memory([7] * 5)
    _, weight = tuned(nats, memory([1] * 60), before, window=50)
    assert weight == max(WEIGHTS)
    flatness, weight = tuned(nats, memory(list(range(10, 70))), before, window=50)
    assert (flatness, weight) == (min(FLATNESSES), 0.0)


def test_the_best_of_what_is_tried_is_taken() -> None:
    read, before = memory([1, 2, 2, 3, 1, 2, 4, 1, 1, 2]), memory([2, 1, 2, 2])
    nats = torch.rand(10, dtype=torch.float64) * 3
    flatness, weight = tuned(nats, read, before, window=6)
    tried = [
        cached_nats(nats, read, before, window=6, flatness=flatness_tried, weight=share).sum()
        for flatness_tried in FLATNESSES
        for share in WEIGHTS
    ]
    assert cached_nats(nats, read, before, window=6, flatness=flatness, weight=weight).sum() == min(tried)


def test_probabilities_of_all_tokens_add_up_to_one() -> None:
    before = memory([1, 2, 2, 0])
    logits, hidden = torch.randn(5, dtype=torch.float64), torch.randn(1, 3)
    nats = -logits.log_softmax(dim=0)
    total = 0.0
    for token in range(5):
        read = Memory(hidden, torch.tensor([token]))
        mixed = cached_nats(nats[token : token + 1], read, before, window=3, flatness=0.7, weight=0.3)
        total += math.exp(-float(mixed))
    assert total == pytest.approx(1, abs=1e-6)


def test_without_flatness_it_is_a_cache_of_frequencies() -> None:
    mixed = cached_nats(
        torch.full((1,), 50.0, dtype=torch.float64),
        memory([1]),
        memory([1, 2, 1, 3]),
        window=4,
        flatness=0.0,
        weight=0.5,
    )
    assert math.exp(-float(mixed)) == pytest.approx(0.5 * 2 / 4)


def test_what_comes_after_is_not_known() -> None:
    one, other = memory([1, 2, 3, 1]), memory([1, 2, 2, 2])
    nats = torch.rand(4, dtype=torch.float64)
    other = Memory(torch.cat([one.hidden[:2], other.hidden[2:]]), other.tokens)
    first, second = (cached_nats(nats, read, memory([]), window=9, flatness=1.0, weight=0.5) for read in (one, other))
    assert torch.equal(first[:2], second[:2])


def test_nothing_read_costs_nothing() -> None:
    assert (
        len(
            cached_nats(
                torch.empty(0, dtype=torch.float64), memory([]), memory([1, 2]), window=4, flatness=1.0, weight=0.5
            )
        )
        == 0
    )


def test_a_memory_keeps_what_was_read_last() -> None:
    both = memory([1, 2]).and_then(memory([3, 4, 5]))
    assert both.tokens.tolist() == [1, 2, 3, 4, 5]
    assert both.last(3).tokens.tolist() == [3, 4, 5]
    assert torch.equal(both.last(3).hidden, both.hidden[2:])
    assert both.last(9).tokens.tolist() == [1, 2, 3, 4, 5]


def test_a_cache_remembers_what_it_was_asked_about() -> None:
    before, read, first, second = memory([2, 1, 2]), memory([1, 2, 2, 3]), memory([1, 2]), memory([2, 2, 3])
    nats = torch.rand(9, dtype=torch.float64) * 3
    cache = Cache(nats[:4], read, before, window=6)
    actual = torch.cat([cache.nats(nats[4:6], first), cache.nats(nats[6:], second)])
    past, asked = before.and_then(read), first.and_then(second)
    expected = cached_nats(nats[4:], asked, past, window=6, flatness=cache.flatness, weight=cache.weight)
    torch.testing.assert_close(actual, expected)
