"""Tokenised sentences: what a batch of them holds, and the fingerprint of what they were made of."""

from pathlib import Path

import torch

from suite_dsa.sentences import Sentences, fingerprint
from suite_dsa.sources.examples import Example

PAIRS = Sentences([("a good film", "a film"), ("", "no"), ("a good film", "a dog")], str.split, [1, 0, 2])


def test_a_batch_holds_words_labels_and_texts_column_by_column() -> None:
    batch = PAIRS.batch([2, 1])

    assert batch.columns == ([["a", "good", "film"], []], [["a", "dog"], ["no"]])
    assert batch.labels is not None
    assert batch.labels.dtype == torch.int64
    assert batch.labels.tolist() == [2, 0]
    assert batch.texts == (["a good film", ""], ["a dog", "no"])


def test_inputs_to_predict_have_no_labels() -> None:
    assert Sentences([("a film",)], str.split, None).batch([0]).labels is None


def test_an_item_is_its_own_index() -> None:
    assert [PAIRS[i] for i in range(len(PAIRS))] == [0, 1, 2]


def test_the_length_of_a_pair_is_that_of_both_its_sentences() -> None:
    assert PAIRS.lengths() == [5, 1, 5]


def test_the_vocabulary_has_every_word_once_in_order() -> None:
    assert PAIRS.vocabulary() == ["a", "good", "film", "no", "dog"]


def test_a_sentence_that_comes_again_shares_its_words() -> None:
    assert PAIRS.words[0][0] is PAIRS.words[2][0]


def test_only_the_kept_examples_remain() -> None:
    sentences = Sentences([("one",), ("",), ("three",)], str.split, [0, 1, 0])
    sentences.keep([0, 2])

    assert len(sentences) == 2
    assert sentences.lengths() == [1, 1]
    assert sentences.batch([1]).texts == (["three"],)
    assert sentences.batch([0, 1]).labels is not None


def test_no_sentences_are_no_sentences() -> None:
    assert Sentences([], str.split, []).batch([]).columns == ([],)


def test_a_fingerprint_tells_texts_labels_and_order_apart() -> None:
    def of(*rows: tuple[str, str]) -> str:
        return fingerprint(Example((text,), label, Path("anywhere"), 1) for text, label in rows)

    assert of(("a", "x"), ("b", "y")) == of(("a", "x"), ("b", "y"))
    others = [of(("a", "y"), ("b", "y")), of(("c", "x"), ("b", "y")), of(("b", "y"), ("a", "x")), of(("ax", "b"))]
    assert len({of(("a", "x"), ("b", "y")), *others}) == 5
