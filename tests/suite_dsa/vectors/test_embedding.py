"""The embedding table: which words have which vectors."""

import numpy as np
import pytest
import torch

from suite_dsa.vectors.embedding import Embedding, embed
from suite_dsa.vectors.files import WordVectors
from suite_dsa.vocabulary import UNKNOWN

PRETRAINED = WordVectors(
    np.array([[3, 4], [0, 5], [6, 8], [1, 0]], dtype=np.float32),
    {"the": 0, "film": 1, "movie": 1, "Rome": 2, "rare": 3, "odd": 3, "with\nbreak": 3},
)


def embedding(
    words: list[str], extra_words: int = 0, vector_norm: float | None = None, seed: int = 0, apart: bool = False
) -> Embedding:
    options = {"extra_words": extra_words, "vector_norm": vector_norm, "seed": seed, "apart": apart}
    return embed(words, PRETRAINED, oov_range=0.05, **options)  # type: ignore[arg-type]


def vector(made: Embedding, word: str) -> list[float]:
    return made.vectors[made.vocabulary.row(word)].tolist()


def test_training_words_have_their_pretrained_vectors() -> None:
    made = embedding(["film", "the"])

    assert vector(made, "film") == [0, 5]
    assert vector(made, "the") == [3, 4]
    assert (made.pretrained, made.random) == (2, 0)


def test_words_that_share_a_row_share_one_in_the_table() -> None:
    made = embedding(["film", "movie"])

    assert made.vocabulary.row("film") == made.vocabulary.row("movie")
    assert len(made.vectors) == 2  # and the unknown word's


def test_a_word_is_looked_up_in_other_spellings() -> None:
    made = embedding(["The", "rome"])

    assert vector(made, "The") == [3, 4]
    assert vector(made, "rome") == [6, 8]


def test_a_word_without_a_vector_has_a_small_random_one_of_its_own() -> None:
    made = embedding(["zyzzyva", "the", "qwerty"])

    first, second = vector(made, "zyzzyva"), vector(made, "qwerty")
    assert first != second
    assert max(map(abs, first + second)) <= 0.05
    assert made.random == 2


def test_the_unknown_word_has_a_small_random_vector_too() -> None:
    unknown = vector(embedding(["the"]), "nowhere")

    assert 0 < max(map(abs, unknown)) <= 0.05


def test_random_vectors_are_a_function_of_the_seed() -> None:
    first, again, other = (embedding(["zyzzyva"], seed=seed).vectors for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_words_beyond_the_training_data_are_kept_up_to_a_number_of_vectors() -> None:
    assert embedding(["the"]).vocabulary.row("film") == UNKNOWN
    assert vector(embedding(["the"], extra_words=1), "movie") == [0, 5]
    assert embedding(["the"], extra_words=1).vocabulary.row("rare") == UNKNOWN
    assert len(embedding(["the"], extra_words=9).vectors) == 5


def test_words_on_a_kept_row_cost_nothing_and_are_kept() -> None:
    assert vector(embedding(["film"]), "movie") == [0, 5]


def test_words_that_share_a_vector_can_have_rows_of_their_own() -> None:
    made = embedding(["film", "zyzzyva", "movie"], extra_words=9, apart=True)
    rows = {word: made.vocabulary.row(word) for word in ("film", "movie", "zyzzyva", "the")}

    assert len(set(rows.values())) == 4
    assert vector(made, "film") == vector(made, "movie") == [0, 5]
    assert [word for word, row in rows.items() if row < made.trained] == ["film", "movie", "zyzzyva"]
    assert made.trained == 4  # and the unknown word's


def test_training_words_have_the_first_rows() -> None:
    made = embedding(["film", "zyzzyva"], extra_words=9)

    assert {made.vocabulary.row(word) < made.trained for word in ("film", "zyzzyva", "movie")} == {True}
    assert made.vocabulary.row("the") == made.trained == 3


def test_all_vectors_are_scaled_to_the_norm_of_the_training_words() -> None:
    made = embedding(["the", "film"], extra_words=9, vector_norm=6.0)

    assert made.scale == pytest.approx(1.2)  # both have norm 5
    assert vector(made, "Rome") == pytest.approx([7.2, 9.6])
    assert max(map(abs, vector(made, "nowhere"))) <= 0.05


def test_training_words_without_any_pretrained_vector_make_a_table() -> None:
    made = embedding(["zyzzyva"], vector_norm=6.0)

    assert (made.pretrained, made.scale) == (0, 1.0)
    assert made.vectors.shape == (2, 2)
