"""Encoding is called as in sentence-transformers, and a sentence's embedding depends on nothing but the sentence."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from lightning_suite.progress import quiet
from suite_dsa.encoding import pairs_of
from suite_dsa.module import SentenceClassifier

DIM = 12
SENTENCE = "a good film"


class Frame:
    """Stands for a table of pandas: going through it gives the names of its columns."""

    def __init__(self, columns: dict[str, list[str]]) -> None:
        self.columns = columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


def test_a_string_is_one_sentence_and_not_its_letters(encoder: SentenceClassifier) -> None:
    one = encoder.encode(SENTENCE)
    assert one.shape == (DIM,)
    np.testing.assert_allclose(encoder.encode([SENTENCE])[0], one, atol=1e-6)


def test_a_string_has_one_map_and_one_set_of_weight_vectors(encoder: SentenceClassifier) -> None:
    words, weights = encoder.attention(SENTENCE)
    assert words == ["a", "good", "film"]
    assert weights.shape == (3, 2)
    assert encoder.weight_vectors(SENTENCE).shape == (2, 6)


@pytest.mark.parametrize("kind", [tuple, np.array, iter, lambda texts: (text for text in texts)])
def test_any_ordered_collection_of_strings_will_do(
    encoder: SentenceClassifier, sentences: list[str], kind: Callable[[list[str]], Any]
) -> None:
    np.testing.assert_array_equal(encoder.encode(sentences), encoder.encode(kind(sentences)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, r"expected a string or several strings, such as a list, got NoneType"),
        (7, "got int"),
        (b"good", "got bytes"),
        ({"good": 1}, "got dict, which has no order"),
        ({"good"}, "got set, which has no order"),
        ([None], r"but text 1 is None \(NoneType\)"),
        (["good", float("nan")], r"but text 2 is nan \(float\)"),
        ([["good"], ["bad"]], r"but text 1 is \['good'\] \(list\)"),
        ((text for text in ("good", b"bad")), r"but text 2 is b'bad' \(bytes\)"),
        (Frame({"text": ["good"]}), "got a whole table, Frame: give one of its columns"),
    ],
)
def test_what_is_no_sentence_is_refused_by_its_number(encoder: SentenceClassifier, wrong: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^encode: .*{message}"):
        encoder.encode(wrong)


def test_a_table_of_two_columns_is_no_pair_of_their_names() -> None:
    with pytest.raises(TypeError, match=r"got a whole table, Frame: give zip\(table"):
        pairs_of(Frame({"premise": ["a dog runs"], "hypothesis": ["it moves"]}))


@pytest.mark.parametrize("name", ["attention", "weight_vectors"])
def test_other_methods_refuse_the_same_under_their_own_name(encoder: SentenceClassifier, name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: .* text 2 is None"):
        getattr(encoder, name)(["good", None])


def test_rows_are_in_the_order_of_the_sentences_in_any_batch_size(
    encoder: SentenceClassifier, sentences: list[str]
) -> None:
    expected = np.stack([encoder.encode(sentence) for sentence in sentences])
    assert len(np.unique(expected.round(3), axis=0)) == len(sentences)
    for batch_size in (1, 2, 100):
        np.testing.assert_allclose(expected, encoder.encode(sentences, batch_size), atol=1e-6)


def test_maps_and_weight_vectors_are_in_the_order_of_the_sentences(
    encoder: SentenceClassifier, sentences: list[str]
) -> None:
    maps, vectors = encoder.attention(sentences, batch_size=2), encoder.weight_vectors(sentences, batch_size=2)
    for sentence, (words, weights), vector in zip(sentences, maps, vectors, strict=True):
        assert (words, weights.shape) == (encoder.attention(sentence)[0], (len(words), 2))
        torch.testing.assert_close(encoder.attention(sentence)[1], weights)
        torch.testing.assert_close(encoder.weight_vectors(sentence), vector)


def test_other_sentences_of_the_batch_change_nothing(encoder: SentenceClassifier) -> None:
    alone, among = encoder.encode([SENTENCE]), encoder.encode(["the plot is thin " * 30, SENTENCE, "", "bad"])
    np.testing.assert_allclose(alone[0], among[1], atol=1e-6)


def test_the_kind_of_the_answer_is_chosen(encoder: SentenceClassifier, sentences: list[str]) -> None:
    array = encoder.encode(sentences)
    assert (type(array), array.dtype) == (np.ndarray, np.float32)
    tensor = encoder.encode(sentences, convert_to_tensor=True)
    listed = encoder.encode(sentences, convert_to_numpy=False)
    assert isinstance(listed, list)
    assert not tensor.requires_grad
    torch.testing.assert_close(torch.from_numpy(array), tensor)
    torch.testing.assert_close(tensor, torch.stack(listed))
    assert encoder.encode(SENTENCE, convert_to_tensor=True).shape == (DIM,)


def test_normalised_embeddings_have_length_one(encoder: SentenceClassifier, sentences: list[str]) -> None:
    raw, scaled = encoder.encode(sentences), encoder.encode(sentences, normalize_embeddings=True)
    np.testing.assert_allclose(raw / np.linalg.norm(raw, axis=1, keepdims=True), scaled, atol=1e-6)
    assert np.linalg.norm(raw, axis=1).max() > 1.1


@pytest.mark.parametrize(
    ("precision", "dtype", "columns"),
    [("int8", np.int8, 12), ("uint8", np.uint8, 12), ("binary", np.int8, 2), ("ubinary", np.uint8, 2)],
)
def test_no_sentence_gives_no_row_of_the_right_width(
    encoder: SentenceClassifier, precision: Any, dtype: Any, columns: int
) -> None:
    assert encoder.encode([]).shape == (0, DIM)
    empty = encoder.encode([], precision=precision)
    assert (empty.shape, empty.dtype) == ((0, columns), dtype)


def test_a_lower_precision_is_that_of_the_normalised_embeddings(
    encoder: SentenceClassifier, sentences: list[str]
) -> None:
    bits = encoder.encode(sentences, precision="ubinary", normalize_embeddings=True)
    np.testing.assert_array_equal(np.packbits(encoder.encode(sentences) > 0, axis=1), bits)
    assert encoder.encode(sentences, precision="int8", convert_to_tensor=True).dtype == torch.int8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected a whole number of 1 or more, got 0"),
        ({"batch_size": 2.5}, "batch_size: .* got 2.5"),
        ({"precision": "float16"}, "precision: expected one of float32, int8, uint8, binary, ubinary, got 'float16'"),
        ({"device": "cuda:99"}, r"device: 'cuda:99' cannot be used here \("),
        ({"device": "the moon"}, "device: 'the moon' cannot be used here"),
        ({"device": ["cpu", "cpu"]}, r"device: expected one device, .* got \['cpu', 'cpu'\]"),
    ],
)
def test_an_argument_that_there_is_not_is_refused_by_name(
    encoder: SentenceClassifier, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        encoder.encode([SENTENCE], **arguments)


def test_the_module_moves_to_the_device(encoder: SentenceClassifier) -> None:
    assert encoder.encode([SENTENCE], device="cpu", convert_to_tensor=True).device == torch.device("cpu")
    encoder.encode([], device="meta", convert_to_tensor=True)
    assert encoder.device == torch.device("meta")


def test_a_training_module_trains_on_afterwards_even_if_a_sentence_fails(encoder: SentenceClassifier) -> None:
    encoder.train()
    np.testing.assert_array_equal(encoder.encode([SENTENCE]), encoder.encode([SENTENCE]))  # without dropout
    encoder.tokenizer = "none"
    with pytest.raises(KeyError):
        encoder.encode([SENTENCE])
    assert encoder.training
    assert encoder.encoder.training


def test_a_progress_bar_that_is_not_wanted_is_not_shown(
    encoder: SentenceClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = []
    monkeypatch.setattr("suite_dsa.encoding.quiet", lambda: hidden.append(True) or quiet())
    encoder.encode([SENTENCE])
    assert not hidden
    encoder.encode([SENTENCE], show_progress_bar=False)
    assert hidden


def test_similarity_is_the_cosine_of_embeddings(encoder: SentenceClassifier, sentences: list[str]) -> None:
    embeddings = encoder.encode(sentences, normalize_embeddings=True)
    np.testing.assert_allclose(embeddings @ embeddings.T, encoder.similarity(embeddings, embeddings), atol=1e-6)
    np.testing.assert_allclose(np.ones(6), encoder.similarity_pairwise(embeddings, embeddings), atol=1e-6)
