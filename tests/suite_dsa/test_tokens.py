"""The tokenizers: what they split, and that they fail on nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite_dsa.tokens import TOKENIZERS, ptb_words, sst_words, word_pattern


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It isn't good.", ["it", "is", "n't", "good"]),
        ("the film's (only) joke", ["the", "film", "'s", "(", "only", ")", "joke"]),
        ("a well-made , 10,000-dollar comedy", ["a", "well", "made", ",", "10,000", "dollar", "comedy"]),
        ("`` Memento '' ; why ? !", ["``", "memento", "''", "why", "?", "!"]),
        ("-LRB- sic -RRB-", ["(", "sic", ")"]),
        ("a clichéd d\u2019être", ["a", "cliched", "d'etre"]),
        ("* # $ .", []),
    ],
)
def test_sst_text_is_cleaned_by_kims_rules(text: str, words: list[str]) -> None:
    assert sst_words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It isn't GOOD.", ["It", "is", "n't", "GOOD", "."]),
        ("I can't; don\u2019t", ["I", "ca", "n't", ";", "do", "n't"]),
        ("O'Neil's 3.5% of 1,000 at 12:30...", ["O'Neil", "'s", "3.5%", "of", "1,000", "at", "12:30", "..."]),
        ("in the U.S. (or so)", ["in", "the", "U.S.", "(", "or", "so", ")"]),
        ('state-of-the-art -- "so"', ["state", "-", "of", "-", "the", "-", "art", "--", '"', "so", '"']),
        ("Привет, мир!", ["Привет", ",", "мир", "!"]),
    ],
)
def test_raw_text_is_split_as_the_treebank_does(text: str, words: list[str]) -> None:
    assert ptb_words(text) == words


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_text_without_words_has_none(name: str) -> None:
    assert TOKENIZERS[name]("") == TOKENIZERS[name](" \t\n ") == []


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text() | st.text(alphabet="aB1'n tsdl.,-`\u2019é()"))
def test_splitting_a_split_text_changes_nothing(name: str, text: str) -> None:
    words = TOKENIZERS[name](text)

    assert all(words)
    assert TOKENIZERS[name](" ".join(words)) == words


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("unit", ["a", "1", "a'", "1.", "1,", "a.", "n't", " ", "'", "(", "a b "])
def test_long_text_takes_time_in_proportion(name: str, unit: str) -> None:
    begin = time.process_time()
    TOKENIZERS[name](unit * 100_000)

    assert time.process_time() - begin < 2  # a quadratic pattern would need minutes


@given(st.sampled_from(sorted(TOKENIZERS)), st.text(st.characters(max_codepoint=126)))
def test_the_pattern_of_words_splits_plain_text_as_the_tokenizer(tokenizer: str, text: str) -> None:
    text = text.lower().replace("-lrb-", "(").replace("-rrb-", ")")
    assert re.findall(word_pattern(tokenizer), text) == TOKENIZERS[tokenizer](text)
