"""Measures over all texts of a stage."""

import math

import pytest
import torch

from suite_tweets.sums import Sums
from suite_tweets.tokens import learn

TOKENIZER = learn(["one two two", "one three two"], "words", None, "kept")


def test_measures_are_of_all_texts_together_and_then_begin_again() -> None:
    sums = Sums()
    for text, nats in (("two", [1.0, 2.0]), ("one two", [3.0, 1.0, 2.0])):
        sums.add([text], torch.tensor(nats, dtype=torch.float64), TOKENIZER)
    measures = sums.measures()
    assert measures["loss"].item() == pytest.approx(9 / 5)
    assert measures["perplexity"].item() == pytest.approx(math.exp(9 / 5))
    assert measures["bits_per_char"].item() == pytest.approx(9 / math.log(2) / (4 + 8))
    sums.add(["two"], torch.tensor([2.0, 2.0]), TOKENIZER)
    assert sums.measures()["loss"].item() == 2.0


def test_unknown_words_cost_their_spelling_too() -> None:
    sums = Sums()
    sums.add(["four"], torch.zeros(2), TOKENIZER)
    assert sums.measures()["bits_per_char"].item() == pytest.approx(TOKENIZER.oov_bits("four") / 5)


def test_the_same_texts_counting_on_have_a_measure_of_their_own() -> None:
    sums = Sums()
    sums.add(["two"], torch.tensor([2.0, 2.0]), TOKENIZER)
    sums.add_counting_on(torch.tensor([1.0, 1.0]))
    measures = sums.measures(counting_on=True)
    assert measures["bits_per_char_cached"].item() == pytest.approx(measures["bits_per_char"].item() / 2)
    assert "bits_per_char_cached" not in sums.measures()
