"""Characters in running text: words that add up to 1, and do not know what follows them."""

from itertools import product

import numpy as np
import pytest

from suite_tweets import characters as characters_file
from suite_tweets.characters import UNICODE, Characters

TEXTS = ["ab ba", "aab b", "b ab", "ba a", "a bb"]


@pytest.mark.parametrize("before", ["", "ab ", "b ", "bb ba "])
def test_all_words_and_the_end_add_up_to_one(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters_file, "UNICODE", 4)  # END, space, a and b
    model = Characters(TEXTS)
    words = ["".join(letters) for length in range(1, 10) for letters in product("ab", repeat=length)]
    place = len(before.split())
    tokens = model.words(model.find([before + word for word in ["", *words]]))
    here = np.cumsum([0, place + 1, *[place + 2] * (len(words) - 1)]) + place
    assert 0.98 < np.exp(-tokens[here]).sum() < 1  # the rest is longer


def test_all_characters_add_up_to_one() -> None:
    model = Characters(TEXTS)
    found = model.find(["ab ba"])
    occurring = sum(model._probabilities(model._model.instead(found, code)) for code in range(4))
    others = model._probabilities(model._model.instead(found, model._other))
    assert occurring + (UNICODE - 4) * others == pytest.approx(1)


def test_what_a_word_costs_does_not_depend_on_what_follows() -> None:
    model = Characters(TEXTS)
    short, long, other = (model.words(model.find([text])) for text in ("ab ba", "ab ba bb", "ab aab"))
    assert short[:2] == pytest.approx(long[:2])
    assert short[0] == pytest.approx(other[0])


def test_a_text_costs_its_characters_less_the_spaces_that_cannot_be() -> None:
    model = Characters(TEXTS)
    found = model.find(["ab  ba", "", "xyz"])
    words = model.words(found)
    assert len(words) == 3 + 1 + 2
    assert 0 < -np.log(model._probabilities(found)).sum() - words.sum() < 0.5
    assert np.isfinite(words).all()
