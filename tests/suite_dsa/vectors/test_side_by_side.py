"""Vectors of several sources side by side: who knows which word, and what tells words apart."""

import numpy as np
import pytest
import torch

from suite_dsa.vectors.files import WordVectors
from suite_dsa.vectors.pieces import Pieces
from suite_dsa.vectors.side_by_side import Stack, stack
from suite_dsa.vocabulary import UNKNOWN

SHARING = WordVectors(np.array([[3, 4], [0, 5]], dtype=np.float32), {"funny": 0, "unfunny": 0, "Rome": 1, "a\nb": 1})
OTHER = WordVectors(np.array([[1], [-3], [2]], dtype=np.float32), {"funny": 0, "unfunny": 1, "cat": 2})


def made(words: list[str], extra_words: int = 9, vector_norm: float | None = None) -> Stack:
    return stack(words, [SHARING, OTHER], extra_words=extra_words, vector_norm=vector_norm)


def vector(stacked: Stack, word: str) -> list[float]:
    return stacked.vectors(torch.tensor([stacked.vocabulary.row(word)]))[0].tolist()


def test_words_that_share_a_vector_in_one_source_are_told_apart_by_another() -> None:
    stacked = made(["funny", "unfunny"])

    assert vector(stacked, "funny") == [3, 4, 1, 1, 1]
    assert vector(stacked, "unfunny") == [3, 4, -3, 1, 1]


def test_a_source_that_lacks_a_word_has_zeros_and_no_flag() -> None:
    stacked = made(["rome", "cat", "zyzzyva"])

    assert vector(stacked, "rome") == [0, 5, 0, 1, 0]
    assert vector(stacked, "cat") == [0, 0, 2, 0, 1]
    assert vector(stacked, "zyzzyva") == vector(stacked, "nowhere") == [0, 0, 0, 0, 0]
    assert (stacked.known, stacked.nowhere) == ([1, 1], 1)


def test_training_words_have_the_first_rows_even_those_that_no_source_knows() -> None:
    stacked = made(["zyzzyva", "cat"])

    assert [stacked.vocabulary.row(word) for word in ("zyzzyva", "cat")] == [1, 2]
    assert stacked.vocabulary.row("funny") > 2


def test_words_beyond_the_training_data_are_kept_up_to_a_number_of_vectors_from_each_source() -> None:
    none, one = made(["cat"], extra_words=0), made(["cat"], extra_words=1)

    assert none.vocabulary.row("funny") == UNKNOWN
    assert vector(one, "funny") == [3, 4, 1, 1, 1]
    assert vector(one, "unfunny") == [3, 4, 0, 1, 0]  # on a row that is kept in one source, beyond them in the other


def test_each_source_is_scaled_by_the_training_words_that_it_knows() -> None:
    stacked = made(["funny", "unfunny"], vector_norm=6.0)

    assert vector(stacked, "funny") == pytest.approx([3.6, 4.8, 3.0, 1, 1], rel=1e-3)
    assert stacked.scales == pytest.approx([1.2, 3.0])  # norms 5; 1 and 3


def test_the_tables_are_in_half_precision_and_share_what_the_sources_share() -> None:
    stacked = made(["funny", "unfunny"])

    assert {name: tuple(value.shape) for name, value in stacked.vectors.state_dict().items()} == {
        "table_0": (2, 2),
        "rows_0": (3,),  # funny, unfunny, Rome
        "offsets_0": (1 + 4 + 1,),  # and the unknown word, and cat
        "table_1": (3, 1),
        "rows_1": (3,),
        "offsets_1": (1 + 4 + 1,),
    }
    assert stacked.vectors.table_0.dtype == torch.float16


def test_words_are_made_of_the_pieces_of_a_source_that_has_pieces() -> None:
    letters = Pieces(np.arange(26, dtype=np.float32)[:, None], lambda words: [[ord(x) - 97 for x in w] for w in words])
    stacked = stack(["ace"], [letters, OTHER], extra_words=1, vector_norm=None)

    assert vector(stacked, "ace") == [2, 0, 1, 0]  # the mean of 0, 2 and 4
    assert vector(stacked, "funny") == [15, 1, 1, 1]  # known of the other source's words
    assert vector(stacked, "zoo") == [0, 0, 0, 0]


def test_pieces_are_scaled_by_the_words_that_they_make() -> None:
    letters = Pieces(np.arange(26, dtype=np.float32)[:, None], lambda words: [[ord(x) - 97 for x in w] for w in words])
    stacked = stack(["bd", "d"], [letters, OTHER], extra_words=0, vector_norm=5.0)

    assert stacked.scales == [2.0, 1.0]  # norms 2 and 3; the other source knows neither
    assert vector(stacked, "d") == [6, 0, 1, 0]


def test_vectors_can_be_looked_up_for_no_words() -> None:
    assert made(["cat"]).vectors(torch.empty(0, dtype=torch.int64)).shape == (0, 5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_source_that_knows_no_word_has_zeros(dtype: torch.dtype) -> None:
    nothing = WordVectors(np.zeros((0, 2), dtype=np.float32), {})
    stacked = stack(["cat"], [nothing, OTHER], extra_words=9, vector_norm=None)
    rows = torch.tensor([stacked.vocabulary.row(word) for word in ("cat", "nowhere")])

    assert stacked.vectors.to(dtype)(rows, dtype).tolist() == [[0, 0, 2, 0, 1], [0, 0, 0, 0, 0]]
    assert stacked.known == [0, 1]


def test_vectors_come_in_the_type_that_is_asked_for() -> None:
    vectors = made(["cat"]).vectors

    assert vectors(torch.tensor([1])).dtype == torch.float32
    assert vectors(torch.tensor([1]), torch.float64).dtype == torch.float64
