"""N-grams of tweets: a distribution over known words and all that can be spelt, and no look ahead."""

import math
from typing import Any

import pytest
import torch

from suite_tweets.counting import NGrams
from suite_tweets.tokens import Tokenizer, learn

TEXTS = ["the crew waits", "the rocket flies", "the rocket waits", "a crew flies to the station", "no crew"]


def words(texts: list[str] = TEXTS, size: int | None = None, **options: Any) -> Tokenizer:
    return learn(texts, "words", size, options.get("digits", "kept"), "kneser-ney")


def total(ngrams: NGrams, tokenizer: Tokenizer, before: str, others: list[str]) -> float:
    """The probability of all known words, of the end, and of some other words by what they cost beyond spelling."""
    known = tokenizer.decode(range(2, tokenizer.size)).split()
    texts = [f"{before} {word}" for word in [*known, *others]] + [before]
    place = len(before.split())
    costs = [ngrams.scores([text]).nats[place, 0] for text in texts]
    return float(torch.stack(costs).neg().exp().sum())


@pytest.mark.parametrize("before", ["", "the", "the rocket", "a crew", "an unseen"])
@pytest.mark.parametrize("size", [None, 7])
def test_known_words_the_end_and_an_unknown_word_add_up_to_one(before: str, size: int | None) -> None:
    tokenizer = words(size=size)
    assert total(NGrams(TEXTS, tokenizer, 3), tokenizer, before, ["moon"]) == pytest.approx(1)
    lately = NGrams((), tokenizer, 3, to_come=["the rocket waits"], characters=False)
    lately.counting_on(["the rocket waits"])
    assert total(lately, tokenizer, before, ["moon"]) == pytest.approx(1)


def test_they_add_up_to_one_when_new_words_were_counted() -> None:
    tokenizer = words()
    ngrams = NGrams(TEXTS, tokenizer, 3, to_come=["the moon waits", "mars"])
    ngrams.counting_on(["the moon waits"])
    spelt = {word: math.exp(-tokenizer.spelling_nats(word)) for word in ("moon", "mars")}
    known = total(ngrams, tokenizer, "the", [])
    moon, mars = (math.exp(-float(ngrams.scores([f"the {word}"]).nats[1, 0])) for word in spelt)
    # Beyond its spelling a word that was never counted costs what the n-grams leave to all such words.
    assert known + moon * spelt["moon"] + mars * (1 - spelt["moon"]) == pytest.approx(1)
    assert moon > 10 * mars


def test_what_comes_later_changes_nothing_before() -> None:
    tokenizer = words()
    first, second = ["the moon waits", "a crew", "mars flies"], ["the moon waits", "a crew", "other 🚀 words"]
    one, other = (NGrams(TEXTS, tokenizer, 3, to_come=texts).counting_on(texts) for texts in (first, second))
    same = sum(len(text.split()) + 1 for text in first[:2])
    torch.testing.assert_close(one.nats[:same], other.nats[:same])
    torch.testing.assert_close(one.known[: same + 1], other.known[: same + 1])
    assert not torch.allclose(one.nats[same:], other.nats[same:][: len(one.nats) - same])


def test_counting_on_knows_what_was_said_before() -> None:
    tokenizer = words()
    again = ["mars flies", "mars flies"]
    nats = NGrams(TEXTS, tokenizer, 3, to_come=again).counting_on(again).nats
    assert bool((nats[3:] < nats[:3]).all())


def test_what_is_counted_first_does_not_depend_on_what_is_to_be_counted() -> None:
    tokenizer = words()
    plain, prepared = (NGrams(TEXTS, tokenizer, 3, to_come=texts).scores(TEXTS) for texts in ([], ["mars flies"]))
    torch.testing.assert_close(plain.nats, prepared.nats)


def test_pieces_of_words_are_counted_without_characters() -> None:
    pytest.importorskip("tokenizers")
    tokenizer = learn(TEXTS, "bpe", 280, "kept")
    counted = NGrams(TEXTS, tokenizer, 4).scores(["the moon"])
    assert counted.nats.shape == (len(tokenizer.encode("the moon")) + 1, 1)
    assert counted.known.shape[1] == 6


def test_numbers_of_equal_length_are_one_word() -> None:
    tokenizer = words(["in 2024", "in 1999"], digits="zeros")
    nats = NGrams(["in 2024", "in 1999"], tokenizer, 3).scores(["in 2024", "in 5678"]).nats
    torch.testing.assert_close(nats[:3], nats[3:])
