"""The spelling of unknown words: a proper distribution over characters that knows the words it was learnt from."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from suite_tweets import characters
from suite_tweets.spelling import END, ORDER, UNICODE, KneserNeySpelling, Spelling

WORDS = ["шаг", "ракета", "ракетный", "старт", "стартует", "станция", "rocket", "rockets", "station", "a", "я"]


def total(words: list[str], before: str) -> float:
    """The probability of all characters after two: one by one those that occur, in one number the rest.

    A character that occurs nowhere has the same probability as any other such.
    """
    spelling = Spelling(words)
    occurring = {*"".join(words), END}
    rest = spelling._probability("\U0010fffe", before)
    return sum(spelling._probability(each, before) for each in occurring) + (UNICODE - len(occurring)) * rest


@pytest.mark.parametrize("before", [END * 2, END + "ш", "ша", "ст", "et", "xy", "z" + END, "xш", "яя"])
def test_probabilities_of_all_characters_add_up_to_one(before: str) -> None:
    assert total(WORDS, before) == pytest.approx(1, abs=1e-9)


@given(
    words=some.lists(some.text("абв", min_size=1), max_size=8), before=some.text("абв" + END, min_size=2, max_size=2)
)
def test_probabilities_of_all_characters_add_up_to_one_whatever_the_words_are(words: list[str], before: str) -> None:
    assert total(words, before) == pytest.approx(1, abs=1e-9)


def test_bits_of_a_word_are_those_of_its_characters_and_of_its_end() -> None:
    # One word "ab": after nothing a, b and the end come once each; after every other beginning one character.
    uniform = 1 / UNICODE
    single = (1 + 3 * uniform) / 6  # of a, of b and of the end, whatever stands before
    probability = single
    for _ in range(ORDER):
        probability = (1 + probability) / 2  # seen once after each longer beginning
    assert Spelling(["ab"]).bits("ab") == pytest.approx(-3 * math.log2(probability))


def test_a_vocabulary_without_words_spells_with_all_of_unicode() -> None:
    assert Spelling([]).bits("мир") == pytest.approx(4 * math.log2(UNICODE))


def test_each_further_letter_costs_more() -> None:
    spelling = Spelling(WORDS)
    costs = [spelling.bits("rocketstationrockets"[:length]) for length in (6, 13, 20)]
    assert costs == sorted(costs)
    assert spelling.bits("zzzz") > spelling.bits("zz") > spelling.bits("z")


@pytest.mark.parametrize(("near", "far"), [("ракеты", "ыетакр"), ("стартуй", "йуртатс"), ("rocketing", "gnitekcor")])
def test_a_word_like_the_known_ones_costs_less_than_one_of_the_same_letters(near: str, far: str) -> None:
    assert Spelling(WORDS).bits(near) < Spelling(WORDS).bits(far)


@pytest.mark.parametrize("word", ["שלום", "火箭", "🚀", "\U0010ffff", "\x00", "a\u0301"])
def test_characters_that_were_never_seen_cost_finite_bits(word: str) -> None:
    cost = Spelling(WORDS).bits(word)
    assert len(word) * 10 < cost < (len(word) + 1) * 40


def test_the_empty_word_costs_its_end() -> None:
    assert 0 < Spelling(WORDS).bits("") < 40


def test_all_words_but_those_of_the_vocabulary_add_up_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "UNICODE", 4)  # END, space, a and b
    vocabulary = ["ab", "aab", "b", "abba"]
    spelling = KneserNeySpelling(vocabulary)
    words = ["".join(letters) for length in range(1, 8) for letters in product("ab", repeat=length)]
    assert 0.97 < sum(2 ** -spelling.bits(word) for word in words if word not in vocabulary) < 1  # the rest is longer


def test_a_new_word_of_known_parts_is_cheaper_than_any_other() -> None:
    spelling = KneserNeySpelling(WORDS)
    assert spelling.bits("ракетостанция") < spelling.bits("яицнатсотекар") < spelling.bits("🚀" * 13) < math.inf
