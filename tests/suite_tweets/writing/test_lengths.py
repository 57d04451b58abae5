"""Lengths of tweets, and places at which they are cut."""

import itertools

import pytest
import torch

from suite_tweets.writing.lengths import cut_at_word, match_lengths


@pytest.mark.parametrize(
    ("text", "length", "start", "expected"),
    [
        ("один два три четыре", 13, 0, "один два три"),
        ("один два три четыре", 12, 0, "один два три"),
        ("один два три четыре", 11, 0, "один два"),
        ("один два три четыре", 1, 0, "один"),
        ("один два три четыре", 99, 0, "один два три"),
        ("один два три четыре", 1, 4, "один два"),
        ("один", 9, 0, ""),
        ("日本語の文", 5, 0, "日本"),
        ("🚀 🚀 🚀", 5, 0, "🚀 🚀"),
    ],
)
def test_a_text_is_cut_between_words(text: str, length: int, start: int, expected: str) -> None:
    assert cut_at_word(text, length, start=start) == expected


def test_the_nearest_candidates_are_those_with_the_smallest_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        lengths = torch.randint(12, (3,), generator=generator).tolist()
        candidates = torch.randint(12, (6,), generator=generator).tolist()
        places = itertools.permutations(range(6), 3)
        expected = min(sum(abs(lengths[i] - candidates[p]) for i, p in enumerate(taken)) for taken in places)
        matched = match_lengths(lengths, candidates)
        assert len(set(matched)) == 3
        assert sum(abs(length - candidates[i]) for length, i in zip(lengths, matched, strict=True)) == expected
