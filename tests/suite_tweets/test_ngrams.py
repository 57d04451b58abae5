"""Kneser-Ney: the formula by hand, distributions that add up to 1, and counting on."""

import numpy as np
import pytest
from numpy.typing import NDArray

from suite_tweets.ngrams import NONE, Found, KneserNey, discounts


def random_texts(count: int, *, seed: int = 0) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [[0, *random.integers(1, 6, size=random.integers(0, 9)).tolist(), 0] for _ in range(count)]


UNIFORM = np.full(7, 1 / 7)


def everything_after(model: KneserNey, found: Found) -> NDArray[np.float64]:
    """The probabilities of all tokens after those before each token, (token, token)."""
    return model.distributions(found.contexts, UNIFORM).dense().numpy()


def test_a_bigram_is_what_the_formula_says() -> None:
    model = KneserNey([[0, 1, 2, 0], [0, 1, 2, 0], [0, 3, 2, 0]], order=2, size=4)
    # Too few counts to estimate discounts: 1/2 of a count of 1, 1 of 2, 3/2 of 3. Single tokens count what is before
    # them: 1 and 3 follow one token each, 2 follows two, END one.
    single = (2 - 1 + (3 * 0.5 + 1) * 0.25) / 5
    after_start = (2 - 1 + (0.5 + 1) * (1 - 0.5 + (3 * 0.5 + 1) * 0.25) / 5) / 3
    after_1 = (2 - 1 + 1 * single) / 2
    expected = [after_start, after_1]
    found = model.find([[0, 1, 2, 0]])
    assert model.probabilities(found, np.full(3, 0.25))[:2] == pytest.approx(expected)


def test_the_longest_ngrams_and_those_at_the_beginning_count_occurrences() -> None:
    model = KneserNey([[0, 1, 2, 0]] * 5 + [[0, 3, 2, 0]], order=3, size=4)
    assert model._counts[2].tolist() == [5, 1, 5, 1]  # 0 1 2, 0 3 2, 1 2 0, 3 2 0 by their contexts
    assert model._counts[1].tolist() == [5, 1, 1, 2, 1]  # 0 1 and 0 3 begin; 1 2, 2 0 after 1 and 3, 3 2


@pytest.mark.parametrize("order", [1, 2, 4])
def test_all_tokens_add_up_to_one_after_every_context(order: int) -> None:
    texts = random_texts(60)
    model = KneserNey(texts[:40], order=order, size=7)
    found = model.find(texts)
    everything = everything_after(model, found)
    assert everything.sum(axis=1) == pytest.approx(1, abs=1e-12)
    each = model.probabilities(found, UNIFORM[found.grams[0]])
    assert everything[np.arange(len(each)), found.grams[0]] == pytest.approx(each, abs=1e-12)
    assert everything.min() > 0


def test_reading_token_by_token_finds_the_same_ngrams() -> None:
    text = random_texts(1, seed=3)[0]
    model = KneserNey(random_texts(40), order=3, size=7)
    grams = np.full((3, 1), NONE)
    for place, token in enumerate(text[:-1]):
        grams = model.read(grams, np.array([token]))
        assert model.contexts(grams)[:, 0].tolist() == model.find([text]).contexts[:, place].tolist()


def test_counting_on_is_counting_at_once() -> None:
    texts = random_texts(60)
    later = KneserNey(texts[:40], order=3, size=7, to_come=texts[40:])
    for text in texts[40:]:
        later.count(later.find([text]))
    once = KneserNey(texts, order=3, size=7)
    once._discounts = later._discounts
    found = [model.find(texts) for model in (once, later)]
    expected, actual = (everything_after(model, each) for model, each in zip((once, later), found, strict=True))
    np.testing.assert_array_equal(expected, actual)


def test_texts_to_come_change_nothing_before_they_are_counted() -> None:
    texts = random_texts(60)
    without, prepared = (KneserNey(texts[:40], order=3, size=7, to_come=more) for more in ([], texts[40:]))
    for each in (without, prepared):
        assert each.probabilities(each.find(texts), np.full(len(each.find(texts).grams[0]), 0.1)).sum() > 0
    expected, actual = (everything_after(each, each.find(texts)) for each in (without, prepared))
    np.testing.assert_array_equal(expected, actual)


def test_discounts_are_those_of_chen_and_goodman() -> None:
    counts = np.repeat([0, 1, 2, 3, 4, 9], [3, 40, 20, 10, 6, 5])
    share = 40 / (40 + 2 * 20)
    expected = [0, 1 - 2 * share * 20 / 40, 2 - 3 * share * 10 / 20, 3 - 4 * share * 6 / 10]
    assert discounts(counts).tolist() == pytest.approx(expected)
    assert discounts(np.array([1, 1, 2])).tolist() == [0, 0.5, 1, 1.5]


def test_a_text_of_which_nothing_was_counted_has_what_is_left() -> None:
    model = KneserNey([[0, 1, 0]], order=2, size=4)
    found = model.find([[0, 2, 3, 0]])
    nothing = np.array([1e-6, 1e-7, 1.0])
    probabilities = model.probabilities(found, nothing)
    assert 0 < probabilities[0] < 1e-6
    assert 0 < probabilities[1] < 1e-7


def test_texts_that_are_all_shorter_than_the_order_have_the_probabilities_of_a_lower_one() -> None:
    texts, unknown = [[0, 2, 0], [0, 3, 0]], np.full(2, 0.25)
    expected, got = (
        model.probabilities(model.find([[0, 2, 0]]), unknown)
        for model in (KneserNey(texts, order=order, size=4) for order in (3, 6))
    )
    np.testing.assert_allclose(got, expected)
